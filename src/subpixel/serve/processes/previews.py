"""Images that a browser can show: of a source, of a result, or of the plain resize of the source to its size.

Runs in a worker process. Written as PNG, which loses nothing, so that pixels can be compared.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, VideoReadError
from subpixel.ops.resizing.taps import AxisTaps, axis_taps
from subpixel.serve.processes.rasters import Box, Raster, as_bytes

__all__ = ["make_preview"]

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
_PROFILE = "icc-profile-data"
# An image of more pixels is not decoded into memory to be made smaller.
_LARGE = 32_000_000
# Rows of an answer that are made at a time.
_STRIP = 128


@dataclass(frozen=True)
class _View:
    """What is asked for.

    Args:
        source: a file.
        kind: ``image`` or ``video``.
        size: ``(width, height)`` of a plain resize; None for the file's own.
        box: the part; None for all.
        most: the longer side of the answer; None for any.
        page: of a file that holds several images.
        frame: of an animation, from 1.
        seconds: of a video.
    """

    source: Path
    kind: str
    size: tuple[int, int] | None
    box: Box | None
    most: int | None
    page: int | None
    frame: int
    seconds: float

    @classmethod
    def of(cls, task: Mapping[str, Any]) -> _View:
        size, box = task["size"], task["region"]
        return cls(
            Path(task["source"]),
            task["kind"],
            None if size is None else (size[0], size[1]),
            None if box is None else (box[0], box[1], box[2], box[3]),
            task["max"],
            task["page"],
            task["frame"],
            task["time"],
        )

    def reduced(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size of the answer, for a part of some size."""
        if self.most is None or max(size) <= self.most:
            return size
        factor = self.most / max(size)
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def make_preview(task: Mapping[str, Any], limit: float) -> None:
    """Write a preview.

    Args:
        task: ``source``: a file; ``kind``: ``image`` or ``video``; ``page`` and ``frame``: of an image; ``time``: of a
            video, in seconds; ``size``: of a plain resize, or None; ``region``: left, top, width and height, or None;
            ``max``: largest side, or None; ``pixels``: of the file; ``raster``: a folder for its decoded pixels;
            ``destination``: a PNG.
        limit: in megapixels.

    Raises:
        SubpixelError: the file cannot be read, or has no such part.
        OSError: the disk is full.
    """
    view = _View.of(task)
    profile: bytes | None = None
    by_parts = view.box is not None or (view.most is not None and (task["pixels"] or 0) > _LARGE)
    if view.kind == "image" and by_parts:
        folder = Path(task["raster"])
        raster = Raster.open(folder) or Raster.make(folder, view.source, limit=limit, page=view.page, frame=view.frame)
        pixels, profile = _part(raster, view), raster.profile
    else:
        if view.kind == "image":
            pixels, profile = _image(view, limit)
        else:
            pixels = _frame(view.source, view.seconds)
        if view.size is not None:
            pixels = _resized(pixels, view.size)
        if view.box is not None:
            left, top, width, height = _inside(view.box, (pixels.shape[1], pixels.shape[0]))
            pixels = pixels[top : top + height, left : left + width]
        pixels = _resized(pixels, view.reduced((pixels.shape[1], pixels.shape[0])))
    _write(pixels, profile, Path(task["destination"]))


def _part(raster: Raster, view: _View) -> U8:
    """A part of a decoded image, or of its plain resize, reduced."""
    size = view.size or raster.size
    box = _inside(view.box or (0, 0, *size), size)
    answer = view.reduced((box[2], box[3]))
    if answer == (box[2], box[3]):
        return raster.read(box) if size == raster.size else _plain_part(raster, size, box)
    # The smallest level that is not smaller than the answer, and what lies under the part there.
    ratio = raster.size[0] / size[0], raster.size[1] / size[1]
    level = _level(raster, (box[2] * ratio[0], box[3] * ratio[1]), answer)
    most = raster.level_size(level)
    spans = []
    for axis in (0, 1):
        first = min(most[axis] - 1, int(box[axis] * ratio[axis]) >> level)
        last = -(-int(np.ceil((box[axis] + box[axis + 2]) * ratio[axis])) // (1 << level))
        spans.append((first, max(first + 1, min(most[axis], last))))
    taps = [_taps(last - first, wanted, shift=first) for (first, last), wanted in zip(spans, answer, strict=True)]
    return _resampled(raster, level, taps[0], taps[1])


def _level(raster: Raster, part: tuple[float, float], answer: tuple[int, int]) -> int:
    """The smallest level of a raster in which a part is not smaller than the answer."""
    level = 0
    while level + 1 < raster.levels and part[0] / 2 ** (level + 1) >= answer[0]:
        level += 1
    return level


def _plain_part(raster: Raster, size: tuple[int, int], box: Box) -> U8:
    """A part of the plain resize to a size, equal to what it is in the whole."""
    taps = []
    for n_in, n_out, first, count in zip(raster.size, size, box[:2], box[2:], strict=True):
        taps.append(_rows(_taps(n_in, n_out), first, first + count))
    return _resampled(raster, 0, taps[0], taps[1])


def _taps(n_in: int, n_out: int, shift: int = 0) -> AxisTaps:
    taps = axis_taps(n_in, n_out, n_out / n_in, antialias=True)
    return AxisTaps(taps.index + shift, taps.weight)


def _rows(taps: AxisTaps, first: int, last: int) -> AxisTaps:
    return AxisTaps(taps.index[first:last], taps.weight[first:last])


def _resampled(raster: Raster, level: int, across: AxisTaps, down: AxisTaps) -> U8:
    """A level of a raster, resampled by tables, with the memory of a few rows."""
    result = np.empty((len(down.index), len(across.index), raster.channels), np.uint8)
    left, right = int(across.index.min()), int(across.index.max()) + 1
    for first in range(0, len(result), _STRIP):
        rows = _rows(down, first, first + _STRIP)
        top, bottom = int(rows.index.min()), int(rows.index.max()) + 1
        pixels = raster.read((left, top, right - left, bottom - top), level).astype(np.float32)
        strip = _weighed(_weighed(pixels, across, left, axis=1), rows, top, axis=0)
        result[first : first + _STRIP] = np.clip(strip + np.float32(0.5), 0, 255)
    return result


def _weighed(pixels: F32, taps: AxisTaps, first: int, axis: int) -> F32:
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    result: F32 | None = None
    for number in range(taps.index.shape[1]):
        weight = taps.weight[:, number].astype(np.float32).reshape(shape)
        part = np.take(pixels, taps.index[:, number] - first, axis) * weight
        result = part if result is None else result + part
    assert result is not None
    return result


def _inside(box: Box, size: tuple[int, int]) -> Box:
    left, top, width, height = box
    if left + width > size[0] or top + height > size[1]:
        text = ",".join(map(str, box))
        raise InvalidArgument(f"region={text}: the image has {size[0]}×{size[1]} pixels")
    return box


def _image(view: _View, limit: float) -> tuple[U8, bytes | None]:
    """The pixels of an image, and its colour profile."""
    from subpixel.image import read

    image = read(view.source, limit=limit, page=view.page)
    if not 1 <= view.frame <= len(image.frames):
        raise InvalidArgument(f"frame={view.frame}: this image has {len(image.frames)}")
    profile = image.header.get(_PROFILE) if image.header is not None and _PROFILE in image.header.get_fields() else None
    return as_bytes(image.frames[view.frame - 1]), None if profile is None else bytes(profile)


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


def _resized(pixels: U8, size: tuple[int, int]) -> U8:
    from subpixel.image.comparison.sheet import bicubic

    return pixels if (pixels.shape[1], pixels.shape[0]) == size else bicubic(pixels, (size[1], size[0]))


def _write(pixels: U8, profile: bytes | None, destination: Path) -> None:
    import pyvips

    part = destination.with_suffix(".part")
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if profile is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, _PROFILE, profile)
    part.write_bytes(image.write_to_buffer(".png", compression=1))
    os.replace(part, destination)
