"""Channels that are zero everywhere: a ReLU passes no gradient back from them, so they never learn again.

Many end like that. Every layer's input is positive, so an update of a kernel moves all of its results one way, and may
switch a channel off in a few steps. One to four of the 24 channels in each of the first four layers were left of a
``balanced`` that had learned for two hours. Two things keep them: kernels that count their inputs from the mean on, see
:meth:`subpixel.train.reparameterisation.Trainable.centre`, and new kernels for those that are lost nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from subpixel.models.graph import run_all
from subpixel.models.spec import Conv, Spec, sources_of
from subpixel.models.torch_kernels import TorchKernels

__all__ = ["Revival", "can_lose_channels", "revive"]

# The standard deviation of a new channel before its ReLU, that of the middle layers of trained networks.
_SPREAD = 0.03


@dataclass(frozen=True)
class Revival:
    """Weights that compute the same as others, and what was found on the way.

    Args:
        weights: those of unchanged layers are the same tensors.
        count: how many channels have a new kernel.
        means: by convolution, the mean of each of its input channels.
    """

    weights: Mapping[str, Tensor]
    count: int
    means: Mapping[str, Tensor]


@torch.no_grad()
def revive(
    spec: Spec, weights: Mapping[str, Tensor], inputs: Mapping[str, Tensor], generator: torch.Generator
) -> Revival:
    """Give each channel that is zero on all samples a new kernel.

    A new kernel is random; a spatial one has the sum 0 over each input channel. Its bias makes half of its results
    positive. The next layer begins to read it with weights of zero, which have a gradient at once.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.
        inputs: ``(N, C, H, W)`` for each of ``spec.inputs``, by name: the samples that decide.
        generator: the source of the kernels, on the CPU.
    """
    kernels = _Reviving(spec, weights, generator)
    run_all(spec, kernels.weights, inputs, kernels, pad=not spec.plain)  # as in training
    return Revival(kernels.weights, kernels.count, kernels.means)


def can_lose_channels(spec: Spec) -> bool:
    """Whether the network has layers that :func:`revive` can repair."""
    return bool(_readers(spec))


def _readers(spec: Spec) -> dict[str, str]:
    """For each convolution with ReLU whose result only one convolution reads: the name of that one.

    Convolutions that share weights do not count.
    """
    convs = {layer.name: layer for layer in spec.layers if isinstance(layer, Conv)}
    shared = {layer.owner for layer in convs.values() if layer.shared}
    own = {name for name in convs if name not in shared and not convs[name].shared}
    readers: dict[str, list[str]] = {}
    for layer in spec.layers:
        for source in sources_of(layer):
            readers.setdefault(source, []).append(layer.name)
    return {
        name: reader
        for name, (reader, *more) in readers.items()
        if name in own
        and reader in own
        and not more
        and name not in spec.outputs
        and convs[name].activation == "relu"
        and convs[name].bias
    }


class _Reviving(TorchKernels):
    """The layers of one run, which replaces kernels on its way."""

    def __init__(self, spec: Spec, weights: Mapping[str, Tensor], generator: torch.Generator) -> None:
        self.weights, self.generator, self.count = dict(weights), generator, 0
        self.means: dict[str, Tensor] = {}
        self.readers = _readers(spec)
        self._convs = iter([layer for layer in spec.layers if isinstance(layer, Conv)])
        self._unread: dict[str, Tensor] = {}  # by layer, the input channels that are new

    def conv(self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int], stride: int = 1) -> Tensor:
        layer = next(self._convs)
        if layer.bias and not layer.shared:
            self.means[layer.name] = x.mean(dim=(0, 2, 3))
        name = f"{layer.name}.weight"
        new = self._unread.get(layer.name)
        if new is not None:
            weight = self.weights[name] = weight.clone()
            weight[:, new] = 0.0
        result = super().conv(x, weight, bias, padding, stride)
        reader = self.readers.get(layer.name)
        dead = result.amax(dim=(0, 2, 3)) <= 0
        if reader is None or bias is None or not dead.any():
            return result
        number = int(dead.sum())
        fresh = torch.randn(number, *weight.shape[1:], generator=self.generator).to(weight)
        if fresh.shape[2:].numel() > 1:
            fresh -= fresh.mean(dim=(2, 3), keepdim=True)
        random = super().conv(x, fresh, None, padding, stride)
        gain = _SPREAD / random.std(dim=(0, 2, 3)).clamp_min(1e-6)
        weight, bias = weight.clone(), bias.clone()
        weight[dead] = fresh * gain[:, None, None, None]
        bias[dead] = -random.mean(dim=(0, 2, 3)) * gain
        self.weights[name], self.weights[f"{layer.name}.bias"] = weight, bias
        self._unread[reader] = dead
        self.count += number
        return super().conv(x, weight, bias, padding, stride)
