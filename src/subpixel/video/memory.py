"""The memory that upscaling a video takes: estimated by its frames, since encoders hold many."""

from __future__ import annotations

import av

from subpixel.storage.memory import HELP, memory_left, require_memory, stack_size
from subpixel.video.pipeline import DEPTH

__all__ = ["check_memory"]

# Frames of the result that each encoder holds with its defaults: measured from 640×480 to 2560×1440, and rounded up.
_HELD = {"x264": 75, "x265": 120, "svt-av1": 175, "vp9": 110, "ffv1": 50, "prores": 50}
# Addresses in bytes that libraries reserve besides the stacks of threads: measured.
_RESERVED = 60_000_000


def check_memory(name: str, size: tuple[int, int], pix_fmt: str, threads: int, encoder: str | None = None) -> None:
    """Check before the work that a limit of this process leaves enough memory.

    Args:
        name: of the video.
        size: (width, height) of the result.
        pix_fmt: of the result.
        threads: of the upscaler, and of the encoder.
        encoder: a name of :data:`subpixel.video.encoders.ENCODERS`; None if frames are not encoded.

    Raises:
        OutOfMemory: it does not.
    """
    if memory_left() is None:
        return
    frame_size = size[0] * size[1] * av.VideoFormat(pix_fmt, *size).padded_bits_per_pixel // 8
    held = 3 * DEPTH + (0 if encoder is None else _HELD.get(encoder, max(_HELD.values())))
    # The decoder, the upscaler and the encoder each have that many threads; two more hand frames from one to another.
    needed = held * frame_size + (3 * threads + 2) * stack_size() + _RESERVED
    require_memory(needed, name, HELP, kind="video")
