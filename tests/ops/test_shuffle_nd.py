"""Shuffles of one, two and three axes, a factor for each, torch and foreign arrays, TensorFlow's and ONNX's names."""

import itertools

import numpy as np
import pytest
import torch

from ops.layouts import EVERY, LAYOUTS, NO_INTEGERS, ForeignArray, dims_of, to_layout
from oracle.shuffle import pixel_shuffle_planes
from subpixel.errors import InvalidArgument
from subpixel.ops import depth_to_space, pixel_shuffle, pixel_unshuffle, space_to_depth

ORDERS = ("CRD", "DCR")
SHAPES = {1: ((2,), (3,)), 2: ((2, 3), (3, 1)), 3: ((2, 1, 3), (2, 2, 2))}
CASES = [(layout, f, o) for layout in EVERY for f, o in itertools.product(SHAPES[dims_of(layout)], ORDERS)]


@pytest.mark.parametrize(("layout", "factors", "order"), CASES)
def test_follows_the_index_law_along_every_axis(rng, layout, factors, order):
    cell = int(np.prod(factors))
    x = rng.integers(0, 2**31, (2, 3 * cell, *(3, 2, 4)[: len(factors)]))
    expected = to_layout(pixel_shuffle_planes(x, factors, order), layout)
    given = to_layout(x, layout)
    for kind in (np.asarray, torch.from_numpy, ForeignArray):
        y = pixel_shuffle(kind(given), factors, layout=layout, order=order)
        assert type(y) is type(kind(given))
        back = pixel_unshuffle(y, factors, layout=layout, order=order)
        y, back = (getattr(v, "array", v) for v in (y, back))
        np.testing.assert_array_equal(np.asarray(y), expected)
        np.testing.assert_array_equal(np.asarray(back), given)
        assert y.flags.c_contiguous if isinstance(y, np.ndarray) else y.is_contiguous()


def test_one_factor_is_that_factor_on_every_axis(rng):
    for layout in EVERY:
        x = to_layout(rng.random((1, 2 * 2 ** dims_of(layout), *(2, 3, 4)[: dims_of(layout)])), layout)
        for op in (pixel_shuffle, depth_to_space):
            many = op(x, (2,) * dims_of(layout), layout=layout)
            np.testing.assert_array_equal(op(x, 2, layout=layout), many)
            np.testing.assert_array_equal(op(x, np.array([2] * dims_of(layout)), layout=layout), many)


def test_depth_to_space_is_the_shuffle_in_the_other_order(rng):
    x = rng.random((2, 12, 3, 4))
    np.testing.assert_array_equal(depth_to_space(x, 2), pixel_shuffle(x, 2, order="DCR"))
    np.testing.assert_array_equal(depth_to_space(x, 2, order="CRD"), pixel_shuffle(x, 2))
    big = rng.random((2, 3, 4, 6))
    np.testing.assert_array_equal(space_to_depth(big, 2), pixel_unshuffle(big, 2, order="DCR"))
    np.testing.assert_array_equal(depth_to_space(space_to_depth(big, 2), 2), big)


def test_shapes_of_the_facts():
    assert pixel_shuffle(np.zeros((1, 4, 2, 2)), 2).shape == (1, 1, 4, 4)
    assert pixel_shuffle(torch.zeros(1, 9, 4, 4), 3).shape == (1, 1, 12, 12)


def test_torch_has_gradients_and_new_memory():
    x = torch.randn(2, 8, 2, 3, dtype=torch.float64, requires_grad=True)
    big = torch.randn(2, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    for order in ORDERS:
        assert torch.autograd.gradcheck(lambda v, o=order: pixel_shuffle(v, 2, order=o), x)
        assert torch.autograd.gradcheck(lambda v, o=order: pixel_unshuffle(v, 2, order=o), big)
    assert pixel_shuffle(x, 1).data_ptr() != x.data_ptr()
    meta = pixel_shuffle(torch.empty(1, 4, 2, 2, dtype=torch.bfloat16, device="meta"), 2)
    assert (meta.device.type, meta.dtype, meta.shape) == ("meta", torch.bfloat16, (1, 1, 4, 4))


@pytest.mark.parametrize("op", [pixel_shuffle, pixel_unshuffle, depth_to_space, space_to_depth])
@pytest.mark.parametrize("factor", NO_INTEGERS)
def test_bad_factors(op, factor):
    name = "blocksize" if op in (depth_to_space, space_to_depth) else "r"
    with pytest.raises(InvalidArgument) as caught:
        op(np.zeros((1, 4, 4, 4)), factor)
    wanted = "an integer of at least 1 is needed, or one for each spatial axis of NCHW (H, W)"
    assert str(caught.value) == f"{op.__name__}: {name}={factor!r}: {wanted}"


@pytest.mark.parametrize(
    ("op", "shape", "factor", "layout", "text"),
    [
        (pixel_shuffle, (1, 3, 4), 2, "NCW", "3 channels of shape (1, 3, 4) (NCW) are not divisible by r = 2"),
        (pixel_shuffle, (1, 3, 4, 4), (2, 3), "NCHW", "are not divisible by 2*3 = 6; a multiple of 6 channels"),
        (pixel_shuffle, (2, 2, 2, 4), 2, "DHWC", "shape (2, 2, 2, 4) (DHWC) are not divisible by r*r*r = 8"),
        (depth_to_space, (1, 3, 4, 4), 2, "NCHW", "depth_to_space: 3 channels of shape (1, 3, 4, 4) (NCHW) are not "
         "divisible by blocksize*blocksize = 4"),
        (pixel_unshuffle, (1, 1, 3), 2, "NCW", "width 3 of shape (1, 1, 3) (NCW) is not divisible by r = 2"),
        (space_to_depth, (1, 4, 4, 3, 1), 2, "NDHWC", "space_to_depth: depth 4, height 4 and width 3 of shape "
         "(1, 4, 4, 3, 1) (NDHWC) are not all divisible by blocksize = 2"),
        (pixel_unshuffle, (1, 1, 4, 4), (2, 65536), "NCHW", "are not both divisible by r = (2, 65536)"),
        (pixel_shuffle, (1, 4, 2, 2), 2**31 - 1, "NCDHW", "shape (1, 4, 2, 2) has 4 axes, layout NCDHW has 5"),
    ],
)  # fmt: skip
def test_what_does_not_divide(op, shape, factor, layout, text):
    for kind in (np.zeros, torch.zeros):
        with pytest.raises(InvalidArgument) as caught:
            op(kind(shape), factor, layout=layout)
        assert text in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS[1] + LAYOUTS[3])
def test_size_zero(layout):
    dims = dims_of(layout)
    x = to_layout(np.empty((1, 2**dims, *(0, 2, 3)[:dims])), layout)
    y = pixel_shuffle(x, 2, layout=layout)
    assert y.shape == to_layout(np.empty((1, 1, *(0, 4, 6)[:dims])), layout).shape
    assert pixel_unshuffle(y, 2, layout=layout).shape == x.shape


def test_something_that_is_no_array():
    with pytest.raises(InvalidArgument, match="pixel_shuffle: "):
        pixel_shuffle(object(), 2)
