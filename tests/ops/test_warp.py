"""grid_sample, affine_grid and warp: against torch, against the slow oracle, and by the facts of the field."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from oracle import warp as oracle
from subpixel.errors import InvalidArgument
from subpixel.ops import affine_grid, grid_sample, warp

MODES = ("nearest", "bilinear", "bicubic")
OUTSIDE = ("zeros", "border", "reflection")
OPTIONS = list(itertools.product(MODES, OUTSIDE, (False, True)))


def grid_of(rng, shape, sides):
    """Places far beyond the borders; some right on samples, halves and corners."""
    grid = rng.uniform(-3, 3, (*shape, len(sides)))
    exact = rng.integers(-3 * max(sides), 3 * max(sides), grid.shape) / np.array(sides[::-1])
    return np.where(rng.random(grid.shape) < 0.3, exact, grid)


def torch_sample(x, grid, mode, outside, align_corners):
    x, grid = torch.from_numpy(x), torch.from_numpy(grid)
    return F.grid_sample(x, grid, mode=mode, padding_mode=outside, align_corners=align_corners).numpy()


def assert_as_torch(x, grid, mode, outside, align_corners, layout="NCHW"):
    got = grid_sample(x, grid, mode, outside, align_corners, layout=layout)
    wanted = torch_sample(x, grid, mode, outside, align_corners)
    assert got.dtype == x.dtype
    if mode == "nearest":
        # Where two samples are equally near, a rounding on the way decides; whole ties have their own test.
        sides = np.array(x.shape[:1:-1])
        places = (grid + 1.0) / 2 * (sides - 1) if align_corners else ((grid + 1.0) * sides - 1) / 2
        clear = (np.abs(places - np.floor(places) - 0.5) > 1e-5).all(-1)
        got, wanted = got * clear[:, None], wanted * clear[:, None]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9 if x.dtype == np.float64 else 2e-5)


@pytest.mark.parametrize(("mode", "outside", "align_corners"), OPTIONS)
def test_images_as_torch_samples_them(rng, mode, outside, align_corners):
    for turn in range(110):
        sides = [int(n) for n in rng.integers(1, 9, 2)] if turn else [1, 1]
        n, c, rows, columns = (int(k) for k in rng.integers(1, (3, 4, 6, 40)))
        dtype = (np.float32, np.float64)[turn % 2]
        x = rng.normal(size=(n, c, *sides)).astype(dtype)
        grid = grid_of(rng, (n, rows, columns), sides).astype(dtype)
        assert_as_torch(x, grid, mode, outside, align_corners)


@pytest.mark.parametrize(("mode", "outside", "align_corners"), [w for w in OPTIONS if w[0] != "bicubic"])
def test_volumes_as_torch_samples_them(rng, mode, outside, align_corners):
    for turn in range(80):
        sides = [int(n) for n in rng.integers(1, 7, 3)] if turn else [1, 1, 1]
        dtype = (np.float32, np.float64)[turn % 2]
        x = rng.normal(size=(2, 2, *sides)).astype(dtype)
        grid = grid_of(rng, (2, 2, 3, 5), sides).astype(dtype)
        assert_as_torch(x, grid, mode, outside, align_corners, layout="NCDHW")


@pytest.mark.parametrize(("mode", "outside", "align_corners"), OPTIONS)
def test_the_slow_oracle_agrees(rng, mode, outside, align_corners):
    for sides in ((1, 1), (1, 5), (4, 3)):
        x = rng.normal(size=(2, 2, *sides))
        grid = grid_of(rng, (2, 3, 7), sides)
        for a in (-0.75, -0.5):
            got = grid_sample(x, grid, mode, outside, align_corners, a=a)
            np.testing.assert_allclose(
                got, oracle.grid_sample(x, grid, mode, outside, align_corners, a), rtol=0, atol=1e-9
            )
    if mode != "bicubic":
        x, grid = rng.normal(size=(1, 2, 2, 3, 1)), grid_of(rng, (1, 2, 2, 3), (2, 3, 1))
        got = grid_sample(x, grid, mode, outside, align_corners, layout="NCDHW")
        np.testing.assert_allclose(got, oracle.grid_sample(x, grid, mode, outside, align_corners), rtol=0, atol=1e-9)


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_fall_as_in_torch(rng, outside, dtype):
    # Sides for which every step of the calculation is exact.
    for sides, align_corners in (((4, 8), False), ((2, 1), False), ((5, 9), True), ((3, 2), True)):
        x = rng.normal(size=(1, 2, *sides)).astype(dtype)
        u, v = np.meshgrid(np.arange(-48, 49) / 16, np.arange(-48, 49) / 16)
        grid = np.stack([u, v], -1)[None].astype(dtype)
        got = grid_sample(x, grid, "nearest", outside, align_corners)
        np.testing.assert_array_equal(got, torch_sample(x, grid, "nearest", outside, align_corners))


def test_nearest_halves_go_to_the_even_neighbour():
    x = np.arange(6.0).reshape(1, 1, 1, 6)
    grid = np.zeros((1, 1, 7, 2))
    grid[..., 0] = (2 * np.array([-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]) + 1) / 6 - 1
    assert grid_sample(x, grid, "nearest").ravel().tolist() == [0, 0, 2, 2, 4, 4, 0]
    assert grid_sample(x, grid, "nearest", "border").ravel().tolist() == [0, 0, 2, 2, 4, 4, 5]


@pytest.mark.parametrize(("name", "same"), [("linear", "bilinear"), ("trilinear", "bilinear"), ("cubic", "bicubic")])
def test_other_names_of_the_modes(rng, name, same):
    x, grid = rng.normal(size=(1, 2, 4, 5)), rng.uniform(-1, 1, (1, 3, 3, 2))
    np.testing.assert_array_equal(grid_sample(x, grid, name), grid_sample(x, grid, same))


@pytest.mark.parametrize(("mode", "outside", "align_corners"), OPTIONS)
def test_channels_last(rng, mode, outside, align_corners):
    x, grid = rng.normal(size=(2, 3, 4, 5)).astype(np.float32), rng.uniform(-2, 2, (2, 3, 6, 2)).astype(np.float32)
    last = grid_sample(x.transpose(0, 2, 3, 1), grid, mode, outside, align_corners, layout="NHWC")
    assert last.flags.c_contiguous
    np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), grid_sample(x, grid, mode, outside, align_corners))
    if mode != "bicubic":
        x, grid = rng.normal(size=(1, 2, 3, 4, 5)), rng.uniform(-2, 2, (1, 2, 3, 4, 3))
        last = grid_sample(x.transpose(0, 2, 3, 4, 1), grid, mode, outside, align_corners, layout="NDHWC")
        first = grid_sample(x, grid, mode, outside, align_corners, layout="NCDHW")
        np.testing.assert_array_equal(last.transpose(0, 4, 1, 2, 3), first)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_narrow_dtypes_are_computed_in_f32(rng, dtype, kind):
    top = 1.0 if dtype == "float16" else float(np.iinfo(dtype).max)
    x = (rng.random((1, 2, 6, 7)) * top).astype(dtype)
    grid = rng.uniform(-1.5, 1.5, (1, 8, 9, 2)).astype(np.float32)
    for mode in MODES:
        exact = grid_sample(x.astype(np.float32), grid, mode, "border")
        wanted = exact.astype(dtype) if dtype == "float16" else np.floor(np.clip(exact, 0, top) + 0.5).astype(dtype)
        if kind == "numpy":
            got = grid_sample(x, grid, mode, "border")
            np.testing.assert_array_equal(got, wanted)
        else:
            got = grid_sample(torch.from_numpy(x), torch.from_numpy(grid), mode, "border").numpy()
            unit = 1e-3 if dtype == "float16" else 1
            np.testing.assert_allclose(got.astype(float), wanted.astype(float), rtol=0, atol=unit)
        assert got.dtype == dtype


def test_halves_are_rounded_up():
    x = np.array([[[[0, 1, 2, 255]]]], np.uint8)
    flow = np.zeros((1, 2, 1, 4), np.float32)
    flow[:, 0] = 0.5
    assert warp(x, flow).ravel().tolist() == [1, 2, 129, 128]


def test_bfloat16_tensors_stay_what_they_are(rng):
    x = torch.rand(1, 1, 4, 4).to(torch.bfloat16)
    theta = torch.eye(2, 3)[None].to(torch.bfloat16)
    got = grid_sample(x, affine_grid(theta, (1, 1, 4, 4)))
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got, x)


@pytest.mark.parametrize(
    ("mode", "outside", "align_corners", "a"),
    [(*options, -0.75) for options in OPTIONS] + [(*options, -0.5) for options in OPTIONS if options[0] == "bicubic"],
)
def test_gradients(mode, outside, align_corners, a):
    torch.manual_seed(3)
    x = torch.randn(2, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = (torch.rand(2, 2, 3, 2, dtype=torch.float64) * 4 - 2).requires_grad_(mode != "nearest")
    assert torch.autograd.gradcheck(lambda x, grid: grid_sample(x, grid, mode, outside, align_corners, a=a), (x, grid))
    flow = (torch.rand(2, 2, 3, 4, dtype=torch.float64) * 4 - 2).requires_grad_(mode != "nearest")
    assert torch.autograd.gradcheck(lambda x, flow: warp(x, flow, mode=mode, padding_mode=outside, a=a), (x, flow))


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("outside", OUTSIDE)
def test_torch_tensors_with_another_cubic(rng, outside, align_corners):
    for sides in ((1, 1), (5, 4)):
        x, grid = rng.normal(size=(2, 3, *sides)), grid_of(rng, (2, 3, 7), sides)
        got = grid_sample(torch.from_numpy(x), torch.from_numpy(grid), "bicubic", outside, align_corners, a=-0.5)
        wanted = oracle.grid_sample(x, grid, "bicubic", outside, align_corners, -0.5)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=1e-9)


def test_gradients_of_the_grid_of_a_map():
    theta = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: affine_grid(t, (2, 1, 3, 4)), (theta,))


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (1, 1, 1, 1), (2, 1, 1, 6), (2, 3, 4, 5, 6), (1, 2, 1, 3, 1)])
@pytest.mark.filterwarnings("ignore:Since version 1.3.0")  # torch about its own past
def test_affine_grids_as_torch_makes_them(rng, size, align_corners):
    dims = len(size) - 2
    for dtype in (np.float32, np.float64):
        theta = rng.normal(size=(size[0], dims, dims + 1)).astype(dtype)
        got = affine_grid(theta, size, align_corners)
        assert got.dtype == dtype
        wanted = F.affine_grid(torch.from_numpy(theta), list(size), align_corners).numpy()
        np.testing.assert_allclose(got, wanted, rtol=0, atol=3e-6 if dtype == np.float32 else 1e-14)
        np.testing.assert_allclose(
            got, oracle.affine_grid(theta, size, align_corners), rtol=0, atol=3e-6 if dtype == np.float32 else 1e-14
        )
        same = affine_grid(torch.from_numpy(theta), torch.Size(size), align_corners)
        np.testing.assert_allclose(same.numpy(), got, rtol=0, atol=1e-6)


def test_the_identity_grid_gives_the_image_back(rng):
    x = rng.random((1, 3, 8, 16))
    for align_corners, mode in itertools.product((False, True), MODES):
        grid = affine_grid(np.eye(2, 3)[None], x.shape, align_corners)
        np.testing.assert_allclose(grid_sample(x, grid, mode, "zeros", align_corners), x, rtol=0, atol=1e-13)


def test_a_full_grid_is_align_corners_upsampling_only_with_that_option(rng):
    x = rng.random((1, 3, 5, 6))
    u, v = np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, 10))
    grid = np.stack([u, v], -1)[None]
    wanted = F.interpolate(torch.from_numpy(x), size=(10, 12), mode="bilinear", align_corners=True).numpy()
    np.testing.assert_allclose(grid_sample(x, grid, align_corners=True), wanted, rtol=0, atol=1e-13)
    assert np.abs(grid_sample(x, grid, align_corners=False) - wanted).max() > 0.1


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("mode", MODES)
def test_a_flow_of_whole_samples_is_a_shift(rng, mode, outside, kind):
    x = rng.random((2, 3, 6, 9)).astype(np.float32)
    flow = np.empty((2, 2, 6, 9), np.float32)
    flow[:, 0], flow[:, 1] = -4, 2
    how = {"zeros": {"mode": "constant"}, "border": {"mode": "edge"}, "reflection": {"mode": "symmetric"}}[outside]
    wanted = np.pad(x, ((0, 0), (0, 0), (4, 4), (4, 4)), **how)[:, :, 6:12, 0:9]
    if kind == "numpy":
        np.testing.assert_array_equal(warp(x, flow, mode=mode, padding_mode=outside), wanted)
        last = warp(x.transpose(0, 2, 3, 1), flow.transpose(0, 2, 3, 1), mode=mode, padding_mode=outside, layout="NHWC")
        np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), wanted)
    else:
        got = warp(torch.from_numpy(x), torch.from_numpy(flow), mode=mode, padding_mode=outside)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("mode", MODES)
def test_flows_against_the_oracle(rng, mode, outside):
    for shape in ((2, 2, 4, 5), (1, 1, 1, 1), (1, 2, 1, 6)):
        x, flow = rng.normal(size=shape), rng.uniform(-9, 9, (shape[0], 2, *shape[2:]))
        wanted = oracle.warp(x, flow, mode, outside)
        got = warp(x, flow, mode=mode, padding_mode=outside)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)
        in_torch = warp(torch.from_numpy(x), torch.from_numpy(flow), mode=mode, padding_mode=outside)
        np.testing.assert_allclose(in_torch.numpy(), wanted, rtol=0, atol=1e-9)
        halves = flow / (np.array(shape[:1:-1]).reshape(1, 2, 1, 1) / 2)
        if mode != "nearest":
            got = warp(x, halves, mode=mode, padding_mode=outside, units="halves")
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)


class ForeignArray:
    """An array of another kind, as far as an operator can see."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __array_namespace__(self, **_):
        return type("namespace", (), {"asarray": ForeignArray})


def test_other_arrays_come_back_as_their_kind(rng):
    x, grid = rng.random((1, 2, 3, 4)), rng.uniform(-1, 1, (1, 2, 2, 2))
    got = grid_sample(ForeignArray(x), ForeignArray(grid))
    assert isinstance(got, ForeignArray)
    np.testing.assert_array_equal(got.array, grid_sample(x, grid))
    assert isinstance(affine_grid(ForeignArray(np.eye(2, 3)[None]), (1, 1, 2, 2)), ForeignArray)
    assert isinstance(warp(ForeignArray(x), ForeignArray(np.zeros((1, 2, 3, 4)))), ForeignArray)


def test_results_without_samples():
    assert grid_sample(np.zeros((0, 3, 4, 4)), np.zeros((0, 2, 2, 2))).shape == (0, 3, 2, 2)
    for dtype in (np.float32, np.float64):
        assert grid_sample(np.zeros((1, 0, 4, 4), dtype), np.zeros((1, 2, 2, 2), dtype)).shape == (1, 0, 2, 2)
        assert grid_sample(np.zeros((2, 3, 4, 4), dtype), np.zeros((2, 0, 5, 2), dtype)).shape == (2, 3, 0, 5)
        assert grid_sample(np.zeros((2, 3, 4, 4), dtype), np.zeros((2, 5, 0, 2), dtype)).shape == (2, 3, 5, 0)


X, G = np.zeros((1, 3, 4, 5)), np.zeros((1, 2, 2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: grid_sample(X, np.zeros((1, 2, 2, 3))),
            r"grid_sample: grid of shape \(1, 2, 2, 3\) does not fit x of shape \(1, 3, 4, 5\) \(NCHW\): \(1, H_out",
        ),
        (lambda: grid_sample(X, np.zeros((2, 2, 2, 2))), r"\(1, H_out, W_out, 2\) is needed"),
        (lambda: grid_sample(X, np.zeros((1, 2, 2, 2, 2))), r"\(1, H_out, W_out, 2\) is needed"),
        (lambda: grid_sample(X[None], G, layout="NCDHW"), r"\(1, D_out, H_out, W_out, 3\) is needed"),
        (lambda: grid_sample(X[0], G), r"shape \(3, 4, 5\) has 3 axes, layout NCHW has 4"),
        (lambda: grid_sample(np.zeros((1, 3, 0, 5)), G), r"\(1, 3, 0, 5\) \(NCHW\) has no samples"),
        (lambda: grid_sample(np.zeros((1, 3, 5, 0)), G), "has no samples"),
        (lambda: grid_sample(X.astype(np.int32), G), "dtype int32: u8, u16, f16, f32 or f64 is needed"),
        (lambda: grid_sample(X.astype(bool), G), "dtype bool"),
        (lambda: grid_sample(X.astype(complex), G), "dtype complex128"),
        (lambda: grid_sample(X, G.astype(int)), "grid of dtype int64: f16, f32 or f64 is needed"),
        (lambda: grid_sample(X, G, "area"), "unknown mode 'area'. Choices: nearest, bilinear"),
        (lambda: grid_sample(X, G, None), "unknown mode None"),
        (lambda: grid_sample(X, G, ["nearest"]), r"unknown mode \['nearest'\]"),
        (lambda: grid_sample(X, G, "nearest", "wrap"), "unknown padding_mode 'wrap'. Choices: zeros, border"),
        (lambda: grid_sample(X, G, layout="CHW"), "unknown layout 'CHW'. Did you mean 'NCHW'"),
        (lambda: grid_sample(X, G, layout=4), "unknown layout 4"),
        (lambda: grid_sample(X, G, "cubic", a=float("nan")), "a=nan: a finite number"),
        (lambda: grid_sample(X, G, "cubic", a="x"), "a='x': a finite number"),
        (lambda: grid_sample(X[None], G[None], "bicubic", layout="NCDHW"), "mode='bicubic' is for images only"),
        (lambda: grid_sample(torch.zeros(1, 3, 4, 5), G), "torch tensors and ndarray cannot be mixed"),
        (lambda: grid_sample("x", G), "grid_sample: "),
        (
            lambda: warp(X, np.zeros((1, 2, 5, 4))),
            r"warp: flow of shape \(1, 2, 5, 4\) does not fit x of .* \(NCHW\): \(1, 2, 4, 5\) is needed",
        ),
        (lambda: warp(X, np.zeros((1, 2, 3, 4)), layout="NHWC"), r"\(1, 3, 4, 2\) is needed"),
        (lambda: warp(X, np.zeros((1, 2, 4, 5)), units="metres"), "unknown units 'metres'. Choices: pixels, halves"),
        (lambda: warp(X, np.zeros((1, 2, 4, 5)), layout="NCDHW"), "Choices: NCHW, NHWC."),
        (lambda: warp(X, np.zeros((1, 2, 4, 5), int)), "flow of dtype int64"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_named(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


@pytest.mark.parametrize(
    "size",
    [
        (), (1, 1, 4), (1, 1, 4, 4, 4, 4), 4, None, "1144", (0, 1, 4, 4), (1, 0, 4, 4), (1, 1, 0, 4), (1, 1, 4, -1),
        (1, 1, 4.0, 4), (1, 1, float("nan"), 4), (1, 1, True, 4), (1, 1, "4", 4), (2, 1, 4, 4), (1, 1, 4, 4, 4),
        (1, 1, 2**31 - 1, 2**31 - 1), (1, 1, 65536, 2**31 - 1), (1, 1, 2**64, 1),
    ],
)  # fmt: skip
def test_sizes_of_a_grid_that_cannot_be(size):
    with pytest.raises(InvalidArgument, match="affine_grid: "):
        affine_grid(np.eye(2, 3)[None], size)


@pytest.mark.parametrize("theta", [np.eye(2, 3), np.eye(3)[None], np.eye(2, 3)[None].astype(int), np.eye(3, 4)[None]])
def test_maps_that_do_not_fit(theta):
    with pytest.raises(InvalidArgument, match="affine_grid: theta of "):
        affine_grid(theta, (1, 1, 4, 4))
