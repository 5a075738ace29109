"""Upsamplers with weights, trained on the image itself: transposed and sub-pixel convolution, by how each starts.

The small image is made smaller once more, and 100 steps teach the way back. So the reference is never seen, and the
result can be measured against it. The same operators run while torch trains and afterwards on arrays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.methods.method import U8, Method, NotPossible, Prepared, Sample
from subpixel.errors import MissingExtra
from subpixel.ops import conv_transpose, icnr, subpixel_conv, subpixel_to_conv_transpose

__all__ = [
    "METHODS",
    "RATE",
    "STEPS",
    "Layer",
    "bilinear_weight",
    "subpixel_layer",
    "train_layer",
    "transposed_layer",
    "transposed_shape",
]

F32 = NDArray[np.float32]

# As in the demonstration of the source material.
STEPS, RATE = 100, 1e-3
_CHANNELS = 3
_KERNEL = 3  # of the sub-pixel convolution


@dataclass(frozen=True)
class Layer:
    """One learned layer from an image to a larger one.

    Args:
        run: ``(planes, weight, bias)`` to planes, arrays or tensors: ``(1, 3, H, W)`` to ``(1, 3, r*H, r*W)``.
        weight: the weight.
        bias: the bias.
        macs: multiply-adds for each pixel of the result.
    """

    run: Callable[[Any, Any, Any], Any]
    weight: F32
    bias: F32
    macs: float

    def __call__(self, image: U8) -> F32:
        """Upscale ``(H, W, 3)`` u8; the result is ``(r*H, r*W, 3)`` f32, 0 … 255, not rounded."""
        large = self.run(_planes(image), self.weight, self.bias)[0]
        result: F32 = np.moveaxis(large, 0, -1) * np.float32(255)
        return result


def transposed_shape(scale: int) -> tuple[int, int]:
    """The kernel and padding of a transposed convolution that bilinear weights of this stride fill.

    >>> transposed_shape(2), transposed_shape(3), transposed_shape(4)
    ((4, 1), (5, 1), (8, 2))
    """
    kernel = 2 * scale - scale % 2
    return kernel, (kernel - scale) // 2


def bilinear_weight(scale: int) -> F32:
    """The weight ``(3, 3, k, k)`` with which a transposed convolution of this stride is bilinear interpolation.

    >>> bilinear_weight(2)[0, 0, 1].tolist()
    [0.1875, 0.5625, 0.5625, 0.1875]
    """
    kernel, _ = transposed_shape(scale)
    ramp = 1 - np.abs(np.arange(kernel) - (kernel - 1) / 2) / scale
    weight = np.zeros((_CHANNELS, _CHANNELS, kernel, kernel), np.float32)
    weight[range(_CHANNELS), range(_CHANNELS)] = np.outer(ramp, ramp)
    return weight


def transposed_layer(scale: int, start: str, seed: int) -> Layer:
    """A transposed convolution of this stride, untrained.

    Args:
        scale: the stride.
        start: ``random`` (uniform, as torch starts), ``bilinear``, or ``icnr`` (every phase alike).
        seed: of ``random`` and ``icnr``.
    """
    kernel, padding = transposed_shape(scale)
    if start == "bilinear":
        weight = bilinear_weight(scale)
    elif start == "icnr":
        form = subpixel_to_conv_transpose(subpixel_layer(scale, "icnr", seed).weight, scale, padding=_KERNEL // 2)
        weight, ((padding, _), _) = form.weight, form.padding
    else:
        weight = _uniform((_CHANNELS, _CHANNELS, kernel, kernel), _CHANNELS * kernel**2, seed)

    def run(x: Any, w: Any, b: Any) -> Any:
        return conv_transpose(x, w, b, stride=scale, padding=padding)

    return Layer(run, weight, np.zeros(_CHANNELS, np.float32), weight.size / scale**2)


def subpixel_layer(scale: int, start: str, seed: int) -> Layer:
    """A sub-pixel convolution by this factor, untrained.

    Args:
        scale: the factor.
        start: ``random`` (uniform, as torch starts) or ``icnr``.
        seed: of the weights.
    """
    shape = (_CHANNELS * scale**2, _CHANNELS, _KERNEL, _KERNEL)
    fan_in = _CHANNELS * _KERNEL**2
    if start == "icnr":
        weight = icnr(shape, scale, init=lambda small: _uniform(small, fan_in, seed))
    else:
        weight = _uniform(shape, fan_in, seed)

    def run(x: Any, w: Any, b: Any) -> Any:
        return subpixel_conv(x, w, b, scale, padding=_KERNEL // 2)

    return Layer(run, weight, np.zeros(shape[0], np.float32), weight.size / scale**2)


def train_layer(
    layer: Layer, small: U8, large: U8, *, steps: int = STEPS, rate: float = RATE, threads: int = 1
) -> tuple[Layer, list[float]]:
    """Train a layer on one pair of images: AdamW on the mean squared error of the whole pair.

    Args:
        layer: where it starts.
        small: ``(H, W, 3)`` u8.
        large: ``(r*H, r*W, 3)`` u8.
        steps: how many steps.
        rate: the learning rate.
        threads: how many threads torch uses.

    Returns:
        The trained layer, and the loss before each step, of values of 0 … 1.

    Raises:
        MissingExtra: torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra("training needs torch: pip install 'subpixel[train]'") from None
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        x, y = torch.from_numpy(_planes(small)), torch.from_numpy(_planes(large))
        weight, bias = torch.tensor(layer.weight, requires_grad=True), torch.tensor(layer.bias, requires_grad=True)
        optimiser = torch.optim.AdamW([weight, bias], rate)
        losses = []
        for _ in range(steps):
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(layer.run(x, weight, bias), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
        return Layer(layer.run, weight.detach().numpy(), bias.detach().numpy(), layer.macs), losses
    finally:
        torch.set_num_threads(before)


def _planes(image: U8) -> F32:
    return np.ascontiguousarray(np.moveaxis(image, -1, 0)[None], np.float32) / np.float32(255)


def _uniform(shape: tuple[int, ...], fan_in: int, seed: int) -> F32:
    limit = 1 / np.sqrt(fan_in)
    return np.random.default_rng(seed).uniform(-limit, limit, shape).astype(np.float32)


def _method(name: str, title: str, about: str, make: Callable[[int, str, int], Layer], start: str) -> Method:
    def prepare(sample: Sample) -> Prepared:
        began = time.perf_counter()
        scale = sample.scale
        height, width = (side // scale * scale for side in sample.small.shape[:2])
        if min(height, width) < 2 * scale:
            raise NotPossible(f"the image is too small to train on: {width}×{height} is less than 2×2 after ÷{scale}")
        large = sample.small[:height, :width]
        small = sample.degradation(large, scale)
        layer, losses = train_layer(make(scale, start, sample.seed), small, large, threads=sample.threads)
        took = time.perf_counter() - began
        parameters = layer.weight.size + layer.bias.size
        return Prepared(lambda: layer(sample.small), layer.macs, parameters, took, {"losses": losses})

    text = f"{about} {STEPS} steps of AdamW at {RATE:g} on this image, made smaller once more."
    return Method(name, title, "learned here", text, prepare, extra="train")


METHODS = (
    _method("transposed", "Transposed convolution", "Random weights.", transposed_layer, "random"),
    _method(
        "transposed-bilinear",
        "Transposed convolution, bilinear",
        "From bilinear weights.",
        transposed_layer,
        "bilinear",
    ),
    _method("transposed-icnr", "Transposed convolution, ICNR", "All phases start alike.", transposed_layer, "icnr"),
    _method("subpixel", "Sub-pixel convolution", "Random weights.", subpixel_layer, "random"),
    _method("subpixel-icnr", "Sub-pixel convolution, ICNR", "All phases start alike.", subpixel_layer, "icnr"),
)
