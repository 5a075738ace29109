"""How frames of R, G, B from images are encoded where nothing else is asked for: so that players show them."""

from __future__ import annotations

import av

from subpixel.video.containers import Container
from subpixel.video.default_encoder import default_encoder
from subpixel.video.encoders import ENCODERS, Encoding, accepted_format, encoder_name
from subpixel.video.formats import Layout

__all__ = ["conversion_note", "default_pix_fmt"]

# In order of preference. Hardly any player shows H.264 in R, G, B, and browsers show 4:2:0 only.
_EIGHT_BITS = ("yuv420p", "yuv422p10le")
_MORE_BITS = ("yuv420p10le", "yuv422p10le", "yuv420p")
# What frames from images are tagged as, by ITU-T H.273's numbers.
_MATRICES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020", 10: "BT.2020"}


def default_pix_fmt(encoder: str | None, layout: Layout) -> str | None:
    """The pixel format for frames from images; None for that of the frames, which FFV1 gets, since it loses nothing.

    Args:
        encoder: that was asked for; None for the default.
        layout: of the frames.

    Raises:
        InvalidArgument: no such encoder.

    >>> default_pix_fmt(None, Layout("gbrp", None, 8)), default_pix_fmt("prores", Layout("gbrp", None, 8))
    ('yuv420p', 'yuv422p10le')
    """
    names = _EIGHT_BITS if layout.bits == 8 else _MORE_BITS
    if encoder is None:
        return names[0]
    known = ENCODERS[encoder_name(encoder)]
    if known.name == "ffv1":
        return None
    return next((name for name in names if accepted_format(known, name) is not None), None)


def conversion_note(
    layout: Layout, encoding: Encoding, matrix: int, container: Container, size: tuple[int, int]
) -> str:
    """A sentence about what frames of R, G, B lose in the format that is encoded; empty if nothing.

    Args:
        layout: of the frames.
        encoding: how they are encoded.
        matrix: of the result, as ITU-T H.273 numbers it.
        container: of the result.
        size: (width, height) of the result.
    """
    pixel_format = av.VideoFormat(encoding.pix_fmt)
    bits, lost = pixel_format.components[0].bits, []
    if pixel_format.chroma_width(64) < 64:
        lost.append("colours have fewer samples than brightness")
    if bits < layout.bits:
        lost.append(f"{layout.bits} bits become {bits}")
    if encoding.rgb and not lost:
        return ""
    what = ", ".join([f"{_MATRICES.get(matrix, 'its matrix')}, studio range", *lost]) if not encoding.rgb else lost[0]
    keeps = encoding.pix_fmt != layout.name and default_encoder(container, layout.name, size) is not None
    advice = f"; pix_fmt='{layout.name}' would keep them as they are" if keeps else ""
    return f"R, G, B become {encoding.pix_fmt} ({what}){advice}"
