import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from oracle.resize import enlarge, imresize_bicubic
from subpixel.errors import InvalidArgument
from subpixel.ops import resize
from subpixel.ops.resize import axis_taps

MODES = ("nearest", "linear", "cubic")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 1.5, 2.7])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (6, 5)])
def test_enlarging_is_the_formula(rng, mode, scale, shape):
    x = rng.random(shape)
    np.testing.assert_allclose(resize(x, scale=scale, mode=mode, layout="HW"), enlarge(x, scale, mode), atol=1e-13)


@pytest.mark.parametrize("a", [-0.5, -0.75, 0.0])
def test_the_cubic_parameter_is_a(rng, a):
    x = rng.random((5, 6))
    np.testing.assert_allclose(resize(x, scale=2, a=a, layout="HW"), enlarge(x, 2, "cubic", a), atol=1e-13)


SMALL = [[1, 2], [3, 4]]
WITH_ZEROS = [[1, 2, 0], [3, 4, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("x", "mode", "expected"),
    [
        (SMALL, "nearest", [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]),
        (
            SMALL,
            "linear",
            [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]],
        ),
        (
            WITH_ZEROS,
            "linear",
            [
                [1, 1.25, 1.75, 1.5, 0.5, 0],
                [1.5, 1.75, 2.25, 1.875, 0.625, 0],
                [2.5, 2.75, 3.25, 2.625, 0.875, 0],
                [2.25, 2.4375, 2.8125, 2.25, 0.75, 0],
                [0.75, 0.8125, 0.9375, 0.75, 0.25, 0],
                [0, 0, 0, 0, 0, 0],
            ],
        ),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_published_examples(x, mode, expected, dtype):
    result = resize(np.array(x, dtype), scale=2, mode=mode, layout="HW")
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("mode", "theirs"), [("linear", "bilinear"), ("cubic", "bicubic")])
@pytest.mark.parametrize("scale", [2, 3, 1.3])
def test_is_torch_interpolate(rng, mode, theirs, scale):
    x = rng.random((2, 3, 9, 7))
    size = [int(9 * scale), int(7 * scale)]
    # torch has a = -0.75 and, told so, computes positions from the factor.
    expected = F.interpolate(torch.from_numpy(x), scale_factor=scale, mode=theirs, recompute_scale_factor=False)
    result = resize(x, size, scale=scale, mode=mode, a=-0.75, layout="NCHW")
    np.testing.assert_allclose(result, expected.numpy(), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 0.4, 2, 3])
def test_is_matlab_imresize(rng, scale, mirror, dtype):
    x = (rng.random((23, 17)) * 255).astype(dtype)
    border = "symmetric" if mirror else "replicate"
    result = resize(x, scale=scale, antialias=True, border=border, layout="HW")
    expected = imresize_bicubic(x, scale, mirror)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, atol=0 if dtype == np.uint8 else 1e-11)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shrinks_set5_to_the_published_bytes(data_dir, scale):
    # Every byte of every file. They were made with the edge repeated, whatever the documentation says;
    # today's mirrors it, which differs in the outermost three rows and columns and nowhere else.
    names = sorted(path.name for path in (data_dir / "images/test/Set5/HR").glob("*.png"))
    assert len(names) == 5
    for name in names:
        low = np.array(Image.open(data_dir / f"images/test/Set5/LR_x{scale}" / name))
        high = np.array(Image.open(data_dir / "images/test/Set5/HR" / name))
        height, width = low.shape[:2]
        high = high[: height * scale, : width * scale]
        result = {b: resize(high, scale=1 / scale, antialias=True, border=b) for b in ("replicate", "symmetric")}
        np.testing.assert_array_equal(result["replicate"], low)
        assert not np.array_equal(result["symmetric"], low)
        np.testing.assert_array_equal(result["symmetric"][3:-3, 3:-3], low[3:-3, 3:-3])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("border", ["replicate", "symmetric"])
@pytest.mark.parametrize(("n_in", "n_out", "scale"), [(1, 5, 5.0), (7, 3, 3 / 7), (100, 31, 0.31), (5, 64, 64 / 5)])
def test_weights_sum_to_one_and_stay_inside(mode, border, n_in, n_out, scale):
    taps = axis_taps(n_in, n_out, scale, mode=mode, antialias=True, border=border)
    assert taps.index.shape == taps.weight.shape
    assert len(taps.index) == n_out
    assert 0 <= taps.index.min() <= taps.index.max() < n_in
    np.testing.assert_allclose(taps.weight.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [2, 3, 4, 5, 7, 8])
def test_whole_factors_repeat_their_weights_exactly(mode, scale):
    # Else a tile of a picture would differ from the picture in the last bit.
    taps = axis_taps(1000, 1000 * scale, scale, mode=mode)
    rows = taps.weight.reshape(1000, scale, -1)
    assert (rows == rows[0]).all()
    steps = taps.index.reshape(1000, scale, -1)[5:-5]
    assert (np.diff(steps, axis=0) == 1).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [2, 3])
def test_a_tile_is_the_same_part_of_the_whole(rng, mode, scale):
    x = rng.random((40, 50, 3), np.float32)
    whole = resize(x, scale=scale, mode=mode)
    tile = resize(x[11:29, 7:33], scale=scale, mode=mode)
    inner = slice(2 * scale, -2 * scale)
    expected = whole[11 * scale : 29 * scale, 7 * scale : 33 * scale]
    np.testing.assert_array_equal(tile[inner, inner], expected[inner, inner])


def test_layouts_agree(rng):
    x = rng.random((4, 6, 3))
    expected = resize(x, scale=(2, 1.5))
    chw = np.moveaxis(x, -1, 0)
    np.testing.assert_array_equal(resize(chw, scale=(2, 1.5), layout="CHW"), np.moveaxis(expected, -1, 0))
    np.testing.assert_array_equal(resize(chw[None], scale=(2, 1.5), layout="NCHW")[0], np.moveaxis(expected, -1, 0))
    np.testing.assert_array_equal(resize(x[..., 1], scale=(2, 1.5), layout="HW"), expected[..., 1])


def test_sizes():
    x = np.zeros((5, 7, 1), np.uint8)
    assert resize(x, scale=0.5).shape == (3, 4, 1)
    assert resize(x, (2, 9)).shape == (2, 9, 1)
    assert resize(x, (9, 13), scale=2).shape == (9, 13, 1)
    assert resize(np.zeros((5, 7, 0)), scale=2).shape == (10, 14, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_are_clipped_not_wrapped(dtype):
    top = np.iinfo(dtype).max
    step = np.repeat(np.array([[0] * 4 + [top] * 4], dtype), 4, axis=0)
    result = resize(step, scale=3, layout="HW")
    assert (result.min(), result.max()) == (0, top)
    # The cubic overshoots on both sides of a step; wrapped values would fall instead of rise.
    assert (np.diff(result[0].astype(np.int64)) >= 0).all()


def test_halves_round_up():
    assert resize(np.array([[0, 1]], np.uint8), (1, 1), mode="linear", layout="HW").tolist() == [[1]]


def test_nan_spreads_only_as_far_as_the_kernel():
    x = np.zeros((9, 9), np.float32)
    x[4, 4] = np.nan
    lost = np.isnan(resize(x, scale=2, layout="HW"))
    assert lost[4:14, 4:14].any()
    lost[4:14, 4:14] = False
    assert not lost.any()


def test_input_need_not_be_contiguous(rng):
    x = rng.random((9, 12, 6))
    view = x[::2, ::-1, 1::2]
    np.testing.assert_array_equal(resize(view, scale=2), resize(view.copy(), scale=2))


PICTURE = np.zeros((4, 6, 3), np.float32)


@pytest.mark.parametrize(
    ("x", "arguments", "fragment"),
    [
        (PICTURE, {"scale": float("nan")}, "scale=nan: a finite number above 0"),
        (PICTURE, {"scale": float("inf")}, "scale=inf: a finite number above 0"),
        (PICTURE, {"scale": 0}, "scale=0.0: a finite number above 0"),
        (PICTURE, {"scale": -1}, "scale=-1.0: a finite number above 0"),
        (PICTURE, {"scale": (2, -1)}, "scale=-1.0: a finite number above 0"),
        (PICTURE, {"scale": (2, 2, 2)}, "scale=(2, 2, 2): one number or (vertical, horizontal)"),
        (PICTURE, {"scale": 1e300}, "both must be 1"),
        (PICTURE, {"size": (4, 0)}, "6 to 0 samples: both must be 1"),
        (PICTURE, {"size": (-1, 4)}, "4 to -1 samples: both must be 1"),
        (PICTURE, {"size": (4, 2**31)}, "6 to 2147483648 samples"),
        (PICTURE, {"size": (4,)}, "size=(4,): (height, width)"),
        (PICTURE, {"size": (4, 4), "scale": float("nan")}, "scale=nan"),
        (PICTURE, {}, "size or scale is needed"),
        (PICTURE, {"scale": 2, "layout": "WH"}, "layout='WH': one of HW, HWC, CHW, NCHW"),
        (PICTURE, {"scale": 2, "layout": "HW"}, "shape (4, 6, 3) does not fit layout HW"),
        (PICTURE, {"scale": 2, "mode": "bicubic"}, "mode='bicubic': one of nearest, linear, cubic"),
        (PICTURE, {"scale": 2, "border": "wrap"}, "border='wrap': 'replicate' or 'symmetric'"),
        (PICTURE[:0], {"scale": 2}, "0 to 0 samples: both must be 1"),
        (PICTURE[:, :0], {"size": (4, 4)}, "0 to 4 samples: both must be 1"),
        (PICTURE.astype(np.int32), {"scale": 2}, "dtype int32: u8, u16, f32 or f64"),
        (PICTURE.astype(np.float16), {"scale": 2}, "dtype float16: u8, u16, f32 or f64"),
        (PICTURE.astype(bool), {"scale": 2}, "dtype bool: u8, u16, f32 or f64"),
    ],
)
def test_bad_arguments(x, arguments, fragment):
    with pytest.raises(InvalidArgument) as caught:
        resize(x, **arguments)
    assert str(caught.value).startswith("resize: ")
    assert fragment in str(caught.value)
