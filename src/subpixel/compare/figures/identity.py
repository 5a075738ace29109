"""A transposed convolution is a sub-pixel convolution: the 1-D picture of it, its numbers computed by the operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import COLOURS, FAINT, INK, QUIET, Panel, Section, drawing
from subpixel.compare.figures.subject import Subject
from subpixel.metrics.protocol import luma_255
from subpixel.ops import conv, conv_transpose, conv_transpose_to_subpixel, pixel_shuffle, subpixel_conv

__all__ = ["FIGURE", "KERNELS", "TwoForms", "digits", "phases", "two_forms"]

F64 = NDArray[np.float64]

KERNELS = ((1, 2, 3), (1, 2, 3, 4))
_R, _CROP, _INPUTS = 2, 2, 5
_PHASES = (COLOURS["blue"], COLOURS["orange"])
_ON = ("white", INK)  # the colour of a number on a phase's
_SIDE = 44  # of a cell, in pixels of the sheet


@dataclass(frozen=True)
class TwoForms:
    """The steps of both forms, for five numbers, kernel (1, 2, 3, 4), stride 2 and a crop of 2.

    Args:
        products: ``(5, 12)``, what each input adds to the result of the transposed convolution; NaN where nothing.
        whole: ``(12,)``, their sums.
        padded: the inputs with the zeros of the sub-pixel convolution's padding.
        weight: ``(2, 2)``, its kernel for each phase.
        channels: ``(2, 6)``, what it gives for each phase.
        shuffled: ``(12,)``, after the pixel shuffle.
        results: ``(8,)`` each, from the two operators with the crop as an argument.
    """

    products: F64
    whole: F64
    padded: F64
    weight: F64
    channels: F64
    shuffled: F64
    results: tuple[F64, F64]

    @property
    def difference(self) -> float:
        """The largest between the two results, and between them and the steps that are shown."""
        sums = np.nansum(self.products, axis=0)
        shown = (*(one[_CROP:-_CROP] for one in (self.whole, sums, self.shuffled)), *self.results)
        return max(float(np.abs(one - shown[0]).max()) for one in shown)


def phases(kernel: Sequence[float]) -> tuple[list[list[float]], list[list[float]]]:
    """The taps of each phase of a kernel at stride 2, and the weight of the sub-pixel convolution, by the operators.

    >>> phases((1, 2, 3))
    ([[1.0, 3.0], [2.0]], [[3.0, 1.0], [0.0, 2.0]])
    """
    weight = _form(kernel).weight[:, 0]
    # Flipped back; zeros stand for taps that the phase does not have.
    taps = [row[::-1][: len(range(phase, len(kernel), _R))].tolist() for phase, row in enumerate(weight)]
    return taps, weight.tolist()


def digits(subject: Subject) -> F64:
    """Five numbers of 0 … 9 from the middle of the picture: its luma, from dark to bright."""
    y = luma_255(subject.square(_INPUTS))[_INPUTS // 2]
    low, high = float(y.min()), float(y.max())
    scaled = (y - low) / (high - low) * 9 if high > low else np.full(_INPUTS, 5.0)
    return np.round(scaled)


def two_forms(numbers: F64) -> TwoForms:
    """Both forms on five numbers, step by step."""
    kernel = np.array(KERNELS[1], np.float64)
    x, k = numbers[None, None], kernel[None, None]
    whole = conv_transpose(x, k, stride=_R, layout="NCW")[0, 0]
    products = np.full((len(numbers), len(whole)), np.nan)
    for place, value in enumerate(numbers):
        products[place, _R * place : _R * place + len(kernel)] = value * kernel
    form = _form(kernel)
    channels = conv(x, form.weight, padding=form.padding, layout="NCW")
    cropped = _form(kernel, _CROP)
    return TwoForms(
        products,
        whole,
        np.pad(numbers, form.padding[0]),
        form.weight[:, 0],
        channels[0],
        pixel_shuffle(channels, _R, layout="NCW")[0, 0],
        (
            conv_transpose(x, k, stride=_R, padding=_CROP, layout="NCW")[0, 0],
            subpixel_conv(x, cropped.weight, None, _R, padding=cropped.padding, crop=cropped.crop, layout="NCW")[0, 0],
        ),
    )


def _form(kernel: Sequence[float] | F64, padding: int = 0) -> Any:
    return conv_transpose_to_subpixel(np.array(kernel, np.float64)[None, None], stride=_R, padding=padding)


def _cell(axes: Any, x: float, y: float, value: float, phase: int | None = None, *, faint: bool = False) -> None:
    """A number in a square whose top left corner is there."""
    from matplotlib.patches import Rectangle

    face = "white" if phase is None or faint else _PHASES[phase]
    edge = FAINT if phase is None else _PHASES[phase]
    style = ":" if faint else "-"
    square = Rectangle((x + 1, y + 1), _SIDE - 2, _SIDE - 2, facecolor=face, edgecolor=edge, linestyle=style, zorder=3)
    axes.add_patch(square)  # above lines
    colour = INK if phase is None else QUIET if faint else _ON[phase]
    axes.text(
        x + _SIDE / 2, y + _SIDE / 2 + 1, f"{value:g}", ha="center", va="center", fontsize=11, color=colour, zorder=4
    )


def _label(axes: Any, x: float, y: float, text: str, **options: Any) -> None:
    axes.text(x, y + _SIDE / 2, text, va="center", fontsize=10.5, **{"color": INK, **options})


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1.4) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0})


def _written(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _split(kernel: Sequence[int]) -> Panel:
    taps, weight = phases(kernel)

    def plot(axes: Any) -> None:
        middle = 62.0
        for place, value in enumerate(kernel):
            _cell(axes, place * _SIDE, middle - _SIDE / 2, value, place % _R)
        left = 5.4 * _SIDE
        for phase, row in enumerate(taps):
            top = phase * 80.0
            start, end = (len(kernel) * _SIDE + 8, middle), (left - 8, top + _SIDE / 2)
            _arrow(axes, start, end, _PHASES[phase])
            for place, tap in enumerate(row):
                _cell(axes, left + place * _SIDE, top, tap, phase)
            x = left + 2 * _SIDE + 16
            _label(axes, x, top, f"phase {phase}: in the convolution {_written(weight[phase])}")

    return drawing(plot, f"Kernel {_written(kernel)}", size=(660, 128))


def _transposed(forms: TwoForms, numbers: F64) -> Panel:
    top, left = 6.0, 110.0
    step = _SIDE + 4

    def plot(axes: Any) -> None:
        for row, value in enumerate(numbers):
            y = top + row * step
            _cell(axes, 0, y, value)
            _label(axes, _SIDE + 6, y, "× k =", color=QUIET)
            for place, product in enumerate(forms.products[row]):
                if not np.isnan(product):
                    _cell(axes, left + place * _SIDE, y, product, place % _R)
        y = top + len(numbers) * step + 24
        axes.plot((left, left + 12 * _SIDE), (y - 13, y - 13), color=INK, linewidth=1.2)
        _label(axes, 0, y, "sum")
        for place, value in enumerate(forms.whole):
            _cell(axes, left + place * _SIDE, y, value, place % _R, faint=not _kept(place))

    note = "Each input times the kernel k = (1, 2, 3, 4), two places further each time. Dotted: cropped, 2 at each end."
    return drawing(plot, "Transposed convolution, stride 2", note, size=(660, 330))


def _subpixel(forms: TwoForms) -> Panel:
    left = 24.0
    rows = (6.0, 112.0, 178.0, 276.0)

    def x_of(column: float) -> float:
        return left + column * _SIDE

    def plot(axes: Any) -> None:
        right = x_of(12.75)
        half = _SIDE / 2
        # Lines first, so that cells cover their ends.
        for place in range(forms.channels.shape[1]):
            for phase in range(_R):
                end = x_of(_R * place + phase) + half
                for tap in range(_R):
                    if forms.weight[phase, tap]:
                        start = x_of(_R * (place + tap) - 0.5) + half
                        axes.plot((start, end), (rows[0] + half, rows[1 + phase]), color=_PHASES[phase], linewidth=1.1)
                _arrow(axes, (end, rows[1 + phase] + _SIDE), (end, rows[3]), _PHASES[phase])
        for place, value in enumerate(forms.padded):
            _cell(axes, x_of(_R * place - 0.5), rows[0], value, faint=place in (0, len(forms.padded) - 1))
        for phase, values in enumerate(forms.channels):
            for place, value in enumerate(values):
                _cell(axes, x_of(_R * place + phase), rows[1 + phase], value, phase)
            _label(axes, right, rows[1 + phase], _written(forms.weight[phase]), weight="bold")
        for place, value in enumerate(forms.shuffled):
            _cell(axes, x_of(place), rows[3], value, place % _R, faint=not _kept(place))
        _label(axes, right, rows[0] + 4, "input,\na zero at\neach end")
        _label(axes, right, rows[3], "shuffled")

    note = "A convolution of the inputs themselves with the flipped phases of k, then a shuffle of the two results."
    return drawing(plot, "Sub-pixel convolution, r = 2", note, size=(680, 330))


def _kept(place: int) -> bool:
    return _CROP <= place < (_INPUTS - 1) * _R + len(KERNELS[1]) - _CROP


def _draw(subject: Subject) -> Sequence[Section]:
    numbers = digits(subject)
    forms = two_forms(numbers)
    result = _written(forms.results[0].tolist())
    return (
        Section(
            tuple(map(_split, KERNELS)),
            "A kernel has a phase for each place in a cell",
            "At stride 2, taps 0, 2, … of the kernel reach even places of the result, taps 1, 3, … odd ones. Each "
            "phase is the kernel of an ordinary convolution: flipped, and a tap that it does not have is zero.",
        ),
        Section(
            (_transposed(forms, numbers), _subpixel(forms)),
            "Input 5, kernel 4, stride 2, crop 2: output 8",
            f"The inputs are five samples of the picture's luma, as 0 … 9. Both operators give {result}; the largest "
            f"difference is {forms.difference:g}.",
        ),
    )


FIGURE = Figure(
    "identity-1d",
    "A transposed convolution is a sub-pixel convolution",
    "The same sums in another order: spread by the kernel every two places, or convolved for each phase and shuffled. "
    "Colours are the phases.",
    _draw,
)
