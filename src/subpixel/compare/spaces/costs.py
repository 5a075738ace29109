"""What the networks cost when they run: the example of the paper, layer beside layer, and the networks' times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from subpixel.backends import choose_backend
from subpixel.bench.timing import Timing, time_alternately
from subpixel.compare.spaces.conversion import torch_threads
from subpixel.compare.spaces.designs import Design
from subpixel.models.files import Model
from subpixel.ops import conv

__all__ = ["SIZES", "Layer", "LayerTime", "measure_layers", "measure_networks", "paper_layers"]

# Height and width of the results that are timed: multiples of 12, so that every scale divides them.
SIZES = ((384, 576), (1080, 1920))
_ROUNDS, _SECONDS = 7, 12.0


@dataclass(frozen=True)
class Layer:
    """A convolution of the paper's example.

    Args:
        title: its name.
        channels: in and out.
        kernel: the side of its kernel.
        ratio: how many times larger the result of the network is than the planes on which it works.
    """

    title: str
    channels: int
    kernel: int
    ratio: int

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return self.channels**2 * self.kernel**2

    @property
    def macs(self) -> int:
        """Multiply-adds for each pixel of the result."""
        return self.weights // self.ratio**2

    @property
    def activations(self) -> int:
        """Numbers that it gives for each pixel of the result."""
        return self.channels // self.ratio**2


def paper_layers() -> tuple[Layer, Layer]:
    """The example of arXiv 1609.07009 at scale 2: 32 channels with 3×3 in LR space, 8 with 6×6 in HR space.

    >>> [(one.macs, one.activations, one.weights) for one in paper_layers()]
    [(2304, 8, 9216), (2304, 8, 2304)]
    """
    return Layer("LR space, 32 → 32, 3×3", 32, 3, 2), Layer("HR space, 8 → 8, 6×6", 8, 6, 1)


@dataclass(frozen=True)
class LayerTime:
    """The time of the two layers of the paper's example.

    Args:
        by: ``engine`` or ``torch``.
        size: height and width of the network's result.
        lr_milliseconds: the median time of the layer in LR space.
        hr_milliseconds: of the layer in HR space.
    """

    by: str
    size: tuple[int, int]
    lr_milliseconds: float
    hr_milliseconds: float


def measure_layers(*, threads: int, sizes: tuple[tuple[int, int], ...] = SIZES) -> tuple[LayerTime, ...]:
    """Time both layers at the same size of the result, in the engine and in torch, with as many threads.

    The engine's operators use every thread that the process may use; ``threads`` is that of torch.
    """
    import torch

    found = []
    rng = np.random.default_rng(0)
    with torch_threads(), torch.inference_mode():
        torch.set_num_threads(threads)
        for size in sizes:
            calls: dict[str, Callable[[], Any]] = {}
            for name, layer in zip(("lr", "hr"), paper_layers(), strict=True):
                # A border of the kernel's size less one, so that exactly size/ratio positions are computed.
                sides = [side // layer.ratio + layer.kernel - 1 for side in size]
                x = rng.standard_normal((1, layer.channels, *sides), np.float32)
                w = rng.standard_normal((layer.channels, layer.channels, layer.kernel, layer.kernel), np.float32)
                tensors = torch.from_numpy(x), torch.from_numpy(w)
                calls[f"engine {name}"] = lambda x=x, w=w: conv(x, w)  # type: ignore[misc]
                calls[f"torch {name}"] = lambda t=tensors: torch.conv2d(*t)  # type: ignore[misc]
            times = time_alternately(calls, _ROUNDS, _SECONDS)
            for by in ("engine", "torch"):
                found.append(LayerTime(by, size, times[f"{by} lr"].median, times[f"{by} hr"].median))
    return tuple(found)


def measure_networks(
    models: Mapping[Design, Model], *, threads: int, sizes: tuple[tuple[int, int], ...] = SIZES
) -> dict[Design, dict[tuple[int, int], Timing]]:
    """The time of every network in the product's engine, by size of the result. The networks take turns."""
    result: dict[Design, dict[tuple[int, int], Timing]] = {design: {} for design in models}
    backend, precision = choose_backend("auto", "f32")
    for size in sizes:
        calls: dict[str, Callable[[], Any]] = {}
        for design, model in models.items():
            session = backend.prepare(model.spec, model.weights, precision, threads)
            plane = np.random.default_rng(0).random((1, *(side // design.scale for side in size)), np.float32)
            calls[f"{design.budget} {design.family}"] = lambda run=session, x=plane: run(x)  # type: ignore[misc]
        times = time_alternately(calls, _ROUNDS, _SECONDS)
        for design in models:
            result[design][size] = times[f"{design.budget} {design.family}"]
    return result
