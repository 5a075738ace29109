"""Operators as torch modules: torch.compile, torch.export, vmap, and gradients equal to eager."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from subpixel import ops
from subpixel.errors import InvalidArgument

torch = pytest.importorskip("torch")
from subpixel.torch import MaxUnpool, PixelShuffle, PixelUnshuffle, Resize, SubpixelConv, Warp  # noqa: E402


def real(*shape: int) -> Any:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def pooled(n: int, h: int, w: int) -> tuple[Any, Any]:
    values, positions = torch.nn.functional.max_pool2d(real(n, 3, 2 * h, 2 * w), 2, return_indices=True)
    return values, positions


# A module, and its inputs for a batch of n images of h × w.
CASES: dict[str, tuple[Callable[[], Any], Callable[[int, int, int], tuple[Any, ...]]]] = {
    "shuffle": (lambda: PixelShuffle(2), lambda n, h, w: (real(n, 8, h, w),)),
    "shuffle DCR": (lambda: PixelShuffle(2, order="DCR"), lambda n, h, w: (real(n, 8, h, w),)),
    "unshuffle": (lambda: PixelUnshuffle(2), lambda n, h, w: (real(n, 3, 2 * h, 2 * w),)),
    "resize": (lambda: Resize(scale=2), lambda n, h, w: (real(n, 3, h, w),)),
    "resize as torch": (
        lambda: Resize(scale=2, mode="bilinear", like="torch", align_corners=True),
        lambda n, h, w: (real(n, 3, h, w),),
    ),
    "resize as onnx": (lambda: Resize((8, 9), mode="cubic", like="onnx"), lambda n, h, w: (real(n, 3, h, w),)),
    "resize to a size": (lambda: Resize((7, 5), mode="linear"), lambda n, h, w: (real(n, 3, h, w),)),
    "sub-pixel convolution": (lambda: SubpixelConv(4, 3, 3, 2), lambda n, h, w: (real(n, 4, h, w),)),
    "sub-pixel convolution DCR": (
        lambda: SubpixelConv(4, 3, 5, 3, order="DCR", bias=False),
        lambda n, h, w: (real(n, 4, h, w),),
    ),
    "unpool": (lambda: MaxUnpool(2), pooled),
    "warp": (lambda: Warp(padding_mode="border"), lambda n, h, w: (real(n, 3, h, w), real(n, 2, h, w) * 3 - 1.5)),
}


def made(name: str) -> tuple[Any, Callable[[int, int, int], tuple[Any, ...]]]:
    make, inputs = CASES[name]
    torch.manual_seed(0)
    return make(), inputs


def gradients(module: Any, call: Any, inputs: tuple[Any, ...]) -> list[Any]:
    leaves = [one.clone().requires_grad_() if one.is_floating_point() else one for one in inputs]
    result = call(*leaves)
    wanted = [one for one in leaves if one.requires_grad] + list(module.parameters())
    return [result.detach(), *torch.autograd.grad(result.square().sum(), wanted)]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_torch_compile_gives_the_same_values_and_gradients(name: str) -> None:
    module, inputs = made(name)
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend="aot_eager")
    for size in [(3, 9, 11), (2, 13, 8)]:
        given = inputs(*size)
        for one, other in zip(gradients(module, compiled, given), gradients(module, module, given), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_torch_export_has_free_sizes(name: str) -> None:
    module, inputs = made(name)
    given = inputs(3, 9, 11)
    dims = {axis: torch.export.Dim.AUTO for axis in (0, 2, 3)}
    program = torch.export.export(module, given, dynamic_shapes=tuple(dims for _ in given)).module()
    for size in [(3, 9, 11), (2, 13, 8)]:
        torch.testing.assert_close(program(*inputs(*size)), module(*inputs(*size)), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_torch_exports_it_to_onnx(name: str) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    module, inputs = made(name)
    free = not name.startswith("resize") or "torch" in name
    dims = {axis: torch.export.Dim.AUTO for axis in (0, 2, 3)}
    given = inputs(3, 9, 11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter itself
        program = torch.onnx.export(
            module, given, dynamo=True, dynamic_shapes=tuple(dims for _ in given) if free else None, verbose=False
        )
    content = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for size in [(3, 9, 11), (2, 13, 8)] if free else [(3, 9, 11)]:
        given = inputs(*size)
        feed = {one.name: value.numpy() for one, value in zip(session.get_inputs(), given, strict=True)}
        torch.testing.assert_close(torch.from_numpy(session.run(None, feed)[0]), module(*given).detach())


@pytest.mark.parametrize("name", CASES)
def test_vmap(name: str) -> None:
    module, inputs = made(name)
    given = [torch.stack([one, one.flip(0)]) for one in inputs(3, 9, 11)]
    expected = torch.stack([module(*(one[k] for one in given)) for k in range(2)])
    torch.testing.assert_close(torch.vmap(module)(*given), expected)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    module, inputs = made(name)
    given = [one.double() if one.is_floating_point() else one for one in inputs(1, 2, 3)]
    leaves = [one.requires_grad_() if one.is_floating_point() else one for one in given]
    assert torch.autograd.gradcheck(module.double(), leaves, atol=1e-3)


def test_they_are_the_operators() -> None:
    x = real(2, 8, 5, 6)
    assert torch.equal(PixelShuffle(2, order="DCR")(x), ops.pixel_shuffle(x, 2, order="DCR"))
    expected = torch.nn.functional.interpolate(x, scale_factor=2, mode="bicubic")
    torch.testing.assert_close(Resize(scale=2, mode="bicubic", like="torch")(x), expected)
    up = SubpixelConv(8, 2, 3, 2)
    expected = torch.nn.functional.pixel_shuffle(torch.nn.functional.conv2d(x, up.weight, up.bias, padding=1), 2)
    torch.testing.assert_close(up(x), expected)


def test_the_first_result_of_a_subpixel_convolution_has_no_checkerboard() -> None:
    y = SubpixelConv(4, 2, 3, 2)(real(1, 4, 6, 6))
    torch.testing.assert_close(y[..., ::2, ::2], y[..., 1::2, 1::2])


def test_a_decoder_of_them_trains() -> None:
    class Segmenter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 2, 1)
            self.down, self.up, self.rest = torch.nn.MaxPool2d(2, return_indices=True), MaxUnpool(2), Resize(scale=2)

        def forward(self, x: Any) -> Any:
            values, positions = self.down(torch.relu(self.first(x)))
            return self.rest(self.last(self.up(values, positions)))

    network = Segmenter()
    network(real(2, 3, 8, 8)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_wrong_options_are_errors_at_once() -> None:
    with pytest.raises(InvalidArgument, match="Resize: size=None, scale=None: one of them is needed"):
        Resize()
    with pytest.raises(InvalidArgument, match="align_corners"):
        Resize(scale=2, like="pillow", align_corners=True)
    with pytest.raises(InvalidArgument, match="SubpixelConv: kernel=4: an odd number"):
        SubpixelConv(1, 1, 4, 2)
    assert repr(PixelShuffle(2, order="DCR")) == "PixelShuffle(r=2, order='DCR')"
