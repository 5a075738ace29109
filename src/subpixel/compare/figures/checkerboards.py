"""Checkerboards: what untrained and trained layers put at the frequencies of their stride, as pictures and spectra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import COLOURS, INK, Section, chart, picture
from subpixel.compare.figures.subject import Subject, halved, to_u8
from subpixel.compare.figures.transposed import centred, energy
from subpixel.compare.methods.trained import RATE, STEPS, Layer, subpixel_layer, train_layer, transposed_layer
from subpixel.metrics.protocol import luma_255
from subpixel.ops import conv, upsample_nearest

__all__ = ["FIGURE", "LAYERS", "contrast", "log_spectrum", "outcomes", "resize_layer"]

F32 = NDArray[np.float32]

_SCALE = 2
_BOX = (256, 256)
_BLOCK = 48  # side of the blocks of a spectrum
_RANGE = 5.0  # decades of the spectrum's power that colours show


def resize_layer(scale: int, seed: int) -> Layer:
    """Nearest resize, then a convolution of 3×3 with random weights: a resize-convolution, untrained."""
    # ICNR weights are one small kernel, repeated for each phase.
    shared = subpixel_layer(scale, "icnr", seed).weight[:: scale**2]

    def run(x: Any, w: Any, b: Any) -> Any:
        return conv(upsample_nearest(x, scale=scale), w, b, padding=1)

    return Layer(run, shared, np.zeros(3, np.float32), float(shared.size))


# What is compared, in this order: a key, a title, the layer of a seed.
LAYERS: tuple[tuple[str, str, Callable[[int], Layer]], ...] = (
    ("transposed", "Transposed convolution", lambda seed: transposed_layer(_SCALE, "random", seed)),
    ("icnr", "Sub-pixel, ICNR", lambda seed: subpixel_layer(_SCALE, "icnr", seed)),
    ("resize", "Nearest + convolution", lambda seed: resize_layer(_SCALE, seed)),
)


def outcomes(subject: Subject) -> dict[str, tuple[F32, F32]]:
    """The result of each layer before and after training, floats of 0 … 255.

    Raises:
        MissingExtra: torch is not installed.
    """
    raw = subject.picture
    down = halved(raw)
    results = {}
    for key, _, make in LAYERS:
        layer = make(subject.seed)
        trained, _ = train_layer(layer, down, raw, threads=subject.threads)
        results[key] = (layer(down), trained(down))
    return results


def contrast(image: NDArray[Any]) -> float:
    """The standard deviation of the luma of ``(H, W, 3)``, in codes of 0 … 255."""
    return float(luma_255(image).std())


def log_spectrum(image: NDArray[Any]) -> NDArray[np.float64]:
    """The logarithm of the power of the luma, relative to its mean power, from −1/4 to 3/4 cycles per pixel.

    So 0 is a quarter and the frequency of stride 2, 1/2, three quarters along each axis. The power is the mean of
    square blocks that overlap by half, so that it shows what the picture has everywhere rather than its details.
    """
    plane = luma_255(image)
    side = min(_BLOCK, *(length // 4 * 4 for length in plane.shape))
    window = np.outer(*[np.hanning(side + 1)[:-1]] * 2)
    rows, columns = (range(0, length - side + 1, side // 2) for length in plane.shape)
    blocks = np.stack([plane[top : top + side, left : left + side] for top in rows for left in columns])
    blocks -= blocks.mean(axis=(1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(blocks * window)) ** 2).mean(axis=0)
    power = np.roll(power, (side // 4, side // 4), (0, 1))
    relative: NDArray[np.float64] = np.log10(np.maximum(power / max(float(power.mean()), 1e-12), 1e-12))
    return relative


def _spectrum(image: NDArray[Any]) -> Any:
    values = log_spectrum(image)

    def plot(axes: Any) -> None:
        axes.imshow(
            values,
            cmap="cividis",
            vmin=2 - _RANGE,
            vmax=2,
            extent=(-0.25, 0.75, 0.75, -0.25),
            interpolation="nearest",
            aspect="equal",
        )
        places = [(0.5, 0), (0, 0.5), (0.5, 0.5)]
        axes.scatter(*zip(*places, strict=True), s=130, facecolors="none", edgecolors="white", linewidths=1.6)
        axes.set_xticks((0, 0.5), ("0", "1/2"))
        axes.set_yticks((0, 0.5), ("0", "1/2"))

    return plot


def _draw(subject: Subject) -> Sequence[Section]:
    raw = subject.picture
    results = outcomes(subject)
    shown: dict[str, tuple[str, str, NDArray[Any]]] = {"truth": ("Truth", "The picture.", raw)}
    shown["transposed"] = ("Transposed, untrained", "Random weights.", centred(results["transposed"][0]))
    shown["icnr"] = ("Sub-pixel, ICNR", "Untrained; all phases alike.", centred(results["icnr"][0]))
    shown["resize"] = ("Nearest + 3×3", "Untrained resize-convolution.", centred(results["resize"][0]))
    shown["trained"] = (f"Transposed, {STEPS} steps", f"AdamW at {RATE:g}.", results["transposed"][1])
    energies = {"truth": (energy(raw),), **{key: tuple(map(energy, pair)) for key, pair in results.items()}}

    def chart_of_energies(axes: Any) -> None:
        titles = {"truth": "Truth", **{key: title for key, title, _ in LAYERS}}
        ticks = []
        top = max(max(values) for values in energies.values())
        place = 0.0
        for key, values in energies.items():
            ticks.append((place + 0.4 * (len(values) - 1) / 2, titles[key]))
            names = ("black",) if key == "truth" else ("vermilion", "blue")
            for value, name in zip(values, names, strict=True):
                axes.bar(place, value, 0.36, color=COLOURS[name])
                axes.text(place, value + top * 0.015, f"{value:.2f}", ha="center", va="bottom", fontsize=9.5, color=INK)
                place += 0.4
            place += 0.5
        axes.axhline(energies["truth"][0], color=INK, linewidth=1, linestyle=":")
        axes.set_xticks(*zip(*ticks, strict=True))
        axes.set(ylim=(0, top * 1.15 or 1), ylabel="energy, codes of 0 … 255")

        handles = [axes.bar(0, 0, color=COLOURS[name]) for name in ("vermilion", "blue")]
        axes.legend(handles, ("untrained", f"after {STEPS} steps"), frameon=False, fontsize=9.5, loc="upper right")

    return (
        Section(
            [
                picture(
                    to_u8(image),
                    title,
                    f"{note} Energy {energy(image):.2f}, contrast {contrast(image):.0f}.",
                    box=_BOX,
                )
                for title, note, image in shown.values()
            ]
        ),
        Section(
            [
                chart(_spectrum(image), title, size=(256, 244), inset=(34, 26, 4, 0))
                for title, _, image in shown.values()
            ],
            "Spectra",
            "Power of the luma relative to its mean, on a logarithmic scale, across and down in cycles per "
            "pixel. Circles mark the frequencies of stride 2: yellow there is a checkerboard.",
        ),
        Section(
            (
                chart(
                    chart_of_energies,
                    "Checkerboard energy",
                    "Root mean square of the luma at the frequencies of the stride; the dotted line is the truth's. "
                    "Contrast is the deviation of the luma: layers change it too, so the two are read together.",
                    size=(1368, 330),
                    inset=(64, 28, 0, 6),
                ),
            )
        ),
    )


FIGURE = Figure(
    "checkerboard",
    "Checkerboards, and how they are avoided",
    "A layer of stride 2 whose four phases differ writes a pattern of period 2; ICNR weights and a resize before the "
    "convolution start without one.",
    _draw,
    extra="train",
)
