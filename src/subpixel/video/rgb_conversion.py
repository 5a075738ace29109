"""Frames between R, G, B and YUV, with matrix, range and siting as they are stated.

With 8 bits, libswscale converts, told where chroma lies: to within rounding it computes what
:mod:`subpixel.image.yuv` defines. By itself it puts chroma in the middle; with more bits its white is wrong (943 of 10
bits, not 940), and so is its chroma of full range. These are computed by the definition.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from subpixel.errors import Unsupported
from subpixel.image.yuv import CENTRES, Matrix, Siting, rgb_to_yuv, shrink_chroma, upscale_chroma, yuv_to_floats
from subpixel.video.formats import Layout, layout_of, new_frame, planes_of
from subpixel.video.video_file import Tags

__all__ = ["matrix_name", "rgb_pixels", "yuv_frame"]

# Names of matrices in this package and of libswscale, by their numbers in ITU-T H.273.
_MATRICES = {
    **{1: ("bt709", "bt709"), 4: ("fcc", "fcc"), 5: ("bt601", "bt601"), 6: ("bt601", "bt601")},
    **{7: ("smpte240m", "smpte240m"), 9: ("bt2020", "bt2020"), 10: ("bt2020", "bt2020")},
}
_NAMES = {8: "YCgCo", 11: "Y'D'zD'x", 12: "one that follows from the primaries", 13: "likewise", 14: "ICtCp"}
_EXACT = "bilinear+accurate_rnd+full_chroma_inp+full_chroma_int"
# Rows that are converted at a time, so that floats take little memory.
_ROWS = 128


def matrix_name(tags: Tags, size: tuple[int, int], where: object) -> Matrix:
    """The matrix of YUV frames; of one that is not stated, that which players assume by the size.

    Raises:
        Unsupported: it is none of those that :mod:`subpixel.image.yuv` knows.

    >>> matrix_name(Tags(matrix=9), (3840, 2160), "a.mkv"), matrix_name(Tags(), (720, 576), "a.mkv")
    ('bt2020', 'bt601')
    """
    if tags.matrix in (2, 0, 3):
        return "bt709" if size[0] >= 1280 or size[1] > 576 else "bt601"
    if tags.matrix not in _MATRICES:
        name = _NAMES.get(tags.matrix, "of an unknown kind")
        raise Unsupported(
            f"{where}: the colour matrix is {tags.matrix} ({name}), which cannot be converted to R, G, B; a video can "
            "be written with it, as in out.mkv"
        )
    return cast(Matrix, _MATRICES[tags.matrix][0])


def rgb_pixels(frame: Any, layout: Layout, matrix: Matrix, full_range: bool, siting: str) -> NDArray[Any]:
    """The pixels of a frame as an image has them.

    Args:
        frame: in planes of ``layout``.
        layout: of the frame.
        matrix: of YUV.
        full_range: of YUV and gray.
        siting: where chroma lies.

    Returns:
        ``(H, W, 3)``, of a gray frame ``(H, W, 1)``: u8 for 8 bits, u16 for more, on all of their codes.
    """
    planes = planes_of(frame, layout)
    if layout.rgb:
        return _scaled(np.dstack([planes[2], planes[0], planes[1]]), layout.bits)
    if layout.subsampling != "gray" and layout.bits == 8 and layout.subsampling in ("420", "422", "444"):
        options = f"in_range={_range(full_range)}:out_range=pc:in_color_matrix={matrix}{_place('in', layout, siting)}"
        green, blue, red = planes_of(_scale(frame, options, "gbrp"), layout_of("gbrp", ""))
        return np.dstack([red, green, blue])
    height, width = planes[0].shape
    top = 255 if layout.bits == 8 else 65535
    chroma = _whole_chroma(planes, (height, width), layout, siting)
    result = np.empty((height, width, 3 if chroma else 1), np.uint8 if layout.bits == 8 else np.uint16)
    for row in range(0, height, _ROWS):
        band = slice(row, row + _ROWS)
        luma = planes[0][band].astype(np.float32)
        gray = np.full_like(luma, 1 << (layout.bits - 1))
        yuv = np.stack([luma, *([plane[band] for plane in chroma] or [gray, gray])])
        values = yuv_to_floats(yuv, matrix, full_range, layout.bits) * np.float32(top) + np.float32(0.5)
        result[band] = np.clip(values, 0, top)[..., : result.shape[2]]
    return result


def yuv_frame(frame: Any, layout: Layout, pix_fmt: str, matrix: Matrix, full_range: bool, siting: str) -> Any:
    """A frame of R, G, B in a pixel format of YUV or gray; its time is kept.

    Args:
        frame: in planes of ``layout``.
        layout: of the frame, of R, G, B.
        pix_fmt: libavutil's name of the result's format, in planes.
        matrix: of the result.
        full_range: of the result.
        siting: where its chroma lies.
    """
    result_layout = layout_of(pix_fmt, "frame")
    by_libswscale = layout.bits == 8 and result_layout.subsampling in ("420", "422", "444") and not full_range
    if by_libswscale:
        place = _place("out", result_layout, siting)
        options = f"in_range=pc:out_range=tv:out_color_matrix={matrix}{place}"
        return _scale(frame, options, pix_fmt)
    result, planes = new_frame((frame.width, frame.height), result_layout)
    green, blue, red = planes_of(frame, layout)
    rgb = _scaled(np.dstack([red, green, blue]), layout.bits)
    yuv = rgb_to_yuv(rgb, matrix, full_range, result_layout.bits)
    factors = _factors(result_layout)
    for number, (plane, values) in enumerate(zip(planes, yuv, strict=False)):
        small = shrink_chroma(values, cast(Siting, siting), factors) if number and factors != (1, 1) else values
        plane[:] = np.clip(small + np.float32(0.5), 0, (1 << result_layout.bits) - 1)
    result.pts, result.duration = frame.pts, frame.duration
    if frame.time_base is not None:
        result.time_base = frame.time_base
    return result


def _scaled(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    """Codes of any number of bits as u8 or u16 on all of their codes."""
    if bits in (8, 16):
        return codes
    return ((codes.astype(np.uint32) * 65535 + ((1 << bits) - 1) // 2) // ((1 << bits) - 1)).astype(np.uint16)


def _whole_chroma(planes: list[Any], shape: tuple[int, int], layout: Layout, siting: str) -> list[NDArray[Any]]:
    factors = _factors(layout)
    if factors == (1, 1):
        return planes[1:]
    return [upscale_chroma(plane, shape, factors, cast(Siting, siting)) for plane in planes[1:]]


def _factors(layout: Layout) -> tuple[int, int]:
    """Samples of luma for one of chroma, down and across."""
    pixel_format = av.VideoFormat(layout.name)
    return 64 // pixel_format.chroma_height(64), 64 // pixel_format.chroma_width(64)


def _range(full_range: bool) -> str:
    return "pc" if full_range else "tv"


def _place(side: str, layout: Layout, siting: str) -> str:
    """libswscale's options for the place of chroma, in 256ths of a sample of luma."""
    (down, across), (rows, columns) = CENTRES[siting], _factors(layout)
    return f":{side}_h_chr_pos={round(256 * across * (columns - 1))}:{side}_v_chr_pos={round(256 * down * (rows - 1))}"


def _scale(frame: Any, options: str, pix_fmt: str) -> Any:
    """A frame through libavfilter's ``scale``, at its size. Each call has a graph of its own, for any thread."""
    time_base = frame.time_base or Fraction(1, 25)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=time_base)
    scale = graph.add("scale", f"flags={_EXACT}:{options}")
    graph.link_nodes(source, scale, graph.add("format", pix_fmt), graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull()
