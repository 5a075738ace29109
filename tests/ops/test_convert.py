"""Transposed convolution and sub-pixel convolution written as each other, and ICNR."""

import numpy as np
import pytest
import torch

from ops.layouts import FIRST, NO_INTEGERS, ForeignArray
from subpixel.errors import InvalidArgument
from subpixel.ops import (
    average_unpool,
    conv,
    conv_transpose,
    conv_transpose_to_subpixel,
    icnr,
    subpixel_conv,
    subpixel_to_conv_transpose,
)


def run_subpixel(form, x, layout):
    return subpixel_conv(
        x, form.weight, form.bias, form.r, padding=form.padding, crop=form.crop, groups=form.groups, layout=layout,
        order=form.order,
    )  # fmt: skip


def run_transpose(form, x, layout):
    return conv_transpose(
        x, form.weight, form.bias, stride=form.stride, padding=form.padding, output_padding=form.output_padding,
        groups=form.groups, layout=layout,
    )  # fmt: skip


def ints(rng, low, high, count):
    return tuple(int(v) for v in rng.integers(low, high, count))


def whole(rng, *shape):
    """Integers in f64: both networks' sums are then exact, and must be equal."""
    return rng.integers(-9, 10, shape).astype(np.float64)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_both_networks_agree_whatever_the_arguments(rng, dims):
    compared = 0
    for _ in range({1: 800, 2: 500, 3: 200}[dims]):
        order = "DCR" if rng.random() < 0.3 else "CRD"
        groups = 1 if order == "DCR" else int(rng.integers(1, 4))
        cin, cout = groups * int(rng.integers(1, 3)), int(rng.integers(1, 3))
        stride, dilation = ints(rng, 1, 5, dims), ints(rng, 1, 3, dims)
        weight = whole(rng, cin, cout, *ints(rng, 1, 7 if dims < 3 else 5, dims))
        arguments = {
            "stride": stride, "dilation": dilation, "groups": groups,
            "padding": tuple(ints(rng, 0, 9 if dims < 3 else 4, 2) for _ in range(dims)),
            "output_padding": tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)),
        }  # fmt: skip
        bias = whole(rng, cout * groups) if rng.random() < 0.5 else None
        form = conv_transpose_to_subpixel(weight, bias, order=order, **arguments)
        x = whole(rng, 2, cin, *ints(rng, 1, 6, dims))
        try:
            expected = conv_transpose(x, weight, bias, layout=FIRST[dims], **arguments)
        except InvalidArgument:
            continue  # nothing is left of so small an input
        np.testing.assert_array_equal(run_subpixel(form, x, FIRST[dims]), expected)
        # And back, with the kernel's own size: the same taps (dilation has become zeros between them).
        span = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
        placed = {"padding": form.padding, "crop": form.crop, "groups": groups, "order": order}
        back = subpixel_to_conv_transpose(form.weight, form.r, form.bias, kernel=span, **placed)
        np.testing.assert_array_equal(run_transpose(back, x, FIRST[dims]), expected)
        if back.weight.shape[2:] == tuple(span):  # else it has zeros for what lies beyond its reach
            taps = tuple(slice(None, None, d) for d in dilation)
            np.testing.assert_array_equal(back.weight[(..., *taps)], weight)
        compared += 1
    assert compared > 100


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_back_agrees_whatever_the_arguments(rng, dims):
    compared = 0
    for _ in range({1: 600, 2: 400, 3: 150}[dims]):
        order = "DCR" if rng.random() < 0.3 else "CRD"
        groups = 1 if order == "DCR" else int(rng.integers(1, 4))
        r, dilation = ints(rng, 1, 5, dims), ints(rng, 1, 3, dims)
        cell, c, per = int(np.prod(r)), groups * int(rng.integers(1, 3)), int(rng.integers(1, 3))
        weight = whole(rng, c * cell, per, *ints(rng, 1, 4, dims))
        value = whole(rng, c)
        bias = np.tile(value, cell) if order == "DCR" else np.repeat(value, cell)
        arguments = {
            "padding": tuple(ints(rng, 0, 5, 2) for _ in range(dims)), "dilation": dilation, "groups": groups,
            "crop": tuple(ints(rng, 0, 4, 2) for _ in range(dims)), "order": order,
        }  # fmt: skip
        x = whole(rng, 1, per * groups, *ints(rng, 1, 6, dims))
        form = subpixel_to_conv_transpose(weight, r, bias, **arguments)
        try:
            expected = subpixel_conv(x, weight, bias, r, layout=FIRST[dims], **arguments)
        except InvalidArgument:
            continue
        np.testing.assert_array_equal(run_transpose(form, x, FIRST[dims]), expected)
        compared += 1
    assert compared > 70


def test_round_trips_give_the_very_arguments_back(rng):
    weight, bias = whole(rng, 4, 3, 9, 5), whole(rng, 3)
    form = conv_transpose_to_subpixel(weight, bias, stride=(3, 2), padding=(4, 2))
    back = subpixel_to_conv_transpose(
        form.weight, form.r, form.bias, padding=form.padding, crop=form.crop, kernel=(9, 5)
    )
    np.testing.assert_array_equal(back.weight, weight)
    np.testing.assert_array_equal(back.bias, bias)
    assert (back.stride, back.padding, back.output_padding) == ((3, 2), ((4, 4), (2, 2)), (0, 0))
    again = conv_transpose_to_subpixel(back.weight, back.bias, stride=back.stride, padding=back.padding)
    np.testing.assert_array_equal(again.weight, form.weight)
    assert (again.padding, again.crop) == (form.padding, form.crop)


def test_the_shapes_of_the_paper(rng):
    # The paper's (1, 32, 9, 9) has the output first; torch's layout has the input first: (32, 1, 9, 9).
    nine = whole(rng, 1, 32, 9, 9)
    form = conv_transpose_to_subpixel(nine.swapaxes(0, 1), stride=3)
    assert form.weight.shape == (9, 32, 3, 3)
    back = subpixel_to_conv_transpose(form.weight, 3)
    np.testing.assert_array_equal(back.weight.swapaxes(0, 1), nine)
    # Channel i*3 + j is the phase (i, j) of the kernel, flipped.
    for i in range(3):
        for j in range(3):
            np.testing.assert_array_equal(form.weight[i * 3 + j], nine[0, :, i::3, j::3][:, ::-1, ::-1])
    four = whole(rng, 1, 1, 4, 4)
    form = conv_transpose_to_subpixel(four, stride=2)
    assert form.weight.shape == (4, 1, 2, 2)
    np.testing.assert_array_equal(subpixel_to_conv_transpose(form.weight, 2).weight, four)


def test_phases_of_short_kernels():
    """A channel is a phase, flipped: the phases of (1, 2, 3) are (1, 3) and (2), of (1, 2, 3, 4) (1, 3) and (2, 4)."""
    three = conv_transpose_to_subpixel(np.array([[[1, 2, 3]]]), stride=2)
    assert three.weight[:, 0, ::-1].tolist() == [[1, 3], [2, 0]]
    assert subpixel_to_conv_transpose(three.weight, 2, kernel=3).weight.tolist() == [[[1, 2, 3]]]
    assert subpixel_to_conv_transpose(three.weight, 2).weight.tolist() == [[[1, 2, 3, 0]]]
    four = conv_transpose_to_subpixel(np.array([[[1, 2, 3, 4]]]), stride=2)
    assert four.weight[:, 0, ::-1].tolist() == [[1, 3], [2, 4]]
    short = conv_transpose_to_subpixel(np.array([[[5, 6]]]), stride=4)
    assert short.weight[:, 0].tolist() == [[5], [6], [0], [0]]
    assert run_subpixel(short, np.array([[1, 10]]), "CW").tolist() == [[5, 6, 0, 0, 50, 60]]


def test_five_samples_become_eight(rng):
    x, weight = whole(rng, 1, 1, 5), whole(rng, 1, 1, 4)
    expected = conv_transpose(x, weight, stride=2, padding=2, layout="NCW")
    assert expected.shape == (1, 1, 8)
    full = conv_transpose(x, weight, stride=2, layout="NCW")
    np.testing.assert_array_equal(full[:, :, 2:-2], expected)
    form = conv_transpose_to_subpixel(weight, stride=2, padding=2)
    assert (form.padding, form.crop) == (((0, 0),), ((0, 0),))
    np.testing.assert_array_equal(run_subpixel(form, x, "NCW"), expected)


def test_one_image_through_four_channels_to_twice_its_size(rng):
    x, weight = whole(rng, 1, 4, 4), whole(rng, 4, 1, 3, 3)
    assert conv(x, weight, padding=1, layout="CHW").shape == (4, 4, 4)
    y = subpixel_conv(x, weight, None, 2, padding=1, layout="CHW")
    assert y.shape == (1, 8, 8)
    form = subpixel_to_conv_transpose(weight, 2, padding=1)
    assert form.weight.shape == (1, 1, 6, 6)
    np.testing.assert_array_equal(run_transpose(form, x, "CHW"), y)


def test_equal_cost_and_more_weights(rng):
    """32 to 32 channels with 3×3 in low resolution against 8 to 8 with 6×6 in twice the resolution."""
    low, high, side = whole(rng, 32, 32, 3, 3), whole(rng, 8, 8, 6, 6), 6
    assert (low.size, high.size) == (9216, 2304)
    small = conv(whole(rng, 1, 32, side, side), low, padding="same")
    large = conv(whole(rng, 1, 8, 2 * side, 2 * side), high, padding="same")
    cost = [y.size * w[0].size for y, w in ((small, low), (large, high))]
    assert cost[0] == cost[1] == 2304 * (2 * side) ** 2
    assert small.size == large.size == 8 * (2 * side) ** 2


def test_kinds_and_gradients(rng):
    weight, bias = whole(rng, 2, 2, 3, 4), whole(rng, 2)
    expected = conv_transpose_to_subpixel(weight, bias, stride=2, padding=1)
    for kind in (torch.from_numpy, ForeignArray):
        form = conv_transpose_to_subpixel(kind(weight), kind(bias), stride=2, padding=1)
        back = subpixel_to_conv_transpose(form.weight, 2, form.bias, padding=form.padding, crop=form.crop)
        for value in (form.weight, form.bias, back.weight, back.bias):
            assert type(value) is type(kind(weight))
        np.testing.assert_array_equal(np.asarray(getattr(form.weight, "array", form.weight)), expected.weight)
        np.testing.assert_array_equal(np.asarray(getattr(form.bias, "array", form.bias)), expected.bias)
    tensor = torch.from_numpy(weight).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: conv_transpose_to_subpixel(w, stride=(2, 3), dilation=2).weight, tensor)
    tensor = torch.from_numpy(whole(rng, 8, 1, 2, 2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: subpixel_to_conv_transpose(w, 2, padding=3).weight, tensor)


@pytest.mark.parametrize("value", NO_INTEGERS)
def test_bad_factors(value):
    weight = np.zeros((4, 4, 3, 3))
    with pytest.raises(InvalidArgument, match=r"^conv_transpose_to_subpixel: stride=.*: an integer of at least 1"):
        conv_transpose_to_subpixel(weight, stride=value)
    with pytest.raises(InvalidArgument, match=r"^subpixel_to_conv_transpose: r=.*: an integer of at least 1"):
        subpixel_to_conv_transpose(weight, value)
    with pytest.raises(InvalidArgument, match=r"^icnr: r=.*: an integer of at least 1"):
        icnr((4, 4, 3, 3), value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda w: conv_transpose_to_subpixel(w[0, 0], stride=2), "weight of shape (3, 3): two channel sizes and"),
        (lambda w: conv_transpose_to_subpixel(w[:0], stride=2), "of at least 1 are needed"),
        (lambda w: conv_transpose_to_subpixel(w, stride=2, groups=3), "groups=3: an integer that divides 4"),
        (lambda w: conv_transpose_to_subpixel(w, stride=2, groups=True), "groups=True: "),
        (lambda w: conv_transpose_to_subpixel(w, stride=2, groups=2, order="DCR"), "order='DCR' with groups=2"),
        (lambda w: conv_transpose_to_subpixel(w, stride=2, order="RGB"), "unknown order 'RGB'. Choices: CRD, DCR."),
        (lambda w: conv_transpose_to_subpixel(w, stride=2, output_padding=2), "output_padding (2, 2) must be below"),
        (lambda w: conv_transpose_to_subpixel(w, w[0, 0, 0], stride=2), "bias of shape (3,): (2,) is needed"),
        (lambda w: conv_transpose_to_subpixel(w, stride=2**31 - 1), "larger than 2**38 bytes"),
        (lambda w: conv_transpose_to_subpixel(w, stride=2, dilation=2**31 - 1), "larger than 2**38 bytes"),
        (lambda w: subpixel_to_conv_transpose(w, 3), "weight of shape (4, 2, 3, 3): a first size divisible by 9"),
        (lambda w: subpixel_to_conv_transpose(w, 65536), "a first size divisible by 4294967296 is needed"),
        (lambda w: subpixel_to_conv_transpose(w, 2, padding="same"), "padding='same': an integer of at least 0"),
        (lambda w: subpixel_to_conv_transpose(w, 2, padding=2**31 - 1), "larger than 2**38 bytes"),
        (lambda w: subpixel_to_conv_transpose(w, 2, kernel=5), "kernel=5: the full kernel of (6, 6) has nonzero"),
        (lambda w: subpixel_to_conv_transpose(w, 2, kernel=7), "kernel=7: at most the full kernel of (6, 6)"),
        (lambda w: subpixel_to_conv_transpose(w, 2, np.arange(4.0)), "the bias differs between the 4 phases"),
        (lambda w: icnr((4, 2, 3, 3), 3), "icnr: shape (4, 2, 3, 3): a first size divisible by 9"),
        (lambda w: icnr((4, 0, 3, 3), 2), "icnr: shape=(4, 0, 3, 3): "),
        (lambda w: icnr(4, 2), "icnr: shape=4: "),
        (lambda w: icnr((4, 2), 2), "icnr: weight of shape (4, 2): two channel sizes and one to three kernel sizes"),
        (lambda w: icnr((4, 2, 3, 3), 2, init=np.ones, generator=np.random.default_rng()), "pass one of them"),
        (lambda w: icnr((4, 2, 3, 3), 2, init=lambda shape: w), "icnr: init returned shape (4, 2, 3, 3): (1, 2, 3, 3)"),
        (lambda w: icnr((2**30, 2**30, 3, 3), 2), "larger than 2**38 bytes"),
    ],
)  # fmt: skip
def test_bad_arguments(call, text):
    with pytest.raises(InvalidArgument) as caught:
        call(np.ones((4, 2, 3, 3)))
    assert text in str(caught.value)


@pytest.mark.parametrize("order", ["CRD", "DCR"])
@pytest.mark.parametrize(("dims", "r"), [(1, 3), (2, 2), (2, (2, 3)), (3, 2)])
def test_icnr_starts_as_nearest_resizing(rng, dims, r, order):
    factors = (r,) * dims if isinstance(r, int) else r
    cell = int(np.prod(factors))
    base = rng.standard_normal((2, 3, *(3,) * dims))
    weight = icnr((2 * cell, 3, *(3,) * dims), r, init=lambda shape: base.reshape(shape), order=order)
    x = rng.standard_normal((1, 3, *(5, 4, 3)[:dims]))
    y = subpixel_conv(x, weight, None, r, padding=1, order=order, layout=FIRST[dims])
    nearest = average_unpool(conv(x, base, padding=1, layout=FIRST[dims]), factors, layout=FIRST[dims])
    np.testing.assert_allclose(y, nearest, rtol=0, atol=1e-12)


def test_icnr_draws_he_normal_and_shows_no_checkerboard():
    weight = icnr((64 * 4, 16, 3, 3), 2, generator=np.random.default_rng(7))
    assert weight.dtype == np.float32
    assert abs(weight[::4].std() / np.sqrt(2 / (16 * 9)) - 1) < 0.02
    np.testing.assert_array_equal(weight, icnr((64 * 4, 16, 3, 3), 2, generator=np.random.default_rng(7)))
    assert not np.array_equal(icnr((4, 1, 3, 3), 2), icnr((4, 1, 3, 3), 2))
    flat = np.ones((1, 16, 6, 6), np.float32)
    inside = (..., slice(2, -2), slice(2, -2))
    even = subpixel_conv(flat, weight, None, 2, padding=1)[inside]
    assert np.ptp(even, axis=(2, 3)).max() < 1e-5
    # A transposed convolution drawn the same way gives a checkerboard on the same flat image.
    drawn = np.random.default_rng(7).standard_normal((16, 64, 3, 3)).astype(np.float32) / 12
    board = conv_transpose(flat, drawn, stride=2, padding=1)[inside]
    assert np.ptp(board, axis=(2, 3)).min() > 0.05


def test_icnr_keeps_what_init_gives():
    weight = icnr((9, 2, 3, 3), 3, init=lambda shape: torch.nn.init.orthogonal_(torch.empty(shape)))
    assert isinstance(weight, torch.Tensor)
    assert weight.is_contiguous()
    assert torch.equal(weight[0], weight[8])
