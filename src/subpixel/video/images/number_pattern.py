"""Names of numbered files, written as for printf: ``frames/%04d.png``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import InvalidArgument
from subpixel.storage.suffixes import IMAGES

__all__ = ["NumberPattern"]

_PERCENT = re.compile(r"%(%|0[1-9]\d?d|d|.?)", re.DOTALL)
_NUMBER = re.compile(r"%(0[1-9]\d?)?d")


@dataclass(frozen=True)
class NumberPattern:
    """The names of numbered files in one folder.

    Args:
        folder: of the files.
        before: what stands before the number in a file's name.
        digits: the least number of digits; shorter numbers begin with zeros.
        after: what stands after the number, with the suffix.
    """

    folder: Path
    before: str
    digits: int
    after: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> NumberPattern | None:
        """The pattern that a path is; None if it is the name of one file.

        A pattern ends in the suffix of an image, and its file name has one number: ``%d``, or ``%04d`` for at least
        four digits. ``%%`` is a percent sign. A file of exactly this name is that file.

        Raises:
            InvalidArgument: the name has several numbers, or something else after a percent sign.

        >>> NumberPattern.of("frames/shot_%04d.png")
        NumberPattern(folder=PosixPath('frames'), before='shot_', digits=4, after='.png')
        >>> NumberPattern.of("film%04d.mkv")
        """
        path = Path(path)
        if path.suffix.lower() not in IMAGES or not _has_number(path.name) or os.path.lexists(path):
            return None
        parts, digits = [""], 0
        at = 0
        for found in _PERCENT.finditer(path.name):
            parts[-1] += path.name[at : found.start()]
            at = found.end()
            if found[1] == "%":
                parts[-1] += "%"
            elif found[1].endswith("d"):
                digits = int(found[1][:-1] or 1)
                parts.append("")
            else:
                raise InvalidArgument(f"{path}: {found[0]} is not a number; %d or %04d is one, and %% a percent sign")
        parts[-1] += path.name[at:]
        if len(parts) != 2:
            raise InvalidArgument(f"{path}: one number is needed, as in %04d.png, and there are {len(parts) - 1}")
        return cls(path.parent, parts[0], digits, parts[1])

    def path(self, number: int) -> Path:
        """The file of a number.

        >>> NumberPattern(Path("a"), "", 4, ".png").path(7).as_posix()
        'a/0007.png'
        """
        return self.folder / f"{self.before}{number:0{self.digits}d}{self.after}"

    def number(self, name: str) -> int | None:
        """The number of a file's name; None if the pattern does not make this name.

        >>> pattern = NumberPattern(Path("a"), "", 4, ".png")
        >>> pattern.number("0007.png"), pattern.number("12345.png"), pattern.number("7.png")
        (7, 12345, None)
        """
        if not (name.startswith(self.before) and name.endswith(self.after)):
            return None
        digits = name[len(self.before) : len(name) - len(self.after)]
        if not (digits.isascii() and digits.isdigit()) or digits != f"{int(digits):0{self.digits}d}":
            return None
        return int(digits)

    def existing(self) -> dict[int, Path]:
        """The files that are there, by number in increasing order; none if there is no such folder."""
        try:
            names = os.listdir(self.folder)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        found = {number: self.folder / name for name in names if (number := self.number(name)) is not None}
        return dict(sorted(found.items()))


def _has_number(name: str) -> bool:
    """Whether a name asks for a number, rightly or not: a lone percent sign does not."""
    return _NUMBER.search(name.replace("%%", "")) is not None or re.search(r"%\d+d", name.replace("%%", "")) is not None
