"""One training: fixed steps on the same patches for every network, and the PSNR of each held-out image afterwards.

It needs torch, from the extra ``train``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import choose_backend
from subpixel.compare.spaces.designs import Design
from subpixel.compare.spaces.images import BATCH, PATCH, U8, Images, margin_of
from subpixel.compare.training_thread import one_thread
from subpixel.metrics.protocol import codes_255, luma_255, shrink
from subpixel.metrics.quality import psnr
from subpixel.models.spec import Spec
from subpixel.train import Settings  # first, since it says what to install if torch is missing
from subpixel.train.data import Pair, Patches, planes_of
from subpixel.train.state import State, validate

import torch  # isort: skip
from torch import Tensor  # isort: skip

__all__ = ["MEASUREMENTS", "RATE", "Trained", "scores_of", "train_network"]

# Of the orthogonalised updates, at its peak: the best for both spaces. In 800 steps at scale 2, the gains over bicubic
# with 0.005, 0.01 and 0.02 were 2.09, 2.31 and 1.97 dB in LR space, and 1.87, 2.14 and 2.12 dB in HR space.
RATE = 1e-2
MEASUREMENTS = 8  # points of the learning curve
_CURVE_IMAGES = 8
_WARM_UP = 0.1  # of the steps
_START_OF_LAST = 0.1  # of the last layer, relative to a layer that preserves the variance: training starts as bicubic


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Args:
        weights: the mean of the weights over the last steps, by name.
        curve: ``(step, loss, PSNR)``: the mean loss since the last point, and PSNR of the first held-out images.
        scores: PSNR of every held-out image in dB.
        seconds: how long the steps took.
    """

    weights: dict[str, NDArray[np.float32]]
    curve: list[tuple[int, float, float]]
    scores: list[float]
    seconds: float


def train_network(
    design: Design, images: Images, *, steps: int, seed: int, report: Callable[[int], None] | None = None
) -> Trained:
    """Train a network and measure it.

    Args:
        design: the network.
        images: the images.
        steps: how many steps, each of a batch of 8 patches.
        seed: of the weights and the patches. The patches of a step are the same for all networks.
        report: called with the number of steps done.
    """
    spec = design.spec
    with one_thread():
        pairs = [_pair(one, spec.scale) for one in images.training]
        watched = [_pair(one, spec.scale) for one in images.test[:_CURVE_IMAGES]]
        settings = Settings(
            design.family, spec.scale, steps=steps, seed=seed, batch=BATCH, patch=PATCH, lr=RATE, bf16=False
        )
        state = State(settings, spec, pairs)
        # As many samples without a target for all networks, and random numbers of their own for the patches.
        state.margin = margin_of(spec.scale)
        generator = torch.Generator().manual_seed(seed)
        state.patches = Patches(pairs, spec.scale, PATCH, state.margin, BATCH, generator)
        state.net.take(_start(spec, seed))
        state.average = {name: weight.detach().clone() for name, weight in state.net.collapse().items()}
        began = time.perf_counter()
        curve: list[tuple[int, float, float]] = []
        losses: list[float] = []
        for step in range(steps):
            state.pace(_share(step, steps), state.mean_share(step))
            loss = state.loss(*state.patches.draw())
            state.learn(loss)
            losses.append(loss.item())
            if report:
                report(step + 1)
            if (step + 1) * MEASUREMENTS // steps > step * MEASUREMENTS // steps:
                curve.append((step + 1, float(np.mean(losses)), validate(spec, state.average, watched)))
                losses.clear()
        seconds = time.perf_counter() - began
    weights = {name: value.numpy().copy() for name, value in state.average.items()}
    return Trained(weights, curve, scores_of(spec, weights, images.pairs(spec.scale)), seconds)


def scores_of(spec: Spec, weights: Mapping[str, NDArray[np.float32]], pairs: Sequence[tuple[U8, U8]]) -> list[float]:
    """PSNR of luma in dB of pairs of a small and a large image, in the engine, by the protocol of ``evaluate``."""
    backend, precision = choose_backend("auto", "f32")
    session = backend.prepare(spec, weights, precision, 1)
    found = []
    for small, large in pairs:
        result = session((luma_255(small) / 255).astype(np.float32)[None])[0]
        found.append(float(psnr(codes_255(result), luma_255(large), data_range=255, crop=spec.scale)))
    return found


def _pair(image: U8, scale: int) -> Pair:
    small, large = shrink(image, scale)
    return Pair("", planes_of(small, "luma"), planes_of(large, "luma"))


def _start(spec: Spec, seed: int) -> dict[str, Tensor]:
    """Initial weights by one rule for all networks: normal numbers that preserve the variance through ReLU.

    Source: He et al., arXiv 1502.01852.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in spec.weight_shapes.items():
        if name.endswith(".weight"):
            weights[name] = torch.randn(shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
        else:
            weights[name] = torch.zeros(shape)
    last = [name for name in weights if name.endswith(".weight")][-1]
    weights[last] *= _START_OF_LAST
    return weights


def _share(step: int, steps: int) -> float:
    """The learning rate relative to its peak: a warm-up, then half a cosine."""
    warm = (step + 1) / max(1, steps * _WARM_UP)
    return min(1.0, warm) * max(0.5 + 0.5 * math.cos(math.pi * step / steps), 1e-2)
