"""What operators promise whatever their arguments: identities, linearity, adjoints, constants, shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from subpixel import ops
from subpixel.errors import InvalidArgument

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 9)
ORDERS = st.sampled_from(["CRD", "DCR"])
# Layouts by the place of the channels and by whether there is a batch.
LAYOUTS = {1: ("NCW", "NWC", "CW", "WC"), 2: ("NCHW", "NHWC", "CHW", "HWC"), 3: ("NCDHW", "NDHWC", "CDHW", "DHWC")}
KERNELS = ("nearest", "linear", "cubic", "area", "lanczos", "lanczos2", "box", "hamming")
# Libraries and the modes of each that keep a constant.
DIALECTS = [
    *((None, mode) for mode in KERNELS),
    *(("torch", mode) for mode in ("nearest", "nearest-exact", "linear", "cubic", "area")),
    *(("opencv", mode) for mode in ("nearest", "linear", "cubic", "area", "lanczos")),
    *(("pillow", mode) for mode in ("nearest", "linear", "cubic", "lanczos", "box", "hamming")),
    *(("matlab", mode) for mode in ("nearest", "linear", "cubic", "box")),
    *(("tensorflow", mode) for mode in ("nearest", "linear", "cubic", "area")),
]


def placed(x: NDArray[Any], layout: str) -> NDArray[Any]:
    """An array (N, C, …) in another layout; without N, the first of the batch."""
    x = x if "N" in layout else x[0]
    return np.moveaxis(x, -len(layout.lstrip("N")), -1) if layout.endswith("C") else x


@st.composite
def shuffles(draw: st.DrawFn) -> tuple[NDArray[Any], tuple[int, ...], dict[str, Any]]:
    """A large array, the factors, and named arguments."""
    dims = draw(st.integers(1, 3))
    factors = tuple(draw(st.integers(1, 5)) for _ in range(dims))
    sides = [draw(st.integers(1, 6)) * factor for factor in factors]
    layout = draw(st.sampled_from(LAYOUTS[dims]))
    dtype = draw(st.sampled_from([np.uint8, np.int16, np.float32, np.float64, np.complex64, np.bool_]))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 4)), *sides)
    x = np.random.default_rng(draw(SEEDS)).integers(0, 255, shape).astype(dtype)
    return placed(x, layout), factors, {"layout": layout, "order": draw(ORDERS)}


@given(shuffles())
def test_shuffling_is_the_inverse_of_unshuffling(case: tuple[NDArray[Any], tuple[int, ...], dict[str, Any]]) -> None:
    x, factors, named = case
    small = ops.pixel_unshuffle(x, factors, **named)
    assert small.dtype == x.dtype
    assert small.size == x.size
    np.testing.assert_array_equal(ops.pixel_shuffle(small, factors, **named), x)
    # Names of ONNX for the same with their own default order.
    np.testing.assert_array_equal(ops.space_to_depth(x, factors, **named), small)
    np.testing.assert_array_equal(ops.depth_to_space(small, factors, **named), x)


@given(shuffles(), st.integers(1, 3))
def test_shuffling_twice_is_shuffling_once_by_the_product(
    case: tuple[NDArray[Any], tuple[int, ...], dict[str, Any]], other: int
) -> None:
    x, factors, named = case
    axes = [axis for axis, name in enumerate(named["layout"]) if name in "DHW"]
    for axis in axes:
        x = np.repeat(x, other, axis) if other > 1 else x
    twice = ops.pixel_unshuffle(ops.pixel_unshuffle(x, factors, **named), other, **named)
    once = ops.pixel_unshuffle(x, tuple(factor * other for factor in factors), **named)
    # The channels are the same, in another order: those of the second factor are inside or outside.
    channels = named["layout"].index("C")
    assert twice.shape == once.shape
    np.testing.assert_array_equal(np.sort(twice, axis=channels), np.sort(once, axis=channels))


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """Shapes and arguments of a convolution, of one to three axes."""
    dims = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    return {
        "x": (
            draw(st.integers(1, 2)),
            groups * draw(st.integers(1, 3)),
            *(draw(st.integers(1, 8)) for _ in range(dims)),
        ),
        "out": groups * draw(st.integers(1, 3)),
        "kernel": tuple(draw(st.integers(1, 4)) for _ in range(dims)),
        "stride": tuple(draw(st.integers(1, 3)) for _ in range(dims)),
        "padding": tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(dims)),
        "dilation": tuple(draw(st.integers(1, 2)) for _ in range(dims)),
        "groups": groups,
        "seed": draw(SEEDS),
    }


def whole(rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Integers in f64, whose sums are exact."""
    return rng.integers(-9, 10, shape).astype(np.float64)


def rooms(case: dict[str, Any]) -> list[int]:
    """How far a kernel can move along each axis; below 0 if it does not fit."""
    numbers = zip(case["x"][2:], case["padding"], case["kernel"], case["dilation"], strict=True)
    return [side + sum(pad) - (dilation * (kernel - 1) + 1) for side, pad, kernel, dilation in numbers]


@given(convolutions())
def test_a_transposed_convolution_is_the_adjoint_of_the_convolution(case: dict[str, Any]) -> None:
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩, exactly in integers."""
    rng = np.random.default_rng(case["seed"])
    dims = len(case["kernel"])
    x = whole(rng, *case["x"])
    weight = whole(rng, case["out"], case["x"][1] // case["groups"], *case["kernel"])
    named = {name: case[name] for name in ("stride", "padding", "dilation", "groups")}
    named["layout"] = LAYOUTS[dims][0]
    room = rooms(case)
    if min(room) < 0:
        with pytest.raises(InvalidArgument):
            ops.conv(x, weight, **named)
        return
    result = ops.conv(x, weight, **named)
    y = whole(rng, *result.shape)
    # What the strides leave over is added, so that the adjoint is as large as x.
    left = [each % stride for each, stride in zip(room, case["stride"], strict=True)]
    back = ops.conv_transpose(y, weight, output_padding=left, **named)
    assert back.shape == x.shape
    assert (result * y).sum() == (x * back).sum()


@given(convolutions(), st.integers(-3, 3), st.integers(-3, 3))
def test_convolutions_are_linear(case: dict[str, Any], a: int, b: int) -> None:
    rng = np.random.default_rng(case["seed"])
    x, y = whole(rng, *case["x"]), whole(rng, *case["x"])
    weight = whole(rng, case["out"], case["x"][1] // case["groups"], *case["kernel"])
    named = {name: case[name] for name in ("stride", "padding", "dilation", "groups")}
    named["layout"] = LAYOUTS[len(case["kernel"])][0]
    if min(rooms(case)) < 0:
        return
    first = ops.conv(x, weight, **named)
    np.testing.assert_array_equal(
        ops.conv(a * x + b * y, weight, **named), a * first + b * ops.conv(y, weight, **named)
    )


@given(
    st.sampled_from(DIALECTS), SIDES, SIDES, st.integers(1, 20), st.integers(1, 20),
    st.sampled_from([np.uint8, np.uint16, np.float32, np.float64]), st.integers(0, 255),
)  # fmt: skip
def test_a_constant_stays_constant(
    dialect: tuple[str | None, str], h: int, w: int, height: int, width: int, dtype: Any, value: int
) -> None:
    like, mode = dialect
    x = np.full((h, w, 3), value, dtype)
    result = ops.resize(x, (height, width), mode=mode, like=like, layout="HWC")  # type: ignore[arg-type]
    assert result.shape == (height, width, 3)
    assert result.dtype == dtype
    if np.issubdtype(dtype, np.integer):
        np.testing.assert_array_equal(result, value)
    else:
        np.testing.assert_allclose(result, value, rtol=2e-6)


@given(st.sampled_from(["nearest", "linear", "cubic", "area", "lanczos"]), SIDES, SIDES, SEEDS)
def test_the_same_size_is_the_same_image(mode: str, h: int, w: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)
    np.testing.assert_array_equal(ops.resize(x, (h, w), mode=mode), x)
    np.testing.assert_allclose(ops.resize(x.astype(np.float64), (h, w), mode=mode), x, atol=1e-9)


@given(
    st.sampled_from(KERNELS), SIDES, SIDES, st.integers(1, 24), st.integers(1, 24), SEEDS, st.floats(-2, 2),
    st.booleans(),
)  # fmt: skip
def test_resizing_is_linear(
    mode: str, h: int, w: int, height: int, width: int, seed: int, a: float, wide: bool
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, h, w))

    def resized(z: NDArray[np.float64]) -> Any:
        widened = None if mode in ("nearest", "area") else wide  # which have no kernel to widen
        return ops.resize(z, (height, width), mode=mode, layout="HW", antialias=widened)

    np.testing.assert_allclose(resized(a * x + y), a * resized(x) + resized(y), atol=1e-10)


@given(
    st.sampled_from(["linear", "cubic", "area", "lanczos"]), SIDES, SIDES, st.integers(1, 24), st.integers(1, 24), SEEDS
)
def test_resizing_does_not_depend_on_the_direction(
    mode: str, h: int, w: int, height: int, width: int, seed: int
) -> None:
    """A mirrored image gives the mirrored result, and one on its side the result on its side."""
    x = np.random.default_rng(seed).standard_normal((h, w))
    result = ops.resize(x, (height, width), mode=mode, layout="HW")
    mirrored = ops.resize(x[::-1, ::-1], (height, width), mode=mode, layout="HW")
    np.testing.assert_allclose(mirrored[::-1, ::-1], result, atol=1e-10)
    np.testing.assert_allclose(ops.resize(x.T, (width, height), mode=mode, layout="HW").T, result, atol=1e-10)


@given(SIDES, SIDES, st.integers(1, 4), st.floats(0.1, 5, allow_nan=False), SEEDS)
def test_a_scale_gives_the_size_that_is_documented(h: int, w: int, channels: int, scale: float, seed: int) -> None:
    x = np.random.default_rng(seed).random((h, w, channels))
    sizes = {
        None: math.ceil, "opencv": lambda v: max(1, int(np.rint(v))), "torch": lambda v: math.floor(v),
    }  # fmt: skip
    for like, rounded in sizes.items():
        wanted = (rounded(h * scale), rounded(w * scale))
        try:
            result = ops.resize(x, scale=scale, mode="linear", like=like, layout="HWC")  # type: ignore[arg-type]
        except InvalidArgument:
            assert min(wanted) < 1 or like == "opencv", (like, wanted)
            continue
        # The own dialect takes the decimal that was written.
        near = [abs(side - exact) for side, exact in zip(result.shape[:2], (h * scale, w * scale), strict=True)]
        assert max(near) <= 1
        assert result.shape[2] == channels


@given(st.integers(1, 3), st.integers(1, 3), SIDES, SIDES, st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_pooling_finds_what_unpooling_placed(n: int, c: int, h: int, w: int, kh: int, kw: int, seed: int) -> None:
    """Of windows that do not overlap: their maxima go back to their places, zeros elsewhere, and are found again."""
    x = np.random.default_rng(seed).random((n, c, h * kh, w * kw)) + 1
    values, positions = ops.max_pool(x, (kh, kw), return_indices=True)
    spread = ops.max_unpool(values, positions, (kh, kw))
    assert spread.shape == x.shape
    kept = spread != 0
    np.testing.assert_array_equal(spread[kept], x[kept])
    assert kept.sum() == values.size
    np.testing.assert_array_equal(ops.max_pool(spread, (kh, kw)), values)


@given(
    st.sampled_from(["nearest", "bilinear", "bicubic"]), st.sampled_from(["zeros", "border", "reflection"]),
    SIDES, SIDES, st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([np.uint8, np.float32]), SEEDS,
)  # fmt: skip
def test_whole_displacements_move_samples(
    mode: Any, outside: Any, h: int, w: int, down: int, across: int, dtype: Any, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(0, 256, (1, 2, h, w)).astype(dtype)
    flow = np.broadcast_to(np.array([across, down], np.float32)[None, :, None, None], (1, 2, h, w)).copy()
    result = ops.warp(x, flow, mode=mode, padding_mode=outside)
    rows, columns = np.arange(h) + down, np.arange(w) + across
    inside = np.ix_((rows >= 0) & (rows < h), (columns >= 0) & (columns < w))
    taken = x[:, :, rows[(rows >= 0) & (rows < h)]][..., columns[(columns >= 0) & (columns < w)]]
    np.testing.assert_allclose(result[0][:, inside[0], inside[1]], taken[0], atol=0 if dtype == np.uint8 else 1e-4)
    if mode != "bicubic" and outside == "border":
        whole_image = x[:, :, np.clip(rows, 0, h - 1)][..., np.clip(columns, 0, w - 1)]
        np.testing.assert_allclose(result, whole_image, atol=0 if dtype == np.uint8 else 1e-4)


@given(st.integers(1, 2), st.integers(1, 3), SIDES, SIDES, st.booleans(), SEEDS)
def test_sampling_is_the_same_in_torch(n: int, c: int, h: int, w: int, corners: bool, seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    x, grid = rng.random((n, c, h, w), np.float32), rng.uniform(-1.5, 1.5, (n, 3, 5, 2)).astype(np.float32)
    for mode in ("bilinear", "nearest"):
        expected = torch.nn.functional.grid_sample(
            torch.from_numpy(x), torch.from_numpy(grid), mode=mode, align_corners=corners
        ).numpy()
        np.testing.assert_allclose(ops.grid_sample(x, grid, mode, align_corners=corners), expected, atol=1e-4)
