"""Pictures that a browser can show: of a source, of a result, or of the plain resize of the source to its size.

Runs in a worker process. Written as PNG, which loses nothing, so that pixels can be compared.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, VideoReadError

__all__ = ["make_preview"]

U8 = NDArray[np.uint8]
_PROFILE = "icc-profile-data"


def make_preview(task: dict[str, Any], limit: float) -> None:
    """Write a preview.

    Args:
        task: ``source``: a file; ``kind``: ``image`` or ``video``; ``page``: of an image, or None; ``time``: of a
            video, in seconds; ``size``: of a plain resize, or None; ``max``: largest side, or None;
            ``destination``: a PNG.
        limit: in megapixels.

    Raises:
        SubpixelError: the file cannot be read.
    """
    source = Path(task["source"])
    profile: bytes | None = None
    if task["kind"] == "image":
        pixels, profile = _image(source, limit, task["page"])
    else:
        pixels = _frame(source, task["time"])
    if task["size"] is not None:
        pixels = _resized(pixels, tuple(task["size"]))
    most = task["max"]
    if most is not None and max(pixels.shape[:2]) > most:
        factor = most / max(pixels.shape[:2])
        height, width = (max(1, round(side * factor)) for side in pixels.shape[:2])
        pixels = _resized(pixels, (width, height))
    _write(pixels, profile, Path(task["destination"]))


def _image(source: Path, limit: float, page: int | None) -> tuple[U8, bytes | None]:
    """The pixels of an image, and its colour profile."""
    from subpixel.image import read

    image = read(source, limit=limit, page=page)
    profile = image.header.get(_PROFILE) if image.header is not None and _PROFILE in image.header.get_fields() else None
    return _bytes(image.frames[0]), None if profile is None else bytes(profile)


def _bytes(pixels: NDArray[Any]) -> U8:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return np.asarray((pixels.astype(np.uint32) + 128) // 257, np.uint8)
    return np.asarray(np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * np.float32(255)), np.uint8)


def _frame(source: Path, seconds: float) -> U8:
    import av

    from subpixel.video.container_input import open_video

    with open_video(source) as container:
        streams = container.streams.video
        if not streams:
            raise VideoReadError(f"{source}: there is no image in this file")
        stream = streams[0]
        first = stream.start_time or 0
        wanted = first + round(seconds / stream.time_base)
        try:
            if seconds > 0:
                container.seek(max(first, wanted), stream=stream)
            found = None
            for frame in container.decode(stream):
                found = frame if found is None or (frame.pts or 0) <= wanted else found
                if (frame.pts or 0) >= wanted:
                    break
        except av.error.FFmpegError as error:
            raise VideoReadError(f"{source}: this frame cannot be decoded ({str(error).lower()})") from None
    if found is None:
        raise InvalidArgument(f"time={seconds:g}: there is no such frame")
    return np.asarray(found.to_ndarray(format="rgb24"), np.uint8)


def _resized(pixels: U8, size: tuple[int, ...]) -> U8:
    from subpixel.image.comparison.sheet import bicubic

    return bicubic(pixels, (size[1], size[0]))


def _write(pixels: U8, profile: bytes | None, destination: Path) -> None:
    import pyvips

    part = destination.with_suffix(".part")
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if profile is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, _PROFILE, profile)
    part.write_bytes(image.write_to_buffer(".png", compression=1))
    os.replace(part, destination)
