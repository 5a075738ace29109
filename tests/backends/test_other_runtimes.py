"""Backends of other projects: the reference's values, what they refuse, devices, and that none comes unasked."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import subpixel
from backends.test_agreement import SIZES, SPECS, assert_agrees, planes_for, session_of, weights_for
from subpixel.backends import BACKENDS, choose_backend
from subpixel.errors import BackendUnavailable, InvalidArgument, Unsupported
from subpixel.models import find

OTHERS = [pytest.param(name, marks=pytest.mark.skipif(bool(BACKENDS[name].unavailable()), reason="not installed"))
          for name in ("onnxruntime", "openvino")]  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("backend", OTHERS)
def test_they_agree_with_the_reference(backend: str, name: str) -> None:
    session = session_of(backend, SPECS[name])
    reference = session_of("reference", SPECS[name])
    for size in SIZES:
        x = planes_for(SPECS[name], *size)
        assert_agrees(session(x), reference(x))


@pytest.mark.parametrize("backend", OTHERS)
def test_an_upscaler_by_them_in_tiles_and_threads(backend: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    ours = subpixel.Upscaler(2, model="fast", backend="reference", precision="f32", threads=1)(pixels).astype(int)
    upscaler = subpixel.Upscaler(2, model="fast", backend=backend, threads=1)
    assert (upscaler.backend, upscaler.precision) == (backend, "f32")
    tiled = subpixel.Upscaler(2, model="fast", backend=backend, threads=1, tile=16)
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(upscaler, [pixels] * 6))
    for result in (*results, tiled(pixels)):
        assert np.abs(result - ours).max() <= 1


@pytest.mark.parametrize("backend", OTHERS)
def test_networks_for_videos_are_refused(backend: str) -> None:
    model = find("recurrent", 3)
    with pytest.raises(Unsupported, match=f"backend='{backend}' runs networks on single images; backend='native' runs"):
        BACKENDS[backend].prepare_video(model.spec, model.weights, "f32", 1)
    with pytest.raises(Unsupported, match="it is for videos"):
        BACKENDS[backend].prepare(model.spec, model.weights, "f32", 1)


@pytest.mark.parametrize(
    ("backend", "package", "extra"),
    [("onnxruntime", "onnxruntime", "onnx"), ("onnxruntime", "onnx", "onnx"), ("openvino", "openvino", "openvino")],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, backend: str, package: str, extra: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == package else found(name, *a))
    text = f"backend '{backend}' cannot run here: {package} is not installed; the extra '{extra}' installs it"
    with pytest.raises(BackendUnavailable, match=text):
        choose_backend(backend, "auto")
    assert BACKENDS[backend].details() == {}


def test_auto_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.backends.native.native_module", lambda: None)
    with pytest.warns(subpixel.errors.FallbackWarning):
        assert choose_backend("auto", "f32")[0].name == "reference"


def with_gpu(monkeypatch: pytest.MonkeyPatch, cuda: bool = False, mps: bool = False) -> None:
    """Stands in for a machine with a GPU, as far as it is asked what it has."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "device", "chosen"),
    [
        (True, False, "auto", "cpu", ("native", "cpu")),
        (True, False, "auto", "auto", ("torch", "cuda")),
        (False, True, "auto", "auto", ("torch", "mps")),
        (True, False, "auto", "cuda", ("torch", "cuda")),
        (True, True, "torch", "auto", ("torch", "cuda")),
        (True, True, "torch", "mps", ("torch", "mps")),
        (False, False, "torch", "auto", ("torch", "cpu")),
        (True, False, "torch", "cpu", ("torch", "cpu")),
        (True, False, "native", "auto", ("native", "cpu")),
        (True, False, "openvino", "auto", ("openvino", "cpu")),
    ],
)
def test_devices(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, name: str, device: str, chosen: tuple[str, str]
) -> None:
    if BACKENDS[chosen[0]].unavailable():
        pytest.skip("not installed")
    with_gpu(monkeypatch, cuda, mps)
    backend, _ = choose_backend(name, "auto", None, device)
    assert (backend.name, getattr(backend, "device", "cpu")) == chosen


def test_a_precision_that_a_gpu_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch, cuda=True)
    assert choose_backend("auto", "int8", {}, "auto")[0].name in ("native", "reference")
    with pytest.raises(BackendUnavailable, match="device='cuda' cannot be used: backend 'torch': it has no int8"):
        choose_backend("auto", "int8", {}, "cuda")


@pytest.mark.parametrize(
    ("name", "device", "error", "text"),
    [
        ("auto", "cuda0", InvalidArgument, "Unknown device 'cuda0'. Did you mean 'cuda'?"),
        (
            "native",
            "cuda",
            Unsupported,
            "this backend runs on the CPU; backend='torch' or backend='torch-compiled' or",
        ),
        ("reference", "gpu", Unsupported, "this backend runs on the CPU; backend='openvino' is needed"),
        ("torch", "cuda", BackendUnavailable, "device='cuda' cannot be used: backend 'torch': torch finds no device"),
        ("torch", "gpu", Unsupported, "backend='torch', device='gpu'"),
        ("auto", "mps", BackendUnavailable, "device='mps' cannot be used: backend 'torch'"),
    ],
)
def test_devices_that_are_not_here(
    monkeypatch: pytest.MonkeyPatch, name: str, device: str, error: type, text: str
) -> None:
    with_gpu(monkeypatch)
    with pytest.raises(error) as found:
        choose_backend(name, "auto", None, device)
    assert text in str(found.value)


def test_a_session_on_a_device_computes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device stands in for a GPU: weights and planes must be there, or torch refuses."""
    pytest.importorskip("torch")
    from subpixel.models import torch_kernels as kernels

    model = find("espcn", 2)
    places: list[Any] = []
    original: Callable[..., Any] = kernels.TorchKernels.conv

    def conv(self: Any, x: Any, weight: Any, *rest: Any, **options: Any) -> Any:
        places.append((x.device.type, weight.device.type))
        return original(self, x, weight, *rest, **options)

    monkeypatch.setattr(kernels.TorchKernels, "conv", conv)
    session = BACKENDS["torch"].on("meta").prepare(model.spec, model.weights, "f32", 1)
    with pytest.raises((NotImplementedError, RuntimeError)):
        session(np.zeros((1, 4, 4), np.float32))  # meta tensors have no values to bring back
    assert places
    assert set(places) == {("meta", "meta")}


def test_on_a_gpu_if_there_is_one() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA here")
    for spec in SPECS.values():
        x = planes_for(spec, 17, 33)
        run = BACKENDS["torch"].on("cuda").prepare(spec, weights_for(spec), "f32", 1)
        np.testing.assert_allclose(
            run(x), BACKENDS["reference"].prepare(spec, weights_for(spec), "f32", 1)(x), atol=2e-5
        )
