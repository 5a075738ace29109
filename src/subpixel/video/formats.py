"""Pixel formats: the planes of a frame, and the planar layout that each format is converted to.

Planar YUV of 8 to 16 bits goes from the decoder to the network unchanged. A format with the same samples in another
order (NV12, P010, YUYV, big-endian words) is first rearranged into planes, which changes no sample. RGB frames are
upscaled as images. All other formats (palettes, 1 bit, raw sensor data, XYZ, 4:1:0) are rejected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from subpixel.backends import FrameFormat
from subpixel.errors import Unsupported

__all__ = ["Layout", "Plane", "array_of", "chroma_steps", "is_pixel_format", "layout_of", "new_frame", "planes_of"]

Plane = NDArray[Any]

# Rows and columns of luma for one chroma sample, as shifts.
_SUBSAMPLINGS = {(1, 1): "420", (0, 1): "422", (0, 0): "444", (1, 0): "440", (0, 2): "411"}
_PLANAR = {"420": "yuv420p", "422": "yuv422p", "444": "yuv444p", "440": "yuv440p", "411": "yuv411p", "gray": "gray"}
_RGB = {8: "gbrp", 9: "gbrp9le", 10: "gbrp10le", 12: "gbrp12le", 14: "gbrp14le", 16: "gbrp16le"}
# Deprecated formats whose name implies full range, and the same formats without that.
_FULL_RANGE = {"yuvj420p": "yuv420p", "yuvj422p": "yuv422p", "yuvj444p": "yuv444p", "yuvj440p": "yuv440p"}
_FULL_RANGE |= {"yuvj411p": "yuv411p"}


@dataclass(frozen=True)
class Layout:
    """The planar layout of a pixel format.

    Args:
        name: libavutil's name of the planar format.
        subsampling: as in :class:`subpixel.backends.FrameFormat`; None for RGB.
        bits: of a code.
        alpha: whether the source format has an alpha channel, which ``name`` leaves out.
    """

    name: str
    subsampling: str | None
    bits: int
    alpha: bool = False

    @property
    def rgb(self) -> bool:
        return self.subsampling is None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def luma(self) -> Layout:
        """The layout of the luma alone, as a gray frame."""
        return Layout(_PLANAR["gray"] + ("" if self.bits == 8 else f"{self.bits}le"), "gray", self.bits)

    def frame_format(self, siting: str, full_range: bool) -> FrameFormat:
        """The format of YUV or gray frames, as networks need it."""
        assert self.subsampling is not None
        return FrameFormat(self.subsampling, siting, self.bits, full_range)


def layout_of(pix_fmt: str, where: object) -> Layout:
    """The planar layout that frames of a pixel format are converted to.

    Args:
        pix_fmt: libavutil's name.
        where: named at the start of an error message.

    Raises:
        Unsupported: the format cannot be upscaled.

    >>> layout_of("p010le", "video.mkv")
    Layout(name='yuv420p10le', subsampling='420', bits=10, alpha=False)
    """
    pixel_format = av.VideoFormat(pix_fmt)
    parts = pixel_format.components
    alpha = any(part.is_alpha for part in parts)
    bits = parts[0].bits
    packed_bits = pixel_format.has_palette or pixel_format.is_bit_stream
    unknown = pix_fmt.startswith(("xyz", "bayer")) or "f16" in pix_fmt or "f32" in pix_fmt
    if packed_bits or unknown or not 8 <= bits <= 16:
        raise Unsupported(f"{where}: pixel format {pix_fmt}; YUV, gray or RGB of 8 to 16 bits is needed")
    if pixel_format.is_rgb:
        if bits not in _RGB or any(part.bits != bits for part in parts):
            raise Unsupported(f"{where}: pixel format {pix_fmt}; RGB with equal numbers of bits is needed")
        return Layout(_RGB[bits], None, bits, alpha)
    shifts = tuple((64 // n).bit_length() - 1 for n in (pixel_format.chroma_height(64), pixel_format.chroma_width(64)))
    gray = len([part for part in parts if not part.is_alpha]) == 1
    if not gray and shifts not in _SUBSAMPLINGS:
        raise Unsupported(f"{where}: pixel format {pix_fmt}; 4:2:0, 4:2:2, 4:4:4, 4:4:0 or 4:1:1 is needed")
    subsampling = "gray" if gray else _SUBSAMPLINGS[shifts]  # type: ignore[index]
    name = _PLANAR[subsampling] + ("" if bits == 8 else f"{bits}le")
    if not is_pixel_format(name):
        raise Unsupported(f"{where}: pixel format {pix_fmt}; it has no planar form")
    return Layout(name, subsampling, bits, alpha)


def chroma_steps(pix_fmts: Iterable[str]) -> tuple[int, int]:
    """Columns and rows of luma for a whole number of chroma samples in each of several pixel formats.

    >>> chroma_steps(["yuv420p", "yuv411p"]), chroma_steps(["gray"])
    ((4, 2), (1, 1))
    """
    formats = [av.VideoFormat(name) for name in pix_fmts]
    return (
        max(64 // each.chroma_width(64) for each in formats),
        max(64 // each.chroma_height(64) for each in formats),
    )


def is_pixel_format(name: str) -> bool:
    """Whether libavutil has a pixel format of that name."""
    try:
        av.VideoFormat(name)
    except ValueError:
        return False
    return True


def planes_of(frame: Any, layout: Layout) -> list[Plane]:
    """The planes of a frame as arrays on its own memory: Y, U, V; Y of a gray frame; G, B, R.

    A frame with the same samples in another order is first copied into planes.
    """
    if _FULL_RANGE.get(frame.format.name, frame.format.name) != layout.name:
        frame = frame.reformat(format=layout.name)
    if any(plane.line_size < 0 for plane in frame.planes):
        return [array_of(plane, layout.dtype)[::-1] for plane in _turned(frame).planes]
    return [array_of(plane, layout.dtype) for plane in frame.planes]


def _turned(frame: Any) -> Any:
    """A frame whose rows lie in memory from the last to the first, turned upside down without a copy.

    The planes of such a frame begin in the middle of their memory, where PyAV does not find them. AMV has them.
    """
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )
    graph.link_nodes(source, graph.add("vflip"), graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull()


def new_frame(size: tuple[int, int], layout: Layout) -> tuple[Any, list[Plane]]:
    """A new frame of (width, height), and its planes as arrays to write to."""
    frame = av.VideoFrame(size[0], size[1], layout.name)
    return frame, [array_of(plane, layout.dtype) for plane in frame.planes]


def array_of(plane: Any, dtype: np.dtype[Any]) -> Plane:
    """A plane of a frame as ``(H, W)`` codes, on its own memory."""
    pitch = plane.line_size // dtype.itemsize
    codes = np.frombuffer(plane, dtype)
    return codes[: pitch * plane.height].reshape(plane.height, pitch)[:, : plane.width]
