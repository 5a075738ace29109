"""Calibration of int8: the ranges of a network's activations on images, and the loss in PSNR."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS
from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.backends.reference import video_session
from subpixel.errors import InvalidArgument
from subpixel.image import read
from subpixel.metrics.equalisation import equalise, extent_of
from subpixel.metrics.protocol import codes_255, images_below, luma_255, shrink
from subpixel.metrics.quality import psnr
from subpixel.metrics.rounding import convolved, round_together
from subpixel.metrics.video_calibration import pan, run_sequence
from subpixel.models.chain import Chain, chain_of, row_of
from subpixel.models.files import Model
from subpixel.models.graph import run
from subpixel.models.integer import quantise
from subpixel.models.lowering import lower
from subpixel.models.spec import Spec

__all__ = ["activation_ranges", "calibrate", "int8_loss"]

# How many images choose the parameters, and as many measure the loss; and the side of the crop of each.
_IMAGES, _SIDE = 48, 96

# The most samples of a layer that are stored. If there are more, every second or third row and column is used.
_SAMPLES = 8_000_000

# The share of values that a range excludes at each end. Clipping them costs less than a coarser step for all others.
_CLIPPED = 2e-6

# Text and drawings have sharper edges than photographs, so ranges are this much wider than photographs need.
# Without it, a page of text lost 0.5 dB (balanced, ×2) where photographs lost 0.02. With it,
# photographs lose 0.003 more.
_HEADROOM = 1.2

# Above this PSNR, in dB, nobody sees a difference: errors are 1.4 codes in the root mean square. Without a limit,
# drawings with flat areas, where the rounding of int8 is all there is of an error, would count for most.
_NOTHING_TO_SEE = 45.0
_NOTHING_TO_SEE_SQUARED = 255**2 / 10 ** (_NOTHING_TO_SEE / 10)

Planes = NDArray[np.float32]
Pair = tuple[Planes, NDArray[np.float64]]
Clip = list[Pair]


def calibrate(
    model: Model,
    folder: str | Path,
    say: Callable[[str], None] | None = None,
    measured: Sequence[Path] | None = None,
) -> Model:
    """A copy of the model with int8 parameters and their measured loss.

    Args:
        model: a luma network that is a plain chain, or a network for videos.
        folder: a folder of 8-bit images, also in folders below it. Up to 96, evenly chosen, are used, every other one
            to measure the loss. They must not be the images of the test sets.
        say: called with a line about each step.
        measured: the images of ``folder`` that the loss is measured on instead. They choose nothing.

    Returns:
        The model with ``quantisation``: ``layers`` (see :func:`subpixel.models.integer.quantise` and
        :func:`~subpixel.models.integer.with_integers`), ``loss_db`` (mean of PSNR in f32 minus PSNR in int8 on images
        that chose nothing, both 45 dB at most; negative is a gain) and ``calibration``. Its weights are equalised and
        compute the same, see :mod:`subpixel.metrics.equalisation`. For a plain chain, integers are found by
        :mod:`subpixel.metrics.rounding`.

    Raises:
        InvalidArgument: there are too few images, or the network is for RGB.
        Unsupported: the network is no plain chain.
    """
    spec = model.spec
    chain, _ = row_of(spec, model.weights, "int8")
    if spec.colour != "luma":
        raise InvalidArgument(f"model '{model.name}' is an RGB network; int8 needs a luma network")
    if measured is None:
        paths = _evenly(images_below(Path(folder)), 2 * _IMAGES)
        chosen, measured = paths[::2], paths[1::2]
    else:
        others = set(measured)
        chosen = _evenly([path for path in images_below(Path(folder)) if path not in others], _IMAGES)
        if not chosen:
            raise InvalidArgument(f"{folder}: holds no other images than those to measure with; some are needed")
    for_choices, for_loss = _clips(spec, chosen), _clips(spec, measured)
    values = _values(model, chain, [[small for small, _ in clip] for clip in for_choices])
    error = _Error(model, for_choices)
    extents = {name: extent_of(one) for name, one in values.items()}
    del values
    weights, ranges = equalise(spec, model.weights, extents, error.of_ranges)
    model = replace(model, weights=weights)
    quantisation: dict[str, Any] = quantise(spec, weights, ranges)
    if say and ranges:
        say("ranges: " + ", ".join(f"{name} {low:.3f} … {high:.3f}" for name, (low, high) in ranges.items()))
    if spec.plain:
        before = error.of(model, quantisation)
        planes = [small for clip in for_choices for small, _ in clip]
        quantisation = dict(
            round_together(model, quantisation, planes, error.importance, lambda trial: error.of(model, trial))
        )
        if say:
            part = error.of(model, quantisation) / max(before, 1e-12)
            say(f"weights: the square error of int8 is {part:.2f} of that with plain rounding")
    quantisation.update(_loss(model, quantisation, for_loss))
    quantisation["calibration"].update({"data": Path(folder).name, "images": len(for_choices)})
    if say:
        largest = quantisation["calibration"]["largest_loss_db"]
        say(f"int8 costs {quantisation['loss_db']:.4f} dB on {len(for_loss)} images, {largest:.4f} at most")
    return replace(model, quantisation=quantisation)


def _evenly(paths: Sequence[Path], most: int) -> list[Path]:
    return [paths[k] for k in np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int)]


def _clips(spec: Spec, paths: Sequence[Path]) -> list[Clip]:
    """A clip from each image: its centre crop as one frame, or a window that pans over it for networks for videos."""
    result: list[Clip] = []
    for number, path in enumerate(paths):
        pixels = read(path).pixels
        if pixels.dtype != np.uint8:
            raise InvalidArgument(f"{path}: has dtype {pixels.dtype}; calibration needs 8-bit images")
        result.append([_middle(pixels, spec.scale)] if spec.plain else pan(path, pixels, number, spec.scale))
    return result


class _Error:
    """The int8 error of candidates: the mean square difference from the f32 network, image by image.

    It counts relative to the network's own error: on a smooth image less rounding is visible than on a rough one. It
    does not count whether the difference happens to be towards the truth. Chance would decide that on so few images.
    """

    def __init__(self, model: Model, material: Sequence[Clip]) -> None:
        self.model = model
        self.smalls = [[small for small, _ in clip] for clip in material]
        self.references = _results(model, "f32", None, self.smalls)
        own = [
            np.mean([np.square(y[0] * 255 - large).mean() for y, (_, large) in zip(result, clip, strict=True)])
            for result, clip in zip(self.references, material, strict=True)
        ]
        self.importance = [1 / (float(error) + _NOTHING_TO_SEE_SQUARED) for error in own]

    def of_ranges(self, weights: Mapping[str, Planes], ranges: Mapping[str, tuple[float, float]]) -> float:
        return self.of(replace(self.model, weights=weights), quantise(self.model.spec, weights, ranges))

    def of(self, model: Model, quantisation: Mapping[str, Any]) -> float:
        total = 0.0
        results = _results(model, "int8", quantisation, self.smalls)
        for ours, theirs, weight in zip(results, self.references, self.importance, strict=True):
            squares = [np.square(255 * (a - b), dtype=np.float64).mean() for a, b in zip(ours, theirs, strict=True)]
            total += weight * float(np.mean(squares))
        return total / len(results)


def _middle(pixels: NDArray[np.uint8], scale: int) -> Pair:
    side = _SIDE * scale
    top, left = (max(0, (n - side) // 2) for n in pixels.shape[:2])
    small, large = shrink(pixels[top : top + side, left : left + side], scale)
    return (luma_255(small) / 255).astype(np.float32)[None], luma_255(large)


class _RecordingKernels(NumpyKernels):
    """Records the result of each convolution."""

    def __init__(self) -> None:
        self.records: list[Planes] = []

    def conv(self, x: Planes, weight: Planes, bias: Planes | None, padding: tuple[int, int], stride: int = 1) -> Planes:
        rows, columns = padding
        x = np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
        y = np.stack([convolved(one, weight, stride) for one in x])  # faster than in a fixed order
        self.records.append(y if bias is None else y + bias[:, None, None])
        return self.records[-1]

    def add(self, values: list[Planes]) -> Planes:
        result = super().add(values)
        # A skip's sum replaces the result of its convolution. The sum with the base, after the shuffle, is not needed.
        self.records[-1] = result
        return result

    def activate(self, x: Planes, kind: str, slope: Planes | None) -> Planes:
        self.records[-1] = super().activate(x, kind, slope)
        return self.records[-1]


def activation_ranges(model: Model, planes: Sequence[Planes]) -> dict[str, tuple[float, float]]:
    """The ranges of the convolutions' results, without a few outliers and with some headroom.

    Args:
        model: a plain chain.
        planes: inputs ``(1, H, W)``, f32.

    Returns:
        ``{convolution: (lowest, highest)}`` as :func:`subpixel.models.integer.quantise` reads it. Convolutions whose
        activation has fixed bounds (tanh, clip) have no entry.
    """
    values = _values(model, chain_of(model.spec, "int8"), [[plane] for plane in planes])
    return {name: _range(result, None) for name, result in values.items()}


def _values(model: Model, chain: Chain, clips: Sequence[Sequence[Planes]]) -> dict[str, NDArray[np.float32]]:
    """``(C, samples)`` of the results of those convolutions whose range is unknown, by name."""
    spec, weights = (model.spec, model.weights) if not model.spec.plain else lower(model.spec, model.weights)
    unknown = [k for k, conv in enumerate(chain.convs[:-1]) if conv.activation not in ("tanh", "clip")]
    if not unknown:
        return {}
    records: dict[int, list[NDArray[np.float32]]] = {k: [] for k in unknown}
    count = sum(plane.size for clip in clips for plane in clip) * max(conv.out_channels for conv in chain.convs[:-1])
    step = math.ceil(math.sqrt(count / _SAMPLES))
    for clip in clips:
        kernels = _RecordingKernels()
        if spec.plain:
            run(spec, dict(weights), clip[0][None], kernels)
        else:
            run_sequence(video_session(spec, weights, kernels), spec, clip)
        convs = len(kernels.records) // len(clip)
        for k in unknown:
            records[k] += [
                result[0, :, ::step, ::step].reshape(result.shape[1], -1) for result in kernels.records[k::convs]
            ]
    return {chain.results[k]: np.concatenate(parts, axis=1) for k, parts in records.items()}


def _range(values: NDArray[np.float32], divisors: NDArray[np.float32] | None) -> tuple[float, float]:
    values = values if divisors is None else values / divisors[:, None]
    low, high = np.quantile(values, [_CLIPPED, 1 - _CLIPPED])
    return float(low) * _HEADROOM, float(high) * _HEADROOM


def int8_loss(model: Model, quantisation: Mapping[str, Any], pairs: Sequence[Pair]) -> dict[str, Any]:
    """The loss of int8: PSNR in f32 minus PSNR in int8, in dB. What is above 45 dB counts as 45 dB.

    Args:
        model: a plain chain on luma.
        quantisation: its int8 parameters.
        pairs: the small luma plane ``(1, H, W)``, 0 … 1, and the large one, 0 … 255, of each image.

    Returns:
        ``{"loss_db": mean, "calibration": {"measured_on", "largest_loss_db"}}``, as a model file stores it.
    """
    return _loss(model, quantisation, [[pair] for pair in pairs])


def _loss(model: Model, quantisation: Mapping[str, Any], material: Sequence[Clip]) -> dict[str, Any]:
    """The same for clips."""
    smalls = [[small for small, _ in clip] for clip in material]

    def scores(precision: str) -> list[float]:
        return [
            float(np.mean([_psnr(y, large, model.spec.scale) for y, (_, large) in zip(result, clip, strict=True)]))
            for result, clip in zip(_results(model, precision, quantisation, smalls), material, strict=True)
        ]

    losses = [f32 - int8 for f32, int8 in zip(scores("f32"), scores("int8"), strict=True)]
    figures = {"measured_on": len(losses), "largest_loss_db": round(max(losses), 4)}
    return {"loss_db": round(float(np.mean(losses)), 4), "calibration": figures}


def _psnr(y: Planes, large: NDArray[np.float64], scale: int) -> float:
    return min(psnr(codes_255(y[0]), large, data_range=255, crop=scale), _NOTHING_TO_SEE)


def _results(
    model: Model, precision: str, quantisation: Mapping[str, Any] | None, clips: Sequence[Sequence[Planes]]
) -> list[list[Planes]]:
    """The result for each frame of each clip."""
    backend = BACKENDS["reference"] if BACKENDS["native"].unavailable() else BACKENDS["native"]
    spec = model.spec
    if not spec.plain:
        video = backend.prepare_video(spec, model.weights, precision, 1, quantisation)
        return [run_sequence(video, spec, clip) for clip in clips]
    session = backend.prepare(spec, model.weights, precision, 1, quantisation)
    return [[session(plane) for plane in clip] for clip in clips]
