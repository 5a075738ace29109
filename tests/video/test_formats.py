"""Pixel formats become planes, with every sample as it was."""

from __future__ import annotations

import av
import numpy as np
import pytest

from subpixel.errors import Unsupported
from subpixel.video.formats import Layout, layout_of, new_frame, planes_of


@pytest.mark.parametrize(
    ("pix_fmt", "layout"),
    [
        ("yuv420p", Layout("yuv420p", "420", 8)),
        ("yuvj422p", Layout("yuv422p", "422", 8)),
        ("yuva444p10le", Layout("yuv444p10le", "444", 10, alpha=True)),
        ("gray12le", Layout("gray12le", "gray", 12)),
        ("ya8", Layout("gray", "gray", 8, alpha=True)),
        ("bgr0", Layout("gbrp", None, 8)),
        ("rgba", Layout("gbrp", None, 8, alpha=True)),
        ("x2rgb10le", Layout("gbrp10le", None, 10)),
    ],
)
def test_each_format_has_a_planar_layout(pix_fmt: str, layout: Layout) -> None:
    assert layout_of(pix_fmt, "test") == layout
    assert layout.rgb == (layout.subsampling is None)
    assert layout.dtype == (np.uint8 if layout.bits == 8 else np.uint16)


@pytest.mark.parametrize("pix_fmt", ["pal8", "monow", "xyz12le", "bayer_bggr8", "yuv410p", "rgb565le", "grayf32le"])
def test_other_formats_are_refused(pix_fmt: str) -> None:
    with pytest.raises(Unsupported, match=f"video.mkv: pixel format {pix_fmt}; "):
        layout_of(pix_fmt, "video.mkv")


@pytest.mark.parametrize(("packed", "planar"), [("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("yuyv422", "yuv422p")])
def test_samples_in_another_order_are_the_same_samples(packed: str, planar: str) -> None:
    layout = layout_of(planar, "test")
    frame, planes = new_frame((64, 48), layout)
    rng = np.random.default_rng(1)
    for plane in planes:
        plane[:] = rng.integers(16 << (layout.bits - 8), 235 << (layout.bits - 8), plane.shape)
    assert layout_of(packed, "test") == layout
    there = frame.reformat(format=packed)
    assert isinstance(there, av.VideoFrame)
    assert there.format.name == packed
    for back, plane in zip(planes_of(there, layout), planes, strict=True):
        np.testing.assert_array_equal(back, plane)
