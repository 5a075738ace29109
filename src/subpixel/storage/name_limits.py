"""How long names and paths may be, checked before any work."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["name_limit", "too_long"]

# Bytes by which the path of a claim or a scratch file may be longer than that of its result.
_SCRATCH = 64
# The usual limits, where the system does not say.
_NAME, _PATH = 255, 4096


def name_limit(folder: Path, which: str = "PC_NAME_MAX") -> int:
    """Bytes that a name in a folder may have; with ``PC_PATH_MAX`` those of a path, its final zero included."""
    try:
        return os.pathconf(folder, which)
    except (OSError, ValueError, AttributeError):  # no such folder, or Windows
        return _NAME if which == "PC_NAME_MAX" else _PATH


def too_long(path: Path, folder: Path) -> str:
    """Why a path is too long to be written, as a sentence; empty if it is not.

    Args:
        path: of a file, which need not exist, and neither need its folders.
        folder: the first of its folders that exists.

    >>> too_long(Path("a.png"), Path("."))
    ''
    """
    most = name_limit(folder)
    for name in path.parts[len(folder.parts) :] or (path.name,):
        count = len(os.fsencode(name))
        if count > most:
            return f"a name of {count} bytes is too long: the file system takes at most {most}"
    count, most = len(os.fsencode(path)), name_limit(folder, "PC_PATH_MAX") - _SCRATCH
    return f"a path of {count} bytes is too long: at most {most} are possible" if count > most else ""
