"""The SHA-256 digest of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["digest_of"]


def digest_of(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
