"""Integers for the weights of an int8 network that are better than rounded weights.

A weight that is rounded on its own errs without regard to its neighbours. Here the weights of an output channel are
chosen together, so that the channel's sums on images come near to those of the f32 network: a problem of least squares.
The layers follow one another, and each reads what the integers before it made. So it also makes up for their errors, as
far as these can be told from its input. The bias takes what is left of the mean.

Source: Frantar et al., arXiv 2210.17323 (GPTQ): weights are rounded in turn, and those that are left make up for the
error. Single steps follow, as long as they help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from subpixel.backends.integer import halves_of, layer_bytes
from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.models.chain import row_of
from subpixel.models.files import Model
from subpixel.models.integer import INPUT_STEP, MAX_WEIGHT, IntegerConv, integer_network, sum_units, with_integers
from subpixel.models.spec import Conv

__all__ = ["convolved", "round_together"]

Array = NDArray[np.float32]
Wide = NDArray[np.float64]
Ints = NDArray[np.int16]

# The most samples that the equations of a layer are made of.
_SAMPLES = 60_000

# How strongly the f32 weights hold, relative to the mean square of the input: each is tried for each layer. A weak hold
# lets weights of inputs that are nearly equal in all images run away.
_RIDGES = (0.001, 0.01, 0.1)

# Sums have 32 bits, and so much is left for the products.
_MOST_BIAS = 2.0**30

# The most single steps after that. They end by themselves, each makes the error smaller.
_MOST_CHANGES = 10_000


def round_together(
    model: Model,
    quantisation: Mapping[str, Any],
    planes: Sequence[Array],
    importance: Sequence[float],
    error: Callable[[Mapping[str, Any]], float],
) -> Mapping[str, Any]:
    """The int8 parameters with integers for the layers where these are better than rounded weights.

    Args:
        model: a plain chain.
        quantisation: its parameters, see :func:`subpixel.models.integer.quantise`.
        planes: inputs ``(1, H, W)`` of 0 … 1.
        importance: of each of them.
        error: the int8 error of some parameters.

    Returns:
        The parameters with the smallest error, see :func:`subpixel.models.integer.with_integers`.

    Raises:
        Unsupported: the network is no plain chain.
    """
    spec = model.spec
    chain, weights = row_of(spec, model.weights, "int8")
    units = sum_units(spec, quantisation)
    images = [_Image(plane, halves_of(plane).astype(np.int16)) for plane in planes]
    keep = any(skip is not None for skip in chain.skips)
    if spec.border != "zero":
        reach = [sum(conv.kernel[axis] // 2 for conv in chain.convs) for axis in (0, 1)]
        images = [image.padded(reach, "edge") for image in images]
    least = error(quantisation)
    step = INPUT_STEP
    for number, (conv, unit) in enumerate(zip(chain.convs, units, strict=True)):
        layer = _Layer(conv, weights)
        if spec.border == "zero":
            images = [image.padded([n // 2 for n in conv.kernel], "constant") for image in images]
        problem = _problem(layer, step, unit, images, importance)
        for ridge in _RIDGES:
            trial = with_integers(quantisation, conv.name, *_solution(problem, ridge))
            cost = error(trial)
            if cost < least:
                quantisation, least = trial, cost
        if conv is not chain.convs[-1]:
            integers = integer_network(spec, model.weights, quantisation).convs[number]
            images = [image.after(layer, integers, keep) for image in images]
            step = float(quantisation["layers"][conv.name]["scale"])
    return quantisation


class _Layer:
    """A convolution in f32."""

    def __init__(self, conv: Conv, weights: Mapping[str, Array]) -> None:
        self.conv = conv
        self.weight = weights[f"{conv.name}.weight"]
        self.bias = weights[f"{conv.name}.bias"] if conv.bias else np.zeros(conv.out_channels, np.float32)
        self.slope = weights.get(f"{conv.name}.slope")

    def sums(self, x: Array, step: int = 1, first: int = 0) -> Array:
        return convolved(x, self.weight, step, first) + self.bias[:, None, None]


@dataclass(frozen=True)
class _Image:
    """The input of a layer for one image ``(C, H, W)``: the f32 network's, and the integers of the int8 network.

    ``earlier`` are the same of the layers before, with their zero, if there are skips.
    """

    exact: Array
    integers: Ints
    zero: int = 0
    earlier: tuple[tuple[Array, Ints, int], ...] = ()

    def padded(self, by: Sequence[int], mode: Literal["edge", "constant"]) -> _Image:
        sides = [(0, 0), (by[0],) * 2, (by[1],) * 2]
        if mode == "edge":
            return replace(self, exact=np.pad(self.exact, sides, mode), integers=np.pad(self.integers, sides, mode))
        integers = np.pad(self.integers, sides, mode, constant_values=self.zero)
        return replace(self, exact=np.pad(self.exact, sides), integers=integers)

    def after(self, layer: _Layer, integers: IntegerConv, keep: bool) -> _Image:
        """What the next layer reads. ``keep``: a skip may read it as well."""
        exact = layer.sums(self.exact)
        if layer.conv.activation != "none":
            exact = NumpyKernels().activate(exact, layer.conv.activation, layer.slope)
        if integers.skip is not None:
            other = self.earlier[integers.skip][0]
            top, left = ((have - n) // 2 for have, n in zip(other.shape[1:], exact.shape[1:], strict=True))
            exact = exact + other[:, top : top + exact.shape[1], left : left + exact.shape[2]]
        products = convolved(self.integers.astype(np.float32), integers.weight.astype(np.float32))
        total = np.rint(products).astype(np.int64) + integers.bias[:, None, None]
        before = [(ints.astype(np.int64), zero) for _, ints, zero in self.earlier]
        made = layer_bytes(integers, total, before).astype(np.int16)
        return _Image(exact, made, integers.zero, (*self.earlier, (exact, made, integers.zero)) if keep else ())


@dataclass(frozen=True)
class _Problem:
    """The least squares of a layer: ``gram`` of its centred input, and ``target`` of its centred sums, in integers.

    ``given`` are the f32 weights, not rounded; ``input_mean`` and ``sum_mean`` were subtracted.
    """

    shape: tuple[int, ...]
    gram: Wide
    target: Wide
    given: Wide
    input_mean: Wide
    sum_mean: Wide


def _problem(layer: _Layer, step: float, unit: Wide, images: Sequence[_Image], importance: Sequence[float]) -> _Problem:
    every = math.ceil(math.sqrt(sum(image.exact[0].size for image in images) / _SAMPLES))
    kernel = layer.conv.kernel
    inputs, sums, shares = [], [], []
    for number, (image, part) in enumerate(zip(images, importance, strict=True)):
        first = number % every
        inputs.append(_columns((image.integers - image.zero).astype(np.float32), kernel, every, first)[0])
        sums.append(layer.sums(image.exact, every, first).reshape(layer.conv.out_channels, -1).T / unit)
        shares.append(np.full(len(inputs[-1]), part))
    x, y, share = np.concatenate(inputs), np.concatenate(sums), np.concatenate(shares)
    share /= share.sum()
    # Without their means the products need no more than f32.
    input_mean, sum_mean = (share @ x).astype(np.float64), (share @ y).astype(np.float64)
    root = np.sqrt(share)[:, None]
    x, y = ((x - input_mean) * root).astype(np.float32), ((y - sum_mean) * root).astype(np.float32)
    given = layer.weight.reshape(layer.conv.out_channels, -1).astype(np.float64) * (step / unit)[:, None]
    gram, target = (x.T @ x).astype(np.float64), (y.T @ x).astype(np.float64)
    return _Problem(layer.weight.shape, gram, target, given, input_mean, sum_mean)


def _solution(problem: _Problem, ridge: float) -> tuple[Wide, Wide]:
    """Weights and biases as integers."""
    hold = ridge * max(float(np.diag(problem.gram).mean()), 1e-6)
    gram = problem.gram + hold * np.eye(len(problem.gram))
    target = problem.target + hold * problem.given
    exact: Wide = np.linalg.solve(gram, target.T).T.astype(np.float64)
    weight = _in_turn(gram, exact)
    _improve(weight, gram, target)
    bias = np.clip(np.rint(problem.sum_mean - weight @ problem.input_mean), -_MOST_BIAS, _MOST_BIAS)
    return weight.reshape(problem.shape), bias


def _in_turn(gram: Wide, wanted: Wide) -> Wide:
    """Round one weight of each output channel after the other; those that are left make up for the error."""
    upper = np.linalg.cholesky(np.linalg.inv(gram)).T
    left = np.clip(wanted, -MAX_WEIGHT, MAX_WEIGHT)
    result = np.empty_like(left)
    for k in range(len(gram)):
        result[:, k] = np.clip(np.rint(left[:, k]), -MAX_WEIGHT, MAX_WEIGHT)
        left[:, k:] -= np.outer((left[:, k] - result[:, k]) / upper[k, k], upper[k, k:])
    return result


def _improve(weight: Wide, gram: Wide, target: Wide) -> None:
    """Change the weight of each output channel by one that helps most, until none does."""
    slope, rows = weight @ gram - target, np.arange(len(weight))
    size = np.diag(gram)
    for _ in range(_MOST_CHANGES):
        more = np.where(weight < MAX_WEIGHT, 2 * slope + size, np.inf)
        less = np.where(weight > -MAX_WEIGHT, size - 2 * slope, np.inf)
        best = np.minimum(more, less).argmin(axis=1)
        gain = np.minimum(more, less)[rows, best] < -1e-9 * size.mean()
        if not gain.any():
            return
        change = np.where(more[rows, best] < less[rows, best], 1.0, -1.0) * gain
        weight[rows, best] += change
        slope += change[:, None] * gram[best]


def convolved(x: Array, weight: Array, step: int = 1, first: int = 0) -> Array:
    """A convolution without padding as a matrix product: ``(C, H, W)`` to ``(out, rows, columns)``."""
    x, (rows, across) = _columns(x, weight.shape[2:], step, first)
    return np.ascontiguousarray((x @ weight.reshape(len(weight), -1).T).T).reshape(len(weight), rows, across)


def _columns(x: Array, kernel: tuple[int, ...], step: int = 1, first: int = 0) -> tuple[Array, tuple[int, int]]:
    """What a kernel reads at each place, ``(places, C * kh * kw)``, and how many rows and columns of places there are.

    ``step`` and ``first``: only every so many rows and columns, from that one.
    """
    windows = sliding_window_view(x, kernel, axis=(1, 2))[:, first::step, first::step]
    _, rows, across = windows.shape[:3]
    return windows.transpose(1, 2, 0, 3, 4).reshape(rows * across, -1), (rows, across)
