"""Networks as torch modules: the values of the reference, gradients, and torch's own tools."""

from __future__ import annotations

import io
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from networks import residual
from subpixel.backends import BACKENDS
from subpixel.errors import InvalidArgument, MissingExtra, Unsupported
from subpixel.models import Model, espcn, find

torch = pytest.importorskip("torch")
from subpixel.torch import Upsampler  # noqa: E402

MODELS: dict[str, Model] = {
    "fast": find("fast", 2),
    "espcn": find("espcn", 3),
    "fsrcnn": find("fsrcnn", 2),
    "srcnn": find("srcnn-915", 3),
    "bicubic": find("bicubic", 2),
    "rgb, zeros at the border": residual(3, "rgb", "zero", 2),
}


def image(model: Model, *size: int, n: int = 2) -> Any:
    return torch.rand(n, model.spec.channels, *size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", MODELS)
def test_it_computes_what_the_reference_computes(name: str) -> None:
    model = MODELS[name]
    network = Upsampler(model)
    session = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)
    for size in [(1, 1), (7, 5), (33, 17)]:
        x = image(model, *size)
        with torch.no_grad():
            result = network(x).numpy()
        for one, given in zip(result, x.numpy(), strict=True):
            np.testing.assert_allclose(one, session(given), rtol=0, atol=1e-5)


def gradients(network: Any, call: Any, x: Any) -> list[Any]:
    x = x.clone().requires_grad_()
    parameters = list(network.parameters())
    return [call(x).detach(), *torch.autograd.grad(call(x).square().sum(), [x, *parameters])]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_torch_compile_gives_the_same_values_and_gradients(name: str) -> None:
    network = Upsampler(MODELS[name])
    compiled = torch.compile(network, fullgraph=True, dynamic=True, backend="aot_eager")
    for size in [(9, 11), (13, 8)]:
        x = image(MODELS[name], *size)
        for one, other in zip(gradients(network, compiled, x), gradients(network, network, x), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_torch_export_has_free_sizes(name: str) -> None:
    network = Upsampler(MODELS[name]).eval()
    free = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    program = torch.export.export(network, (image(MODELS[name], 9, 11),), dynamic_shapes=(free,))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    again = torch.export.load(buffer).module()
    for size in [(9, 11), (17, 6)]:
        x = image(MODELS[name], *size, n=3)
        torch.testing.assert_close(again(x), network(x), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_torch_exports_it_to_onnx(name: str) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = MODELS[name]
    network = Upsampler(model).eval()
    free = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter itself
        made = torch.onnx.export(network, (image(model, 9, 11),), dynamo=True, dynamic_shapes=(free,), verbose=False)
    content = made.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for size in [(9, 11), (17, 6)]:
        x = image(model, *size, n=3)
        (result,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        np.testing.assert_allclose(result, network(x).detach().numpy(), rtol=0, atol=1e-5)


def test_vmap_and_half_precision() -> None:
    network = Upsampler("fast", 2)
    x = image(MODELS["fast"], 9, 11, n=6).reshape(2, 3, 1, 9, 11)
    torch.testing.assert_close(torch.vmap(network)(x).flatten(0, 1), network(x.flatten(0, 1)))
    with torch.no_grad():
        small = Upsampler("fast", 2).bfloat16()(x[0].bfloat16())
    assert small.dtype == torch.bfloat16
    assert (small.float() - network(x[0])).abs().max() < 0.1


def test_training_changes_the_model_that_comes_back() -> None:
    network = Upsampler("espcn", 2)
    before = network.model()
    assert before is find("espcn", 2)
    optimiser = torch.optim.SGD(network.parameters(), 1e-4)
    x, target = torch.rand(1, 1, 8, 8), torch.rand(1, 1, 16, 16)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    after = network.model()
    assert after.quantisation is None  # the old parameters are of the old weights
    expected = BACKENDS["reference"].prepare(after.spec, after.weights, "f32", 1)(x[0].numpy())
    np.testing.assert_allclose(network(x)[0].detach().numpy(), expected, atol=1e-5)


def test_a_spec_begins_with_random_weights() -> None:
    torch.manual_seed(0)
    first, second = Upsampler(espcn(2)), Upsampler(espcn(2))
    assert not torch.equal(first.weights["conv1_weight"], second.weights["conv1_weight"])
    copy = Upsampler(espcn(2))
    copy.load_state_dict(first.state_dict())
    x = torch.rand(1, 1, 5, 5)
    assert torch.equal(copy(x), first(x))
    assert "scale=2, colour='luma'" in repr(first)


def test_what_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("recurrent", "vespcn"):
        with pytest.raises(Unsupported, match="it is for videos"):
            Upsampler(name, 3)
    with pytest.raises(InvalidArgument, match=r"of shape \(1, 3, 4, 4\): \(N, 1, H, W\) is needed"):
        Upsampler("fast", 2)(torch.zeros(1, 3, 4, 4))
    for module in [name for name in sys.modules if name.startswith("subpixel.torch")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"subpixel.torch needs torch: pip install 'subpixel\[train\]'"):
        import subpixel.torch  # noqa: F401
