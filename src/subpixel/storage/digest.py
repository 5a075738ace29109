"""The SHA-256 digest of a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from subpixel.storage.file_kinds import open_file

__all__ = ["digest_of"]


def digest_of(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read, or is a folder, a pipe or a device.
    """
    with os.fdopen(open_file(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
