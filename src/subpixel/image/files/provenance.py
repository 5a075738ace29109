"""How a result was made, written into it: model, scale, version, settings and the source file's digest.

These are properties in a namespace of their own in the image's XMP, which JPEG, PNG, WebP, TIFF, AVIF and GIF all hold.
They include no time, so the same job writes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pyvips

from subpixel.image.files.containers import gif
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.source_metadata import get_blob
from subpixel.image.files.xmp import add_properties, read_properties

__all__ = ["Provenance", "read_provenance"]


@dataclass(frozen=True)
class Provenance:
    """How a result was made.

    Args:
        model: the name of the model.
        scale: the size that was asked for, as text: ``2``, ``2.5``, ``w3840``, ``fit3840x2160``.
        version: of this package.
        source: SHA-256 of the source file's bytes, in hexadecimal digits.
        settings: everything else that changes the result, as text. Results of equal provenance in one format are equal.

    >>> provenance = Provenance("fast", "2", "0.1.0", "ab" * 32, "precision=int8")
    >>> Provenance.from_packet(provenance.add_to_packet(None)) == provenance
    True
    """

    model: str
    scale: str
    version: str
    source: str
    settings: str = ""

    def add_to_packet(self, packet: bytes | None) -> bytes | None:
        """An XMP packet with the provenance added; None if the packet cannot be parsed."""
        return add_properties(packet, {_property(name): getattr(self, name) for name in _NAMES})

    @classmethod
    def from_packet(cls, packet: bytes) -> Provenance | None:
        """The provenance in an XMP packet; None if it is missing or incomplete."""
        properties = read_properties(packet) or {}
        values = {name: properties[_property(name)] for name in _NAMES if _property(name) in properties}
        return cls(**values) if len(values) == len(_NAMES) else None


def read_provenance(path: str | Path) -> Provenance | None:
    """The provenance of an image file.

    Returns:
        None for a file that has none, does not exist, or is not an image.
    """
    try:
        with OpenFile(path) as file:
            with file.reader() as reader:
                packet, _ = gif.read_blocks(reader)
            if packet is None:
                packet = get_blob(file.vips_image(access="sequential"), "xmp-data")
    except (OSError, pyvips.Error):
        return None
    return None if packet is None else Provenance.from_packet(packet)


_NAMES = tuple(field.name for field in fields(Provenance))


def _property(name: str) -> str:
    return name.capitalize()
