"""Every operator on every kind of array: the same values, and the same kind back."""

import inspect

import array_api_strict as strict
import ml_dtypes
import numpy as np
import pytest
import torch

from ops.calls import CALLS, arrays, parts
from ops.layouts import ForeignArray
from subpixel import ops
from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here: CUDA tensors remain untested")


def test_there_is_a_call_of_every_operator():
    assert set(CALLS) == {name for name in ops.__all__ if inspect.isfunction(getattr(ops, name))}


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("name", CALLS)
def test_arrays_of_the_standard_come_back_as_such(rng, name, dtype):
    given = arrays(name, rng, dtype)
    expected = parts(CALLS[name].run(*given))
    result = parts(CALLS[name].run(*[strict.asarray(x) for x in given]))
    assert len(result) == len(expected) >= 1
    for y, wanted in zip(result, expected, strict=True):
        assert type(y) is type(strict.asarray(given[0]))
        assert np.from_dlpack(y).dtype == wanted.dtype
        np.testing.assert_array_equal(np.from_dlpack(y), wanted)


@pytest.mark.parametrize("name", CALLS)
def test_bfloat16_is_computed_in_f32(rng, name):
    given = arrays(name, rng, ml_dtypes.bfloat16)
    result = parts(CALLS[name].run(*given))
    exact = parts(CALLS[name].run(*[x.astype(np.float32) if x.dtype.kind == "V" else x for x in given]))
    for y, wanted in zip(result, exact, strict=True):
        real = any(role == "data" for role, _ in CALLS[name].arrays) and wanted.dtype.kind == "f"
        assert y.dtype == (ml_dtypes.bfloat16 if real else wanted.dtype)
        np.testing.assert_array_equal(y, wanted.astype(y.dtype))


@pytest.mark.parametrize("name", CALLS)
def test_tensors_stay_on_their_device(rng, name):
    """On torch's device without values whatever is brought to the processor is an error."""
    given = [torch.from_numpy(x) for x in arrays(name, rng, np.float32)]
    expected = parts(CALLS[name].run(*given))
    assert all(isinstance(y, torch.Tensor) for y in expected)
    if CALLS[name].looks:
        return  # its checks need one number each; the CUDA test has them
    result = parts(CALLS[name].run(*[x.to("meta") for x in given]))
    assert [(y.device.type, y.shape, y.dtype) for y in result] == [("meta", y.shape, y.dtype) for y in expected]


@CUDA
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("name", CALLS)
def test_cuda_tensors(rng, name, dtype):
    given = arrays(name, rng, dtype)
    expected = parts(CALLS[name].run(*given))
    result = parts(CALLS[name].run(*[torch.from_numpy(x).cuda() for x in given]))
    for y, wanted in zip(result, expected, strict=True):
        assert y.device.type == "cuda"
        np.testing.assert_allclose(y.cpu().numpy(), wanted, rtol=1e-5, atol=1e-4)


@CUDA
@pytest.mark.parametrize("name", CALLS)
def test_gradients_of_cuda_tensors(rng, name):
    grads = []
    for device in ("cpu", "cuda"):
        given = [torch.from_numpy(x).to(device) for x in arrays(name, np.random.default_rng(5), np.float64)]
        real = [x.requires_grad_() for x in given if x.is_floating_point()]
        sum((y * y).sum() for y in parts(CALLS[name].run(*given)) if y.is_floating_point()).backward()
        grads.append([x.grad.cpu() for x in real])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4)


def test_numpy_arrays_mix_with_those_of_another_library(rng):
    x, weight, bias = arrays("conv", rng, np.float32)
    result = ops.conv(strict.asarray(x), weight, bias.tolist(), padding=1, groups=2)
    assert type(result) is type(strict.asarray(x))
    np.testing.assert_allclose(np.from_dlpack(result), ops.conv(x, weight, bias, padding=1, groups=2), rtol=1e-6)


@pytest.mark.parametrize("others", [(strict.asarray, ForeignArray), (ForeignArray, strict.asarray)])
def test_two_other_libraries_cannot_be_mixed(others):
    x, weight = (make(v) for make, v in zip(others, (np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))), strict=True))
    with pytest.raises(
        InvalidArgument, match=r"^conv: (ForeignArray and Array|Array and ForeignArray) cannot be mixed$"
    ):
        ops.conv(x, weight)


class Distant(ForeignArray):
    """An array that DLPack cannot give to NumPy: of bfloat16, or of another device."""

    def __dlpack__(self, **keywords):
        raise BufferError("it lies elsewhere\nand this is a long story")


class Copied(Distant):
    def __array__(self, dtype=None, copy=None):
        return self.array


def test_what_dlpack_cannot_give_is_copied_where_that_is_offered():
    x = np.arange(4.0).reshape(1, 4, 1, 1)
    result = ops.pixel_shuffle(Copied(x), 2)
    assert type(result) is ForeignArray
    np.testing.assert_array_equal(result.array, ops.pixel_shuffle(x, 2))
    with pytest.raises(InvalidArgument) as caught:
        ops.pixel_shuffle(Distant(x), 2)
    assert str(caught.value) == "pixel_shuffle: Distant cannot be converted to an array (it lies elsewhere)"


def test_whole_numbers_that_do_not_fit_are_not_cut(rng):
    """As in JAX, where int64 becomes int32 without a word."""

    class Narrow(ForeignArray):
        def __array_namespace__(self):
            return type("namespace", (), {"asarray": lambda y: ForeignArray(y.astype(np.int32)), "iinfo": np.iinfo})

    for value, fits in ((2**31 - 1, True), (-(2**31), True), (2**31, False), (-(2**31) - 1, False)):
        _, (x,), back = enter("conv", Narrow(np.array([value])))
        if fits:
            assert back(x).array.tolist() == [value]
        else:
            with pytest.raises(InvalidArgument, match=f"^conv: integers from {value} to {value} do not fit int32"):
                back(x)
