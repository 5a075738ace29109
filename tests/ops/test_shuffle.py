import itertools

import numpy as np
import pytest
import torch

from oracle.shuffle import pixel_shuffle_nchw
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.ops import pixel_shuffle, pixel_unshuffle, resize
from subpixel.ops.native import native_module

LAYOUTS = ("NCHW", "NHWC", "CHW", "HWC")
ORDERS = ("CRD", "DCR")


def in_layout(x, layout):
    """(N, C, H, W) brought to another layout; those without a batch take the first image."""
    if "N" not in layout:
        x = x[0]
    return x if layout.endswith("CHW") else np.moveaxis(x, -3, -1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("r", "channels", "height", "width"), [(1, 2, 3, 2), (2, 1, 2, 2), (2, 3, 3, 5), (3, 2, 4, 1)])
def test_follows_the_index_law(rng, order, layout, r, channels, height, width):
    x = rng.integers(0, 2**31, (2, channels * r * r, height, width))
    expected = in_layout(pixel_shuffle_nchw(x, r, order), layout)
    given = np.ascontiguousarray(in_layout(x, layout))
    result = pixel_shuffle(given, r, layout=layout, order=order)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(pixel_unshuffle(result, r, layout=layout, order=order), given)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_shuffle_undoes_unshuffle(rng, layout, order):
    x = in_layout(rng.random((2, 3, 6, 12)), layout)
    small = pixel_unshuffle(x, 3, layout=layout, order=order)
    assert small.shape == in_layout(np.empty((2, 27, 2, 4)), layout).shape
    np.testing.assert_array_equal(pixel_shuffle(small, 3, layout=layout, order=order), x)


@pytest.mark.parametrize("r", [2, 3])
def test_crd_is_torch(rng, r):
    x = rng.random((2, 2 * r * r, 3, 4), np.float32)
    expected = torch.pixel_shuffle(torch.from_numpy(x), r).numpy()
    np.testing.assert_array_equal(pixel_shuffle(x, r), expected)
    back = torch.pixel_unshuffle(torch.from_numpy(expected), r).numpy()
    np.testing.assert_array_equal(pixel_unshuffle(expected, r), back)


@pytest.mark.parametrize("target", native_module().targets() if native_module() else [])
@pytest.mark.parametrize("r", [2, 3, 4, (1, 5), (6, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_every_target_gives_the_bytes_of_the_plain_version(rng, monkeypatch, dtype, r, target):
    rh, rw = (r, r) if isinstance(r, int) else r
    for width, c, layout, order in itertools.product((1, 2, 3, 5, 16, 21, 22, 65, 130), (1, 3), LAYOUTS[:2], ORDERS):
        shape = (2, c * rh * rw, 3, width) if layout == "NCHW" else (2, 3, width, c * rh * rw)
        x = rng.integers(0, 255, shape).astype(dtype)
        monkeypatch.setattr("subpixel.ops.shuffle.native_module", lambda: None)
        wanted = pixel_shuffle(x, r, layout=layout, order=order)
        monkeypatch.undo()
        monkeypatch.setenv("SUBPIXEL_TARGET", target)
        result = pixel_shuffle(x, r, layout=layout, order=order)
        assert result.tobytes() == wanted.tobytes()
        assert pixel_unshuffle(result, r, layout=layout, order=order).tobytes() == x.tobytes()


def test_orders_agree_for_one_channel_and_differ_for_more(rng):
    one, three = rng.random((1, 9, 4, 4)), rng.random((1, 27, 4, 4))
    assert pixel_shuffle(one, 3).shape == (1, 1, 12, 12)
    np.testing.assert_array_equal(pixel_shuffle(one, 3, order="CRD"), pixel_shuffle(one, 3, order="DCR"))
    assert not np.array_equal(pixel_shuffle(three, 3, order="CRD"), pixel_shuffle(three, 3, order="DCR"))


def test_repeated_colours_show_which_order_is_in_use(rng):
    image = rng.random((3, 8, 8))
    nearest = resize(image, scale=2, mode="nearest", layout="CHW")
    rgbrgb, rrrr = np.tile(image, (4, 1, 1)), np.repeat(image, 4, axis=0)
    np.testing.assert_array_equal(pixel_shuffle(rgbrgb, 2, layout="CHW", order="DCR"), nearest)
    np.testing.assert_array_equal(pixel_shuffle(rrrr, 2, layout="CHW", order="CRD"), nearest)
    # CRD on RGBRGB...: the red of the result is a mosaic of red, green, blue, red.
    mosaic = pixel_shuffle(rgbrgb, 2, layout="CHW", order="CRD")[0]
    for (i, j), colour in {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 0}.items():
        np.testing.assert_array_equal(mosaic[i::2, j::2], image[colour])


def test_colours_apart_equal_one_crd_call(rng):
    x = rng.random((1, 12, 3, 5))
    apart = np.concatenate([pixel_shuffle(part, 2) for part in np.split(x, 3, axis=1)], axis=1)
    np.testing.assert_array_equal(pixel_shuffle(x, 2), apart)


@pytest.mark.parametrize(
    "dtype", [np.bool_, np.uint8, np.int64, np.float16, np.float64, np.complex64, ">f4", ">u2", "U3"]
)
def test_any_dtype_is_kept(dtype):
    x = np.arange(8).reshape(1, 8, 1, 1).astype(dtype)
    result = pixel_shuffle(x, 2)
    assert result.dtype == x.dtype
    np.testing.assert_array_equal(result.reshape(-1), x.reshape(-1))


def test_input_need_not_be_contiguous_and_is_left_alone(rng):
    wide = rng.random((2, 16, 8, 10))
    view = wide[:, ::2, ::-1, ::3]
    before = wide.copy()
    result = pixel_shuffle(view, 2)
    np.testing.assert_array_equal(result, pixel_shuffle(view.copy(), 2))
    result[...] = -1
    same = pixel_shuffle(wide, 1)
    same[...] = -1
    np.testing.assert_array_equal(wide, before)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("op", [pixel_shuffle, pixel_unshuffle])
def test_factor_one_changes_nothing(rng, op, layout):
    x = rng.random((2, 3, 4, 5)[-len(layout) :])
    np.testing.assert_array_equal(op(x, 1, layout=layout), x)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((0, 4, 3, 5), "NCHW", (0, 1, 6, 10)),
        ((2, 0, 3, 5), "NCHW", (2, 0, 6, 10)),
        ((2, 4, 0, 5), "NCHW", (2, 1, 0, 10)),
        ((2, 3, 0, 8), "NHWC", (2, 6, 0, 2)),
        ((0, 0, 0), "HWC", (0, 0, 0)),
    ],
)
def test_nothing_in_gives_nothing_out(shape, layout, expected, order):
    result = pixel_shuffle(np.empty(shape), 2, layout=layout, order=order)
    assert result.shape == expected
    assert pixel_unshuffle(result, 2, layout=layout, order=order).shape == shape


@pytest.mark.parametrize("op", [pixel_shuffle, pixel_unshuffle])
@pytest.mark.parametrize(
    ("r", "keywords", "fragment"),
    [
        (0, {}, "r=0: an integer of at least 1"),
        (-1, {}, "r=-1: an integer of at least 1"),
        (True, {}, "r=True: an integer of at least 1"),
        (1.5, {}, "r=1.5: an integer of at least 1"),
        (float("nan"), {}, "r=nan: an integer of at least 1"),
        ("2", {}, "r='2': an integer of at least 1"),
        (None, {}, "r=None: an integer of at least 1"),
        (2, {"layout": "NWHC"}, "unknown layout 'NWHC'. Did you mean 'NWC'? Choices: NCHW, NHWC, CHW, HWC"),
        (2, {"layout": None}, "unknown layout None. Choices: NCHW"),
        (2, {"order": "crd"}, "unknown order 'crd'. Did you mean 'CRD'? Choices: CRD, DCR."),
        (2, {"layout": "CHW"}, "shape (1, 4, 4, 4) has 4 axes, layout CHW has 3"),
    ],
)
def test_bad_arguments(op, r, keywords, fragment):
    with pytest.raises(InvalidArgument) as caught:
        op(np.zeros((1, 4, 4, 4)), r, **keywords)
    assert str(caught.value).startswith(f"{op.__name__}: ")
    assert fragment in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, SubpixelError)


@pytest.mark.parametrize(
    ("shape", "r", "layout", "fragment"),
    [
        ((1, 3, 4, 4), 2, "NCHW", "3 channels of shape (1, 3, 4, 4) (NCHW) are not divisible by r*r = 4; a"),
        ((4, 4, 3), 2, "HWC", "3 channels of shape (4, 4, 3) (HWC) are not divisible by r*r = 4"),
        ((1, 4, 4, 4), 65536, "NCHW", "not divisible by r*r = 4294967296"),
        ((1, 4, 4, 4), 2**31 - 1, "NCHW", "not divisible by r*r = 4611686014132420609"),
        ((1, 4, 4, 4), np.int64(2**32), "NCHW", "not divisible by r*r"),
    ],
)  # fmt: skip
def test_channels_that_do_not_divide(shape, r, layout, fragment):
    with pytest.raises(InvalidArgument) as caught:
        pixel_shuffle(np.zeros(shape), r, layout=layout)
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "r", "layout"),
    [((1, 1, 3, 4), 2, "NCHW"), ((1, 1, 4, 3), 2, "NCHW"), ((4, 5, 3), 4, "HWC"), ((1, 1, 4, 4), 2**31 - 1, "NCHW")],
)
def test_sides_that_do_not_divide(shape, r, layout):
    with pytest.raises(InvalidArgument, match=rf"pixel_unshuffle: height \d and width \d .* divisible by r = {r}"):
        pixel_unshuffle(np.zeros(shape), r, layout=layout)
