"""Equalisation of a layer's channels before int8, without changing what the network computes; and the layers' ranges.

int8 has one step for all channels of a layer, so a channel of small values has few codes. The result of a convolution
can be divided by a number per channel if the layers that read it multiply by the same number: ReLU and PReLU commute
with positive factors. Small channels then have more codes. But the weights of the reading layers differ more in size,
and int8 rounds those as well. So several powers are tried for each layer, and the best is used.

A range that is narrower than the largest values clips them, and has finer steps for all others. Which is better differs
between layers, so several widths are tried as well.

Source: cross-layer equalisation, Nagel et al., arXiv 1906.04721, section 4.1. The paper makes both ranges equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.models.spec import Conv, ConvTranspose, Spec, sources_of

__all__ = ["Extent", "divisible_convs", "equalise", "extent_of"]

Weights = Mapping[str, NDArray[np.float32]]
Ranges = Mapping[str, tuple[float, float]]
Reader = Conv | ConvTranspose

# Exponents to try: 0 changes nothing, 1 gives each channel the same range. And the widths of a layer's range to try,
# relative to the largest values that were seen.
_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_WIDTHS = (0.8, 0.9, 1.0, 1.1, 1.2, 1.4)
_ROUNDS = 2
_LARGEST = 256.0  # the largest factor; channels that were never active keep the factor 1

# The share of a channel's values at each end that do not count.
_CLIPPED = 2e-6

# What is added to the range of a channel that is never active, as a share of it. A channel that is seldom active has
# been seen seldom, so its largest value is not known well; and a coarser step costs less, because zeros are exact.
_RARE = 0.5


@dataclass(frozen=True)
class Extent:
    """The lowest and the highest value of each channel of a layer, ``(C,)`` each."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def range(self, divisors: NDArray[Any] | float, width: float) -> tuple[float, float]:
        """The range of the layer if its channels are divided."""
        low, high = (self.low / divisors).min(), (self.high / divisors).max()
        return float(min(low, 0.0)) * width, float(max(high, 1e-6)) * width


def extent_of(values: NDArray[np.float32]) -> Extent:
    """The extent of a layer, from ``(C, samples)`` of its results."""
    low, high = np.quantile(values, [_CLIPPED, 1 - _CLIPPED], axis=1)
    room = 1 + _RARE * (values == 0).mean(axis=1)
    return Extent(low * room, high * room)


def divisible_convs(spec: Spec) -> dict[str, tuple[Conv, tuple[Reader, ...]]]:
    """Convolutions whose channels can be divided, by name, each with the convolutions that read it."""
    owners = [layer.owner for layer in spec.layers if isinstance(layer, Conv)]
    result = {}
    for layer in spec.layers:
        if not isinstance(layer, Conv) or layer.activation not in ("none", "relu", "prelu"):
            continue
        readers = [other for other in spec.layers if layer.name in sources_of(other)]
        convs = tuple(other for other in readers if isinstance(other, Conv | ConvTranspose))
        shared = [conv for conv in (layer, *convs) if isinstance(conv, Conv) and owners.count(conv.owner) > 1]
        if readers and len(convs) == len(readers) and not shared and layer.name not in spec.outputs:
            result[layer.name] = layer, convs
    return result


def equalise(
    spec: Spec, weights: Weights, extents: Mapping[str, Extent], error: Callable[[Weights, Ranges], float]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, tuple[float, float]]]:
    """Weights that compute the same in f32 and lose less in int8, and the ranges of the layers.

    Args:
        spec: the network.
        weights: its weights.
        extents: of the layers whose range is unknown, by the layer's name.
        error: the int8 error of some weights and ranges.

    Returns:
        The weights and the ranges with the smallest error.
    """
    known = {name: link for name, link in divisible_convs(spec).items() if name in extents}

    def apply(choice: Mapping[str, tuple[float, float]]) -> tuple[dict[str, NDArray[np.float32]], Ranges]:
        own = {name: np.array(value, np.float32) for name, value in weights.items()}
        ranges = {name: extents[name].range(1.0, width) for name, (_, width) in choice.items()}
        for name, (layer, readers) in known.items():
            power, width = choice[name]
            tops = np.maximum(extents[name].high, -extents[name].low)
            sizes = np.where(tops > 0, tops / max(tops.max(), 1e-12), 1.0)
            by = (np.maximum(sizes, 1 / _LARGEST) ** power).astype(np.float32)
            own[f"{name}.weight"] /= by[:, None, None, None]
            if layer.bias:
                own[f"{name}.bias"] /= by
            for reader in readers:
                inputs = 1 if isinstance(reader, Conv) else 0  # the axis of the input channels
                own[f"{reader.name}.weight"] *= np.expand_dims(by, tuple({0, 1, 2, 3} - {inputs}))
            ranges[name] = extents[name].range(by, width)
        return own, ranges

    best = {name: (1.0 if name in known else 0.0, 1.0) for name in extents}
    least = error(*apply(best))
    for _ in range(_ROUNDS):
        before = least
        for name in extents:
            trials = [(power, best[name][1]) for power in _POWERS] if name in known else []
            for power, width in [*trials, *((None, width) for width in _WIDTHS)]:
                trial = {**best, name: (best[name][0] if power is None else power, width)}
                cost = error(*apply(trial)) if trial != best else least
                if cost < least:
                    best, least = trial, cost
        if least == before:
            break
    own, ranges = apply(best)
    return own, dict(ranges)
