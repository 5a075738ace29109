"""A transposed convolution that learns one picture in 100 steps, and the checkerboard that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.checkerboard import checkerboard
from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.interpolated import BOX, closeups
from subpixel.compare.figures.sheet import COLOURS, INK, Section, chart, fitted, picture
from subpixel.compare.figures.subject import Subject, detail, halved, to_u8
from subpixel.compare.methods.trained import RATE, STEPS, train_layer, transposed_layer, transposed_shape
from subpixel.metrics.protocol import luma_255

__all__ = ["FIGURE", "Learned", "bars", "centred", "energy", "learn"]

U8 = NDArray[np.uint8]

_SCALE = 2


@dataclass(frozen=True)
class Learned:
    """What 100 steps did: the results before and after, as floats of 0 … 255, and the loss before each step."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    losses: list[float]


def learn(subject: Subject) -> Learned:
    """Train a transposed convolution from the picture at half its size to the picture.

    Raises:
        MissingExtra: torch is not installed.
    """
    raw = subject.picture
    down = halved(raw)
    layer = transposed_layer(_SCALE, "random", subject.seed)
    trained, losses = train_layer(layer, down, raw, threads=subject.threads)
    return Learned(layer(down), trained(down), losses)


def energy(image: NDArray[Any], stride: int = _SCALE) -> float:
    """The checkerboard energy of the luma of ``(H, W, 3)``, in codes of 0 … 255."""
    return checkerboard(luma_255(image), stride)


def centred(result: NDArray[np.float32]) -> NDArray[np.float32]:
    """A result with its mean brought to the middle of the range: untrained weights have no brightness of their own."""
    around: NDArray[np.float32] = result - result.mean() + np.float32(127.5)
    return around


def bars(axes: Any, labels: Sequence[str], values: Sequence[float], colours: Sequence[str], unit: str) -> None:
    """Horizontal bars from the top, each with its number."""
    places = range(len(values))
    axes.barh(places, values, color=colours, height=0.62)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f"  {value:.2f}", va="center", fontsize=9.5, color=INK)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values) * 1.22 or 1)
    axes.set_xlabel(unit)


def _draw(subject: Subject) -> Sequence[Section]:
    raw = subject.picture
    down = halved(raw)
    learned = learn(subject)
    before, after = to_u8(centred(learned.before)), to_u8(learned.after)
    measured = {"raw": energy(raw), "before": energy(learned.before), "after": energy(learned.after)}
    box = detail(raw, after)
    kernel, padding = transposed_shape(_SCALE)

    def loss(axes: Any) -> None:
        axes.plot(range(len(learned.losses)), learned.losses, color=COLOURS["blue"], linewidth=2)
        axes.set(xlabel="step", ylabel="mean squared error", ylim=(0, None), xlim=(0, STEPS))

    def energies(axes: Any) -> None:
        colours = (COLOURS["black"], COLOURS["vermilion"], COLOURS["blue"])
        bars(axes, list(measured), list(measured.values()), colours, "checkerboard energy, codes of 0 … 255")

    whole = fitted(raw, BOX)
    size = (432, min(whole[1], 324))
    return (
        Section(
            (
                picture(raw, "Raw", "The outline marks the detail below.", box=whole, mark=box),
                picture(down, "Down, bilinear ×1/2", "The input.", box=whole),
                chart(
                    loss,
                    "Loss",
                    f"Of values of 0 … 1: {learned.losses[0]:.4f} before, {learned.losses[-1]:.4f} at the end.",
                    size=size,
                ),
            )
        ),
        Section(
            (
                picture(before, "Up, before training", "Random weights; the mean is brought to gray.", box=whole),
                picture(after, f"Up, after {STEPS} steps", f"AdamW, rate {RATE:g}, on this very pair.", box=whole),
                chart(
                    energies,
                    "Checkerboard energy",
                    "Root mean square of the luma at the frequencies of stride 2.",
                    size=size,
                ),
            )
        ),
        closeups(
            (
                ("Raw", raw, f"Energy of the whole {measured['raw']:.2f}."),
                ("Before training", before, f"Energy of the whole {measured['before']:.2f}."),
                (
                    f"After {STEPS} steps",
                    after,
                    f"Energy of the whole {measured['after']:.2f}: kernel {kernel}×{kernel}, stride {_SCALE}, "
                    f"padding {padding}; the four phases of the kernel are not yet alike.",
                ),
            ),
            box,
        ),
    )


FIGURE = Figure(
    "transposed-convolution",
    "Transposed convolution: raw, down, up",
    f"One layer, 3 channels to 3, kernel 4, stride 2, padding 1, learns this picture in {STEPS} steps of AdamW on the "
    "mean squared error; the energy says how much of a checkerboard it starts and ends with.",
    _draw,
    extra="train",
)
