"""Frames of a video as luma and as RGB, by the conventions of its stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, Unsupported, VideoReadError
from subpixel.image.yuv import Matrix, upscale_chroma, yuv_to_rgb
from subpixel.storage.os_errors import os_error_text
from subpixel.video.container_input import open_video
from subpixel.video.formats import array_of

__all__ = ["frames_of", "luma_of", "rgb_of"]

# MatrixCoefficients of ITU-T H.273. Unspecified (2; 3 is reserved) means BT.709 from 720 rows on, else BT.601.
_MATRICES: dict[int, Matrix] = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020"}
_UNSPECIFIED = (2, 3)
_FULL = 2  # AVCOL_RANGE_JPEG
# TransferCharacteristics of H.273 of HDR: PQ and HLG.
_HDR = (16, 18)


def frames_of(path: Path) -> Iterator[Any]:
    """The frames of the first video stream, in display order, as PyAV decodes them.

    Raises:
        ImageReadError: the file is missing, is no video, has no video stream, or is damaged.
        Unsupported: the video is interlaced, is HDR, changes its size, or has an unsupported pixel format or matrix.
    """
    try:
        yield from _frames(path)
    except VideoReadError as error:
        raise ImageReadError(str(error)) from None


def _frames(path: Path) -> Iterator[Any]:
    with open_video(path) as container:
        streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        if not streams:
            raise ImageReadError(f"{path}: has no video stream")
        streams[0].thread_type = "AUTO"
        number, size = 0, None
        try:
            for frame in container.decode(streams[0]):
                _check(path, number, frame, streams[0].codec_context.color_trc)
                if size not in (None, (frame.width, frame.height)):
                    raise Unsupported(f"{path}: the size of its frames changes at frame {number}")
                size, number = (frame.width, frame.height), number + 1
                yield frame
        except av.error.FFmpegError as error:
            raise ImageReadError(
                f"{path}: the video is damaged after frame {number} ({os_error_text(error)})"
            ) from None


def luma_of(frame: Any) -> NDArray[np.uint8]:
    """Luma of a frame: ``(H, W)``, the upper 8 bits of the codes. For RGB, the green channel."""
    if frame.format.is_rgb:
        return cast("NDArray[np.uint8]", frame.to_ndarray(format="rgb24")[..., 1])
    bits = frame.format.components[0].bits
    codes: NDArray[np.uint8] = (_plane(frame, 0) >> (bits - 8)).astype(np.uint8)
    return codes


def rgb_of(frame: Any) -> NDArray[np.uint8]:
    """A frame as ``(H, W, 3)`` u8 RGB, by the stream's matrix and range. Chroma is bilinear, sited left.

    Rotation and pixel aspect ratio are ignored: training rotates its patches anyway.
    """
    if frame.format.is_rgb:
        return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
    bits = frame.format.components[0].bits
    luma = _plane(frame, 0).astype(np.float32)
    planes = [luma, *[np.full(luma.shape, 1 << (bits - 1), np.float32)] * 2]
    if len(frame.format.components) >= 3:
        cb, cr = _plane(frame, 1), _plane(frame, 2)
        factors = (_factor(luma.shape[0], cb.shape[0]), _factor(luma.shape[1], cb.shape[1]))
        planes[1:] = [upscale_chroma(plane, luma.shape, factors, "left") for plane in (cb, cr)]
    return yuv_to_rgb(np.stack(planes), _matrix(frame), frame.color_range == _FULL, bits)


def _check(path: Path, number: int, frame: Any, transfer: int) -> None:
    form = frame.format
    if frame.interlaced_frame:
        raise Unsupported(f"{path}: frame {number} is interlaced; a progressive video is needed")
    if transfer in _HDR:
        raise Unsupported(f"{path}: is HDR (PQ or HLG); an SDR video is needed")
    planes = [c.plane for c in form.components[:3]]
    plain = form.components[0].is_luma and len(set(planes)) == len(planes) and len(planes) != 2
    if form.is_big_endian or form.has_palette or not (form.is_rgb or (plain and form.components[0].bits <= 16)):
        raise Unsupported(f"{path}: has pixel format {form.name}; planar YUV, gray or RGB is needed")
    if not form.is_rgb and len(planes) > 1 and frame.colorspace not in (*_MATRICES, *_UNSPECIFIED):
        raise Unsupported(f"{path}: has colour matrix {frame.colorspace} of H.273; BT.601, BT.709 or BT.2020 is needed")


def _matrix(frame: Any) -> Matrix:
    return _MATRICES.get(frame.colorspace, "bt709" if frame.height >= 720 else "bt601")


def _factor(luma: int, chroma: int) -> int:
    return next(f for f in (1, 2, 4) if -(-luma // f) == chroma)


def _plane(frame: Any, number: int) -> NDArray[Any]:
    """The codes of a plane, without a copy."""
    component = frame.format.components[number]
    return array_of(frame.planes[component.plane], np.dtype(np.uint8 if component.bits == 8 else np.uint16))
