"""The compiled sampling: the plain version's bits on every target, and nothing read from outside."""

import itertools

import numpy as np
import pytest

from helpers import leaves_the_lock
from subpixel.errors import BackendUnavailable
from subpixel.ops import affine_grid, grid_sample, warp
from subpixel.ops.arrays import enter
from subpixel.ops.native import native_module
from subpixel.ops.warping.sampling import Sampling, sample

native = native_module()
pytestmark = pytest.mark.skipif(native is None, reason="this installation has no compiled module")

MODES = ("nearest", "bilinear", "bicubic")
OUTSIDE = ("zeros", "border", "reflection")
OPTIONS = list(itertools.product(MODES, OUTSIDE, (False, True)))
TARGETS = native.targets() if native else []
HOSTILE = (np.nan, np.inf, -np.inf, 1e30, -1e30, 3e38, -3e38, 1e-45, 2.0**31, -(2.0**31), 2.0**24, 1e9, -0.0)


def compiled(x, values, way, *, flow=False, a=-0.75, threads=1, target=""):
    mode, outside, align_corners = way
    places = values.shape[2:] if flow else values.shape[1:3]
    y = np.full((*x.shape[:2], *places), 77, x.dtype)
    native.warp(x, values, y, False, flow, not flow, align_corners, mode, outside, a, threads, target)
    return y


def compiled_last(x, values, way, *, flow=False, a=-0.75, target=""):
    """As above, with images and places channels last in memory; what lies around the result must stay."""
    mode, outside, align_corners = way
    n, channels = x.shape[:2]
    if flow:
        values = np.ascontiguousarray(values.transpose(0, 2, 3, 1))
    rows, columns = values.shape[1:3]
    memory = np.full(n * rows * columns * channels + 64, 77, x.dtype)
    y = memory[32:-32].reshape(n, rows, columns, channels)
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    native.warp(x, values, y, True, flow, True, align_corners, mode, outside, a, 1, target)
    assert (memory[:32] == 77).all()
    assert (memory[-32:] == 77).all()
    return y.transpose(0, 3, 1, 2)


def plain(x, values, way, *, flow=False, a=-0.75):
    arithmetic, (x, values), _ = enter("test", x, values)
    wide = x.astype(np.float32)
    y = sample(arithmetic, wide, values.transpose(0, 2, 3, 1) if flow else values, Sampling(*way, a), flow=flow)
    return y if x.dtype == np.float32 else np.floor(np.clip(y, 0, np.iinfo(x.dtype).max) + 0.5).astype(x.dtype)


def random_image(rng, shape, dtype):
    if dtype == np.float32:
        return rng.normal(size=shape).astype(dtype)
    top = np.iinfo(dtype).max
    return rng.choice([0, 1, top // 2, top - 1, top], shape).astype(dtype)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("way", OPTIONS, ids=str)
def test_every_target_gives_the_bits_of_the_plain_version(rng, way, target):
    # Columns around a vector, a quad and a block; sides around the reach of a cubic.
    for columns, sides in zip(
        (1, 3, 4, 5, 15, 16, 17, 127, 128, 129, 300),
        itertools.cycle([(1, 1), (1, 2), (2, 1), (3, 4), (4, 3), (5, 5), (37, 41)]),
        strict=False,
    ):
        x = rng.normal(size=(2, 3, *sides)).astype(np.float32)
        reach = rng.choice([0.9, 1.2, 40])
        grid = rng.uniform(-reach, reach, (2, 3, columns, 2)).astype(np.float32)
        grid[rng.random(grid.shape) < 0.02] = rng.choice(HOSTILE)
        assert compiled(x, grid, way, target=target).tobytes() == plain(x, grid, way).tobytes()
        flow = rng.uniform(-9, 9, (2, 2, *sides)).astype(np.float32)
        for a in (-0.75, 0.3):
            got, wanted = compiled(x, flow, way, flow=True, a=a, target=target), plain(x, flow, way, flow=True, a=a)
            assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("way", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_whole_numbers_and_channels_last_give_the_bits_of_the_plain_version(rng, dtype, way, target):
    """Of every number of channels that has its own way, and those around a quad."""
    columns, sides = itertools.cycle((1, 4, 15, 17, 129)), itertools.cycle([(1, 1), (1, 2), (3, 4), (5, 5), (37, 41)])
    for channels in (1, 2, 3, 4, 5, 6, 8, 9, 3, 4, 2):
        size = next(sides)
        x = random_image(rng, (2, channels, *size), dtype)
        grid = rng.uniform(-1.2, 1.2, (2, 3, next(columns), 2)).astype(np.float32)
        grid[rng.random(grid.shape) < 0.02] = rng.choice(HOSTILE)
        # The last pixel: behind it there is no memory that may be read.
        grid[-1, -1, -1] = 1 - 1 / np.array(size[::-1])
        flow = rng.uniform(-3, 3, (2, 2, *size)).astype(np.float32)
        wanted, moved = plain(x, grid, way), plain(x, flow, way, flow=True, a=0.3)
        for run in (compiled, compiled_last):
            assert run(x, grid, way, target=target).tobytes() == wanted.tobytes()
            assert run(x, flow, way, flow=True, a=0.3, target=target).tobytes() == moved.tobytes()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("way", [way for way in OPTIONS if way[0] != "bicubic"], ids=str)
def test_volumes_give_the_bits_of_the_plain_version(rng, way, target):
    mode, outside, align_corners = way
    for columns, sides in ((1, (1, 1, 1)), (4, (1, 3, 2)), (5, (2, 1, 5)), (17, (3, 4, 1)), (130, (6, 7, 9))):
        x = rng.normal(size=(2, 3, *sides)).astype(np.float32)
        grid = rng.uniform(-1.3, 1.3, (2, 2, 3, columns, 3)).astype(np.float32)
        grid[rng.random(grid.shape) < 0.02] = rng.choice(HOSTILE)
        wanted = plain(x, grid, way)
        for threads in (1, 3):
            y = np.full(wanted.shape, 7e7, np.float32)
            native.warp_volumes(x, grid, y, align_corners, mode, outside, threads, target)
            assert y.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("target", TARGETS)
def test_affine_grids_give_the_bits_of_the_plain_version(rng, monkeypatch, target):
    for size in ((1, 1, 1, 1), (2, 1, 3, 15), (3, 1, 40, 16), (1, 1, 2, 33), (1, 1, 1, 1, 1), (2, 1, 3, 4, 17)):
        dims = len(size) - 2
        theta = rng.normal(size=(size[0], dims, dims + 1)).astype(np.float32)
        for align_corners in (False, True):
            with monkeypatch.context() as forced:
                forced.setenv("SUBPIXEL_TARGET", target)
                got = affine_grid(theta, size, align_corners)
            with monkeypatch.context() as without:
                without.setattr("subpixel.ops.warping.compiled.native_module", lambda: None)
                wanted = affine_grid(theta, size, align_corners)
            assert got.tobytes() == wanted.tobytes()
            assert got.shape == wanted.shape


def test_supported_calls_run_compiled_without_copies(rng, monkeypatch):
    """Integers are not widened first, nor are channels last moved first."""
    seen = []

    class Spy:
        def warp(self, x, places, y, **how):
            seen.append((x.dtype.name, x.shape, x is kept or x.base is not None, how["channels_last"]))
            native.warp(x, places, y, **how)

    monkeypatch.setattr("subpixel.ops.warping.compiled.native_module", lambda: Spy())
    grid = rng.uniform(-1, 1, (1, 4, 4, 2)).astype(np.float32)
    for dtype in (np.uint8, np.uint16, np.float32):
        kept = np.ones((1, 5, 6, 3), dtype)
        assert grid_sample(kept, grid, padding_mode="border", layout="NHWC").tolist() == np.ones((1, 4, 4, 3)).tolist()
        assert warp(kept, np.zeros((1, 5, 6, 2), np.float32), layout="NHWC").tobytes() == kept.tobytes()
    assert seen == [(d, (1, 5, 6, 3), True, True) for d in ("uint8", "uint8", "uint16", "uint16", "float32", "float32")]


@pytest.mark.parametrize("way", OPTIONS, ids=str)
def test_any_number_of_threads_gives_the_same_bytes(rng, way):
    x = rng.normal(size=(3, 2, 40, 50)).astype(np.float32)
    grid = rng.uniform(-1.3, 1.3, (3, 45, 150, 2)).astype(np.float32)
    one = compiled(x, grid, way)
    for threads in (2, 5):
        assert compiled(x, grid, way, threads=threads).tobytes() == one.tobytes()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("way", OPTIONS, ids=str)
def test_hostile_positions_stay_inside(way, target):
    """Around the image lies what would show in every result that it got into."""
    memory = np.full(4096, 1e20, np.float32)
    for sides in ((1, 1), (1, 7), (7, 1), (5, 6)):
        x = memory[2000 : 2000 + sides[0] * sides[1]].reshape(1, 1, *sides)
        x[...] = 1.0
        values = np.array([*HOSTILE, *np.linspace(-2, 2, 41)], np.float32)
        grid = np.stack(np.meshgrid(values, values), -1)[None]
        result = compiled(x, grid, way, target=target)
        assert np.abs(result).max() < 3
        flow = np.resize(np.append(values, [-2e3, 7.5]), (1, 2, *sides)).astype(np.float32)
        assert np.abs(compiled(x, flow, way, flow=True, target=target)).max() < 3
        x[...] = 1e20


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_positions_that_are_nan(mode, align_corners):
    x = np.array([[[[5, 6, 7], [8, 9, 10]]]], np.float32)
    for dtype in (np.float32, np.float64):
        grid = np.full((1, 1, 3, 2), -1 if align_corners else -0.5, dtype)
        grid[0, 0, :, 0] = np.nan, np.inf, -np.inf
        for outside, wanted in (("zeros", [0, 0, 0]), ("border", [5, 7, 5]), ("reflection", [5, 5, 5])):
            got = grid_sample(x.astype(dtype), grid, mode, outside, align_corners)
            np.testing.assert_allclose(got.ravel(), wanted, rtol=0, atol=1e-6)


def test_samples_that_no_position_needs_do_not_matter(rng):
    """An infinite neighbour must not reach a result through a weight of zero."""
    x = np.full((1, 1, 6, 8), np.inf, np.float32)
    x[..., 0] = 1.0
    grid = np.full((1, 1, 4, 2), -5.0, np.float32)
    assert (grid_sample(x, grid) == 0).all()
    grid[..., 1] = 0.1
    assert (grid_sample(x, grid, "nearest", "border") == 1).all()
    x[..., :2] = 1.0
    assert (grid_sample(x, grid, "bilinear", "border") == 1).all()


def test_the_forced_target_is_obeyed_or_refused(rng, monkeypatch):
    x, grid = rng.random((1, 2, 5, 6)).astype(np.float32), rng.uniform(-1, 1, (1, 4, 4, 2)).astype(np.float32)
    wanted = grid_sample(x, grid)
    seen = []
    spy = type("spy", (), {"warp": lambda *_, **given: seen.append(given["target"])})
    monkeypatch.setattr("subpixel.ops.warping.compiled.native_module", lambda: spy)
    monkeypatch.setenv("SUBPIXEL_TARGET", "scalar")
    grid_sample(x, grid)
    assert seen == ["scalar"]
    monkeypatch.undo()
    for target in TARGETS:
        monkeypatch.setenv("SUBPIXEL_TARGET", target)
        assert grid_sample(x, grid).tobytes() == wanted.tobytes()
    monkeypatch.setenv("SUBPIXEL_TARGET", "abacus")
    for call in (lambda: grid_sample(x, grid), lambda: warp(x, np.zeros((1, 2, 5, 6), np.float32))):
        with pytest.raises(BackendUnavailable, match="SUBPIXEL_TARGET: target 'abacus' is not one of this build"):
            call()


def test_without_the_compiled_module_the_result_is_the_same(rng, monkeypatch):
    x, grid = rng.random((1, 2, 5, 6)).astype(np.float32), rng.uniform(-1, 1, (1, 4, 4, 2)).astype(np.float32)
    flow = rng.uniform(-3, 3, (1, 2, 5, 6)).astype(np.float32)
    wanted = grid_sample(x, grid, "bicubic"), warp(x, flow)
    monkeypatch.setattr("subpixel.ops.warping.compiled.native_module", lambda: None)
    got = grid_sample(x, grid, "bicubic"), warp(x, flow)
    assert [y.tobytes() for y in got] == [y.tobytes() for y in wanted]


def test_arrays_in_any_order_of_memory(rng):
    x = rng.random((4, 5, 6, 3)).astype(np.float32).transpose(0, 3, 2, 1)[::-1, :, ::2]
    grid = rng.uniform(-1, 1, (8, 7, 3, 2))[::2, ::-1]
    np.testing.assert_array_equal(grid_sample(x, grid), grid_sample(x.copy(), grid.astype(np.float32).copy()))


def test_it_refuses_what_does_not_fit():
    x, grid, y = (np.zeros(shape, np.float32) for shape in ((1, 2, 3, 4), (1, 5, 6, 2), (1, 2, 5, 6)))
    good = (x, grid, y, False, False, True, False, "bilinear", "zeros", -0.75, 1, "")
    native.warp(*good)
    for place, bad, message in (
        (0, np.zeros((1, 2, 0, 4), np.float32), "a side of x is 0"),
        (0, np.zeros((1, 3, 3, 4), np.float32), "y does not fit x"),
        (1, np.zeros((1, 6, 5, 2), np.float32), "places do not fit y"),
        (1, np.zeros((2, 5, 6, 2), np.float32), "places do not fit y"),
        (3, True, "y does not fit x"),
        (5, False, "places do not fit y"),
        (7, "area", "mode must be"),
        (8, "wrap", "padding_mode must be"),
        (10, 0, "threads must be at least 1"),
        (10, -1, "threads must be at least 1"),
        (11, "abacus", "not one of this build"),
    ):
        with pytest.raises(ValueError, match=message):
            native.warp(*good[:place], bad, *good[place + 1 :])
    bytes_x, words_y = x.astype(np.uint8), y.astype(np.uint16)
    for place, bad in (
        (2, y.astype(np.float64)),
        (0, x[0]),
        (2, y[..., ::-1]),
        (10, 2**31),
        (0, bytes_x),
        (2, words_y),
    ):
        with pytest.raises(TypeError):
            native.warp(*good[:place], bad, *good[place + 1 :])


def test_volumes_and_affine_grids_refuse_what_does_not_fit():
    x, grid, y = (np.zeros(shape, np.float32) for shape in ((1, 2, 3, 4, 5), (1, 5, 6, 7, 3), (1, 2, 5, 6, 7)))
    good = (x, grid, y, False, "bilinear", "zeros", 1, "")
    native.warp_volumes(*good)
    for place, bad, message in (
        (0, x[:, :, :0], "a side of x is 0"),
        (0, np.zeros((1, 3, 3, 4, 5), np.float32), "y does not fit x"),
        (1, grid[:, :4].copy(), "places do not fit y"),
        (1, grid[..., :2].copy(), "places do not fit y"),
        (4, "bicubic", "mode must be nearest or bilinear"),
        (6, 0, "threads must be at least 1"),
        (7, "abacus", "not one of this build"),
    ):
        with pytest.raises(ValueError, match=message):
            native.warp_volumes(*good[:place], bad, *good[place + 1 :])
    theta, at, to = (
        np.zeros((2, 2, 3), np.float32),
        [np.zeros(n, np.float32) for n in (3, 4)],
        np.zeros((24, 2), np.float32),
    )
    native.affine_grid(theta, at, to, 1, "")
    for place, bad, message in (
        (0, theta[:1], "y does not fit the places"),
        (0, np.zeros((2, 3, 4), np.float32), "theta does not fit"),
        (1, at[:1], "two or three axes"),
        (1, [at[0], at[1][:3]], "y does not fit the places"),
        (1, [at[0], at[1][:0]], "a side is out of range"),
        (2, to[:23], "y does not fit the places"),
        (3, 0, "threads must be at least 1"),
        (4, "abacus", "not one of this build"),
    ):
        arguments = [theta, at, to, 1, ""]
        arguments[place] = bad
        with pytest.raises(ValueError, match=message):
            native.affine_grid(*arguments)


def test_other_threads_go_on_while_it_runs():
    x, grid = np.zeros((1, 16, 64, 64), np.float32), np.zeros((1, 1500, 1500, 2), np.float32)

    def work():
        compiled(x, grid, ("bicubic", "reflection", True), target="scalar")

    assert leaves_the_lock(work)
