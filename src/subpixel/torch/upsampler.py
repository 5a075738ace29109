"""A network of this package as a torch module."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from subpixel.errors import InvalidArgument
from subpixel.models.files import Model
from subpixel.models.graph import require_single_image, run
from subpixel.models.onnx_export import require_exportable
from subpixel.models.spec import Resize, Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.models.zoo import find
from subpixel.ops.resizing.taps import SUPPORT, Mode, axis_taps

__all__ = ["Upsampler"]


class Upsampler(nn.Module):
    """A shipped model, a model file or an architecture, as a module with its weights as parameters.

    Args:
        model: the name of a shipped model, ``auto``, the path of a model file, a :class:`subpixel.models.Model`, or a
            :class:`subpixel.models.Spec`, whose weights are then torch's usual random ones for convolutions.
        scale: the upscaling factor; not used for a model or a Spec.

    Input: ``(N, C, H, W)``, any floating dtype and device that the parameters have: luma in studio range or RGB of
    0 … 1, see :func:`subpixel.models.onnx_export.value_range`. Result: ``(N, C, H*scale, W*scale)``, not clipped.

    ``upsampler.model()`` is a :class:`subpixel.models.Model` with the weights as they are, for
    :func:`subpixel.models.save` and :class:`subpixel.Upscaler`.

    Raises:
        InvalidArgument: an unknown name or scale; in a call, a tensor of another shape.
        Unsupported: a network for videos, or one with strides.

    >>> import torch
    >>> network = Upsampler("espcn", 3)
    >>> image = torch.rand(1, 1, 5, 7, requires_grad=True)
    >>> network(image).sum().backward()
    >>> image.grad.shape, sum(p.numel() for p in network.parameters())
    (torch.Size([1, 1, 5, 7]), 22729)
    """

    def __init__(self, model: str | os.PathLike[str] | Model | Spec = "auto", scale: int = 2) -> None:
        super().__init__()
        if isinstance(model, Spec):
            require_single_image(model)
            model = Model("", model, _random(model))
        elif not isinstance(model, Model):
            model = find(os.fspath(model), scale)
        require_exportable(model.spec)
        self._model = model
        self.scale, self.channels = model.spec.scale, model.spec.channels
        self._keys = _keys(model.spec)
        self.weights = nn.ParameterDict(
            {key: nn.Parameter(torch.from_numpy(np.array(model.weights[name]))) for name, key in self._keys.items()}
        )
        for layer in model.spec.layers:
            if isinstance(layer, Resize) and layer.mode != "nearest":
                name = f"phases_{layer.mode}_{layer.factor}"
                self.register_buffer(name, _phases(layer.factor, layer.mode), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, H*scale, W*scale)``."""
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise InvalidArgument(
                f"Upsampler: a tensor of shape {tuple(x.shape)}: (N, {self.channels}, H, W) is needed"
            )
        weights = {name: self.weights[key] for name, key in self._keys.items()}
        kernels = _Kernels({name: buffer for name, buffer in self._buffers.items() if buffer is not None})
        y: Tensor = run(self._model.spec, weights, x, kernels)
        return y

    def model(self) -> Model:
        """The network with the weights as they are now, as f32."""
        weights = {name: np.array(self.weights[key].detach().float().cpu().numpy()) for name, key in self._keys.items()}
        spec, old = self._model.spec, self._model
        same = all(np.array_equal(old.weights[name], weights[name]) for name in weights)
        return old if same else Model(old.name, spec, weights, licence=old.licence)

    def extra_repr(self) -> str:
        """The name, the scale and the colours."""
        return f"{self._model.name!r}, scale={self.scale}, colour={self._model.spec.colour!r}"


class _Kernels(TorchKernels):
    """The layers without tables that depend on the size, so that tools can trace them with free sizes."""

    def __init__(self, buffers: Mapping[str, Tensor] | None = None) -> None:
        self._buffers = buffers or {}

    def resize(self, x: Tensor, factor: int, mode: Mode) -> Tensor:
        """Each phase of the result is a small convolution of the input, whose edge is repeated."""
        if mode == "nearest":
            return super().resize(x, factor, mode)
        weight = self._buffers[f"phases_{mode}_{factor}"].to(x.dtype)
        n, c, h, w = x.shape
        wide = self.replicate(x, SUPPORT[mode]).reshape(n * c, 1, h + 2 * SUPPORT[mode], w + 2 * SUPPORT[mode])
        return F.pixel_shuffle(F.conv2d(wide, weight), factor).reshape(n, c, h * factor, w * factor)


def _phases(factor: int, mode: Mode) -> Tensor:
    """The kernels ``(factor**2, 1, k, k)`` of the phases of a resize, in the order of a pixel shuffle."""
    reach = SUPPORT[mode]
    side = 4 * reach + 1
    taps = axis_taps(side, side * factor, factor, mode=mode)
    middle = 2 * reach
    along = np.zeros((factor, 2 * reach + 1))
    for phase in range(factor):
        row = middle * factor + phase
        np.add.at(along[phase], taps.index[row] - middle + reach, taps.weight[row])
    both = np.einsum("ai,bj->abij", along, along).reshape(factor**2, 1, 2 * reach + 1, 2 * reach + 1)
    return torch.from_numpy(both.astype(np.float32))


def _keys(spec: Spec) -> dict[str, str]:
    """For each weight a name that a parameter may have."""
    keys: dict[str, str] = {}
    for name in spec.weight_shapes:
        key = re.sub(r"\W", "_", name)
        while key in keys.values():
            key += "_"
        keys[name] = key
    return keys


def _random(spec: Spec) -> dict[str, NDArray[np.float32]]:
    """Weights as :class:`torch.nn.Conv2d` begins with, from torch's generator; slopes are 0.25."""
    weights: dict[str, NDArray[np.float32]] = {}
    bound = 1.0
    for name, shape in spec.weight_shapes.items():
        tensor = torch.full(shape, 0.25)
        if name.endswith(".weight"):
            bound = 1 / float(np.prod(shape[1:])) ** 0.5
        if not name.endswith(".slope"):
            tensor.uniform_(-bound, bound)
        weights[name] = tensor.numpy()
    return weights
