"""A check that a limit of this process leaves the memory that upscaling a video takes."""

from __future__ import annotations

from subpixel.storage.memory import HELP, memory_left, require_memory, stack_size
from subpixel.video.formats import Layout
from subpixel.video.frame_limits import encoding_memory

__all__ = ["check_memory"]

# Addresses in bytes that libraries reserve besides the stacks of threads: measured.
_RESERVED = 60_000_000


def check_memory(
    name: str,
    size: tuple[int, int],
    layout: Layout,
    threads: int,
    encoder: str | None = None,
    large: tuple[int, int] | None = None,
) -> None:
    """Check before the work that a limit of this process leaves enough memory.

    Args:
        name: of the video.
        size: (width, height) of the result.
        layout: of its frames.
        threads: of the upscaler, and of the encoder.
        encoder: a name of :data:`subpixel.video.encoders.ENCODERS`; None if frames are not encoded.
        large: (width, height) of what networks make, if a resize follows.

    Raises:
        OutOfMemory: it does not.
    """
    if memory_left() is None:
        return
    # The decoder, the upscaler and the encoder each have that many threads; two more hand frames from one to another.
    needed = encoding_memory(size, encoder, layout, large) + (3 * threads + 2) * stack_size() + _RESERVED
    require_memory(needed, name, HELP, kind="video")
