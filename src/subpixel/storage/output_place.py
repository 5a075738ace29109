"""Where the results of a command go: one file, files in a folder, or a file beside each input."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from subpixel.errors import InvalidArgument

__all__ = ["OutputPlace", "names_several"]


@dataclass(frozen=True)
class OutputPlace:
    """Where results go; beside their inputs if there is neither a file nor a folder.

    Args:
        file: the one file, or None.
        folder: the folder, which need not exist, or None.
        plural: what the results are, as ``"images"``.
    """

    file: Path | None
    folder: Path | None
    plural: str

    @classmethod
    def of(
        cls, inputs: Sequence[str], output: str | None, noun: str, plural: str, file_suffixes: Collection[str]
    ) -> Self:
        """The place that an output names.

        Args:
            inputs: as for :func:`subpixel.storage.inputs.find_files`.
            output: the file for one input; a folder, which need not exist if it ends in a slash or if there are several
                inputs; None for a file beside each input.
            noun: what one result is, as ``"an image"``.
            plural: what several are, as ``"images"``.
            file_suffixes: by which the output is taken for the name of a file, in lower case.

        Raises:
            InvalidArgument: there are several inputs and the output cannot be a folder.
        """
        if output is None:
            return cls(None, None, plural)
        if not output.endswith(("/", os.sep)) and not os.path.isdir(output):
            if not names_several(inputs):
                return cls(Path(output), None, plural)
            problem = f"{output}: for several {plural} the output must be a folder, and this is"
            if os.path.lexists(output):
                raise InvalidArgument(f"{problem} a file")
            if Path(output).suffix.lower() in file_suffixes:
                raise InvalidArgument(f"{problem} the name of {noun}; {output}{os.sep} names a folder")
        return cls(None, Path(output), plural)

    def __str__(self) -> str:
        return f"beside the {self.plural}" if self.folder is None else f"in {self.folder}"


def names_several(inputs: Sequence[str]) -> bool:
    """Whether inputs may be more than one file: several paths, a folder, or a pattern.

    >>> names_several(["a.png"]), names_several(["*.png"]), names_several([os.curdir])
    (False, True, True)
    """
    return len(inputs) > 1 or any(
        os.path.isdir(each) or (glob.has_magic(each) and not os.path.lexists(each)) for each in inputs
    )
