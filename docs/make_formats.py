"""Writes docs/formats.md from the inventories of the image formats.

python docs/make_formats.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from subpixel.image.files.containers import INVENTORIES
from subpixel.image.files.containers.inventory import Fate, Inventory

PAGE = Path(__file__).parent / "formats.md"

INTRODUCTION = """# What happens to each part of an image file

An image file consists of parts: segments of a JPEG, tags of a TIFF, chunks of a PNG or a WebP, items and properties of
an AVIF, extensions of a GIF. subpixel reads them all and accounts for each. `python docs/make_formats.py` writes this
page from the lists that the program itself uses.

- **read**: the pixels, and what is needed to read them.
- **kept**: in every format that can hold it. A note says where one cannot.
- **converted**: the meaning is kept, in another form.
- **written anew**: it describes the old pixels or the old file. The result gets its own, or needs none.
- **not kept, with a note**: the note names the part.
- **refused**: the file cannot be upscaled without losing pixels, and an error says so.

**A part that is in no table is named in a note**, and so are bytes after the end of an image. [Images](images.md) has
the rest."""

# The order of the rows of a table.
ORDER = tuple(Fate)


def main() -> None:
    PAGE.write_text(page(INVENTORIES), encoding="utf-8")


def page(inventories: Iterable[Inventory]) -> str:
    """The whole page."""
    sections = ("\n".join(section(inventory)) for inventory in inventories)
    return "\n\n".join((INTRODUCTION, *sections)) + "\n"


def section(inventory: Inventory) -> Iterator[str]:
    """The heading and the table of one format.

    >>> from subpixel.image.files.containers.inventory import Part
    >>> print("\\n".join(section(Inventory("PNG", "chunk", (Part("sPLT", "a palette", Fate.LOST, "rare"),)))))
    ## PNG
    <BLANKLINE>
    | chunk | what it holds | what happens to it |
    | --- | --- | --- |
    | `sPLT` | a palette | not kept, with a note (rare) |
    """
    yield f"## {inventory.format}"
    yield ""
    yield f"| {inventory.unit} | what it holds | what happens to it |"
    yield "| --- | --- | --- |"
    for part in sorted(inventory.parts, key=lambda part: ORDER.index(part.fate)):
        fate = f"{part.fate.value} ({part.remark})" if part.remark else part.fate.value
        cells = (f"`{part.name}`", part.meaning, fate)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
