"""How large frames may be: for libavcodec, an encoder and a container; and the memory that they take."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction

import av

from subpixel.errors import Unsupported
from subpixel.video.containers import Container
from subpixel.video.encoders import ENCODERS, Encoding
from subpixel.video.formats import Layout
from subpixel.video.stream_selection import holds_codec

__all__ = ["check_frame_size", "check_pipe_size", "encoding_memory", "memory_note"]

# libavutil's limit (av_image_check_size2): 8 bytes for each pixel of a frame with margins of 128, below 2³¹.
_MARGIN, _MOST_PIXELS = 128, 1 << 28
# The same in words.
_LIBAV = "libavcodec holds frames of at most 268 megapixels"
# The largest side in a container: VisualSampleEntry of ISO/IEC 14496-12, 12.1.3, has 16 bits for it.
_MOST_SIDE = {"mp4": 65535, "mov": 65535}
# Bytes for each pixel of 4:2:0 in 8 bits: of the frames on their way through the stages, and of an encoder. Measured at
# 1920×1080 and 3840×2160 with two threads; the estimate is good to about a third.
_STAGES = 75
_ENCODERS = {"x264": 40, "x265": 95, "svt-av1": 170, "vp9": 85, "ffv1": 10, "prores": 10}
# A note is worth its line from this many bytes on.
_MUCH = 2_000_000_000


def check_frame_size(
    size: tuple[int, int],
    encoding: Encoding,
    container: Container,
    smaller: Iterable[tuple[float, tuple[int, int]]],
) -> None:
    """Check that frames are not too large for anything on their way into a file.

    Args:
        size: (width, height) of the result.
        encoding: how it is encoded.
        container: where it is written to.
        smaller: other scales, and the sizes that they would give.

    Raises:
        Unsupported: they are. The error names the encoder or the container that takes them, or else the largest scale.
    """
    reason = _reason(size, encoding.encoder.name, container)
    if reason is None:
        return
    able = [
        f"encoder={name!r}"
        for name, encoder in ENCODERS.items()
        if encoder.codec in av.codecs_available
        and encoding.pix_fmt in encoder.pix_fmts
        and _reason(size, name, container) is None
        and holds_codec(container, encoder.codec)
    ]
    fitting = [each for each in smaller if _reason(each[1], encoding.encoder.name, container) is None]
    advice = [f"{' or '.join(able)} does"] if able else []
    if fitting:
        scale, result = max(fitting)
        advice.append(f"scale={scale:g} is the largest that fits ({result[0]}×{result[1]})")
    raise Unsupported(f"the result would be {size[0]}×{size[1]}, and {'; '.join([reason, *advice])}")


def check_pipe_size(size: tuple[int, int]) -> None:
    """Check that a frame can be held at all.

    Raises:
        Unsupported: it cannot.
    """
    if not _fits_libav(size):
        raise Unsupported(f"the result would be {size[0]}×{size[1]}, and {_LIBAV}")


def encoding_memory(size: tuple[int, int], encoder: str, layout: Layout) -> int:
    """About how many bytes of memory frames of a size need while they are upscaled and encoded.

    >>> encoding_memory((3840, 2160), "x264", Layout("yuv420p", "420", 8))
    953856000
    """
    pixel_format = av.VideoFormat(layout.name)
    chroma = Fraction(pixel_format.chroma_width(64) * pixel_format.chroma_height(64), 64 * 64)
    samples = 1 + (0 if layout.subsampling == "gray" else 2 * chroma)
    bytes_each = samples * layout.dtype.itemsize / Fraction(3, 2)
    return int(size[0] * size[1] * (_STAGES + _ENCODERS[encoder]) * bytes_each)


def memory_note(size: tuple[int, int], encoder: str, layout: Layout) -> list[str]:
    """A sentence about the memory that large frames take; none if they take little."""
    needed = encoding_memory(size, encoder, layout)
    if needed < _MUCH:
        return []
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return [
        f"frames of {size[0]}×{size[1]} take about {needed / 1e9:.0f} GB of memory with encoder {encoder}; "
        f"this machine has {machine / 1e9:.0f} GB"
    ]


def _reason(size: tuple[int, int], encoder: str, container: Container) -> str | None:
    """What cannot hold frames of a size, as a sentence; None if everything can."""
    if not _fits_libav(size):
        return _LIBAV
    width, height = ENCODERS[encoder].max_size
    if size[0] > width or size[1] > height:
        return f"encoder={encoder!r} accepts at most {width}×{height}"
    side = _MOST_SIDE.get(container.format)
    if side is not None and max(size) > side:
        return f"{container} holds at most {side}×{side}; Matroska holds more"
    return None


def _fits_libav(size: tuple[int, int]) -> bool:
    return (size[0] + _MARGIN) * (size[1] + _MARGIN) < _MOST_PIXELS
