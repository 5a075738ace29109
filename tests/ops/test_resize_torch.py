"""``like="torch"`` against torch itself: values, gradients, and which samples are whose neighbours."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from subpixel.ops import resize

# Our name of a mode and torch's, by number of axes.
MODES = {
    1: {"nearest": "nearest", "nearest-exact": "nearest-exact", "linear": "linear", "area": "area"},
    2: {
        "nearest": "nearest",
        "nearest-exact": "nearest-exact",
        "linear": "bilinear",
        "cubic": "bicubic",
        "area": "area",
        "lanczos": "lanczos",
    },
    3: {"nearest": "nearest", "nearest-exact": "nearest-exact", "linear": "trilinear", "area": "area"},
}
MODE_CASES = [(dims, mode) for dims, modes in MODES.items() for mode in modes]
ALIGNED = ("linear", "cubic")
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5, torch.float16: 8e-3}


def draw(rng, dims, mode, dtype=torch.float64):
    """A random tensor, and the same request in our words and in torch's."""
    most = 12 if dims == 3 else 40
    lengths = [int(n) for n in rng.integers(1, most, dims)]
    ours, theirs = {}, {}
    if rng.random() < 0.5:
        ours["size"] = theirs["size"] = [int(n) for n in rng.integers(1, 2 * most, dims)]
    else:
        factors = rng.uniform(0.3, 3, dims) if rng.random() < 0.6 else rng.choice([1 / 4, 1 / 3, 1 / 2, 1, 2, 3], dims)
        factors = [max(float(f), 1.01 / n) for f, n in zip(factors, lengths, strict=True)]
        ours["scale"] = theirs["scale_factor"] = factors
        if rng.random() < 0.3:
            ours["recompute_scale_factor"] = theirs["recompute_scale_factor"] = True
    if mode in ALIGNED and rng.random() < 0.6:
        ours["align_corners"] = theirs["align_corners"] = bool(rng.random() < 0.6)
    narrow = dims == 2 and (ours["size"][1] if "size" in ours else int(lengths[1] * ours["scale"][1])) == 1
    # torch 2.13 antialiases the rows of a result that is one column wide wrongly; test_torch_and_one_column.
    if mode == "lanczos" or (dims == 2 and mode in ALIGNED and rng.random() < 0.4):
        if narrow or dtype == torch.float16:  # which torch does not antialias
            return None
        theirs["antialias"] = ours["antialias"] = True
    x = torch.from_numpy(rng.standard_normal((2, 3, *lengths))).to(dtype)
    return x, ours, theirs


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("dims", "mode"), MODE_CASES)
def test_values(rng, dims, mode, dtype):
    done = 0
    for _ in range(150):
        drawn = draw(rng, dims, mode, dtype)
        if drawn is None:
            continue
        x, ours, theirs = drawn
        expected = F.interpolate(x, mode=MODES[dims][mode], **theirs)
        result = resize(x, mode=mode, like="torch", **ours)
        assert result.dtype == dtype
        torch.testing.assert_close(result, expected, rtol=0, atol=TOLERANCE[dtype], msg=lambda m: f"{ours}: {m}")  # noqa: B023
        in_numpy = resize(x.numpy(), mode=mode, like="torch", **ours)
        np.testing.assert_allclose(in_numpy, result.numpy(), rtol=0, atol=TOLERANCE[dtype])
        done += 1
    assert done > 60 or (mode == "lanczos" and dtype == torch.float16)


@pytest.mark.parametrize(("dims", "mode"), MODE_CASES)
def test_gradients(rng, dims, mode):
    for _ in range(25):
        drawn = draw(rng, dims, mode)
        if drawn is None:
            continue
        x, ours, theirs = drawn
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        expected = F.interpolate(b, mode=MODES[dims][mode], **theirs)
        weight = torch.from_numpy(rng.standard_normal(expected.shape))
        (resize(a, mode=mode, like="torch", **ours) * weight).sum().backward()
        unmoved = any(n == m for n, m in zip(x.shape[2:], expected.shape[2:], strict=True))
        if mode.startswith("nearest") or unmoved:
            # torch 2.13 sends some gradients to another sample than it took the value from, and wrong ones along an
            # axis that stays although a factor was given (cubic, antialiased): hold ours to the values.
            probe = torch.from_numpy(rng.standard_normal(x.shape))
            forward = (F.interpolate(probe, mode=MODES[dims][mode], **theirs) * weight).sum()
            torch.testing.assert_close((a.grad * probe).sum(), forward, rtol=0, atol=1e-10)
            continue
        (expected * weight).sum().backward()
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-11)


@pytest.mark.parametrize("like", [None, "torch", "onnx", "opencv", "pillow", "matlab", "tensorflow", "paddle"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_gradcheck(rng, like, mode):
    x = torch.from_numpy(rng.random((2, 4, 5))).requires_grad_()
    for size in ((3, 7), (6, 2)):
        assert torch.autograd.gradcheck(lambda t: resize(t, size, mode=mode, like=like, axes=(1, 2)), x)  # noqa: B023


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_neighbours_of_every_size(mode, dtype, dims):
    # Where a position falls on an edge between two samples, rounding decides, and torch has three kernels for it.
    for n in range(1, 60):
        x = torch.arange(n).to(dtype).reshape(1, 1, *(1,) * (dims - 1), n)
        for m in range(1, 100, 3):
            size = [1] * (dims - 1) + [m]
            assert torch.equal(resize(x, size, mode=mode, like="torch"), F.interpolate(x, size=size, mode=mode)), (n, m)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8])
def test_neighbours_in_large_results(mode, dtype):
    # Beyond 128 rows and columns together torch takes another kernel for two axes, which rounds as that for one does.
    differ = False
    for n in (2, 4, 6, 8, 12, 25):
        x = torch.arange(n).to(dtype).expand(1, 5, 3, n).contiguous()
        for m in (55, 61, 74, 82, 83, 94, 110):
            for height in (2, 128 - m, 129 - m, 100):
                if height < 1:
                    continue
                ours = resize(x, (height, m), mode=mode, like="torch")
                assert torch.equal(ours, F.interpolate(x, size=(height, m), mode=mode)), (n, m, height)
                across = resize(x.mT.contiguous(), (m, height), mode=mode, like="torch")
                assert torch.equal(across, F.interpolate(x.mT.contiguous(), size=(m, height), mode=mode))
                differ |= height == 100 and not torch.equal(
                    ours[..., :1, :], resize(x, (1, m), mode=mode, like="torch")
                )
    assert differ == ((mode, dtype) != ("nearest", torch.float32) and (mode, dtype) != ("nearest", torch.uint8))


@pytest.mark.parametrize(
    ("mode", "antialias"), [("linear", False), ("linear", True), ("cubic", False), ("cubic", True), ("lanczos", True)]
)
def test_bytes(rng, mode, antialias):
    for _ in range(120):
        height, width, *size = (int(n) for n in rng.integers(2, 40, 4))
        x = torch.from_numpy(rng.integers(0, 256, (1, int(rng.integers(1, 6)), height, width), np.uint8))
        expected = F.interpolate(x, size=size, mode=MODES[2][mode], antialias=antialias)
        assert torch.equal(resize(x, size, mode=mode, like="torch", antialias=antialias), expected)


def test_torch_and_one_column(rng):
    # Why these are left out above: resizing one axis after the other gives ours, and Pillow's.
    x = torch.from_numpy(rng.random((1, 1, 6, 13)))
    ours = resize(x, (22, 1), mode="linear", like="torch", antialias=True)
    wide = F.interpolate(x, size=(6, 1), mode="bilinear", antialias=True).expand(1, 1, 6, 2)
    rows = F.interpolate(wide, size=(22, 2), mode="bilinear", antialias=True)[..., :1]
    torch.testing.assert_close(ours, rows, rtol=0, atol=1e-14)


def test_graph_and_memory(rng):
    x = torch.from_numpy(rng.random((1, 2, 3, 4))).requires_grad_()
    same = resize(x, (3, 4), mode="linear", like="torch")
    assert same.data_ptr() != x.data_ptr()
    assert same.requires_grad
    channels_last = x.detach().contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(
        resize(channels_last, 7, mode="linear", like="torch"), F.interpolate(channels_last, size=7, mode="bilinear")
    )
