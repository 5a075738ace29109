"""Inventories: every part that a format is known to have, and what happens to it when an image is upscaled.

A part is what the format's specification names: a chunk of a PNG, a tag of a TIFF, a marker of a JPEG, a box of an
AVIF. Each module of a container lists the parts of a file; :meth:`Inventory.losses` says what of them a result lacks.
A part that no inventory knows is named in a note, so nothing is lost silently. ``docs/formats.md`` is made from this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

__all__ = ["Fate", "Inventory", "Part"]

# Unknown parts that a note names: a damaged file may have thousands.
_MOST_NAMES = 20


class Fate(StrEnum):
    """What happens to a part."""

    READ = "read"  # pixels, and what is needed to read them
    KEPT = "kept"  # in every format that can hold it; a note says where one cannot
    CONVERTED = "converted"  # its meaning is kept, in another form
    RENEWED = "written anew"  # it describes the old pixels or the old file; the result gets its own, or needs none
    LOST = "not kept, with a note"
    REFUSED = "refused"  # the file cannot be upscaled without losing pixels


@dataclass(frozen=True)
class Part:
    """A part that a format is known to have.

    Args:
        name: as the specification names it: ``tEXt``, ``APP2 MPF``, ``33550 ModelPixelScale``.
        meaning: what it holds, in a few words that fit into "… is not kept".
        fate: what happens to it.
        remark: more about its fate or its origin, for the table in the documentation.
    """

    name: str
    meaning: str
    fate: Fate
    remark: str = ""


@dataclass(frozen=True)
class Inventory:
    """The known parts of a format.

    Args:
        format: as people write it: ``PNG``.
        unit: what the format calls a part: ``chunk``, ``tag``, ``box``.
        parts: all that are known.
    """

    format: str
    unit: str
    parts: tuple[Part, ...]

    @cached_property
    def by_name(self) -> dict[str, Part]:
        """The parts by their names."""
        return {part.name: part for part in self.parts}

    def losses(self, found: Iterable[str]) -> tuple[str, ...]:
        """What a result lacks of the parts found in a file, one sentence each: the lost, then the unknown.

        Args:
            found: names of parts, in the order of the file; a name may come more than once.

        >>> profile = Inventory("PNG", "chunk", (Part("sPLT", "a suggested palette", Fate.LOST),))
        >>> profile.losses(["sPLT", "abCd", "abCd"])
        ('a suggested palette (sPLT) is not kept', 'the PNG chunk abCd is not known: it is not kept')
        """
        names = tuple(dict.fromkeys(found))
        lost = [self.by_name[name] for name in names if name in self.by_name and self.by_name[name].fate is Fate.LOST]
        unknown = [name for name in names if name not in self.by_name]
        sentences = [f"{part.meaning} ({part.name}) is not kept" for part in lost]
        if len(unknown) == 1:
            sentences.append(f"the {self.format} {self.unit} {unknown[0]} is not known: it is not kept")
        elif unknown:
            plural = "boxes" if self.unit == "box" else f"{self.unit}s"
            more = f" and {len(unknown) - _MOST_NAMES} more" if len(unknown) > _MOST_NAMES else ""
            listed = ", ".join(unknown[:_MOST_NAMES])
            sentences.append(f"the {self.format} {plural} {listed}{more} are not known: they are not kept")
        return tuple(sentences)
