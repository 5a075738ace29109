"""Writes ATTRIBUTION.md: the pictures that the shipped networks were trained on, with their sources and licences.

python docs/make_attribution.py PICTURES.tsv

The list has the columns ``repository``, ``path`` and ``licence``, and a line for each crop that was used.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from urllib.parse import quote

PAGE = Path(__file__).parents[1] / "ATTRIBUTION.md"

INTRODUCTION = """# Attribution

All networks of this package were trained on parts of the pictures below, and most on images that
`subpixel.train.drawn_images` draws as well. [The cards](docs/models.md) have the commands.

Each picture is named with its public repository and its licence as stated there. All of these licences allow commercial
use, and some ask for attribution. The pictures were turned upright, brought to sRGB, reduced, and cut into parts; none
of them is part of this package. The texts: [CC0](https://creativecommons.org/publicdomain/zero/1.0/), CC BY
[2.0](https://creativecommons.org/licenses/by/2.0/) and [4.0](https://creativecommons.org/licenses/by/4.0/), CC BY-SA
[3.0](https://creativecommons.org/licenses/by-sa/3.0/) and [4.0](https://creativecommons.org/licenses/by-sa/4.0/).
`docs/make_attribution.py` wrote this page.
"""


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        PAGE.write_text(page(list(csv.DictReader(file, delimiter="\t"))), encoding="utf-8")


def page(rows: list[dict[str, str]]) -> str:
    """The page for a list of crops: by repository and licence, each picture once, with the number of its parts."""
    parts: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        licence, remark = cleaned(row["licence"])
        picture = f"`{row['path']}`" + (f" ({remark})" if remark else "")
        pictures = parts.setdefault(row["repository"], {}).setdefault(licence, {})
        pictures[picture] = pictures.get(picture, 0) + 1
    total = sum(len(pictures) for licences in parts.values() for pictures in licences.values())
    lines = [INTRODUCTION, f"{total} pictures, {len(rows)} parts.", ""]
    for repository, licences in sorted(parts.items(), key=lambda item: item[0].lower()):
        lines += [f"## [{repository}](https://github.com/{quote(repository)})", ""]
        for licence, pictures in sorted(licences.items()):
            lines += [f"{licence}:", ""]
            lines += [f"- {name}" + (f", {count} parts" if count > 1 else "") for name, count in pictures.items()]
            lines.append("")
    return "\n".join(lines)


def cleaned(licence: str) -> tuple[str, str]:
    """A licence as stated, and what it says about one picture alone.

    >>> cleaned("CC BY-SA 4.0 by Cloudinary (LICENSE); photo from Pexels id 164338")
    ('CC BY-SA 4.0 by Cloudinary (LICENSE)', 'photo from Pexels id 164338')
    >>> cleaned("CC0")
    ('CC0', '')
    """
    match = re.fullmatch(r"(.*?); (photo from .*)", licence)
    return (match[1], match[2]) if match else (licence, "")


if __name__ == "__main__":
    main()
