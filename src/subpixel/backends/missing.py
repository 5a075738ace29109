"""Packages that a backend needs and that are not installed, as the end of a sentence."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

__all__ = ["missing_packages"]


def missing_packages(names: Sequence[str], extra: str) -> str | None:
    """Why a backend cannot run, or None if all of its packages are installed.

    Args:
        names: of the packages.
        extra: of this package, which installs them.

    >>> missing_packages(["numpy"], "x"), missing_packages(["numpy", "no_such_package"], "x")
    (None, "no_such_package is not installed; the extra 'x' installs it")
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed; the extra '{extra}' installs it"
    return None
