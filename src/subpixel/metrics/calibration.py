"""From f32 to int8: the ranges of a network's values on real pictures, and what whole numbers cost it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS
from subpixel.backends.reference import NumpyKernels
from subpixel.errors import InvalidArgument
from subpixel.image import read
from subpixel.metrics.protocol import luma_255, pictures_below, shrink
from subpixel.metrics.quality import psnr
from subpixel.models.chain import chain_of
from subpixel.models.files import Model
from subpixel.models.graph import run
from subpixel.models.integer import quantise
from subpixel.models.lowering import lowered

__all__ = ["activation_ranges", "calibrate", "int8_loss"]

# Pictures looked at, half of them for the ranges, the others to measure the loss; and the side of what each gives.
_PICTURES, _SIDE = 48, 96

# A range holds all but so many of a million values: the few beyond cost less, clipped, than a coarser step for all.
_BEYOND = 20e-6

# Lettering and drawings have edges that photographs lack: a range is this much wider than what photographs fill.
# Without it a page of text lost 0.5 dB (balanced, x2) where photographs lost 0.02; with it those lose 0.003 more.
_ROOM = 1.2

Planes = NDArray[np.float32]
Pair = tuple[Planes, NDArray[np.float64]]


def calibrate(model: Model, folder: str | Path, say: Callable[[str], None] | None = None) -> Model:
    """The model with int8 parameters, and the loss they were measured to cost.

    Args:
        model: a luma network that is a plain chain.
        folder: 8-bit pictures, also in folders below; up to 48, evenly chosen, are looked at. Not the test pictures.
        say: called with a line about each step.

    Returns:
        The model with ``quantisation``: ``layers`` (see :func:`subpixel.models.integer.quantise`), ``loss_db`` (mean of
        PSNR in f32 less PSNR in int8, of pictures not used for the ranges; negative is a gain) and what it was measured
        on.

    Raises:
        InvalidArgument: too few pictures, or an RGB network.
        Unsupported: a network that is no plain chain.
    """
    chain = chain_of(model.spec, "int8")
    if model.spec.colour != "luma":
        raise InvalidArgument(f"model '{model.name}': an RGB network; int8 parameters are made for luma networks")
    pairs = _middles(pictures_below(Path(folder)), model.spec.scale)
    for_ranges, for_loss = pairs[::2], pairs[1::2]
    ranges = activation_ranges(model, [small for small, _ in for_ranges])
    quantisation: dict[str, Any] = quantise(model.spec, model.weights, ranges)
    names = [name for name in chain.results if name in ranges]
    if say and names:
        say("ranges: " + ", ".join(f"{name} {ranges[name][0]:.3f} … {ranges[name][1]:.3f}" for name in names))
    quantisation.update(int8_loss(model, quantisation, for_loss))
    quantisation["calibration"].update({"data": Path(folder).name, "pictures": len(for_ranges)})
    if say:
        largest = quantisation["calibration"]["largest_loss_db"]
        say(f"int8 costs {quantisation['loss_db']:.4f} dB on {len(for_loss)} pictures, {largest:.4f} at most")
    return replace(model, quantisation=quantisation)


def _middles(paths: Sequence[Path], scale: int) -> list[Pair]:
    """The middles of up to 48 pictures, evenly chosen.

    Returns:
        For each the small luma plane ``(1, H, W)`` of 0 … 1 and the large one ``(H*scale, W*scale)`` of 0 … 255.
    """
    chosen = [paths[k] for k in np.linspace(0, len(paths) - 1, min(_PICTURES, len(paths))).astype(int)]
    return [_pair(path, scale) for path in chosen]


def _pair(path: Path, scale: int) -> Pair:
    pixels = read(path).pixels
    if pixels.dtype != np.uint8:
        raise InvalidArgument(f"{path}: {pixels.dtype}: calibration takes 8-bit pictures")
    side = _SIDE * scale
    top, left = (max(0, (n - side) // 2) for n in pixels.shape[:2])
    small, large = shrink(pixels[top : top + side, left : left + side], scale)
    return (luma_255(small) / 255).astype(np.float32)[None], luma_255(large)


class _Watching(NumpyKernels):
    """Keeps what each convolution makes."""

    def __init__(self) -> None:
        self.seen: list[Planes] = []

    def conv(self, x: Planes, weight: Planes, bias: Planes | None, padding: tuple[int, int], stride: int = 1) -> Planes:
        self.seen.append(super().conv(x, weight, bias, padding, stride))
        return self.seen[-1]

    def add(self, values: list[Planes]) -> Planes:
        made = super().add(values)
        # A sum that a convolution's result goes into stands for it; the base's, after the shuffle, is not looked at.
        self.seen[-1] = made
        return made

    def activate(self, x: Planes, kind: str, slope: Planes | None) -> Planes:
        self.seen[-1] = super().activate(x, kind, slope)
        return self.seen[-1]


def activation_ranges(model: Model, planes: Sequence[Planes]) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each convolution's result, but for a few, and some room, where int8 must be told.

    Args:
        model: a plain chain.
        planes: inputs ``(1, H, W)``, f32.

    Returns:
        As :func:`subpixel.models.integer.quantise` takes them.
    """
    chain = chain_of(model.spec, "int8")
    spec, weights = lowered(model.spec, model.weights)
    convs = chain.convs
    unknown = [k for k, conv in enumerate(convs[:-1]) if conv.activation not in ("tanh", "clip")]
    if not unknown:
        return {}
    values: Mapping[int, list[Planes]] = {k: [] for k in unknown}
    for plane in planes:
        kernels = _Watching()
        run(spec, dict(weights), plane[None], kernels)
        for k in unknown:
            values[k].append(kernels.seen[k].ravel())
    ends = {k: np.quantile(np.concatenate(values[k]), [_BEYOND, 1 - _BEYOND]) for k in unknown}
    return {chain.results[k]: (float(low) * _ROOM, float(high) * _ROOM) for k, (low, high) in ends.items()}


def int8_loss(model: Model, quantisation: Mapping[str, Any], pairs: Sequence[Pair]) -> dict[str, Any]:
    """What int8 costs: PSNR in f32 less PSNR in int8, in dB.

    Args:
        model: a plain chain on luma.
        quantisation: its int8 parameters.
        pairs: as :func:`_middles` makes them.

    Returns:
        ``{"loss_db": mean, "calibration": {"measured_on", "largest_loss_db"}}``, as a model file keeps them.
    """
    backend = BACKENDS["reference"] if BACKENDS["native"].unavailable() else BACKENDS["native"]
    sessions = [backend.prepare(model.spec, model.weights, precision, 1, quantisation) for precision in ("f32", "int8")]
    losses = []
    for small, large in pairs:
        made = [np.clip(np.floor(session(small)[0].astype(np.float64) * 255 + 0.5), 0, 255) for session in sessions]
        plain, whole = (psnr(y, large, crop=model.spec.scale) for y in made)
        losses.append(plain - whole)
    figures = {"measured_on": len(losses), "largest_loss_db": round(float(np.max(losses)), 4)}
    return {"loss_db": round(float(np.mean(losses)), 4), "calibration": figures}
