"""The bicubic resize and the result stand in one frame."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel.upscaler import Network, Upscaler
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.frame import Frame
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.side_by_side import SideBySide


@pytest.mark.parametrize(("pix_fmt", "width", "scale"), [("yuv420p", 20, 2), ("yuv420p", 21, 3), ("gbrp", 21, 3)])
def test_both_halves_are_the_results_themselves(pix_fmt: str, width: int, scale: int) -> None:
    layout, size = layout_of(pix_fmt, "test"), (width, 18)
    source, planes = new_frame(size, layout)
    rng = np.random.default_rng(0)
    for plane in planes:
        plane[:] = rng.integers(16, 236, plane.shape)

    def upscaler(model: str) -> IncrementalUpscaler:
        network = Upscaler(scale, model=model).network()
        assert isinstance(network, Network)
        return IncrementalUpscaler(network, layout, "left", False, size)

    both = SideBySide(upscaler("bicubic"), upscaler("fast"))
    (frame,) = both.push(Frame(source, 7))
    assert both.flush() == []
    assert (frame.time, frame.result.width, frame.result.height) == (7, *both.result_size)
    for number, model in enumerate(("bicubic", "fast")):
        alone = planes_of(upscaler(model).upscale(source), layout)
        for result, plane in zip(planes_of(frame.result, layout), alone, strict=True):
            half = result.shape[1] // 2
            np.testing.assert_array_equal(result[:, number * half : (number + 1) * half], plane[:, :half])
