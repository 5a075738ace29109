"""Small results for the tests of reports: everything that a page can show, made in a second."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel import compare
from subpixel.ops import resize

__all__ = ["HOSTILE", "METHODS", "Part", "decoders", "image", "results_of"]

# A file name that would run a script where a page forgets to escape it.
HOSTILE = "<img src=x onerror=alert(1)>\"'&$^_{}.png"
METHODS = ["nearest", "bilinear", "bicubic", "max-unpooling", "pixel-shuffle", "grid-sample", "fast", "recurrent"]


def image(height: int = 96, width: int = 128, seed: int = 0) -> NDArray[np.uint8]:
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return np.ascontiguousarray(resize(small, (height, width), mode="cubic"))


def results_of(name: str = "photo.png", *, reference: bool = True) -> compare.Results:
    """Results of a few methods at ×2. One of them has losses, as if it had been trained."""
    results = compare.run(image(), 2, methods=METHODS, reference=reference, threads=1, name=name)
    losses = {"losses": [0.5 / step for step in range(1, 20)]}
    methods = [replace(one, details=losses) if one.name == "fast" else one for one in results.methods]
    return replace(results, methods=tuple(methods))


@dataclass(frozen=True)
class Part:
    """Stands for the results of trained networks on a page."""

    text: str
    pictures: dict[str, Path] = field(default_factory=dict)
    budgets: tuple[Any, ...] = ()
    pairings: tuple[Any, ...] = ()
    conversion: Any = field(default_factory=lambda: SimpleNamespace(differences={}, restored=True))

    def to_markdown(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text}


@dataclass(frozen=True)
class Share:
    mean: float


@dataclass(frozen=True)
class Kind:
    kind: str
    title: str
    iou: Share


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Budget:
    """Stands for what decoders reached under one budget; every difference has the same half width."""

    budget: str
    kinds: tuple[Kind, ...]
    half: float

    def difference(self, first: str, second: str) -> Interval:
        share = {one.kind: one.iou.mean for one in self.kinds}
        mean = share[first] - share[second]
        return Interval(mean, mean - self.half, mean + self.half)


def decoders(half: float, **iou: float) -> Part:
    """Decoders of these IoUs under two budgets."""
    kinds = tuple(Kind(name, name, Share(value)) for name, value in sorted(iou.items(), key=lambda one: -one[1]))
    return Part("", {}, tuple(Budget(name, kinds, half) for name in ("parameters", "multiply-adds")))
