"""Rewrites transposed convolutions as convolutions and pixel shuffles with equal sums, for backends without them.

In a transposed convolution of stride ``r``, each of the ``r * r`` phases is an ordinary convolution of the source with
every ``r``-th tap, and a pixel shuffle interleaves the phases (:mod:`subpixel.ops.convolution.convert`). The kernel is
first padded with zeros, so that these convolutions are centred and nothing has to be cropped.

An infinity or NaN times such a zero is NaN, so it affects up to one source sample more than in the original.

Source: Shi et al., arXiv 1609.07009.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from subpixel.models.spec import Conv, ConvTranspose, Layer, PixelShuffle, Spec
from subpixel.ops import conv_transpose_to_subpixel

__all__ = ["lower", "lower_spec"]

Weights = Mapping[str, NDArray[np.float32]]


def lower_spec(spec: Spec) -> Spec:
    """The network without transposed convolutions; the same object if it has none.

    Layer ``name`` becomes the convolution ``name.phases`` and the pixel shuffle ``name``.

    Raises:
        SpecError: the phases would exceed a limit of networks: kernel size, channels, or length of a name.

    >>> from subpixel.models.fsrcnn import fsrcnn
    >>> [layer.name for layer in lower_spec(fsrcnn(3)).layers[-3:]]
    ['expand', 'up.phases', 'up']
    """
    if not any(isinstance(layer, ConvTranspose) for layer in spec.layers):
        return spec
    layers: list[Layer] = []
    for layer in spec.layers:
        layers += _phases(layer) if isinstance(layer, ConvTranspose) else [layer]
    return replace(spec, layers=tuple(layers))


def lower(spec: Spec, weights: Weights) -> tuple[Spec, Weights]:
    """The network without transposed convolutions, and its weights.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.

    Returns:
        The result of :func:`lower_spec`, and every tensor of its ``weight_shapes``.

    >>> import numpy as np
    >>> from subpixel.models.fsrcnn import fsrcnn
    >>> spec = fsrcnn(2)
    >>> _, weights = lower(spec, {n: np.ones(s, np.float32) for n, s in spec.weight_shapes.items()})
    >>> weights["up.phases.weight"].shape  # 9x9 taps, four phases of 5x5, 5x4, 4x5 and 4x4
    (4, 56, 5, 5)
    """
    result = dict(weights)
    for layer in spec.layers:
        if isinstance(layer, ConvTranspose):
            weight, bias = result.pop(f"{layer.name}.weight"), result.pop(f"{layer.name}.bias", None)
            front = [_half(layer, axis) * layer.stride - layer.padding[axis] for axis in (0, 1)]
            size = [(2 * _half(layer, axis) + 1) * layer.stride for axis in (0, 1)]
            ends = [(f, n - f - k) for f, n, k in zip(front, size, layer.kernel, strict=True)]
            padding = [_half(layer, axis) * layer.stride for axis in (0, 1)]
            padded = np.pad(weight, [(0, 0), (0, 0), *ends])
            form = conv_transpose_to_subpixel(padded, bias, stride=layer.stride, padding=padding)
            result[f"{layer.name}.phases.weight"] = form.weight
            if form.bias is not None:
                result[f"{layer.name}.phases.bias"] = form.bias
    return lower_spec(spec), result


def _phases(layer: ConvTranspose) -> list[Layer]:
    name = f"{layer.name}.phases"
    out = layer.out_channels * layer.stride**2
    kernel = (2 * _half(layer, 0) + 1, 2 * _half(layer, 1) + 1)
    conv = Conv(name, layer.source, layer.in_channels, out, kernel, bias=layer.bias)
    return [conv, PixelShuffle(layer.name, name, layer.stride)]


def _half(layer: ConvTranspose, axis: int) -> int:
    """How many source samples to each side affect the ``stride`` results of one source sample."""
    before, after = layer.padding[axis], layer.kernel[axis] - 1 - layer.padding[axis]
    return max((layer.stride - 1 + before) // layer.stride, after // layer.stride)
