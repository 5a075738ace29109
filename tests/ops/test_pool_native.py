"""The compiled unpooling: the plain version's bytes, and nothing written outside whatever the positions say."""

import itertools

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.ops import max_pool, max_unpool
from subpixel.ops.native import native_module

native = native_module()
pytestmark = pytest.mark.skipif(native is None, reason="this installation has no compiled module")

DTYPES = (np.float32, np.uint8, np.uint16, np.float64, np.int8, np.float16, np.complex64, bool)
LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


@pytest.fixture
def plain(monkeypatch):
    """The same call without the compiled module."""

    def call(*given, **how):
        with monkeypatch.context() as patch:
            patch.setattr("subpixel.ops.pooling.compiled.native_module", lambda: None)
            return max_unpool(*given, **how)

    return call


def raw(values, positions, size, *, across=False, zeroed=False, threads=1):
    """The module's own function on (planes, count), and whether it found every position inside."""
    y = np.zeros((len(values), size), values.dtype) if zeroed else np.full((len(values), size), 77).astype(values.dtype)
    given = [v.reshape(-1).view(np.uint8) for v in (values, positions, y)]
    sizes = (*values.shape, size, values.itemsize, positions.itemsize)
    return y, native.max_unpool(*given, *sizes, across, zeroed, threads)


@pytest.mark.parametrize("index", [np.int64, np.int32])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("indices", ["torch", "onnx"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_dtype_gives_the_bytes_of_the_plain_version(rng, plain, dims, indices, dtype, index):
    for layout, sides in itertools.product(LAYOUTS[dims], ((1, 1, 1), (2, 3, 5), (9, 4, 17))):
        sides = sides[:dims]
        size = 2 * np.array(sides) + 1
        planes = np.arange(6).reshape(2, 3, *(1,) * dims) * (np.prod(size) if indices == "onnx" else 0)
        # Drawn at random, positions repeat: the last of them counts.
        where = (rng.integers(0, np.prod(size), (2, 3, *sides)) + planes).astype(index)
        values = rng.integers(1, 100, (2, 3, *sides)).astype(dtype)
        if layout.endswith("C"):
            where, values = np.moveaxis(where, 1, -1), np.moveaxis(values, 1, -1)
        how = {"output_size": tuple(int(n) for n in size), "layout": layout, "indices": indices}
        got, wanted = max_unpool(values, where, 2, **how), plain(values, where, 2, **how)
        assert got.dtype == dtype
        assert got.flags.c_contiguous
        assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_of_several_the_last_stays_with_any_number_of_threads(rng, count):
    where = rng.integers(0, 50, (count, 4000))
    values = np.arange(where.size, dtype=np.int32).reshape(where.shape)
    wanted = np.zeros((count, 1001), np.int32)
    for plane in range(count):
        wanted[plane, where[plane]] = values[plane]
    for threads, zeroed in itertools.product((1, 2, 3, 16), (False, True)):
        y, inside = raw(values, where, 1001, threads=threads, zeroed=zeroed)
        assert inside
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("index", [np.int64, np.int32])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_positions_outside_are_found_and_write_nothing(index, threads):
    memory = np.full(3000, 7, np.uint16)
    y = memory[1000:1200]
    values = np.full(40, 9, np.uint16)
    limits = np.iinfo(index)
    for across, bad in itertools.product((False, True), (-1, 200, -200, 1000, limits.min, limits.max)):
        where = np.zeros(40, index) + np.repeat([0, 100], 20).astype(index) * across
        where[37] = bad
        given = [v.view(np.uint8) for v in (values, where, y)]
        assert not native.max_unpool(*given, 2, 20, 100, 2, where.itemsize, across, False, threads)
        assert (memory[:1000] == 7).all()
        assert (memory[1200:] == 7).all()


@pytest.mark.parametrize("index", [np.int64, np.int32])
@pytest.mark.parametrize(("indices", "limit"), [("torch", 15), ("onnx", 95)])
@pytest.mark.parametrize("bad", [-1, 96, 2**31 - 1, -(2**31)])
def test_positions_outside_are_an_error(index, indices, limit, bad):
    values, where = np.ones((2, 3, 2, 2), np.float32), np.zeros((2, 3, 2, 2), index)
    where[1, 0, 1, 0] = bad
    low, high = min(bad, 0), max(bad, 0)
    with pytest.raises(InvalidArgument) as caught:
        max_unpool(values, where, 2, indices=indices)
    assert str(caught.value) == (
        f"max_unpool: positions from {low} to {high}: with indices={indices!r} and a result of shape (2, 3, 4, 4) "
        f"(channels first) they must be from 0 to {limit}"
    )


def test_onnx_positions_in_other_planes_are_served_all_the_same(plain):
    values = np.arange(1, 25, dtype=np.float32).reshape(2, 3, 2, 2)
    where = np.arange(24).reshape(2, 3, 2, 2)[::-1] * 3
    got = max_unpool(values, where, 2, indices="onnx")
    assert got.tobytes() == plain(values, where, 2, indices="onnx").tobytes()
    assert np.count_nonzero(got) == 24


def test_results_of_fresh_and_of_used_memory(rng, plain):
    """Beyond a size the module is given an array that is zero already."""
    for side in (700, 1500):
        x = rng.random((1, 9, side, side), np.float32)
        values, where = max_pool(x, 2, return_indices=True)
        used = np.full(9 * side * side, np.nan, np.float32)
        del used
        assert max_unpool(values, where, 2).tobytes() == plain(values, where, 2).tobytes()


def test_arrays_in_any_order_of_memory(rng, plain):
    values = rng.random((5, 4, 3, 4), np.float32).T[::-1, :, ::2]
    where = rng.integers(0, 40, (5, 4, 3, 4)).T[::-1, :, ::2]
    how = {"output_size": (4, 10)}
    assert max_unpool(values, where, 2, **how).tobytes() == plain(values, where, 2, **how).tobytes()


def test_it_refuses_what_does_not_fit():
    values, where, y = (np.zeros(n, np.uint8) for n in (2 * 3 * 4, 2 * 3 * 8, 2 * 12 * 4))
    good = (values, where, y, 2, 3, 12, 4, 8, False, False, 1)
    assert native.max_unpool(*good)
    for place, bad, message in (
        (0, values[1:], "values do not fit"),
        (1, where[1:], "positions do not fit"),
        (2, y[1:], "y does not fit"),
        (3, 3, "values do not fit"),
        (3, 2**62, "too large"),
        (4, 4, "values do not fit"),
        (4, 2**63, "too large"),
        (5, 13, "y does not fit"),
        (5, 2**62, "too large"),
        (6, 3, "item must be"),
        (6, 0, "item must be"),
        (7, 2, "index must be"),
        (10, 0, "threads must be"),
        (10, 2**31 - 1, "threads must be"),
    ):
        with pytest.raises(ValueError, match=message):
            native.max_unpool(*good[:place], bad, *good[place + 1 :])
    for place, bad in ((2, y[::2]), (3, -1)):
        with pytest.raises(TypeError):
            native.max_unpool(*good[:place], bad, *good[place + 1 :])
