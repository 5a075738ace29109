"""Where a result comes from, written into it: model, scale, version, settings and the source file's digest.

It lies in the image's XMP, which JPEG, PNG, WebP, TIFF, AVIF and GIF all hold, as a few properties of a namespace of
its own. It names no time, so the same job gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pyvips

from subpixel.image.files.containers import gif
from subpixel.image.files.source_metadata import blob
from subpixel.image.files.vips_paths import for_libvips
from subpixel.image.files.xmp import properties, with_properties

__all__ = ["Provenance", "provenance_of"]


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Args:
        model: the name of the network.
        scale: how it was upscaled, as text: ``2``, ``2.5``, ``3840x2160``.
        version: of this package.
        source: SHA-256 of the source file's bytes, in hexadecimal digits.
        settings: whatever else changes the result, as text. Two results of equal provenance in one format are equal.

    >>> made = Provenance("fast", "2", "0.1.0", "ab" * 32, "precision=int8")
    >>> Provenance.in_packet(made.into_packet(None)) == made
    True
    """

    model: str
    scale: str
    version: str
    source: str
    settings: str = ""

    def into_packet(self, packet: bytes | None) -> bytes | None:
        """A packet of XMP with this in it, all that it held beside it; None if it cannot be parsed."""
        return with_properties(packet, {_written(name): getattr(self, name) for name in _NAMES})

    @classmethod
    def in_packet(cls, packet: bytes) -> Provenance | None:
        """What a packet of XMP says; None if it says nothing of it, or not all of it."""
        found = properties(packet) or {}
        values = {name: found[_written(name)] for name in _NAMES if _written(name) in found}
        return cls(**values) if len(values) == len(_NAMES) else None


def provenance_of(path: str | Path) -> Provenance | None:
    """What an image file says of where it comes from.

    Returns:
        None for a file that says nothing, is not there, or is no image.
    """
    try:
        packet = gif.blocks(path)[0]
        if packet is None:
            with for_libvips(path) as name:
                header = pyvips.Image.new_from_file(name, access="sequential", revalidate=True)
            packet = blob(header, "xmp-data")
    except (OSError, pyvips.Error):
        return None
    return None if packet is None else Provenance.in_packet(packet)


_NAMES = tuple(field.name for field in fields(Provenance))


def _written(name: str) -> str:
    return name.capitalize()
