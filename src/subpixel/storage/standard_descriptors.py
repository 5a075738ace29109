"""Descriptors 0, 1 and 2, which a parent may have closed (``2>&-``)."""

from __future__ import annotations

import os
import sys

__all__ = ["fill_standard_descriptors"]


def fill_standard_descriptors() -> None:
    """Open the null device in the place of each closed standard stream, and make ``sys.stdin`` and so on objects.

    Otherwise the next file that is opened becomes standard error, and messages are written into it. Python leaves
    ``sys.__stdin__`` and so on None for a stream that was closed when it started.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # which takes the lowest free number
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode, errors = ("w", "backslashreplace") if number else ("r", "strict")
            setattr(sys, name, open(number, mode, encoding="utf-8", errors=errors, closefd=False))  # noqa: SIM115
