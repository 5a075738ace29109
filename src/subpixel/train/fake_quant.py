"""Training with the rounding of int8 in the forward pass, so that the network learns to compensate for it.

:mod:`subpixel.models.integer` rounds the weights. Activations are rounded to the steps of the future model file.
Gradients ignore the rounding (Bengio et al., arXiv 1308.3432) and are zero where a value is clipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subpixel.errors import Unsupported
from subpixel.models.chain import chain_of
from subpixel.models.integer import INPUT_STEP, MAX_INPUT, MAX_VALUE, fake_quantise, quantise
from subpixel.models.lowering import lower_spec
from subpixel.models.spec import Spec
from subpixel.models.torch_kernels import TorchKernels

__all__ = ["FakeQuant"]


class FakeQuant:
    """The int8 form of a chain during training.

    Args:
        spec: a plain chain.
        ranges: the lowest and highest value of each convolution's result, see
            :func:`subpixel.metrics.calibration.activation_ranges`. They stay constant while weights change.

    Raises:
        Unsupported: the network is no plain chain, or only after rewriting.
    """

    def __init__(self, spec: Spec, ranges: Mapping[str, tuple[float, float]]) -> None:
        if lower_spec(spec) is not spec:
            raise Unsupported("train: rounded=True does not support transposed convolutions")
        self.spec, self.ranges = spec, ranges
        self.chain = chain_of(spec, "int8")

    def parameters(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """The int8 parameters of a model file with these weights."""
        return quantise(self.spec, _arrays(weights), self.ranges)

    def round_weights(self, weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Callable[[], TorchKernels]]:
        """The weights and kernels that int8 would compute with.

        Returns:
            The rounded weights, whose gradient is that of the given ones; and a function that makes the kernels of a
            run, which round the input of each convolution.
        """
        parameters = self.parameters(weights)
        rounded = fake_quantise(self.spec, _arrays(weights), parameters)
        result = {
            name: weight + (torch.from_numpy(rounded[name]).to(weight.device) - weight).detach()
            for name, weight in weights.items()
        }
        layers = parameters["layers"]
        steps = [(layers[conv.name]["scale"], layers[conv.name]["zero"]) for conv in self.chain.convs[:-1]]
        skips = [skip is not None for skip in self.chain.skips[:-1]]
        return result, lambda: _RoundingKernels(steps, skips)


class _RoundingKernels(TorchKernels):
    """Rounds where int8 rounds: the input, and each result after its activation and its skip."""

    def __init__(self, steps: list[tuple[float, int]], skips: list[bool]) -> None:
        self.steps, self.skips, self.convs = steps, skips, 0
        self.activated = True

    def conv(self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int], stride: int = 1) -> Tensor:
        if self.convs == 0:
            x = _to_steps(x, INPUT_STEP, 0, MAX_INPUT)
        elif not self.activated and not self.skips[self.convs - 1]:
            x = self._byte(x)  # the previous layer has no activation
        self.convs += 1
        self.activated = False
        return super().conv(x, weight, bias, padding, stride)

    def activate(self, x: Tensor, kind: str, slope: Tensor | None) -> Tensor:
        x = super().activate(x, kind, slope)
        if self.skips[self.convs - 1]:
            return x
        self.activated = True
        return self._byte(x)

    def add(self, values: list[Tensor]) -> Tensor:
        total = super().add(values)
        return self._byte(total) if self.convs <= len(self.skips) and self.skips[self.convs - 1] else total

    def _byte(self, x: Tensor) -> Tensor:
        return _to_steps(x, *self.steps[self.convs - 1], MAX_VALUE)


def _to_steps(x: Tensor, scale: float, zero: int, most: int) -> Tensor:
    clipped = x.clamp(-zero * scale, (most - zero) * scale)
    return clipped + (torch.round(clipped.detach() / scale) * scale - clipped.detach())


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {name: weight.detach().cpu().numpy() for name, weight in weights.items()}
