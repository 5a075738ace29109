import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ops.layouts import EVERY, ForeignArray
from oracle.resize import imresize_bicubic, upscale
from subpixel.errors import InvalidArgument
from subpixel.ops import resize, upsample, upsample_bilinear, upsample_nearest
from subpixel.ops.resizing.taps import axis_taps

MODES = ("nearest", "linear", "cubic")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 1.5, 2.7])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (6, 5)])
def test_upscaling_is_the_formula(rng, mode, scale, shape):
    x = rng.random(shape)
    np.testing.assert_allclose(resize(x, scale=scale, mode=mode, layout="HW"), upscale(x, scale, mode), atol=1e-13)


@pytest.mark.parametrize("a", [-0.5, -0.75, 0.0])
def test_the_cubic_parameter_is_a(rng, a):
    x = rng.random((5, 6))
    np.testing.assert_allclose(resize(x, scale=2, a=a, layout="HW"), upscale(x, 2, "cubic", a), atol=1e-13)


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
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("like", [None, "torch", "onnx", "opencv", "tensorflow", "paddle"])
def test_published_examples(x, mode, expected, dtype, like):
    result = resize(np.array(x, dtype), scale=2, mode=mode, like=like, axes=(0, 1))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (
            SMALL,
            [
                [1, 4 / 3, 5 / 3, 2],
                [5 / 3, 2, 7 / 3, 8 / 3],
                [7 / 3, 8 / 3, 3, 10 / 3],
                [3, 10 / 3, 11 / 3, 4],
            ],
        ),
        (
            WITH_ZEROS,
            [
                [1, 1.4, 1.8, 1.6, 0.8, 0],
                [1.8, 2.2, 2.6, 2.24, 1.12, 0],
                [2.6, 3, 3.4, 2.88, 1.44, 0],
                [2.4, 2.72, 3.04, 2.56, 1.28, 0],
                [1.2, 1.36, 1.52, 1.28, 0.64, 0],
                [0, 0, 0, 0, 0, 0],
            ],
        ),
    ],
)
def test_published_examples_with_aligned_corners(x, expected):
    x = np.array(x, np.float64)
    for result in (
        resize(x, scale=2, mode="bilinear", align_corners=True, layout="HW"),
        resize(x, scale=2, mode="linear", coordinates="align_corners", layout="HW"),
        resize(x, scale=2, mode="bilinear", like="torch", align_corners=True, axes=(0, 1)),
        resize(x, scale=2, mode="bilinear", like="paddle", align_corners=True, axes=(0, 1)),
        upsample_bilinear(x[None, None], scale=2)[0, 0],
        upsample(x[None, None], scale=2, mode="bilinear", align_corners=True)[0, 0],
    ):
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
    torch_says = torch.nn.UpsamplingBilinear2d(scale_factor=2)(torch.tensor(x)[None, None])[0, 0]
    np.testing.assert_allclose(torch_says.numpy(), expected, rtol=0, atol=1e-14)


def test_the_modules_of_torch(rng):
    x = torch.from_numpy(rng.random((2, 3, 5, 4)))
    pairs = [
        (upsample_nearest(x, scale=2), torch.nn.UpsamplingNearest2d(scale_factor=2)(x)),
        (upsample_nearest(x, (7, 9)), torch.nn.UpsamplingNearest2d(size=(7, 9))(x)),
        (upsample_bilinear(x, (7, 9)), torch.nn.UpsamplingBilinear2d(size=(7, 9))(x)),
        (upsample(x, scale=(2, 3)), torch.nn.Upsample(scale_factor=(2, 3))(x)),
        (upsample(x, 8, mode="bicubic"), torch.nn.Upsample(8, mode="bicubic")(x)),
        (upsample(x[0], scale=3, mode="linear"), torch.nn.Upsample(scale_factor=3, mode="linear")(x[0])),
    ]
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("layout", [*EVERY, "W", "HW", "DHW"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic", "area", "lanczos"])
def test_every_layout_is_the_same_resize(rng, layout, mode):
    sizes = {"N": 2, "C": 3, "D": 4, "H": 5, "W": 6}
    x = rng.random([sizes[letter] for letter in layout])
    axes = [k for k, letter in enumerate(layout) if letter in "DHW"]
    wanted = {"D": 7, "H": 3, "W": 8}
    result = resize(x, [wanted[layout[k]] for k in axes], mode=mode, layout=layout)
    assert result.shape == tuple(wanted.get(letter, sizes[letter]) for letter in layout)
    assert result.flags.c_contiguous
    one_by_one = x
    for k in axes:
        one_by_one = resize(one_by_one, wanted[layout[k]], mode=mode, axes=k)
    np.testing.assert_allclose(result, one_by_one, atol=1e-13)
    for like in (torch.from_numpy, ForeignArray):
        other = resize(like(x), [wanted[layout[k]] for k in axes], mode=mode, layout=layout)
        assert type(other) is type(like(x))
        np.testing.assert_allclose(getattr(other, "array", other), result, atol=1e-14)


def test_area_is_the_mean_of_what_is_covered():
    assert resize(np.arange(6.0), 3, mode="area", layout="W").tolist() == [0.5, 2.5, 4.5]
    np.testing.assert_allclose(resize(np.arange(3.0), 2, mode="area", layout="W"), [1 / 3, 5 / 3], atol=1e-15)
    np.testing.assert_allclose(resize(np.arange(2.0), 3, mode="area", layout="W"), [0, 0.5, 1], atol=1e-15)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_dtypes(rng, dtype, mode, kind):
    x = rng.random((5, 6)) if dtype.startswith("float") else rng.integers(40, 60, (5, 6))
    x = x.astype(dtype)
    given = torch.from_numpy(x) if kind == "torch" else x
    result = resize(given, (7, 9), mode=mode, layout="HW")
    assert result.dtype == given.dtype
    expected = resize(resize(x.astype(float), (7, 6), mode=mode, layout="HW"), (7, 9), mode=mode, layout="HW")
    error = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-14}.get(dtype, 0 if mode == "nearest" else 1.2)
    np.testing.assert_allclose(np.asarray(result).astype(float), expected, atol=error)


def test_nearest_takes_anything():
    for x in (np.array([True, False]), np.array([1 + 2j, 3]), np.array([2**60 + 1, 5])):
        result = resize(x, 4, mode="nearest", layout="W")
        assert result.dtype == x.dtype
        assert result.tolist() == [x[0], x[0], x[1], x[1]]


def test_large_whole_numbers_stay_exact_and_are_clipped():
    x = np.array([2**31 - 1, -(2**31), 2**31 - 1, 2**31 - 1], np.int32)
    assert resize(x, scale=1, layout="W").tolist() == x.tolist()
    result = resize(x, scale=3, layout="W").astype(np.int64)
    assert (result.min(), result.max()) == (-(2**31), 2**31 - 1)
    assert result[10] == 2**31 - 1


def test_aspect_policies():
    x = np.zeros((4, 8, 1))
    assert resize(x, (8, 8), keep_aspect="stretch").shape == (8, 8, 1)
    assert resize(x, (8, 8), keep_aspect="not_larger").shape == (4, 8, 1)
    assert resize(x, (8, 8), keep_aspect="not_smaller").shape == (8, 16, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_linear_light(dtype, kind):
    # Half of the light of white is stored as 188 of 255, not as 128.
    top = np.iinfo(dtype).max
    x = np.array([[0, top], [top, 0]], dtype)
    given = torch.from_numpy(x) if kind == "torch" else x
    result = np.asarray(resize(given, (1, 1), mode="linear", antialias=True, transfer="srgb", layout="HW"))
    stored = 1.055 * 0.5 ** (1 / 2.4) - 0.055
    assert result.dtype == dtype
    assert result.tolist() == [[round(stored * top)]]
    every = np.arange(0, top + 1, max(1, top // 255)).astype(dtype)
    np.testing.assert_array_equal(
        resize(np.repeat(every, 2), scale=0.5, mode="area", layout="W", transfer="srgb"), every
    )
    np.testing.assert_array_equal(resize(every[:, None, None], (len(every), 3), transfer="srgb")[:, 1, 0], every)


def test_all_coordinates_of_a_line():
    x = np.arange(4.0)
    cases = {
        "half_pixel": [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3],
        "pytorch_half_pixel": [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3],
        "half_pixel_symmetric": [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3],
        "asymmetric": [0, 0.5, 1, 1.5, 2, 2.5, 3, 3],
        "align_corners": [i * 3 / 7 for i in range(8)],
    }
    for coordinates, expected in cases.items():
        result = resize(x, 8, mode="linear", coordinates=coordinates, layout="W")
        np.testing.assert_allclose(result, expected, atol=1e-15)
    crop = {"mode": "linear", "coordinates": "tf_crop_and_resize", "layout": "W"}
    np.testing.assert_allclose(resize(x, 3, roi=(0, 1), **crop), [0, 1.5, 3])
    np.testing.assert_allclose(resize(x, 3, roi=(1, 0), **crop), [3, 1.5, 0])
    np.testing.assert_allclose(resize(x, 3, roi=(0.5, 1.5), extrapolation=-7, **crop), [1.5, 3, -7])
    np.testing.assert_allclose(resize(x, 1, roi=(0, 1), **crop), [1.5])
    # The one sample of a line of one: where torch and ONNX part from the formula.
    one = {"mode": "linear", "layout": "W"}
    assert resize(x, 1, coordinates="half_pixel", **one) == 1.5
    assert resize(x, 1, coordinates="pytorch_half_pixel", **one) == 0
    assert resize(x, 1, coordinates="align_corners", **one) == 0


def test_nearest_roundings():
    x = np.arange(4)
    for nearest, expected in {
        "round_prefer_floor": [0, 0, 1, 1, 2, 2, 3, 3],
        "round_prefer_ceil": [0, 1, 1, 2, 2, 3, 3, 3],
        "floor": [0, 0, 1, 1, 2, 2, 3, 3],
        "ceil": [0, 1, 1, 2, 2, 3, 3, 3],
    }.items():
        result = resize(x, 8, mode="nearest", coordinates="asymmetric", nearest=nearest, layout="W")
        assert result.tolist() == expected, nearest


@pytest.mark.parametrize(("mode", "theirs"), [("linear", "bilinear"), ("cubic", "bicubic")])
@pytest.mark.parametrize("scale", [2, 3, 1.3])
def test_is_torch_interpolate(rng, mode, theirs, scale):
    x = rng.random((2, 3, 9, 7))
    size = [int(9 * scale), int(7 * scale)]
    # torch has a = -0.75 and, told so, computes positions from the factor.
    expected = F.interpolate(torch.from_numpy(x), scale_factor=scale, mode=theirs, recompute_scale_factor=False)
    parameter = {"a": -0.75} if mode == "cubic" else {}
    result = resize(x, size, scale=scale, mode=mode, layout="NCHW", **parameter)
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
    # Else a tile of an image would differ from the image in the last bit.
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


IMAGE = np.zeros((4, 6, 3), np.float32)


@pytest.mark.parametrize(
    ("x", "arguments", "fragment"),
    [
        (IMAGE, {"scale": float("nan")}, "scale=nan: a finite number above 0"),
        (IMAGE, {"scale": float("inf")}, "scale=inf: a finite number above 0"),
        (IMAGE, {"scale": 0}, "scale=0.0: a finite number above 0"),
        (IMAGE, {"scale": -1}, "scale=-1.0: a finite number above 0"),
        (IMAGE, {"scale": (2, -1)}, "scale=-1.0: a finite number above 0"),
        (IMAGE, {"scale": (2, 2, 2)}, "scale=(2, 2, 2): one number or (vertical, horizontal)"),
        (IMAGE, {"scale": 1e300}, "both must be from 1 to"),
        (IMAGE, {"size": (4, 0)}, "6 to 0 samples: both must be from 1"),
        (IMAGE, {"size": (-1, 4)}, "4 to -1 samples: both must be from 1"),
        (IMAGE, {"size": (4, 2**31)}, "6 to 2147483648 samples"),
        (IMAGE, {"size": (4,)}, "size=(4,): (height, width)"),
        (IMAGE, {"size": (4, 4.0)}, "size=(4, 4.0): (height, width) in integers"),
        (IMAGE, {"size": (4, True)}, "size=(4, True): (height, width) in integers"),
        (IMAGE, {"size": "44"}, "size='44': (height, width) in integers"),
        (IMAGE, {"size": 0}, "4 to 0 samples: both must be from 1"),
        (IMAGE, {"size": (2**30, 2**30)}, "(4, 6, 3) to (1073741824, 1073741824, 3): more than 2**36 samples"),
        (IMAGE[:, :1, 0], {"size": (2**31 - 1, 1), "layout": "HW"}, "at most 268435456 taps are possible"),
        (IMAGE, {"scale": "2"}, "scale='2': one number or (vertical, horizontal)"),
        (IMAGE, {"scale": True}, "scale=True: one number or (vertical, horizontal)"),
        (IMAGE, {"scale": 2**29}, "scale=536870912.0: 4 to 2.15e+09 samples: both must be from 1"),
        (IMAGE, {"scale": 2, "axes": (0, 0)}, "axes=(0, 0): different integers from -3 to 2"),
        (IMAGE, {"scale": 2, "axes": 3}, "axes=3: different integers from -3 to 2"),
        (IMAGE, {"scale": 2, "axes": ()}, "axes=(): different integers"),
        (IMAGE, {"scale": 2, "axes": (0, 1), "layout": "HWC"}, "both set the axes"),
        (
            IMAGE,
            {"scale": 2, "like": "pytorch"},
            "unknown dialect 'pytorch'. Did you mean 'torch'? like= takes torch, onnx,",
        ),
        (IMAGE, {"scale": 2, "like": ["torch"]}, "unknown dialect ['torch']. like= takes torch, onnx,"),
        (IMAGE[0, 0], {"scale": 2, "like": "torch"}, "shape (3,) has 1 axes; like='torch' has NCW, NCHW, NCDHW"),
        (
            IMAGE,
            {"scale": 2, "like": "opencv", "axes": 0},
            "1 axes to resize in shape (4, 6, 3); like='opencv' resizes 2",
        ),
        (IMAGE, {"size": 3, "scale": 2, "like": "torch"}, "size=3 and scale=2: pass one of them with like='torch'"),
        (
            IMAGE,
            {"scale": 2, "mode": "trilinear"},
            "mode='trilinear' is for 3 resized axes, not for 2; 'linear' is for any",
        ),
        (IMAGE, {"scale": 2, "mode": ["linear"]}, "unknown mode ['linear']. Choices: nearest, linear"),
        (
            IMAGE,
            {"scale": 2, "mode": "hamming", "like": "torch"},
            "unknown mode 'hamming'. like='torch' has nearest, nearest-exact, linear",
        ),
        (
            IMAGE,
            {"scale": 2, "a": -1, "like": "torch"},
            "a is not a parameter of like='torch'; it has align_corners, ant",
        ),
        (IMAGE, {"scale": 2, "antialias": True, "like": "pillow"}, "it has only mode, size and scale"),
        (IMAGE, {"scale": 2, "align_mode": 1, "like": "torch"}, "align_mode is not a parameter of like='torch'"),
        (
            IMAGE,
            {"scale": 2, "align_mode": 2, "like": "paddle", "layout": "CHW", "mode": "linear"},
            "align_mode=2: 0 (half",
        ),
        (
            IMAGE,
            {"scale": 2, "align_corners": True, "like": "torch", "mode": "nearest"},
            "align_corners is not for mode='nearest' of like='torch'; it is for linear, cubic",
        ),
        (
            IMAGE[None],
            {"scale": 2, "antialias": False, "like": "torch", "mode": "lanczos"},
            "antialias=False: mode='lanczos' of like='torch' has True only",
        ),
        (IMAGE, {"scale": 2, "mode": "linear", "a": -0.75}, "a is not for mode='linear'; it is for cubic"),
        (IMAGE, {"scale": 2, "mode": "nearest", "antialias": True}, "antialias is not for mode='nearest'; it is for"),
        (IMAGE, {"scale": 2, "a": float("nan")}, "a=nan: a finite number"),
        (IMAGE, {"scale": 2, "a": "x"}, "a='x': a finite number"),
        (IMAGE, {"scale": 2, "antialias": 1}, "antialias=1: True or False"),
        (
            IMAGE,
            {"scale": 2, "coordinates": "corner"},
            "unknown coordinates 'corner'. Did you mean 'align_corners'? Choices: half_pixel",
        ),
        (IMAGE, {"scale": 2, "mode": "nearest", "nearest": "up"}, "unknown nearest 'up'. Choices: round_prefer_floor"),
        (IMAGE, {"scale": 2, "coordinates": "half_pixel", "align_corners": True}, "both set the positions"),
        (
            IMAGE,
            {"scale": 2, "roi": (0, 0, 1, 1)},
            "roi is for coordinates='tf_crop_and_resize', not for 'half_pixel'",
        ),
        (IMAGE, {"scale": 2, "extrapolation": 1.0}, "extrapolation is for coordinates='tf_crop_and_resize'"),
        (
            IMAGE,
            {"scale": 2, "coordinates": "tf_crop_and_resize"},
            "needs roi=(start of each axis, end of each axis)",
        ),
        (IMAGE, {"scale": 2, "coordinates": "tf_crop_and_resize", "roi": (0, 1)}, "roi=(0, 1): 4 finite numbers"),
        (
            IMAGE,
            {"scale": 2, "coordinates": "tf_crop_and_resize", "roi": (0, 0, 1, float("inf"))},
            "roi=(0, 0, 1, inf): 4 finite numbers",
        ),
        (
            IMAGE,
            {"size": (4, 4), "keep_aspect": "crop"},
            "unknown keep_aspect 'crop'. Choices: stretch, not_larger, not_smaller",
        ),
        (IMAGE, {"scale": 2, "keep_aspect": "not_larger"}, "keep_aspect='not_larger' needs a size"),
        (
            IMAGE,
            {"size": 4, "recompute_scale_factor": True, "like": "torch"},
            "recompute_scale_factor=True: pass True with a scale",
        ),
        (IMAGE, {"scale": 2, "transfer": "gamma"}, "transfer='gamma': 'srgb' is needed"),
        (IMAGE, {"scale": 2, "transfer": "srgb"}, "dtype float32: transfer='srgb' is for u8 and u16"),
        (IMAGE, {"size": (4, 4), "scale": float("nan")}, "scale=nan"),
        (IMAGE, {}, "neither size nor scale is given"),
        (IMAGE, {"scale": 2, "layout": "WH"}, "unknown layout 'WH'. Did you mean 'W'? Choices: W, HW, DHW, NCHW"),
        (IMAGE, {"scale": 2, "layout": "HW"}, "shape (4, 6, 3) has 3 axes, layout HW has 2"),
        (
            IMAGE,
            {"scale": 2, "mode": "spline"},
            "unknown mode 'spline'. Did you mean 'linear'? Choices: nearest, linear, cubic",
        ),
        (IMAGE, {"scale": 2, "border": "wrap"}, "unknown border 'wrap'. Choices: replicate, symmetric"),
        (IMAGE[:0], {"scale": 2}, "0 to 0 samples: both must be from 1"),
        (IMAGE[:, :0], {"size": (4, 4)}, "0 to 4 samples: both must be from 1"),
        (IMAGE.astype(np.int64), {"scale": 2}, "dtype int64: integers of 8, 16 or 32 bits or floats"),
        (IMAGE.astype(complex), {"scale": 2}, "dtype complex128: integers of 8, 16 or 32 bits or floats"),
        (IMAGE.astype(bool), {"scale": 2}, "dtype bool: integers of 8, 16 or 32 bits or floats"),
    ],
)
def test_bad_arguments(x, arguments, fragment):
    with pytest.raises(InvalidArgument) as caught:
        resize(x, **arguments)
    assert str(caught.value).startswith("resize: ")
    assert fragment in str(caught.value)
