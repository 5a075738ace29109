"""What a call remembers of an earlier one changes neither results nor errors."""

import itertools

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.ops import depth_to_space, pixel_shuffle, pixel_unshuffle, resize
from subpixel.ops.native import native_module
from subpixel.ops.resizing import compiled


@pytest.mark.parametrize("r", [True, 1.0, (1, True), (1, 1.0), "1", (1, 1, 1)])
def test_a_factor_that_equals_a_remembered_one_is_still_refused(r):
    x = np.zeros((1, 4, 2, 2))
    for call in (pixel_shuffle, pixel_unshuffle, depth_to_space):
        call(x, 1)
        call(x, (1, 1))
        for _ in range(2):
            with pytest.raises(InvalidArgument, match="an integer of at least 1 is needed"):
                call(x, r)


def test_the_same_shuffle_in_every_form_of_its_factor(rng):
    x = rng.integers(0, 256, (1, 8, 3, 5), np.uint8)
    wanted = pixel_shuffle(x, 2)
    for r in ((2, 2), [2, 2], np.int64(2), np.array([2, 2]), (np.int32(2), 2)):
        np.testing.assert_array_equal(pixel_shuffle(x, r), wanted)
    with pytest.raises(InvalidArgument, match=r"unknown order \['CRD'\]"):
        pixel_shuffle(x, 2, order=["CRD"])
    with pytest.raises(InvalidArgument, match="has 4 axes, layout CHW has 3"):
        pixel_shuffle(x, 2, layout="CHW")


@pytest.mark.parametrize("size", [(2, True), (2, 1.0), True, 1.0])
def test_a_size_that_equals_a_remembered_one_is_still_refused(size):
    x = np.zeros((2, 2, 3))
    for good in ((2, 1), 1):
        resize(x, good)
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="in integers, or one integer for all, is needed"):
            resize(x, size)


def test_a_flag_that_equals_a_remembered_one_is_still_refused():
    x = np.zeros((2, 2, 3))
    resize(x, 3, antialias=True)
    with pytest.raises(InvalidArgument, match="antialias=1: True or False is needed"):
        resize(x, 3, antialias=1)


def test_the_same_resize_in_every_form_of_its_size(rng):
    x = rng.integers(0, 256, (5, 6, 3), np.uint8)
    wanted = resize(x, (7, 9))
    for size in ([7, 9], np.array([7, 9]), (np.int64(7), 9)):
        np.testing.assert_array_equal(resize(x, size), wanted)


def test_a_plan_of_one_dtype_is_not_another_ones(rng):
    numbers = rng.integers(0, 250, (9, 10, 3))
    for dtype, mode in itertools.product(
        ("uint8", "uint16", "float32", ">f4", "float64", "int32"), ("cubic", "nearest")
    ):
        x = numbers.astype(dtype)
        for _ in range(2):
            assert resize(x, (4, 23), mode=mode).dtype.newbyteorder("=") == x.dtype.newbyteorder("=")


@pytest.mark.skipif(native_module() is None, reason="this installation has no compiled module")
def test_a_plan_made_with_the_compiled_module_serves_without_it(rng, monkeypatch):
    x = rng.integers(0, 256, (9, 10, 3), np.uint8)
    for like, mode in ((None, "cubic"), ("opencv", "linear"), ("pillow", "lanczos"), (None, "nearest")):
        first = resize(x, (21, 8), mode=mode, like=like)
        with monkeypatch.context() as without:
            without.setattr(compiled, "native_module", lambda: None)
            np.testing.assert_array_equal(resize(x, (21, 8), mode=mode, like=like), first)
        np.testing.assert_array_equal(resize(x, (21, 8), mode=mode, like=like), first)


def test_tables_too_long_for_the_cache_give_the_same(rng):
    x = rng.integers(0, 256, (1, 9000, 1), np.uint8)
    first = resize(x, (1, 9001), axes=(0, 1))
    np.testing.assert_array_equal(resize(x, (1, 9001), axes=(0, 1)), first)
