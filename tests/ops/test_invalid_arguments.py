"""What cannot be is refused by every operator, in words that name it and before anything large is allocated.

One table: the operators down, what is wrong with the call across. The files of the operators have more of each.
"""

import inspect
import tracemalloc

import numpy as np
import pytest
import torch

from subpixel import ops
from subpixel.errors import InvalidArgument

NAN, HUGE = float("nan"), 2**31 - 1
EYE = np.eye(2, 3)[None]

# For each operator: what is wrong, and the call, which gets a function that makes arrays of a shape.
# "0", "-1", "65536", "not whole": of the factor, stride, kernel or size; "does not divide": channels, sides or a first
# size; "size 0": of an array; "nan"; "out of range": indices; "overflow": sizes beyond any memory.
TABLE = {
    "pixel_shuffle": {
        "0": lambda z: ops.pixel_shuffle(z(1, 4, 4, 4), 0),
        "-1": lambda z: ops.pixel_shuffle(z(1, 4, 4, 4), -1),
        "65536": lambda z: ops.pixel_shuffle(z(1, 4, 4, 4), 65536),
        "not whole": lambda z: ops.pixel_shuffle(z(1, 4, 4, 4), 1.5),
        "nan": lambda z: ops.pixel_shuffle(z(1, 4, 4, 4), NAN),
        "does not divide": lambda z: ops.pixel_shuffle(z(1, 3, 4, 4), 2),
        "overflow": lambda z: ops.pixel_shuffle(z(1, 4, 4, 4), HUGE),
    },
    "pixel_unshuffle": {
        "0": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 4), 0),
        "-1": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 4), -1),
        "65536": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 4), 65536),
        "not whole": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 4), 2.0),
        "nan": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 4), NAN),
        "does not divide": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 3), 2),
        "overflow": lambda z: ops.pixel_unshuffle(z(1, 1, 4, 4), HUGE),
    },
    "depth_to_space": {
        "0": lambda z: ops.depth_to_space(z(1, 4, 4, 4), 0),
        "-1": lambda z: ops.depth_to_space(z(1, 4, 4, 4), -1),
        "65536": lambda z: ops.depth_to_space(z(1, 4, 4, 4), 65536),
        "not whole": lambda z: ops.depth_to_space(z(1, 4, 4, 4), "2"),
        "nan": lambda z: ops.depth_to_space(z(1, 4, 4, 4), NAN),
        "does not divide": lambda z: ops.depth_to_space(z(1, 3, 4, 4), 2),
        "overflow": lambda z: ops.depth_to_space(z(1, 4, 4, 4), HUGE),
    },
    "space_to_depth": {
        "0": lambda z: ops.space_to_depth(z(1, 1, 4, 4), 0),
        "-1": lambda z: ops.space_to_depth(z(1, 1, 4, 4), -1),
        "65536": lambda z: ops.space_to_depth(z(1, 1, 4, 4), 65536),
        "not whole": lambda z: ops.space_to_depth(z(1, 1, 4, 4), True),
        "nan": lambda z: ops.space_to_depth(z(1, 1, 4, 4), NAN),
        "does not divide": lambda z: ops.space_to_depth(z(1, 1, 3, 4), 2),
        "overflow": lambda z: ops.space_to_depth(z(1, 1, 4, 4), HUGE),
    },
    "resize": {
        "0": lambda z: ops.resize(z(4, 4, 3), scale=0),
        "0 as size": lambda z: ops.resize(z(4, 4, 3), (4, 0)),
        "-1": lambda z: ops.resize(z(4, 4, 3), scale=-1),
        "-1 as size": lambda z: ops.resize(z(4, 4, 3), -1),
        "65536": lambda z: ops.resize(z(16, 16, 3), scale=65536),
        "not whole": lambda z: ops.resize(z(4, 4, 3), 4.0),
        "nan": lambda z: ops.resize(z(4, 4, 3), scale=NAN),
        "size 0": lambda z: ops.resize(z(0, 4, 3), scale=2),
        "overflow": lambda z: ops.resize(z(4, 4, 3), (2**30, 2**30)),
        "overflow of a table": lambda z: ops.resize(z(4, 1, 1), (HUGE, 1)),
    },
    "upsample": {
        "0": lambda z: ops.upsample(z(1, 1, 4, 4), scale=0),
        "-1": lambda z: ops.upsample(z(1, 1, 4, 4), -1),
        "65536": lambda z: ops.upsample(z(1, 1, 16, 16), scale=65536),
        "not whole": lambda z: ops.upsample(z(1, 1, 4, 4), 4.5),
        "nan": lambda z: ops.upsample(z(1, 1, 4, 4), scale=NAN),
        "size 0": lambda z: ops.upsample(z(1, 1, 0, 4), scale=2),
        "overflow": lambda z: ops.upsample(z(1, 1, 4, 4), (HUGE, HUGE)),
    },
    "upsample_nearest": {
        "0": lambda z: ops.upsample_nearest(z(1, 1, 4, 4), scale=0),
        "-1": lambda z: ops.upsample_nearest(z(1, 1, 4, 4), -1),
        "65536": lambda z: ops.upsample_nearest(z(1, 1, 16, 16), scale=65536),
        "not whole": lambda z: ops.upsample_nearest(z(1, 1, 4, 4), 4.5),
        "nan": lambda z: ops.upsample_nearest(z(1, 1, 4, 4), scale=NAN),
        "size 0": lambda z: ops.upsample_nearest(z(1, 1, 0, 4), scale=2),
        "overflow": lambda z: ops.upsample_nearest(z(1, 1, 4, 4), (HUGE, HUGE)),
    },
    "upsample_bilinear": {
        "0": lambda z: ops.upsample_bilinear(z(1, 1, 4, 4), scale=0),
        "-1": lambda z: ops.upsample_bilinear(z(1, 1, 4, 4), -1),
        "65536": lambda z: ops.upsample_bilinear(z(1, 1, 16, 16), scale=65536),
        "not whole": lambda z: ops.upsample_bilinear(z(1, 1, 4, 4), 4.5),
        "nan": lambda z: ops.upsample_bilinear(z(1, 1, 4, 4), scale=NAN),
        "size 0": lambda z: ops.upsample_bilinear(z(1, 1, 0, 4), scale=2),
        "overflow": lambda z: ops.upsample_bilinear(z(1, 1, 4, 4), (HUGE, HUGE)),
    },
    "max_pool": {
        "0": lambda z: ops.max_pool(z(1, 1, 4, 4), 0),
        "-1": lambda z: ops.max_pool(z(1, 1, 4, 4), 2, stride=-1),
        "65536": lambda z: ops.max_pool(z(1, 1, 4, 4), 65536),
        "not whole": lambda z: ops.max_pool(z(1, 1, 4, 4), 2, dilation=1.5),
        "nan": lambda z: ops.max_pool(z(1, 1, 4, 4), NAN),
        "size 0": lambda z: ops.max_pool(z(1, 1, 0, 4), 2),
        "overflow": lambda z: ops.max_pool(z(1, 1, 4, 4), HUGE, padding=HUGE),
        "overflow of padding": lambda z: ops.max_pool(z(1, 1, 4, 4), 2, padding=2**62),
    },
    "max_unpool": {
        "0": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2, whole=True), 0),
        "-1": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2, whole=True), 2, stride=-1),
        "65536": lambda z: ops.max_unpool(z(1, 16, 2, 2), z(1, 16, 2, 2, whole=True), 65536),
        "not whole": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2), 2),
        "nan": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2, whole=True), NAN),
        "size 0": lambda z: ops.max_unpool(z(1, 1, 0, 2), z(1, 1, 0, 2, whole=True), 2),
        "out of range": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2, whole=True) + 16, 2),
        "below range": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2, whole=True) - 1, 2),
        "overflow": lambda z: ops.max_unpool(z(1, 1, 2, 2), z(1, 1, 2, 2, whole=True), 2, stride=HUGE),
    },
    "average_unpool": {
        "0": lambda z: ops.average_unpool(z(1, 1, 4, 4), 0),
        "-1": lambda z: ops.average_unpool(z(1, 1, 4, 4), -1),
        "65536": lambda z: ops.average_unpool(z(1, 1, 4, 4), 65536),
        "not whole": lambda z: ops.average_unpool(z(1, 1, 4, 4), 1.5),
        "nan": lambda z: ops.average_unpool(z(1, 1, 4, 4), NAN),
        "overflow": lambda z: ops.average_unpool(z(1, 1, 4, 4), HUGE),
    },
    "conv": {
        "0": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 3, 3), stride=0),
        "-1": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 3, 3), padding=-1),
        "65536": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 3, 3), dilation=65536),
        "not whole": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 3, 3), stride=1.5),
        "nan": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 3, 3), padding=NAN),
        "does not divide": lambda z: ops.conv(z(1, 3, 4, 4), z(2, 1, 3, 3), groups=3),
        "size 0": lambda z: ops.conv(z(1, 1, 0, 4), z(1, 1, 3, 3)),
        "size 0 of the weight": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 0, 3)),
        "overflow": lambda z: ops.conv(z(1, 1, 4, 4), z(1, 1, 3, 3), padding=HUGE),
    },
    "conv_transpose": {
        "0": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), stride=0),
        "-1": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), output_padding=-1),
        "65536": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), stride=65536),
        "not whole": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), stride="2"),
        "nan": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), dilation=NAN),
        "does not divide": lambda z: ops.conv_transpose(z(1, 4, 4, 4), z(4, 1, 3, 3), groups=3),
        "size 0": lambda z: ops.conv_transpose(z(1, 1, 0, 4), z(1, 1, 3, 3)),
        "overflow": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), stride=HUGE),
        "overflow of dilation": lambda z: ops.conv_transpose(z(1, 1, 4, 4), z(1, 1, 3, 3), dilation=HUGE),
    },
    "subpixel_conv": {
        "0": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(4, 1, 3, 3), None, 0),
        "-1": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(4, 1, 3, 3), None, 2, crop=-1),
        "65536": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(4, 1, 3, 3), None, 65536),
        "not whole": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(4, 1, 3, 3), None, 2.0),
        "nan": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(4, 1, 3, 3), None, NAN),
        "does not divide": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(3, 1, 3, 3), None, 2),
        "size 0": lambda z: ops.subpixel_conv(z(1, 1, 4, 0), z(4, 1, 3, 3), None, 2),
        "overflow": lambda z: ops.subpixel_conv(z(1, 1, 4, 4), z(4, 1, 3, 3), None, 2, padding=HUGE),
    },
    "conv_transpose_to_subpixel": {
        "0": lambda z: ops.conv_transpose_to_subpixel(z(1, 1, 3, 3), stride=0),
        "-1": lambda z: ops.conv_transpose_to_subpixel(z(1, 1, 3, 3), stride=2, padding=-1),
        "65536": lambda z: ops.conv_transpose_to_subpixel(z(16, 4, 3, 3), stride=65536),
        "not whole": lambda z: ops.conv_transpose_to_subpixel(z(1, 1, 3, 3), stride=1.5),
        "nan": lambda z: ops.conv_transpose_to_subpixel(z(1, 1, 3, 3), stride=NAN),
        "does not divide": lambda z: ops.conv_transpose_to_subpixel(z(4, 1, 3, 3), stride=2, groups=3),
        "size 0": lambda z: ops.conv_transpose_to_subpixel(z(1, 1, 0, 3), stride=2),
        "overflow": lambda z: ops.conv_transpose_to_subpixel(z(1, 1, 3, 3), stride=HUGE),
    },
    "subpixel_to_conv_transpose": {
        "0": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 3), 0),
        "-1": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 3), 2, crop=-1),
        "65536": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 3), 65536),
        "not whole": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 3), 2.0),
        "nan": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 3), NAN),
        "does not divide": lambda z: ops.subpixel_to_conv_transpose(z(3, 1, 3, 3), 2),
        "size 0": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 0), 2),
        "overflow": lambda z: ops.subpixel_to_conv_transpose(z(4, 1, 3, 3), 2, padding=HUGE),
    },
    "icnr": {
        "0": lambda z: ops.icnr((4, 1, 3, 3), 0),
        "-1": lambda z: ops.icnr((4, 1, 3, 3), -1),
        "65536": lambda z: ops.icnr((4, 1, 3, 3), 65536),
        "not whole": lambda z: ops.icnr((4, 1.5, 3, 3), 2),
        "nan": lambda z: ops.icnr((4, 1, 3, 3), NAN),
        "does not divide": lambda z: ops.icnr((3, 1, 3, 3), 2),
        "size 0": lambda z: ops.icnr((4, 1, 0, 3), 2),
        "overflow": lambda z: ops.icnr((2**30, 2**30, 3, 3), 2),
    },
    "affine_grid": {
        "0": lambda z: ops.affine_grid(z(1, 2, 3), (1, 1, 0, 4)),
        "-1": lambda z: ops.affine_grid(z(1, 2, 3), (1, 1, 4, -1)),
        "65536": lambda z: ops.affine_grid(z(1, 2, 3), (1, 1, 65536, 2**20)),
        "not whole": lambda z: ops.affine_grid(z(1, 2, 3), (1, 1, 4, 4.0)),
        "nan": lambda z: ops.affine_grid(z(1, 2, 3), (1, 1, 4, NAN)),
        "size 0": lambda z: ops.affine_grid(z(0, 2, 3), (0, 1, 4, 4)),
        "overflow": lambda z: ops.affine_grid(z(1, 2, 3), (1, 1, HUGE, HUGE)),
    },
    "grid_sample": {
        "size 0": lambda z: ops.grid_sample(z(1, 1, 0, 4), z(1, 2, 2, 2)),
        "nan": lambda z: ops.grid_sample(z(1, 1, 4, 4), z(1, 2, 2, 2), "bicubic", a=NAN),
        "not whole": lambda z: ops.grid_sample(z(1, 1, 4, 4), z(1, 2, 2, 2, whole=True)),
        "does not divide": lambda z: ops.grid_sample(z(1, 1, 4, 4), z(2, 2, 2, 2)),
        "overflow": lambda z: ops.grid_sample(wide(z, 1, 2**20, 2, 2), wide(z, 1, 2**10, 2**10, 2)),
    },
    "warp": {
        "size 0": lambda z: ops.warp(z(1, 1, 0, 4), z(1, 2, 0, 4)),
        "nan": lambda z: ops.warp(z(1, 1, 4, 4), z(1, 2, 4, 4), mode="bicubic", a=NAN),
        "not whole": lambda z: ops.warp(z(1, 1, 4, 4), z(1, 2, 4, 4, whole=True)),
        "does not divide": lambda z: ops.warp(z(1, 1, 4, 4), z(1, 2, 4, 5)),
        "overflow": lambda z: ops.warp(wide(z, 1, 2**20, 2**10, 2**10), wide(z, 1, 2, 2**10, 2**10)),
    },
}
ROWS = [(name, row) for name, rows in TABLE.items() for row in rows]
EMPTY = {
    "pixel_shuffle": (lambda z: ops.pixel_shuffle(z(1, 4, 0, 4), 2), (1, 1, 0, 8)),
    "pixel_unshuffle": (lambda z: ops.pixel_unshuffle(z(1, 1, 0, 4), 2), (1, 4, 0, 2)),
    "depth_to_space": (lambda z: ops.depth_to_space(z(0, 4, 2, 4), 2), (0, 1, 4, 8)),
    "space_to_depth": (lambda z: ops.space_to_depth(z(0, 1, 2, 4), 2), (0, 4, 1, 2)),
    "average_unpool": (lambda z: ops.average_unpool(z(1, 1, 0, 4), 2), (1, 1, 0, 8)),
}


def numpy_zeros(*shape, whole=False):
    return np.zeros(shape, np.int64 if whole else np.float64)


def torch_zeros(*shape, whole=False):
    return torch.zeros(shape, dtype=torch.int64 if whole else torch.float64)


def wide(z, *shape):
    """An array of that shape that needs no memory: one number, seen everywhere."""
    one = z(*[1] * len(shape))
    return np.broadcast_to(one, shape) if isinstance(one, np.ndarray) else one.expand(shape)


def test_every_operator_has_its_rows():
    operators = {name for name in ops.__all__ if inspect.isfunction(getattr(ops, name))}
    assert set(TABLE) == operators
    for name, rows in TABLE.items():
        assert {"nan", "overflow", "not whole"} <= set(rows)
        assert "size 0" in rows or name in EMPTY
        assert {"0", "-1", "65536"} <= set(rows) or name in ("grid_sample", "warp")


@pytest.mark.parametrize("zeros", [numpy_zeros, torch_zeros])
@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{name}: {row}" for name, row in ROWS])
def test_refused_before_anything_is_allocated(name, row, zeros):
    tracemalloc.start()
    try:
        with pytest.raises(InvalidArgument) as caught:
            TABLE[name][row](zeros)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    values = str(caught.value)
    spoken = {"upsample": "resize", "upsample_nearest": "resize", "upsample_bilinear": "resize"}.get(name, name)
    assert values.startswith((f"{spoken}: ", "conv: ", "pixel_shuffle: ") if name == "subpixel_conv" else f"{spoken}: ")
    assert "\n" not in values
    assert peak < 2**21  # NumPy's memory; torch's own is not counted


@pytest.mark.parametrize("zeros", [numpy_zeros, torch_zeros])
@pytest.mark.parametrize("name", EMPTY)
def test_nothing_in_nothing_out(name, zeros):
    call, shape = EMPTY[name]
    assert tuple(call(zeros).shape) == shape
