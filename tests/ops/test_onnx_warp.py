"""ONNX's own cases of GridSample and AffineGrid, every one of them."""

import numpy as np

from ops.onnx_cases import report
from subpixel.ops import affine_grid, grid_sample


def run_grid_sample(case):
    x, grid = case.inputs
    given = dict(case.attributes)
    # Opset 16 said bilinear and bicubic, 20 says linear and cubic; all are names here. The cubic is torch's.
    mode, outside = given.pop("mode", "linear"), given.pop("padding_mode", "zeros")
    align_corners = bool(given.pop("align_corners", 0))
    assert not given, f"attributes that nobody looks at: {given}"
    layout = {4: "NCHW", 5: "NCDHW"}[x.ndim]
    y = grid_sample(x, grid, mode, outside, align_corners, a=-0.75, layout=layout)
    assert y.dtype == case.outputs[0].dtype
    # ONNX's own bounds: some of its results were written down by hand, with four decimals.
    np.testing.assert_allclose(y, case.outputs[0], rtol=1e-3, atol=1e-7)


def run_affine_grid(case):
    theta, size = case.inputs
    given = dict(case.attributes)
    align_corners = bool(given.pop("align_corners", 0))
    assert not given, f"attributes that nobody looks at: {given}"
    grid = affine_grid(theta, size, align_corners)
    assert grid.dtype == case.outputs[0].dtype
    np.testing.assert_allclose(grid, case.outputs[0], rtol=1e-5, atol=1e-6)


def test_grid_sample():
    passed, total = report("GridSample", run_grid_sample)
    assert passed == total > 10


def test_affine_grid():
    passed, total = report("AffineGrid", run_affine_grid)
    assert passed == total >= 4
