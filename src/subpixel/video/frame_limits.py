"""How large frames may be for libavcodec and for a container, and the memory that they take.

The limits of an encoder are in :data:`subpixel.video.encoders.ENCODERS`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction

import av

from subpixel.errors import Unsupported
from subpixel.video.containers import CONTAINERS, Container
from subpixel.video.formats import Layout

__all__ = ["check_container_size", "check_frame_size", "encoding_memory", "holds_size", "memory_note"]

# libavutil's limit (av_image_check_size2): 8 bytes for each pixel of a frame with margins of 128, below 2³¹.
_MARGIN, _MOST_PIXELS = 128, 1 << 28
# The largest side in a container: VisualSampleEntry of ISO/IEC 14496-12, 12.1.3, has 16 bits for it.
_MOST_SIDE = {"mp4": 65535, "mov": 65535}
# Bytes for each pixel of 4:2:0 in 8 bits: of the frames on their way through the stages, and of an encoder. Measured at
# 1920×1080 and 3840×2160 with two threads; the estimate is good to about a third.
_STAGES = 75
_ENCODERS = {"x264": 40, "x265": 95, "svt-av1": 170, "vp9": 85, "ffv1": 10, "prores": 10}
# Of encoders of graphics cards: frames on their way to the card. Not measured.
_HARDWARE = 20
# A note is worth its line from this many bytes on.
_MUCH = 2_000_000_000


def check_frame_size(size: tuple[int, int], smaller: Iterable[tuple[int, tuple[int, int]]] = ()) -> None:
    """Check that frames are not too large for libavcodec, and so for every encoder here.

    Args:
        size: (width, height) of the result.
        smaller: smaller scales, and the sizes that they would give.

    Raises:
        Unsupported: they are. The error names the largest of the smaller scales at which they are not.
    """
    if _fits_libav(size):
        return
    fitting = [each for each in smaller if _fits_libav(each[1])]
    advice = ""
    if fitting:
        scale, result = max(fitting)
        advice = f"; scale={scale} fits ({result[0]}×{result[1]})"
    raise Unsupported(
        f"the result would be {size[0]}×{size[1]}, and libavcodec holds frames of at most 268 megapixels{advice}"
    )


def holds_size(container: Container, size: tuple[int, int]) -> bool:
    """Whether a container holds frames of (width, height)."""
    return max(size) <= _MOST_SIDE.get(container.format, 1 << 28)


def check_container_size(container: Container, size: tuple[int, int]) -> None:
    """Check that a container holds frames of (width, height).

    Raises:
        Unsupported: it does not.
    """
    if not holds_size(container, size):
        side = _MOST_SIDE[container.format]
        others = ", ".join(each.name for each in CONTAINERS if holds_size(each, size))
        raise Unsupported(
            f"{container} holds frames of at most {side}×{side}, and the result would be {size[0]}×{size[1]}; "
            f"{others} can"
        )


def encoding_memory(
    size: tuple[int, int], encoder: str | None, layout: Layout, large: tuple[int, int] | None = None
) -> int:
    """About how many bytes of memory frames of a size need while they are upscaled and, with an encoder, encoded.

    Args:
        size: (width, height) of the result.
        encoder: a name of :data:`subpixel.video.encoders.ENCODERS`; None if frames are not encoded.
        layout: of the frames.
        large: (width, height) of what networks make, if a resize follows.

    >>> encoding_memory((3840, 2160), "x264", Layout("yuv420p", "420", 8))
    953856000
    """
    pixel_format = av.VideoFormat(layout.name)
    chroma = Fraction(pixel_format.chroma_width(64) * pixel_format.chroma_height(64), 64 * 64)
    samples = 1 + (0 if layout.subsampling == "gray" else 2 * chroma)
    bytes_each = samples * layout.dtype.itemsize / Fraction(3, 2)
    needed = size[0] * size[1] * (_STAGES + (0 if encoder is None else _ENCODERS.get(encoder, _HARDWARE))) * bytes_each
    if large is not None:
        # The codes of this frame and the one before, and f32 for the resize: of one plane at a time, of RGB all codes.
        planes = 3 if layout.rgb else 1
        needed += large[0] * large[1] * (2 * planes * layout.dtype.itemsize + 4)
    return int(needed)


def memory_note(size: tuple[int, int], encoder: str, layout: Layout, large: tuple[int, int] | None = None) -> list[str]:
    """A sentence about the memory that large frames take; none if they take little.

    Raises:
        Unsupported: they take more than the machine has.
    """
    needed = encoding_memory(size, encoder, layout, large)
    if needed < _MUCH:
        return []
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    note = (
        f"frames of {size[0]}×{size[1]} take about {needed / 1e9:.0f} GB of memory with encoder {encoder}; "
        f"this machine has {machine / 1e9:.0f} GB"
    )
    if needed > machine:
        raise Unsupported(f"{note}; a smaller scale or encoder='ffv1' takes less")
    return [note]


def _fits_libav(size: tuple[int, int]) -> bool:
    return (size[0] + _MARGIN) * (size[1] + _MARGIN) < _MOST_PIXELS
