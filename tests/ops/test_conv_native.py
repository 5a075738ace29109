"""The compiled convolutions: exact sums within f32's rounding on every target, and nothing read from outside."""

import itertools

import numpy as np
import pytest

from helpers import leaves_the_lock
from subpixel.errors import BackendUnavailable
from subpixel.ops import conv, conv_transpose, pixel_shuffle, subpixel_conv
from subpixel.ops.native import native_module

native = native_module()
pytestmark = pytest.mark.skipif(native is None, reason="this installation has no compiled module")
TARGETS = native.targets() if native else []
# Around a vector, a column block and a tile of each target.
SIDES = ((1, 1), (1, 5), (7, 1), (3, 15), (2, 16), (4, 17), (5, 47), (3, 48), (2, 49), (18, 96), (3, 337))


def random(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def check(op, x, weight, bias, terms, *rest, **how):
    """The bound: every product and sum rounds once, relative to what was summed so far."""
    y = op(x, weight, bias, *rest, **how)
    exact = op(*(v.astype(np.float64) for v in (x, weight, bias)), *rest, **how)
    size = op(*(np.abs(v).astype(np.float64) for v in (x, weight, bias)), *rest, **how)
    assert y.dtype == np.float32
    assert y.shape == exact.shape
    assert (np.abs(y - exact) <= (terms + 2) * 2.0**-24 * size).all()
    return y


@pytest.fixture(params=TARGETS)
def target(request, monkeypatch):
    monkeypatch.setenv("SUBPIXEL_TARGET", request.param)
    return request.param


@pytest.fixture
def calls(monkeypatch):
    """Counts calls of the compiled module."""
    seen = []

    class Spy:
        @staticmethod
        def subpixel_conv(*given):
            seen.append(given)
            return native.subpixel_conv(*given)

        require_target = native.require_target

    monkeypatch.setattr("subpixel.ops.convolution.compiled.native_module", lambda: Spy)
    return seen


@pytest.mark.parametrize(("kernel", "stride"), [*itertools.product((1, 2, 3, 4, 5, 9), (1, 2, 3))])
def test_conv_transpose(rng, target, calls, kernel, stride):
    wanted = 0
    for (h, w), (inputs, outputs, groups) in zip(
        SIDES, itertools.cycle([(1, 1, 1), (3, 2, 1), (4, 6, 2), (2, 9, 1), (3, 3, 3)]), strict=False
    ):
        x, weight, bias = random(rng, 2, inputs, h, w), random(rng, inputs, outputs // groups, kernel, kernel), None
        bias = random(rng, outputs)
        for padding in (0, [(kernel // 2, 0), (0, 1)], kernel + stride):
            how = {"stride": stride, "padding": padding, "groups": groups}
            try:
                y = check(conv_transpose, x, weight, bias, inputs * kernel * kernel, **how)
            except ValueError as error:
                assert "lead to size" in str(error)  # noqa: PT017
                continue
            wanted += 1
            last = conv_transpose(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), weight, bias, layout="NHWC", **how)
            np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), y)
            assert last.flags.c_contiguous
    assert wanted > 15
    assert len(calls) == 2 * wanted


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [*itertools.product((1, 2, 3, 5), (1, 2, 3, 5), (1, 2, 3))])
def test_conv(rng, target, calls, kernel, stride, dilation):
    wanted = 0
    for (h, w), (inputs, outputs, groups) in zip(
        SIDES, itertools.cycle([(1, 1, 1), (3, 2, 1), (4, 6, 2), (2, 9, 1), (3, 3, 3)]), strict=False
    ):
        x, weight = random(rng, 2, inputs, h, w), random(rng, outputs, inputs // groups, kernel, kernel)
        bias, reach = random(rng, outputs), dilation * (kernel - 1)
        for padding in ("same", [(reach, 1), (0, reach + 3)], 0):
            if padding == 0 and min(h, w) <= reach:
                continue
            how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            y = check(conv, x, weight, bias, inputs * kernel * kernel, **how)
            last = conv(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), weight, bias, layout="NHWC", **how)
            np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), y)
            wanted += 2
    assert len(calls) == wanted


@pytest.mark.parametrize("order", ["CRD", "DCR"])
@pytest.mark.parametrize("r", [2, 3, (1, 4), (5, 1)])
@pytest.mark.parametrize("groups", [1, 2])
def test_subpixel_conv(rng, target, calls, r, order, groups):
    rh, rw = (r, r) if isinstance(r, int) else r
    for h, w in SIDES[3:]:
        x, weight = random(rng, 2, 2, h, w), random(rng, 2 * rh * rw, 2 // groups, 3, 2)
        bias = random(rng, 2 * rh * rw)
        for crop in (0, [(0, 1), (1, 0)], [(rh * h - 1, 0), (rw - 1, rw)]):
            how = {"padding": [(1, 1), (0, 1)], "groups": groups, "crop": crop, "order": order}
            y = check(subpixel_conv, x, weight, bias, 12, r, **how)
            last = subpixel_conv(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), weight, bias, r, layout="NHWC", **how)
            np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), y)
        assert len(calls) % 6 == 0
        assert calls
        # Not a sum differs from the convolution's own, which stands where pixel_shuffle puts it.
        plain = pixel_shuffle(conv(x, weight, bias, padding=[(1, 1), (0, 1)], groups=groups), r, order=order)
        whole = subpixel_conv(x, weight, bias, r, padding=[(1, 1), (0, 1)], groups=groups, order=order)
        np.testing.assert_array_equal(whole, plain)
        calls.clear()


@pytest.mark.parametrize("layout", ["NCW", "NWC", "CW", "WC", "CHW", "HWC"])
def test_other_layouts(rng, calls, layout):
    dims = len(layout) - 1 - ("N" in layout)
    x = random(rng, 1, 3, *(9, 11)[:dims])
    first, bias = ("NCW", "NCHW")[dims - 1], random(rng, 4)
    to_layout = x if "N" in layout else x[0]
    to_layout = np.moveaxis(to_layout, -dims - 1, -1) if layout.endswith("C") else to_layout
    for op, weight, rest in (
        (conv_transpose, random(rng, 3, 4, *(4, 3)[:dims]), {"stride": 2, "padding": 1}),
        (conv, random(rng, 4, 3, *(4, 3)[:dims]), {"stride": 2, "padding": 1}),
    ):
        wanted = check(op, x, weight, bias, 36, layout=first, **rest)
        y = op(to_layout, weight, bias, layout=layout, **rest)
        y = np.moveaxis(y, -1, -dims - 1) if layout.endswith("C") else y
        np.testing.assert_array_equal(y if "N" in layout else y[None], wanted)
    assert len(calls) == 4


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (1, 3), (4, 2), (5, 3), (2, 1)])
def test_infinite_samples_reach_only_where_their_kernel_does(target, calls, kernel, stride):
    """A tap that a phase does not have is none: not a zero, which infinity would make NaN."""
    x, weight = np.ones((1, 1, 4, 5), np.float32), np.ones((1, 1, kernel, kernel), np.float32)
    x[0, 0, 2, 3] = np.inf
    y = conv_transpose(x, weight, stride=stride)[0, 0]
    reached = np.zeros(y.shape, bool)
    reached[2 * stride : 2 * stride + kernel, 3 * stride : 3 * stride + kernel] = True
    assert np.isinf(y[reached]).all()
    assert np.isfinite(y[~reached]).all()
    assert len(calls) == 1


def test_infinite_weights_meet_no_padding(calls):
    weight = np.full((1, 1, 3, 3), np.inf, np.float32)
    assert (conv_transpose(np.ones((1, 1, 2, 2), np.float32), weight) == np.inf).all()
    assert not calls


def test_any_number_of_threads_gives_the_same_bytes(rng):
    x, weight = random(rng, 2, 5, 70, 400), random(rng, 18, 5, 3, 3)
    result = []
    for threads in (1, 2, 5):
        y = np.empty((2, 2, 210, 1200), np.float32)
        one, nothing = (1, 1), (0, 0)
        native.subpixel_conv(x, weight, None, y, 1, one, one, one, (3, 3), (3, 3), nothing, True, False, threads, "")
        result.append(y.tobytes())
    assert result[0] == result[1] == result[2]


@pytest.mark.parametrize("keywords", [{"stride": 65}, {"dilation": 4096}])
def test_what_the_kernel_does_not_hold_is_left_to_numpy(rng, calls, keywords):
    x, weight = random(rng, 1, 1, 3, 4200), random(rng, 1, 1, 1, 2)
    check(conv, x, weight, random(rng, 1), 2, **keywords)
    assert not calls


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.complex64])
def test_other_dtypes_are_left_to_numpy(calls, dtype):
    x = np.ones((1, 2, 3, 4), dtype)
    assert (conv_transpose(x, np.ones((2, 1, 2, 2), dtype), stride=2) == 2).all()
    assert (conv(x, np.ones((1, 2, 2, 2), dtype)) == 8).all()
    assert not calls


def test_without_the_compiled_module_the_result_is_nearly_the_same(rng, monkeypatch):
    x, weight, bias = random(rng, 1, 3, 20, 30), random(rng, 3, 2, 5, 5), random(rng, 2)
    wanted = conv_transpose(x, weight, bias, stride=2)
    monkeypatch.setattr("subpixel.ops.convolution.compiled.native_module", lambda: None)
    np.testing.assert_allclose(conv_transpose(x, weight, bias, stride=2), wanted, rtol=0, atol=1e-4)


def test_arrays_in_any_order_of_memory(rng):
    x, weight = random(rng, 9, 8, 3, 2).T[:, ::-1, ::2], random(rng, 3, 3, 3, 2).T
    np.testing.assert_array_equal(conv(x, weight), conv(x.copy(), weight.copy()))


def test_the_forced_target_is_obeyed_or_refused(monkeypatch, calls):
    x, weight = np.ones((1, 1, 3, 4), np.float32), np.ones((1, 1, 2, 2), np.float32)
    monkeypatch.setenv("SUBPIXEL_TARGET", "scalar")
    conv(x, weight)
    assert calls[0][-1] == "scalar"
    monkeypatch.setenv("SUBPIXEL_TARGET", "abacus")
    with pytest.raises(BackendUnavailable, match="target 'abacus' is not one of this build"):
        conv(x, weight)


def test_nothing_in_gives_nothing_out():
    assert conv(np.zeros((0, 2, 3, 4), np.float32), np.zeros((1, 2, 2, 2), np.float32)).shape == (0, 1, 2, 3)


def test_it_refuses_what_does_not_fit():
    x, weight, bias, y = (np.zeros(s, np.float32) for s in ((1, 2, 3, 4), (8, 2, 3, 3), (8,), (1, 2, 6, 8)))
    one, two, nothing = (1, 1), (2, 2), (0, 0)
    good = (x, weight, bias, y, 1, one, one, one, two, two, nothing, True, False, 1, "")
    native.subpixel_conv(*good)
    for place, bad, message in (
        (0, np.zeros((1, 3, 3, 4), np.float32), "x does not fit the weight"),
        (0, np.zeros((2, 2, 3, 4), np.float32), "y does not fit"),
        (1, np.zeros((6, 2, 3, 3), np.float32), "weight's rows do not fit"),
        (1, np.zeros((0, 2, 3, 3), np.float32), "weight's rows do not fit"),
        (1, np.zeros((8, 0, 3, 3), np.float32), "x does not fit the weight"),
        (1, np.zeros((8, 2, 0, 3), np.float32), "the kernel reaches too far"),
        (1, np.zeros((8, 2, 1, 4097), np.float32), "the kernel reaches too far"),
        (2, np.zeros(2, np.float32), "bias does not fit"),
        (3, np.zeros((1, 3, 6, 8), np.float32), "y does not fit"),
        (4, 0, "weight's rows do not fit"),
        (4, -1, "weight's rows do not fit"),
        (4, 3, "weight's rows do not fit"),
        (4, 2, "x does not fit the weight"),
        (5, (0, 1), "a stride is out of range"),
        (5, (1, 65), "a stride is out of range"),
        (6, (0, 1), "a dilation is out of range"),
        (6, (1, 4097), "a dilation is out of range"),
        (6, (4000, 1), "the kernel reaches too far"),
        (7, (-1, 0), "a padding is out of range"),
        (7, (0, 2**62), "a padding is out of range"),
        (8, (0, 2), "a factor is out of range"),
        (8, (2, 1025), "a factor is out of range"),
        (8, (3, 3), "weight's rows do not fit"),
        (9, (0, 1), "full does not fit r"),
        (9, (1, 3), "full does not fit r"),
        (10, (0, -1), "a crop is out of range"),
        (10, (2**62, 0), "a crop is out of range"),
        (13, 0, "threads must be at least 1"),
        (14, "abacus", "not one of this build"),
    ):
        with pytest.raises(ValueError, match=message):
            native.subpixel_conv(*good[:place], bad, *good[place + 1 :])
    for place, bad in ((3, y.astype(np.float64)), (0, x[0]), (3, y[..., ::-1]), (5, 1), (13, 2**31), (5, (2**70, 1))):
        with pytest.raises(TypeError):
            native.subpixel_conv(*good[:place], bad, *good[place + 1 :])


def test_far_beyond_the_image_lies_the_bias(rng):
    x, weight, bias = random(rng, 1, 1, 2, 2), random(rng, 1, 1, 3, 3), random(rng, 1)
    y = np.empty((1, 1, 4, 60), np.float32)
    one, far = (1, 1), (2**40, 2**40)
    for padding, crop in ((far, (0, 0)), ((0, 0), far)):
        native.subpixel_conv(x, weight, bias, y, 1, one, one, padding, one, one, crop, True, False, 2, "")
        assert (y == bias[0]).all()


def test_other_threads_go_on_while_it_runs(rng):
    x, weight = np.zeros((1, 32, 300, 300), np.float32), np.zeros((32, 32, 5, 5), np.float32)

    def work():
        y = np.empty((1, 32, 300, 300), np.float32)
        one = (1, 1)
        native.subpixel_conv(x, weight, None, y, 1, one, one, (2, 2), one, one, (0, 0), True, False, 1, "scalar")

    assert leaves_the_lock(work)
