"""Frames upscaled without a network: luma as chroma, and the same bytes by NumPy and by the compiled module."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.backends import FrameFormat


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("subsampling", "siting"), [("420", "left"), ("422", "topleft"), ("444", None), ("gray", None)]
)
@pytest.mark.parametrize(("bits", "full_range"), [(8, False), (8, True), (10, False), (16, True)])
def test_numpy_and_the_compiled_module_agree_to_the_byte(
    scale: int, subsampling: str, siting: str | None, bits: int, full_range: bool
) -> None:
    form = FrameFormat(subsampling, siting, bits, full_range)
    rng = np.random.default_rng(scale)
    planes = [rng.integers(0, form.max_code + 1, (37, 53), form.dtype)]
    if subsampling != "gray":
        planes += [rng.integers(0, form.max_code + 1, form.chroma((37, 53)), form.dtype) for _ in range(2)]
    y, u, v = (*planes, None, None)[:3]
    result = [
        Upscaler(scale, model="bicubic", backend=backend).yuv(
            y,
            u,
            v,
            subsampling=subsampling,
            siting=siting,
            bits=bits,
            full_range=full_range,  # type: ignore[arg-type]
        )
        for backend in ("native", "reference")
    ]
    for a, b in zip(*result, strict=True):
        np.testing.assert_array_equal(a, b)


def test_luma_is_upscaled_as_chroma_is() -> None:
    y = np.random.default_rng(0).integers(0, 256, (9, 14), np.uint8)
    result = Upscaler(2, model="bicubic").yuv(y, y, y, subsampling="444", siting=None, bits=8, full_range=False)
    assert result[1] is not None
    np.testing.assert_array_equal(result[0], result[1])
    difference = result[0].astype(int) - Upscaler(2, model="bicubic").plane(y)
    assert np.abs(difference).max() <= 1  # that one is rounded once more on its way
