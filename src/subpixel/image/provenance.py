"""Where a result comes from, written into it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from subpixel.image.names import for_libvips

__all__ = ["Provenance", "digest_of", "provenance_of"]


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from."""

    model: str
    scale: str
    version: str
    source: str
    settings: str = ""

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


def provenance_of(path: str | Path) -> Provenance | None:
    """What a picture file says of where it comes from; None if it says nothing."""
    import pyvips

    try:
        with for_libvips(path) as name:
            header = pyvips.Image.new_from_file(name, access="sequential")
        for name in header.get_fields():
            if name.startswith("png-comment") and name.endswith("-subpixel"):
                return Provenance(**json.loads(header.get(name)))
    except (pyvips.Error, OSError):
        pass
    return None


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
