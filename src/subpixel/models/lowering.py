"""Transposed convolutions rewritten as convolutions and pixel shuffles: the same sums, for whoever has only these.

A transposed convolution of stride ``r`` makes each of its ``r * r`` phases by an ordinary convolution of the source
with every ``r``-th tap, and a pixel shuffle puts the phases in their places (:mod:`subpixel.ops.convolution.convert`).
The kernel is filled up with zeros first, so that those convolutions are centred and nothing is left to crop.

A value that is not finite times such a zero is NaN, and so reaches up to one source sample further than it should.

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
    """A network without transposed convolutions; one that has none is itself.

    The convolution in place of layer ``name`` is ``name.phases``, the shuffle after it ``name``.

    Raises:
        SpecError: the phases would need a larger kernel or more channels, or their name more characters, than a
            network can have.

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
    """A network without transposed convolutions, and its weights.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.

    Returns:
        :func:`lower_spec` and every tensor of its ``weight_shapes``; the given ones where there is nothing to do.

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
            whole = [(2 * _half(layer, axis) + 1) * layer.stride for axis in (0, 1)]
            ends = [(f, n - f - k) for f, n, k in zip(front, whole, layer.kernel, strict=True)]
            padding = [_half(layer, axis) * layer.stride for axis in (0, 1)]
            filled = np.pad(weight, [(0, 0), (0, 0), *ends])
            form = conv_transpose_to_subpixel(filled, bias, stride=layer.stride, padding=padding)
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
    """Source samples to each side of a sample that can reach one of the ``stride`` results made in its place."""
    before, after = layer.padding[axis], layer.kernel[axis] - 1 - layer.padding[axis]
    return max((layer.stride - 1 + before) // layer.stride, after // layer.stride)
