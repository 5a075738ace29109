"""The default encoder: the first of a list that writes the frames as they are, into the container that is wanted."""

from __future__ import annotations

import av

from subpixel.errors import Unsupported
from subpixel.video.containers import CONTAINERS, Container
from subpixel.video.encoders import ENCODERS, accepting_encoders, nearest_format
from subpixel.video.formats import Layout
from subpixel.video.frame_limits import holds_size
from subpixel.video.stream_trials import holds_codec

__all__ = ["default_encoder", "fitting_encoders", "no_encoder"]

# In order of preference. Many players show 10-bit H.265 but not 10-bit H.264, and hardly any show gray H.264.
_EIGHT_BITS = ("x264", "x265", "vp9", "svt-av1", "ffv1")
_MORE_BITS = ("x265", "svt-av1", "vp9", "x264", "ffv1")
_GRAY = ("x265", "ffv1")
_RGB = ("ffv1", "x265", "vp9")
_WEBM_EIGHT_BITS = ("vp9", "svt-av1")


def default_encoder(container: Container, pix_fmt: str, size: tuple[int, int]) -> str | None:
    """The name of the default encoder; None if no encoder here writes such frames into the container.

    Args:
        container: of the result.
        pix_fmt: the pixel format to encode, by libavutil's name.
        size: (width, height) of the result.
    """
    fitting = fitting_encoders(container, pix_fmt, size)
    return next((name for name in _preference(container, pix_fmt) if name in fitting), None)


def fitting_encoders(container: Container, pix_fmt: str, size: tuple[int, int]) -> tuple[str, ...]:
    """The names of all encoders that write frames of a pixel format and (width, height) into a container."""
    able = [ENCODERS[name] for name in accepting_encoders(pix_fmt)] if holds_size(container, size) else []
    return tuple(each.name for each in able if holds_codec(container, each.codec) and each.accepts_size(pix_fmt, size))


def no_encoder(container: Container, layout: Layout, pix_fmt: str, size: tuple[int, int]) -> Unsupported:
    """The error if no encoder writes frames of a layout, in a pixel format, into a container.

    It names the containers that hold them, and a pixel format that this one holds.
    """
    held = [each for each in ENCODERS.values() if holds_codec(container, each.codec)]
    formats = [(each, nearest_format(layout, each, size)) for each in held if each.codec in av.codecs_available]
    converted = [name for each, name in formats if each.accepts_size(name, size)]
    others = ", ".join(each.name for each in CONTAINERS if default_encoder(each, pix_fmt, size))
    advice = [f"{others} can"] if others else []
    advice += [f"pix_fmt={converted[0]!r} converts the frames"] if converted else []
    return Unsupported(
        f"{container} cannot hold frames of {size[0]}×{size[1]} in pixel format {pix_fmt} from any encoder here"
        f"{'; ' if advice else ''}{', and '.join(advice)}"
    )


def _preference(container: Container, pix_fmt: str) -> tuple[str, ...]:
    parts = av.VideoFormat(pix_fmt).components
    bits, colours = parts[0].bits, len([part for part in parts if not part.is_alpha])
    if container.name == "WebM":
        return _WEBM_EIGHT_BITS if bits == 8 else _WEBM_EIGHT_BITS[::-1]
    if av.VideoFormat(pix_fmt).is_rgb:
        return _RGB
    if colours == 1:
        return _GRAY
    return _EIGHT_BITS if bits == 8 else _MORE_BITS
