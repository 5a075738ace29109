"""Every operator on JAX arrays, which have no 64 bits unless told so: run by make test-long, for JAX is large."""

import ml_dtypes
import numpy as np
import pytest
import torch

from ops.calls import CALLS, arrays, parts
from subpixel import ops
from subpixel.errors import InvalidArgument

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def jax():
    import jax

    return jax


@pytest.fixture(params=[False, True], ids=["32 bits", "64 bits"])
def jnp(jax, request):
    jax.config.update("jax_enable_x64", request.param)
    yield jax.numpy
    jax.config.update("jax_enable_x64", False)


def jax_dtype(dtype, jnp):
    """What JAX makes of NumPy's dtype."""
    return jnp.asarray(np.zeros(1, dtype)).dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.uint8, np.int32])
@pytest.mark.parametrize("name", CALLS)
def test_the_same_values_and_the_same_kind_back(rng, jax, jnp, name, dtype):
    given = arrays(name, rng, dtype)
    if name in ("grid_sample", "warp") and dtype == np.int32:
        with pytest.raises(InvalidArgument, match=f"^{name}: dtype int32: "):
            CALLS[name].run(*[jnp.asarray(x) for x in given])
        return
    expected = parts(CALLS[name].run(*given))
    result = parts(CALLS[name].run(*[jnp.asarray(x) for x in given]))
    assert len(result) == len(expected) >= 1
    for y, wanted in zip(result, expected, strict=True):
        assert isinstance(y, jax.Array)
        assert y.dtype == jax_dtype(wanted.dtype, jnp)
        np.testing.assert_array_equal(np.asarray(y), wanted)


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if len(call.arrays) > 1])
def test_numpy_mixes_with_it_and_torch_does_not(rng, jax, jnp, name):
    first, *rest = arrays(name, rng, np.float32)
    expected = parts(CALLS[name].run(first, *rest))
    for y, wanted in zip(parts(CALLS[name].run(jnp.asarray(first), *rest)), expected, strict=True):
        assert isinstance(y, jax.Array)
        np.testing.assert_array_equal(np.asarray(y), wanted)
    with pytest.raises(InvalidArgument, match="torch tensors and ArrayImpl cannot be mixed"):
        CALLS[name].run(torch.from_numpy(first), *[jnp.asarray(x) for x in rest])


def test_random_arguments(rng, jnp):
    for _ in range(300):
        r, layout = tuple(int(n) for n in rng.integers(1, 4, 2)), str(rng.choice(["NCHW", "NHWC"]))
        order = str(rng.choice(["CRD", "DCR"]))
        x = rng.random((2, 2 * r[0] * r[1], *rng.integers(1, 6, 2)), np.float32)
        x = x if layout == "NCHW" else np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        kwargs = {"layout": layout, "order": order}
        y = ops.pixel_shuffle(jnp.asarray(x), r, **kwargs)
        np.testing.assert_array_equal(np.asarray(y), ops.pixel_shuffle(x, r, **kwargs))
        np.testing.assert_array_equal(np.asarray(ops.pixel_unshuffle(y, r, **kwargs)), x)
        size = tuple(int(n) for n in rng.integers(1, 9, 2))
        for mode in ("nearest", "linear", "cubic", "area", "lanczos"):
            resized = ops.resize(jnp.asarray(x), size, mode=mode, layout=layout)
            np.testing.assert_array_equal(np.asarray(resized), ops.resize(x, size, mode=mode, layout=layout))


def test_its_own_resize_is_ours(rng, jax, jnp):
    """``jax.image.resize`` widens its kernels when shrinking and leaves out what is outside; its cubic has a=-0.5."""
    for _ in range(60):
        x = rng.random(tuple(rng.integers(1, 20, 2)), np.float32)
        size = tuple(int(n) for n in rng.integers(1, 30, 2))
        for theirs, ours in (("linear", "linear"), ("cubic", "cubic"), ("lanczos3", "lanczos3")):
            expected = np.asarray(jax.image.resize(jnp.asarray(x), size, theirs))
            result = ops.resize(x, size, mode=ours, antialias=True, exclude_outside=True, layout="HW")
            np.testing.assert_allclose(result, expected, rtol=0, atol=2e-5, err_msg=f"{theirs} {x.shape} to {size}")


def test_what_is_being_traced_is_refused(jax):
    """Values are needed; and a gradient that silently were zero would be worse than none."""
    x = jax.numpy.ones((1, 4, 2, 2))
    for call in (jax.jit(lambda v: ops.pixel_shuffle(v, 2)), jax.grad(lambda v: ops.pixel_shuffle(v, 2).sum())):
        with pytest.raises(InvalidArgument, match=r"^pixel_shuffle: .*Tracer cannot be read as an array") as caught:
            call(x)
        assert "\n" not in str(caught.value)


def test_sums_beyond_32_bits_are_refused_or_right(jax, jnp):
    x, weight = jnp.full((1, 1, 1, 1), 2**30, jnp.int32), jnp.full((1, 1, 1, 1), 8, jnp.int32)
    if jnp.asarray(np.int64(1)).dtype == np.int64:
        assert ops.conv(x, weight).item() == 2**33
    else:
        with pytest.raises(InvalidArgument, match=r"^conv: integers from 8589934592 to 8589934592 do not fit int32"):
            ops.conv(x, weight)


def test_bad_arguments_are_named(jnp):
    x = jnp.zeros((1, 3, 4, 4))
    for call, text in (
        (lambda: ops.pixel_shuffle(x, 2), r"pixel_shuffle: 3 channels of shape \(1, 3, 4, 4\)"),
        (lambda: ops.resize(x, scale=float("nan"), layout="NCHW"), "resize: scale=nan"),
        (lambda: ops.max_unpool(x, jnp.full(x.shape, 64), 2), "max_unpool: positions from 64 to 64"),
        (lambda: ops.conv(x, x[:, :2]), "conv: input of 3 channels"),
        (lambda: ops.grid_sample(x, x), "grid_sample: grid of shape"),
    ):
        with pytest.raises(InvalidArgument, match=text):
            call()
