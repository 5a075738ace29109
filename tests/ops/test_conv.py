"""Convolution, transposed convolution and sub-pixel convolution."""

import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ops.layouts import EVERY, FIRST, NO_INTEGERS, ForeignArray, dims_of, ints, to_layout
from oracle import conv_nd as oracle
from subpixel.errors import InvalidArgument
from subpixel.ops import conv, conv_transpose, pixel_shuffle, subpixel_conv

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


pytestmark = pytest.mark.usefixtures("one_thread")


def random_operands(rng, dims, transposed):
    """Random x, weight, bias or None, and the arguments that torch takes too."""
    groups = int(rng.integers(1, 4))
    cin, cout = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
    kernel = ints(rng, 1, 4, dims)
    shape = (cin, cout // groups, *kernel) if transposed else (cout, cin // groups, *kernel)
    x = rng.standard_normal((int(rng.integers(1, 3)), cin, *ints(rng, 1, 7, dims)))
    bias = rng.standard_normal(cout) if rng.random() < 0.5 else None
    arguments = {"stride": ints(rng, 1, 4, dims), "padding": ints(rng, 0, 3, dims), "dilation": ints(rng, 1, 3, dims)}
    arguments["groups"] = groups
    if transposed:
        arguments["output_padding"] = tuple(
            int(rng.integers(0, max(s, d))) for s, d in zip(arguments["stride"], arguments["dilation"], strict=True)
        )
    return x, rng.standard_normal(shape), bias, arguments


def tensors(*arrays):
    return [None if v is None else torch.from_numpy(v) for v in arrays]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_is_torch(rng, dims, transposed):
    ours, theirs = (conv_transpose, TRANSPOSE[dims]) if transposed else (conv, CONV[dims])
    compared = refused = 0
    for _ in range(400):
        x, weight, bias, arguments = random_operands(rng, dims, transposed)
        try:
            expected = theirs(*tensors(x, weight, bias), **arguments).numpy()
        except RuntimeError:
            with pytest.raises(InvalidArgument):
                ours(x, weight, bias, layout=FIRST[dims], **arguments)
            refused += 1
            continue
        y = ours(x, weight, bias, layout=FIRST[dims], **arguments)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
        by_torch = ours(*tensors(x, weight, bias), layout=FIRST[dims], **arguments)
        np.testing.assert_array_equal(by_torch.numpy(), expected)
        compared += 1
    assert compared > 150
    assert refused > 10


@pytest.mark.parametrize("layout", EVERY)
def test_is_the_definition_in_every_layout_and_kind(rng, layout):
    dims = dims_of(layout)
    for transposed in (False, True):
        x, weight, bias, arguments = random_operands(rng, dims, transposed)
        x, weight = (rng.integers(-99, 99, v.shape) for v in (x, weight))
        x = np.concatenate([x] * 4, axis=2)[:, :, :7]
        bias = rng.integers(-9, 9, weight.shape[1] * arguments["groups"] if transposed else weight.shape[0])
        arguments["padding"] = tuple(ints(rng, 0, 3, 2) for _ in range(dims))
        ours = conv_transpose if transposed else conv
        if transposed:
            arguments["padding"] = tuple((0, 1) if p[0] else (0, 0) for p in arguments["padding"])
            arguments["stride"] = tuple(s + 1 for s in arguments["stride"])
        else:
            arguments["padding"] = tuple((b + 3, a) for b, a in arguments["padding"])
        try:
            expected = to_layout(getattr(oracle, ours.__name__)(x, weight, bias, **arguments), layout)
        except ValueError:
            pytest.fail("an empty result was drawn")
        for kind in (np.asarray, torch.from_numpy, ForeignArray):
            for dtype in (np.float64, np.int64):
                given = [kind(v.astype(dtype)) for v in (to_layout(x, layout), weight, bias)]
                y = ours(*given, layout=layout, **arguments)
                assert type(y) is type(given[0])
                y = np.asarray(getattr(y, "array", y))
                assert y.dtype == dtype
                assert y.flags.c_contiguous
                np.testing.assert_array_equal(y, expected.astype(dtype))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_output_size(rng, dims):
    for _ in range(60):
        x, weight, bias, arguments = random_operands(rng, dims, transposed=True)
        try:
            expected = TRANSPOSE[dims](*tensors(x, weight, bias), **arguments)
        except RuntimeError:
            continue
        if 0 in expected.shape:
            continue
        arguments.pop("output_padding")
        for size in (tuple(expected.shape[2:]), tuple(expected.shape)):
            y = conv_transpose(x, weight, bias, output_size=size, layout=FIRST[dims], **arguments)
            np.testing.assert_allclose(y, expected.numpy(), rtol=0, atol=1e-12)


def test_named_paddings(rng):
    x, weight = rng.standard_normal((2, 3, 7, 8)), rng.standard_normal((4, 3, 4, 3))
    for dilation in (1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch says that an even kernel costs a padded copy
            expected = F.conv2d(*tensors(x, weight), padding="same", dilation=dilation).numpy()
        np.testing.assert_allclose(conv(x, weight, padding="same", dilation=dilation), expected, atol=1e-12)
        np.testing.assert_allclose(conv(*tensors(x, weight), padding="same", dilation=dilation), expected, atol=1e-12)
    np.testing.assert_array_equal(conv(x, weight, padding="valid"), conv(x, weight))
    lower = conv(x, weight, padding="same_lower")
    np.testing.assert_allclose(lower, conv(x, weight, padding=[(2, 1), (1, 1)]), atol=1e-12)
    # TensorFlow's and ONNX's rule for strides: ceil(size / stride) windows, the odd zero after.
    np.testing.assert_array_equal(
        conv(x, weight, padding="same", stride=2), conv(x, weight, padding=[(1, 2), (0, 1)], stride=2)
    )


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients(rng, dims, transposed):
    ours = conv_transpose if transposed else conv
    for layout in (FIRST[dims], "N" + "DHW"[3 - dims :] + "C"):
        x = torch.from_numpy(rng.standard_normal(to_layout(np.empty((1, 2, *(3, 3, 2)[:dims])), layout).shape))
        weight = torch.from_numpy(rng.standard_normal((2, 1, *(2, 3, 1)[:dims])))
        bias = torch.from_numpy(rng.standard_normal(2))
        arguments = {"stride": 2, "padding": [(1, 0)] * dims, "groups": 2, "layout": layout}
        operands = [v.requires_grad_() for v in (x, weight, bias)]
        assert torch.autograd.gradcheck(lambda *v, a=arguments: ours(*v, **a), operands)


def test_gradient_of_the_subpixel_convolution(rng):
    operands = [
        torch.from_numpy(v).requires_grad_()
        for v in (rng.standard_normal((1, 2, 3, 2)), rng.standard_normal((4, 2, 3, 3)), rng.standard_normal(4))
    ]
    assert torch.autograd.gradcheck(lambda *v: subpixel_conv(*v, 2, padding=1, crop=[(1, 0), (0, 2)]), operands)


def test_subpixel_convolution_is_a_convolution_and_a_shuffle(rng):
    x, weight, bias = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((18, 3, 3, 3)), rng.standard_normal(18)
    for order in ("CRD", "DCR"):
        expected = pixel_shuffle(conv(x, weight, bias, padding=1), 3, order=order)
        np.testing.assert_array_equal(subpixel_conv(x, weight, bias, 3, padding=1, order=order), expected)
        cropped = subpixel_conv(x, weight, bias, 3, padding=1, order=order, crop=[(1, 2), (0, 3)])
        np.testing.assert_array_equal(cropped, expected[:, :, 1:-2, :-3])
        last = subpixel_conv(x.transpose(0, 2, 3, 1), weight, bias, 3, padding=1, order=order, crop=1, layout="NHWC")
        np.testing.assert_allclose(last, expected[:, :, 1:-1, 1:-1].transpose(0, 2, 3, 1), atol=1e-12)
    with pytest.raises(InvalidArgument, match=r"subpixel_conv: crop .* leaves nothing of a result of \(9, 6\)"):
        subpixel_conv(x, weight, None, 3, crop=3)


def test_dtypes(rng):
    x, weight = rng.standard_normal((1, 2, 5, 5)), rng.standard_normal((2, 2, 3, 3))
    for given, wanted in [("f4", "f4"), ("f8", "f8"), ("f2", "f2"), ("c8", "c8")]:
        assert conv(x.astype(given), weight.astype(given)).dtype == np.dtype(wanted)
        assert conv_transpose(x.astype(given), weight.astype(given)).dtype == np.dtype(wanted)
    assert conv(x.astype("f4"), weight).dtype == np.float64
    assert conv(torch.from_numpy(x).float(), torch.from_numpy(weight)).dtype == torch.float64
    half = conv(x.astype("f2"), weight.astype("f2"))
    exact = conv(x.astype("f2").astype("f4"), weight.astype("f2").astype("f4"))
    np.testing.assert_array_equal(half, exact.astype("f2"))
    for dtype in (torch.float16, torch.bfloat16):
        assert conv(torch.ones(1, 1, 3, 3, dtype=dtype), torch.ones(1, 1, 3, 3, dtype=dtype)).item() == 9
    with pytest.raises(InvalidArgument, match="conv: dtypes <U1, float64: numbers are needed"):
        conv(np.full((1, 1, 3, 3), "a"), np.ones((1, 1, 1, 1)))


def test_whole_numbers_are_exact():
    for value in (2**20, 2**28 + 1):  # sums below 2**53 and beyond
        x, weight = np.full((1, 4, 3, 3), value), np.full((1, 4, 3, 3), value + 1)
        for kind in (np.asarray, torch.from_numpy):
            y = conv(kind(x), kind(weight))
            assert int(y.ravel()[0]) == 36 * value * (value + 1)
    u8, i8 = np.full((1, 64, 3, 3), 255, np.uint8), np.full((1, 64, 3, 3), -128, np.int8)
    assert conv(u8, i8).item() == 255 * -128 * 576
    with pytest.raises(InvalidArgument, match="conv: sums of these integers may exceed int64"):
        conv(np.full((1, 1, 1, 1), 2**62), np.full((1, 1, 1, 1), 2))


def test_large_images_go_in_blocks(rng, monkeypatch):
    from subpixel.ops.convolution import numpy_conv

    x, weight = rng.standard_normal((2, 4, 33, 17)), rng.standard_normal((6, 2, 3, 3))
    whole = conv(x, weight, groups=2, stride=(1, 2))
    for block in (1, 5000, 20000):
        monkeypatch.setattr(numpy_conv, "_BLOCK", block)
        np.testing.assert_allclose(conv(x, weight, groups=2, stride=(1, 2)), whole, rtol=0, atol=1e-12)


def test_empty_batch(rng):
    for kind in (np.zeros, torch.zeros):
        assert tuple(conv(kind((0, 2, 4, 4)), kind((3, 2, 3, 3))).shape) == (0, 3, 2, 2)
        assert tuple(conv_transpose(kind((0, 2, 4, 4)), kind((2, 3, 3, 3))).shape) == (0, 3, 6, 6)


@pytest.mark.parametrize("value", NO_INTEGERS)
@pytest.mark.parametrize("name", ["stride", "dilation"])
@pytest.mark.parametrize("op", [conv, conv_transpose])
def test_bad_numbers(op, name, value):
    with pytest.raises(InvalidArgument, match=f"{op.__name__}: {name}=.*: an integer of at least 1 is needed"):
        op(np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 2, 2)), **{name: value})


@pytest.mark.parametrize(
    ("op", "weight", "keywords", "text"),
    [
        (conv, (1, 2, 3, 3), {"padding": -1}, "padding=-1: an integer of at least 0 is needed"),
        (conv, (1, 2, 3, 3), {"padding": float("nan")}, "padding=nan: "),
        (conv, (1, 2, 3, 3), {"padding": "full"}, "unknown padding 'full'. Choices: numbers, valid, same"),
        (conv, (1, 2, 3, 3), {"padding": 2**31 - 1}, "is larger than 2**38 bytes"),
        (conv, (1, 2, 3, 3), {"padding": 2**31 - 1, "stride": 2**31 - 1}, "is larger than 2**38 bytes"),
        (conv, (1, 2, 5, 3), {}, "spatial sizes (4, 4) with padding ((0, 0), (0, 0)) are smaller than the window"),
        (conv, (1, 2, 3, 3), {"dilation": 65536}, "smaller than the window (131073, 131073)"),
        (conv, (1, 3, 3, 3), {}, "input of 2 channels, weight of shape (1, 3, 3, 3) = (C_out, C_in/groups, *kernel)"),
        (conv, (3, 1, 3, 3), {"groups": 2}, "groups=2: 2 channels and a first size that is a multiple of groups"),
        (conv, (1, 2, 3), {}, "weight of shape (1, 2, 3): (C_out, C_in/groups, *kernel) with 2 kernel sizes"),
        (conv, (1, 2, 0, 3), {}, "of at least 1 is needed"),
        (conv, (0, 2, 3, 3), {}, "of at least 1 is needed"),
        (conv, (1, 2, 3, 3), {"groups": 0}, "groups=0: an integer of at least 1"),
        (conv, (1, 2, 3, 3), {"groups": True}, "groups=True: an integer of at least 1"),
        (conv, (1, 2, 3, 3), {"groups": 1.5}, "groups=1.5: an integer of at least 1"),
        (conv, (1, 2, 3, 3), {"groups": 2**31 - 1}, "2147483647"),
        (conv, (1, 2, 3, 3), {"bias": np.zeros(2)}, "bias of shape (2,): (1,) is needed"),
        (conv, (1, 2, 3, 3), {"layout": "NCW"}, "shape (1, 2, 4, 4) has 4 axes, layout NCW has 3"),
        (conv_transpose, (1, 2, 3, 3), {}, "weight of shape (1, 2, 3, 3) = (C_in, C_out/groups, *kernel)"),
        (conv_transpose, (2, 1, 3, 3), {"groups": 3}, "groups=3: 2 channels and a first size that is a multiple"),
        (conv_transpose, (2, 1, 3, 3), {"padding": "same"}, "padding='same': an integer"),
        (conv_transpose, (2, 1, 3, 3), {"padding": 3}, "lead to size (0, 0); less padding is needed"),
        (conv_transpose, (2, 1, 3, 3), {"padding": 2**31 - 1}, "less padding is needed"),
        (conv_transpose, (2, 1, 3, 3), {"stride": 2**31 - 1}, "is larger than 2**38 bytes"),
        (conv_transpose, (2, 1, 3, 3), {"output_padding": 1}, "output_padding (1, 1): for input (4, 4), kernel (3, 3)"),
        (conv_transpose, (2, 1, 3, 3), {"output_padding": -1}, "output_padding=-1: an integer of at least 0"),
        (conv_transpose, (2, 1, 3, 3), {"output_size": (6, 8)}, "output_size=(6, 8): "),
        (conv_transpose, (2, 1, 3, 3), {"output_size": 5}, "sizes from (6, 6) to (6, 6) are possible"),
        (conv_transpose, (2, 1, 3, 3), {"output_size": (6, 0)}, "output_size=(6, 0): an integer of at least 1"),
        (conv_transpose, (2, 1, 3, 3), {"stride": 2, "output_size": (9, 11)}, "from (9, 9) to (10, 10) are possible"),
        (conv_transpose, (2, 1, 3, 3), {"bias": np.zeros(2)}, "bias of shape (2,): (1,) is needed"),
    ],
)  # fmt: skip
def test_bad_arguments(op, weight, keywords, text):
    for kind in (np.asarray, torch.from_numpy):
        given = {key: kind(v) if isinstance(v, np.ndarray) else v for key, v in keywords.items()}
        with pytest.raises(InvalidArgument) as caught:
            op(kind(np.zeros((1, 2, 4, 4))), kind(np.zeros(weight)), **given)
        assert str(caught.value).startswith(f"{op.__name__}: ")
        assert text in str(caught.value)


def test_tensors_and_arrays_cannot_be_mixed():
    with pytest.raises(InvalidArgument, match="conv: torch tensors and ndarray cannot be mixed"):
        conv(torch.zeros(1, 1, 4, 4), np.zeros((1, 1, 3, 3)))
