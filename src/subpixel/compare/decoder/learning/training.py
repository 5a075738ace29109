"""One training: fixed steps, fixed order of data, and what the network then finds on the held-out images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from subpixel.compare.decoder.datasets import Dataset, Examples
from subpixel.compare.decoder.designs import Design
from subpixel.compare.decoder.learning.network import Network
from subpixel.compare.decoder.regions import count_regions, iou

__all__ = ["BATCH", "MEASUREMENTS", "RATE", "Trained", "train_decoder"]

BATCH = 8
RATE = 1e-2  # of AdamW, at its peak
MEASUREMENTS = 8  # points of the learning curve
_WARM_UP = 0.1  # of the steps
_TEST_BATCH = 32


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Args:
        curve: ``(step, loss, IoU, boundary IoU)``: the mean loss since the last point, and the mean over the classes of
            the validation images.
        counts: ``(images, classes, 4)``, see :func:`subpixel.compare.decoder.regions.count_regions`.
        found: ``(N, H, W)`` u8, the classes found in the test patches.
        seconds: how long the steps took.
    """

    curve: list[tuple[int, float, float, float]]
    counts: NDArray[np.int64]
    found: NDArray[np.uint8]
    seconds: float


def train_decoder(
    design: Design, data: Dataset, *, steps: int, seed: int, report: Callable[[int], None] | None = None
) -> Trained:
    """Train a network and test it.

    Args:
        design: the network.
        data: the images.
        steps: how many steps, each of a batch of 8.
        seed: of the weights, and of the order and the flips of the images, which are equal for all kinds.
        report: called with the number of steps done.
    """
    began = time.perf_counter()
    network = Network(design, seed).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), RATE, fused=True)
    order = _batches(data.training, seed)
    weights = _class_weights(data.training.masks, design.classes)
    curve: list[tuple[int, float, float, float]] = []
    losses: list[float] = []
    for step in range(steps):
        images, masks = next(order)
        for group in optimiser.param_groups:
            group["lr"] = RATE * _share(step, steps)
        optimiser.zero_grad()
        loss = F.cross_entropy(network(images), masks, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
        if report:
            report(step + 1)
        if (step + 1) * MEASUREMENTS // steps > step * MEASUREMENTS // steps:
            counts = count_regions(data.validation.masks, _find(network, data.validation), design.classes)
            means = np.nanmean(iou(counts.sum(0)), axis=0)
            area, edge = (round(float(value), 5) for value in means)
            curve.append((step + 1, round(float(np.mean(losses)), 5), area, edge))
            losses.clear()
    seconds = time.perf_counter() - began
    found = _find(network, data.test)
    counts = count_regions(data.test.masks, found, design.classes)
    return Trained(curve, _by_image(counts, data.test.sources), found, seconds)


def _class_weights(masks: NDArray[np.uint8], classes: int) -> Tensor:
    """Rare classes count more: one over the root of their share, with a mean of 1 over the pixels."""
    shares = np.bincount(masks.ravel(), minlength=classes) / masks.size
    weights = 1 / np.sqrt(np.maximum(shares, 1e-4))
    return torch.from_numpy((weights / (weights * shares).sum()).astype(np.float32))


def _share(step: int, steps: int) -> float:
    """The learning rate relative to its peak: a warm-up, then half a cosine."""
    warm = (step + 1) / max(1, steps * _WARM_UP)
    return min(1.0, warm) * max(0.5 + 0.5 * math.cos(math.pi * step / steps), 1e-2)


def _batches(examples: Examples, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end: every image once in a random order, then again, each flipped and turned at random."""
    rng = np.random.default_rng([seed, 1])
    waiting: list[int] = []
    while True:
        while len(waiting) < BATCH:
            waiting += rng.permutation(len(examples.images)).tolist()
        chosen, waiting = waiting[:BATCH], waiting[BATCH:]
        images, masks = examples.images[chosen], examples.masks[chosen]
        for image, mask, (across, down, turn) in zip(images, masks, rng.integers(0, 2, (BATCH, 3)), strict=True):
            for part in (image, mask):
                part[...] = _moved(part, across, down, turn)
        yield _tensor(images), torch.from_numpy(masks.astype(np.int64))


def _moved(part: NDArray[np.uint8], across: int, down: int, turn: int) -> NDArray[np.uint8]:
    """A square flipped along its axes, and the axes exchanged."""
    part = part[:: 1 - 2 * down, :: 1 - 2 * across]
    return (part.swapaxes(0, 1) if turn else part).copy()


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    """``(N, H, W, 3)`` u8 to ``(N, 3, H, W)`` of −1 … 1, channels last in memory."""
    return torch.from_numpy(images.astype(np.float32) / np.float32(127.5) - np.float32(1)).permute(0, 3, 1, 2)


def _find(network: Network, examples: Examples) -> NDArray[np.uint8]:
    """The class of every pixel."""
    network.eval()
    with torch.no_grad():
        parts = [
            network(_tensor(examples.images[start : start + _TEST_BATCH])).argmax(1).to(torch.uint8).numpy()
            for start in range(0, len(examples.images), _TEST_BATCH)
        ]
    network.train()
    return np.concatenate(parts)


def _by_image(counts: NDArray[np.int64], sources: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sums over the patches of each image."""
    total = np.zeros((int(sources.max()) + 1, *counts.shape[1:]), np.int64)
    np.add.at(total, sources, counts)
    return total
