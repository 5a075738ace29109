"""The weights of a sub-pixel convolution and of the transposed convolution that equals it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import INK, Panel, Section, drawing, picture, written
from subpixel.compare.figures.subject import Subject, to_u8
from subpixel.metrics.protocol import luma_255
from subpixel.ops import (
    conv_transpose,
    conv_transpose_to_subpixel,
    subpixel_conv,
    subpixel_to_conv_transpose,
)

__all__ = ["FIGURE", "Converted", "converted"]

F32 = NDArray[np.float32]

_R, _CHANNELS, _KERNEL = 3, 32, 3
_INPUT = 42  # side of the picture that both forms run on
# Nine colours that are told apart with any kind of colour vision: Tol's "muted".
_PHASES = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")
_ON = ("white", INK, INK, "white", INK, INK, INK, "white", "white")


@dataclass(frozen=True)
class Converted:
    """Weights in both forms.

    Args:
        subpixel: ``(9, 32, 3, 3)``.
        transposed: ``(1, 32, 9, 9)``, as the paper writes it; torch swaps the first two axes.
        back: ``transposed``, converted back.
        results: on features made of the picture, ``(3*H, 3*W)``: of the sub-pixel convolution, of the transposed
            convolution, and of the latter's definition, in f64.
    """

    subpixel: F32
    transposed: F32
    back: F32
    results: tuple[F32, F32, NDArray[np.float64]]

    @property
    def lost(self) -> float:
        """The largest difference between the weights and those that came back."""
        return _largest(self.back, self.subpixel)

    @property
    def difference(self) -> float:
        """The largest difference between any two of the results."""
        first, second, third = self.results
        return max(_largest(first, second), _largest(first, third), _largest(second, third))


def converted(subject: Subject) -> Converted:
    """Random weights converted there and back, and both forms run on 32 features of the picture."""
    generator = np.random.default_rng(subject.seed)
    shape = (_R**2, _CHANNELS, _KERNEL, _KERNEL)
    weight = (generator.standard_normal(shape) / np.sqrt(_CHANNELS * _KERNEL**2)).astype(np.float32)
    there = subpixel_to_conv_transpose(weight, _R, padding=_KERNEL // 2)
    back = conv_transpose_to_subpixel(there.weight, stride=_R, padding=there.padding)
    # Features as a network has them: positive and negative, each another mixture of the picture and its slopes.
    y = luma_255(subject.square(_INPUT)) / 255 - 0.5
    maps = np.stack([y, np.roll(y, 1, 0) - y, np.roll(y, 1, 1) - y])
    features = np.einsum("ck,khw->chw", generator.standard_normal((_CHANNELS, 3)), maps).astype(np.float32)[None]
    return Converted(
        weight,
        np.swapaxes(there.weight, 0, 1),
        back.weight,
        (
            subpixel_conv(features, weight, None, _R, padding=_KERNEL // 2)[0, 0],
            conv_transpose(features, there.weight, stride=_R, padding=there.padding)[0, 0],
            _defined(features[0], there.weight[:, 0], there.padding),
        ),
    )


def _defined(features: F32, weight: F32, padding: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """A transposed convolution as it is defined: each input adds the kernel, times itself, at its place."""
    height, width = features.shape[1:]
    tall, wide = weight.shape[1:]
    result = np.zeros(((height - 1) * _R + tall, (width - 1) * _R + wide))
    for i in range(tall):
        for j in range(wide):
            part = np.einsum("c,chw->hw", weight[:, i, j].astype(np.float64), features)
            result[i : i + (height - 1) * _R + 1 : _R, j : j + (width - 1) * _R + 1 : _R] += part
    (top, bottom), (left, right) = padding
    return result[top : result.shape[0] - bottom, left : result.shape[1] - right]


def _largest(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.abs(one.astype(np.float64) - other).max())


def _grid(values: F32, phases: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Values ``(H, W)`` as colours: the hue is the phase, the lightness the value, from −2.5 to 2.5 deviations."""
    hues = np.array([[int(code[n : n + 2], 16) for n in (1, 3, 5)] for code in _PHASES], np.float32)[phases]
    light = np.clip(values / (2.5 * max(float(values.std()), 1e-12)), -1, 1)[..., None]
    towards = np.where(light > 0, np.float32(255), np.float32(0))
    return to_u8(hues + (towards - hues) * 0.62 * np.abs(light))


def _blocks(blocks: Sequence[Sequence[tuple[F32, NDArray[np.intp]]]], side: int, gap: int) -> NDArray[np.uint8]:
    """Rows of blocks as one picture, each value a square of ``side`` pixels, with paper between the blocks."""
    tall, wide = (length * side + gap for length in blocks[0][0][0].shape)
    sheet = np.full((len(blocks) * tall - gap, len(blocks[0]) * wide - gap, 3), 244, np.uint8)
    for row, line in enumerate(blocks):
        for column, (values, phases) in enumerate(line):
            part = _grid(values, phases).repeat(side, 0).repeat(side, 1)
            sheet[row * tall : row * tall + len(part), column * wide : column * wide + part.shape[1]] = part
    return sheet


def _whole(weight: F32) -> NDArray[np.intp]:
    """The phase of each tap of a transposed kernel ``(9, 9)``."""
    height, width = weight.shape[-2:]
    return np.arange(height)[:, None] % _R * _R + np.arange(width) % _R


def _numbers(axes: Any, values: F32, phases: NDArray[np.intp], left: float, top: float, side: float) -> None:
    """A kernel with its numbers, in units of 1/100."""
    from matplotlib.patches import Rectangle

    for (i, j), value in np.ndenumerate(values):
        phase = int(phases[i, j])
        x, y = left + j * side, top + i * side
        axes.add_patch(Rectangle((x, y), side, side, facecolor=_PHASES[phase], edgecolor="white", linewidth=1))
        text = f"{round(100 * float(value))}".replace("-", "−")
        axes.text(x + side / 2, y + side / 2, text, ha="center", va="center", fontsize=9.5, color=_ON[phase])


def _one_channel(weights: Converted) -> Sequence[Panel]:
    side, gap, label = 38.0, 14.0, 26.0

    def phases(axes: Any) -> None:
        for phase in range(_R**2):
            i, j = divmod(phase, _R)
            left, top = j * (_KERNEL * side + gap), i * (_KERNEL * side + label)
            axes.text(left, top + 15, f"channel {phase}", fontsize=10.5, color=INK)
            hue = np.full((_KERNEL, _KERNEL), phase)
            _numbers(axes, weights.subpixel[phase, 0], hue, left, top + 22, side)

    def whole(axes: Any) -> None:
        kernel = weights.transposed[0, 0]
        _numbers(axes, kernel, _whole(kernel), 0, 22, side)

    height = int(_R * (_KERNEL * side + label))
    small = "Nine kernels of 3×3, one for each place in a cell of the result, for input channel 0."
    large = "The same numbers: the taps of a phase are every third along each axis, flipped."
    return (
        drawing(phases, "Sub-pixel convolution", small, size=(int(9 * side + 2 * gap), height)),
        drawing(whole, "Transposed convolution, stride 3", large, size=(int(9 * side), height)),
    )


def _all_channels(weights: Converted) -> Sequence[Panel]:
    nine = [[(kernel, np.full(kernel.shape, phase)) for kernel in row] for phase, row in enumerate(weights.subpixel)]
    phases = _whole(weights.transposed)
    rows = [
        [(kernel, phases) for kernel in weights.transposed[0, first : first + 8]] for first in range(0, _CHANNELS, 8)
    ]
    left, right = _blocks(nine, 6, 2), _blocks(rows, 7, 6)
    return (
        Panel(
            "9×32×3×3",
            "A row for each phase, a column for each input channel.",
            (left.shape[1], left.shape[0]),
            left,
        ),
        Panel(
            "1×32×9×9",
            "A kernel of 9×9 for each input channel.",
            (right.shape[1], right.shape[0]),
            right,
        ),
    )


def _result(result: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(result.min()), float(result.max())
    return np.repeat(to_u8((result - low) / max(high - low, 1e-12) * 255)[..., None], 3, axis=2)


def _draw(subject: Subject) -> Sequence[Section]:
    weights = converted(subject)
    first, second, defined = weights.results
    box = (3 * _R * _INPUT, 3 * _R * _INPUT)
    return (
        Section(
            _one_channel(weights),
            "One input channel",
            "Numbers are hundredths; a colour is a phase, the same on both sides.",
            columns=2,
        ),
        Section(
            _all_channels(weights),
            "All 32 input channels",
            "Converted there and back, the largest difference between weights is "
            f"{weights.lost:g}: they only change places. Light and dark are positive and negative values.",
            columns=2,
        ),
        Section(
            (
                picture(_result(first), "By the sub-pixel convolution", box=box),
                picture(_result(second), "By the transposed convolution", box=box),
                picture(_result(defined), "By its definition, in f64", box=box),
            ),
            "Both on 32 features made of this picture",
            f"The largest difference between any two is {written(weights.difference)}, of values of "
            f"{first.min():.2f} … {first.max():.2f}: the same sums, rounded otherwise.".replace("-", "−"),
            columns=3,
        ),
    )


FIGURE = Figure(
    "weights",
    "Weights of 9×32×3×3 and of 1×32×9×9",
    "A sub-pixel convolution by 3 and a transposed convolution of stride 3 have the same weights at other places.",
    _draw,
)
