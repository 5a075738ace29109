"""Max pooling with indices, max unpooling, average unpooling."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ops.layouts import EVERY, FIRST, LAYOUTS, NO_INTEGERS, ForeignArray, dims_of, ints, to_layout
from oracle import pool as oracle
from subpixel.errors import InvalidArgument
from subpixel.ops import average_unpool, max_pool, max_unpool, resize

POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
UNPOOL = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}


pytestmark = pytest.mark.usefixtures("one_thread")


def random_array(rng, dims, dtype=np.float64):
    """Few different values (ties), sometimes NaN."""
    x = rng.integers(0, 5, (2, 2, *ints(rng, 3, 9, dims))).astype(dtype)
    if np.dtype(dtype).kind == "f" and rng.random() < 0.3:
        x[rng.random(x.shape) < 0.15] = np.nan
    return x


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_is_torch(rng, dims):
    compared = 0
    for _ in range({1: 400, 2: 400, 3: 150}[dims]):
        kernel = ints(rng, 1, 4, dims)
        stride, dilation = ints(rng, 1, 4, dims), ints(rng, 1, 3, dims)
        padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
        arguments = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": bool(rng.random() < 0.5)}
        x = random_array(rng, dims)
        if any(n + 2 * p < d * (k - 1) + 1 for n, p, d, k in zip(x.shape[2:], padding, dilation, kernel, strict=True)):
            continue
        values, where = POOL[dims](torch.from_numpy(x), kernel, return_indices=True, **arguments)
        ours = max_pool(x, kernel, return_indices=True, layout=FIRST[dims], **arguments)
        np.testing.assert_array_equal(ours[0], values.numpy())
        np.testing.assert_array_equal(ours[1], where.numpy())
        np.testing.assert_array_equal(max_pool(x, kernel, layout=FIRST[dims], **arguments), values.numpy())
        last = torch.from_numpy(to_layout(x, LAYOUTS[dims][1]))
        ours = max_pool(last, kernel, return_indices=True, layout=LAYOUTS[dims][1], **arguments)
        np.testing.assert_array_equal(ours[0].numpy(), to_layout(values.numpy(), LAYOUTS[dims][1]))
        np.testing.assert_array_equal(ours[1].numpy(), to_layout(where.numpy(), LAYOUTS[dims][1]))
        compared += 1
    assert compared > 100


@pytest.mark.parametrize("layout", EVERY)
def test_is_the_definition_in_every_layout_and_kind(rng, layout):
    dims = dims_of(layout)
    for dtype in (np.float32, np.uint8, np.int64):
        kernel, stride, dilation = ints(rng, 2, 4, dims), ints(rng, 1, 3, dims), ints(rng, 1, 3, dims)
        padding = tuple(
            (int(rng.integers(0, d * (k - 1))), int(rng.integers(0, 2))) for k, d in zip(kernel, dilation, strict=True)
        )
        x = rng.integers(0, 9, (2, 2, *ints(rng, 5, 8, dims))).astype(dtype)
        span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        counts = [(n + a + b - w) // s + 1 for n, (a, b), w, s in zip(x.shape[2:], padding, span, stride, strict=True)]
        values, places = oracle.max_pool(x, kernel, stride, padding, dilation, counts)
        for counting, storage_order in (("torch", 0), ("onnx", 0), ("onnx", 1)):
            arguments = {"stride": stride, "padding": padding, "dilation": dilation, "layout": layout}
            arguments |= {"indices": counting, "storage_order": storage_order, "return_indices": True}
            expected = to_layout(oracle.flat(places, x.shape, counting, storage_order), layout)
            for kind in (np.asarray, torch.from_numpy, ForeignArray):
                given = kind(to_layout(x, layout))
                ours = max_pool(given, kernel, **arguments)
                assert type(ours[0]) is type(ours[1]) is type(given)
                ours = [np.asarray(getattr(v, "array", v)) for v in ours]
                assert (ours[0].dtype, ours[1].dtype) == (dtype, np.int64)
                np.testing.assert_array_equal(ours[0], to_layout(values, layout))
                np.testing.assert_array_equal(ours[1], expected)
                if dtype == np.float32:
                    # And back: the same positions, whichever way they are counted.
                    back = max_unpool(
                        kind(ours[0]), kind(ours[1]), span, stride=stride, padding=padding, layout=layout,
                        indices=counting, storage_order=storage_order,
                        output_size=to_layout(np.empty(x.shape), layout).shape,
                    )  # fmt: skip
                    assert type(back) is type(given)
                    filled = to_layout(
                        oracle.max_unpool(values, oracle.flat(places, x.shape, "torch"), x.shape[2:]), layout
                    )
                    np.testing.assert_array_equal(np.asarray(getattr(back, "array", back)), filled)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpool_is_torch(rng, dims):
    for _ in range(100):
        kernel = ints(rng, 1, 4, dims)
        x = torch.from_numpy(random_array(rng, dims)).nan_to_num(7)
        values, where = POOL[dims](x, kernel, return_indices=True)
        size = tuple(x.shape[2:])
        expected = UNPOOL[dims](values, where, kernel, output_size=size).numpy()
        for kind in (torch.Tensor.numpy, torch.Tensor.clone):
            ours = max_unpool(kind(values), kind(where), kernel, output_size=size, layout=FIRST[dims])
            np.testing.assert_array_equal(np.asarray(ours), expected)
        if all(n % k == 0 for n, k in zip(size, kernel, strict=True)):
            np.testing.assert_array_equal(max_unpool(values, where, kernel, layout=FIRST[dims]).numpy(), expected)


def test_duplicates_keep_the_last_in_raster_order(rng):
    for _ in range(30):
        values = rng.random((2, 3, 4, 5))
        positions = rng.integers(0, 9, values.shape)
        arguments = {"kernel": 3, "stride": 1, "output_size": (6, 7)}
        expected = oracle.max_unpool(values, positions, (6, 7))
        np.testing.assert_array_equal(max_unpool(values, positions, **arguments), expected)
        ours = max_unpool(torch.from_numpy(values), torch.from_numpy(positions), **arguments)
        np.testing.assert_array_equal(ours.numpy(), expected)


def test_gradients():
    x = torch.randperm(2 * 2 * 5 * 6).reshape(2, 2, 5, 6).double().requires_grad_()
    for arguments in ({"padding": 1}, {"padding": [(0, 1), (1, 2)], "dilation": 2, "stride": 1}, {"padding": "same"}):
        assert torch.autograd.gradcheck(lambda v, a=arguments: max_pool(v, 3, **a), x)
    flat = x.permute(0, 2, 3, 1)
    assert torch.autograd.gradcheck(lambda v: max_pool(v, (2, 3), layout="NHWC", padding=[(1, 0), (0, 1)]), flat)
    values = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    positions = torch.tensor([[[[0, 1, 0], [7, 8, 8]], [[23, 22, 21], [2, 1, 2]]]])
    assert torch.autograd.gradcheck(lambda v: max_unpool(v, positions, 2), values)
    max_unpool(values, positions, 2).sum().backward()
    assert values.grad.flatten().tolist() == [0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1]
    assert torch.autograd.gradcheck(lambda v: average_unpool(v, (2, 3)), values)


def test_gradient_of_ties_goes_where_torch_sends_it(rng):
    for padding, kernel in ((0, 2), (1, 3)):
        a = torch.from_numpy(rng.integers(0, 3, (1, 2, 7, 7))).double().requires_grad_()
        b = a.detach().clone().requires_grad_()
        max_pool(a, kernel, padding=[(padding, padding)] * 2).square().sum().backward()
        F.max_pool2d(b, kernel, padding=padding).square().sum().backward()
        assert torch.equal(a.grad, b.grad)


def test_windows_in_nan_and_infinity():
    x = np.array([[[[-np.inf, -np.inf], [-np.inf, -np.inf]]]])
    for given in (x, torch.from_numpy(x)):
        values, where = max_pool(given, 2, padding=1, return_indices=True)
        assert where.flatten().tolist() == [0, 1, 2, 3]
        assert np.isneginf(np.asarray(values)).all()
        values, where = max_pool(given, 2, padding=[(1, 0), (0, 1)], stride=1, return_indices=True)
        assert where.flatten().tolist() == [0, 1, 0, 1]
    lowest = np.full((1, 1, 2), -(2**63), np.int64)
    assert max_pool(lowest, 2, padding=1, return_indices=True, layout="NCW")[1].tolist() == [[[0, 1]]]
    nan = np.array([[1, np.nan, np.nan, 5.0]])
    for given in (nan, torch.from_numpy(nan)):
        values, where = max_pool(given, 4, layout="CW", return_indices=True)
        assert math.isnan(values[0, 0])
        assert where.tolist() == [[2]]


def test_the_colours_of_an_image_have_different_maxima():
    image = np.array([[[9, 0], [1, 2]], [[0, 8], [1, 2]], [[1, 2], [3, 7]]])
    values, where = max_pool(image, 2, layout="CHW", return_indices=True)
    assert where.ravel().tolist() == [0, 1, 3]
    expected = [[[9, 0], [0, 0]], [[0, 8], [0, 0]], [[0, 0], [0, 7]]]
    assert max_unpool(values, where, 2, layout="CHW").tolist() == expected


@pytest.mark.parametrize("layout", EVERY)
def test_average_unpool_is_nearest_upsampling(rng, layout):
    dims = dims_of(layout)
    x, factors = to_layout(rng.random((2, 3, *(3, 2, 4)[:dims])), layout), (2, 3, 1)[:dims]
    expected = x
    for f, axis in zip(factors, range(x.ndim - dims - (not layout.endswith(FIRST[dims][2:])), x.ndim), strict=False):
        expected = np.repeat(expected, f, axis=axis)
    for kind in (np.asarray, torch.from_numpy, ForeignArray):
        y = average_unpool(kind(x), factors, layout=layout)
        np.testing.assert_array_equal(np.asarray(getattr(y, "array", y)), expected)
    if layout == "NCHW":
        np.testing.assert_array_equal(average_unpool(x, 3), resize(x, scale=3, mode="nearest", layout="NCHW"))
        t = torch.from_numpy(x)
        assert torch.equal(average_unpool(t, 2), F.interpolate(t, scale_factor=2.0, mode="nearest"))
        assert torch.allclose(F.avg_pool2d(average_unpool(t, 2), 2), t)


def test_zeros_after_the_plane_that_indices_count_in():
    values, positions = np.array([[[[5, 6], [7, 8]]]]), np.array([[[[5, 7], [13, 15]]]])
    y = max_unpool(values, positions, 2, output_size=(5, 5), indices_size=(4, 4))
    assert y[0, 0].tolist() == [[0] * 5, [0, 5, 0, 6, 0], [0] * 5, [0, 7, 0, 8, 0], [0] * 5]
    with pytest.raises(InvalidArgument, match=r"indices_size \(5, 4\): at most the size of the result, \(4, 4\)"):
        max_unpool(values, positions, 2, indices_size=(5, 4))


def test_empty_batch():
    for x in (np.empty((0, 2, 4, 4)), torch.empty(0, 2, 4, 4)):
        values, where = max_pool(x, 2, return_indices=True)
        assert tuple(values.shape) == tuple(where.shape) == (0, 2, 2, 2)
        assert tuple(max_unpool(values, where, 2).shape) == (0, 2, 4, 4)


@pytest.mark.parametrize("value", NO_INTEGERS)
@pytest.mark.parametrize("name", ["kernel", "stride", "dilation"])
def test_bad_numbers(name, value):
    if (name, value) == ("stride", None):
        return
    with pytest.raises(InvalidArgument, match=f"max_pool: {name}=.*: an integer of at least 1 is needed"):
        max_pool(np.zeros((1, 1, 4, 4)), **{"kernel": 2, name: value})


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"padding": -1}, "padding=-1: an integer of at least 0"),
        ({"padding": True}, "padding=True: "),
        ({"padding": 0.5}, "padding=0.5: "),
        ({"padding": (1, 1, 1)}, "padding=(1, 1, 1): "),
        ({"padding": [(0, 1, 2), (0, 1)]}, "or one pair (before, after)"),
        ({"padding": "full"}, "unknown padding 'full'. Choices: numbers, valid, same, same_lower."),
        ({"padding": 2}, "padding (2, 2) along H of 4 samples, some windows contain only padding"),
        ({"padding": [(0, 4), (0, 0)]}, "padding (0, 4) along H of 4 samples, some windows contain only padding"),
        ({"padding": 65536}, "contain only padding"),
        ({"padding": 2**31 - 1}, "contain only padding"),
        ({"padding": 2**31 - 2, "kernel": 2**31 - 1, "stride": 1}, "larger than 2**38 bytes"),
        ({"kernel": 3, "dilation": 5, "padding": 7, "stride": 1}, "contain only padding"),
        ({"kernel": 2, "dilation": 65536, "padding": 65536, "stride": 1}, "contain only padding"),
        ({"kernel": 5}, "a window of 5 along H is larger than the 4 samples with padding (0, 0)"),
        ({"kernel": 65536}, "a window of 65536 along H is larger"),
        ({"kernel": 2, "dilation": 2**31 - 1}, "is larger than the 4 samples"),
        ({"indices": "tf"}, "unknown indices 'tf'. Choices: torch, onnx."),
        ({"indices": np.zeros(3)}, "Choices: torch, onnx."),
        ({"storage_order": 1}, "storage_order=1 with indices='torch'"),
        ({"storage_order": 2, "indices": "onnx"}, "storage_order=2 with indices='onnx': 0 is needed, or 1"),
        ({"layout": "NCW"}, "shape (1, 1, 4, 4) has 4 axes, layout NCW has 3"),
        ({"layout": "HWCN"}, "unknown layout 'HWCN'. Did you mean 'HWC'? Choices: NCHW"),
    ],
)
def test_bad_pooling(keywords, text):
    for kind in (np.zeros, torch.zeros):
        with pytest.raises(InvalidArgument) as caught:
            max_pool(kind((1, 1, 4, 4)), **{"kernel": 2, **keywords})
        assert str(caught.value).startswith("max_pool: ")
        assert text in str(caught.value)


def test_windows_far_wider_than_the_input_cost_nothing():
    x = np.arange(4.0).reshape(1, 1, 4)
    y, where = max_pool(x, 2**31 - 1, stride=1, padding=2**30, layout="NCW", return_indices=True)
    assert (y.shape, y.max(), where.tolist()) == ((1, 1, 6), 3, [[[3] * 6]])


def test_bad_dtypes_and_sizes():
    with pytest.raises(InvalidArgument, match="max_pool: dtype complex128: integers or floats are needed"):
        max_pool(np.zeros((1, 1, 4, 4), complex), 2)
    with pytest.raises(InvalidArgument, match="is larger than the 0 samples"):
        max_pool(np.zeros((1, 1, 0, 4)), 2)


@pytest.mark.parametrize(
    ("values", "positions", "keywords", "text"),
    [
        ((1, 1, 2, 2), [0, 1, 2, 16], {}, "from 0 to 16: with indices='torch' and a result of shape (1, 1, 4, 4)"),
        ((1, 1, 2, 2), [0, 1, 2, -1], {}, "positions from -1 to 2"),
        ((1, 1, 2, 2), [0, 1, 2, 2**31 - 1], {}, "must be from 0 to 15"),
        ((1, 1, 2, 2), [0, 1, 2, -(2**63)], {}, "must be from 0 to 15"),
        ((1, 1, 2, 2), [0, 1, 2, 16], {"indices": "onnx", "storage_order": 1}, "must be from 0 to 15"),
        ((1, 1, 2, 2), [0, 1, 2, 15], {"indices_size": (3, 4)}, "must be from 0 to 11"),
        ((1, 1, 2, 2), [0.0, 1, 2, 3], {}, "positions of dtype float64: integers are needed"),
        ((1, 1, 2, 2), [0, 1, 2], {}, "values of shape (1, 1, 2, 2) and positions of shape (3,)"),
        ((1, 1, 2, 2), [0, 1, 2, 3], {"output_size": (6, 6)}, "output_size (6, 6): kernel (2, 2), stride (2, 2)"),
        ((1, 1, 2, 2), [0, 1, 2, 3], {"output_size": (2, 4)}, "to (4, 4); sizes that differ by less than one stride"),
        ((1, 1, 2, 2), [0, 1, 2, 3], {"output_size": (4.0, 4)}, "output_size=(4.0, 4): an integer"),
        ((1, 1, 2, 2), [0, 1, 2, 3], {"stride": 2**31 - 1}, "larger than 2**38 bytes"),
        ((1, 1, 2, 2), [0, 1, 2, 3], {"padding": 65536}, "lead to size (-131068, -131068)"),
        ((1, 1, 2, 2), [0, 1, 2, 3], {"padding": "same"}, "padding='same'"),
    ],
)  # fmt: skip
def test_bad_unpooling_writes_nowhere(values, positions, keywords, text):
    positions = np.array(positions).reshape(values if len(positions) == 4 else -1)
    for kind in (np.asarray, torch.from_numpy):
        with pytest.raises(InvalidArgument) as caught:
            max_unpool(kind(np.ones(values)), kind(positions), 2, **keywords)
        assert str(caught.value).startswith("max_unpool: ")
        assert text in str(caught.value)


@pytest.mark.parametrize("factor", NO_INTEGERS)
def test_bad_average_unpooling(factor):
    with pytest.raises(InvalidArgument, match=r"average_unpool: kernel=.*: an integer of at least 1 is needed"):
        average_unpool(np.zeros((1, 1, 4, 4)), factor)


def test_overflowing_sizes_are_refused():
    for kind in (np.zeros, torch.zeros):
        with pytest.raises(InvalidArgument, match="is larger than"):
            average_unpool(kind((1, 1, 4, 4)), 2**31 - 1)


def test_unsigned_positions_beyond_int64():
    positions = np.array([[[[2**64 - 1]]]], np.uint64)
    with pytest.raises(InvalidArgument, match="positions from 18446744073709551615"):
        max_unpool(np.ones((1, 1, 1, 1)), positions, 2)


OTHER_PLANES = [
    # sizes of the image, kernel, stride, padding
    ((4, 5), 2, 2, 0),
    ((5, 4), 2, 2, 0),
    ((7, 8), 3, 2, 1),
    ((11, 9), 4, 3, ((1, 0), (2, 1))),
    ((9,), 2, 2, 0),
    ((5, 6, 7), 2, 2, 0),
]


@pytest.mark.parametrize(("sizes", "kernel", "stride", "padding"), OTHER_PLANES)
@pytest.mark.parametrize("indices", ["torch", "onnx"])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_positions_of_another_plane_are_refused(rng, sizes, kernel, stride, padding, indices, kind):
    layout = FIRST[len(sizes)]
    x = rng.permutation(2 * 3 * math.prod(sizes)).reshape(2, 3, *sizes)
    how = {"stride": stride, "padding": padding, "layout": layout, "indices": indices}
    values, where = (kind(y) for y in max_pool(x, kernel, return_indices=True, **how))
    whole = max_unpool(values, where, kernel, output_size=sizes, **how)
    np.testing.assert_array_equal(np.asarray(whole), np.where(np.isin(x, np.asarray(values)), x, 0))
    # Every other size that pools to as many windows, where rows have another length: it is refused, and the right one
    # is named.
    messages = []
    for other in itertools.product(*(range(n - stride + 1, n + stride) for n in sizes)):
        try:
            result = max_unpool(values, where, kernel, output_size=other, **how)
        except InvalidArgument as error:
            messages.append(str(error))
        else:
            # Then they are those of windows in this plane as well: nothing proves the contrary, or it is the same.
            assert other[1:] == sizes[1:] or min(np.asarray(values).shape[2:]) <= 1, other
            assert tuple(result.shape[2:]) == other
    messages = [text for text in messages if "sizes that differ by less than one stride" not in text]
    assert messages or len(sizes) == 1
    for text in messages:
        outside = "they must be from 0" in text and "; they are those of size" in text
        assert outside or "the positions are not those of the windows in a plane of size" in text


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_positions_of_another_counting_are_refused(rng, kind):
    x = rng.permutation(2 * 3 * 30).reshape(2, 3, 6, 5)
    countings = [{"indices": "torch"}, {"indices": "onnx"}, {"indices": "onnx", "storage_order": 1}]
    for given, stated in itertools.permutations(countings, 2):
        values, where = (kind(y) for y in max_pool(x, 2, return_indices=True, **given))
        with pytest.raises(InvalidArgument) as caught:
            max_unpool(values, where, 2, output_size=(6, 5), **stated)
        text = str(caught.value)
        name = "".join(f", {key}={value!r}" for key, value in given.items())[2:]
        assert f"but of size (6, 5) with {name}:" in text or "they must be from 0" in text


def test_positions_of_no_pooling_are_taken_as_they_are(rng):
    values, where = rng.random((1, 1, 3, 3)), rng.permutation(36)[:9].reshape(1, 1, 3, 3)
    expected = oracle.max_unpool(values, where, (6, 6))
    np.testing.assert_array_equal(max_unpool(values, where, 2), expected)
    np.testing.assert_array_equal(max_unpool(torch.from_numpy(values), torch.from_numpy(where), 2).numpy(), expected)
