"""What changes during a training run, and the checkpoint that holds it."""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import InvalidArgument, ModelFileError
from subpixel.metrics import psnr
from subpixel.models.files import load
from subpixel.models.graph import run
from subpixel.models.spec import Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.data import Pair, Patches
from subpixel.train.optim import Muon
from subpixel.train.settings import Settings
from subpixel.train.solve import chain, solve_last_layer
from subpixel.train.weights import Trainable

__all__ = ["State", "validate"]

_SOLVE_BATCHES = 40  # some two million equations for each column of the last layer
_RATE_OF_FIRST = 4.0  # of the first layer's matrices, whose kernels start large, relative to the others'
_RATE_OF_VECTORS = 0.2  # Adam's rate for biases and slopes, relative to the matrices'


class State:
    """What changes during a run, and what a checkpoint holds."""

    def __init__(self, settings: Settings, spec: Spec, pairs: list[Pair], start: str | Path | None) -> None:
        generator = torch.Generator().manual_seed(settings.seed)
        self.settings = settings
        self.net = Trainable(spec, settings.expand, generator)
        self.patches = Patches(pairs, spec.scale, settings.patch, spec.halo, settings.batch, generator)
        if start is not None:
            self.net.take({name: torch.from_numpy(w.copy()) for name, w in load(start).weights.items()})
            if chain(spec):
                self.net.take(solve_last_layer(spec, self.net.collapsed(), self.patches, _SOLVE_BATCHES))
        first, others, vectors = self.net.groups()
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon([{"params": first, "lr": settings.lr * _RATE_OF_FIRST}, {"params": others}], settings.lr),
            torch.optim.Adam(vectors, settings.lr * _RATE_OF_VECTORS),
        ]
        self._rates = [[group["lr"] for group in o.param_groups] for o in self.optimisers]
        self.average = {name: w.detach().clone() for name, w in self.net.collapsed().items()}
        self.best, self.best_psnr = dict(self.average), -math.inf
        self.step, self.seconds = 0, 0.0
        self.rows: list[list[float]] = []

    def set_rate(self, factor: float) -> None:
        """Bring every learning rate to ``factor`` times its peak."""
        for optimiser, rates in zip(self.optimisers, self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor

    def follow(self, weights: dict[str, Tensor]) -> None:
        decay = min(self.settings.average, self.step / (self.step + 20))
        for name, weight in weights.items():
            self.average[name].lerp_(weight.detach(), 1 - decay)

    def measured(self, spec: Spec, weights: dict[str, Tensor], held: list[Pair]) -> float:
        """The score of some weights; the best ever seen are kept."""
        score = validate(spec, weights, held)
        if score > self.best_psnr:
            self.best, self.best_psnr = {k: v.clone() for k, v in weights.items()}, score
        return score

    def finish(self, spec: Spec, held: list[Pair]) -> None:
        """Bring the last layer to its optimum, if that is better."""
        if chain(spec):
            solved = solve_last_layer(spec, self.average, self.patches, 5 * _SOLVE_BATCHES)
            self.measured(spec, {**self.average, **solved}, held)

    def keep(self, path: Path) -> None:
        content = {
            "settings": asdict(self.settings),
            "net": self.net.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "generator": self.patches.generator.get_state(),
            "average": self.average,
            "best": self.best,
            "best_psnr": self.best_psnr,
            "step": self.step,
            "seconds": self.seconds,
            "rows": self.rows,
        }
        scratch = path.with_name(f".{path.name}.new")
        torch.save(content, scratch)
        os.replace(scratch, path)

    def restore(self, path: Path) -> None:
        unreadable = (RuntimeError, KeyError, IndexError, AttributeError, TypeError, ValueError, OSError, EOFError)
        try:
            content = torch.load(path, weights_only=True)
            was = dict(content["settings"])
        except (*unreadable, UnpicklingError) as error:
            raise ModelFileError(f"{path}: not a checkpoint that can be read ({_first_line(error)})") from None
        now = asdict(self.settings)
        differing = sorted(k for k in now if now[k] != was.get(k) and k not in ("steps", "minutes"))
        if differing:
            raise InvalidArgument(f"{path}: was made with other settings: {', '.join(differing)}")
        try:
            self.net.load_state_dict(content["net"])
            for optimiser, kept in zip(self.optimisers, content["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
            self.patches.generator.set_state(content["generator"])
            self.average, self.best, self.best_psnr = content["average"], content["best"], content["best_psnr"]
            self.step, self.seconds, self.rows = content["step"], content["seconds"], content["rows"]
        except unreadable as error:
            raise ModelFileError(f"{path}: is of another network ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def validate(spec: Spec, weights: dict[str, Tensor], held: list[Pair]) -> float:
    """Mean PSNR of the held-out pictures under the protocol of ``evaluate``."""
    kernels = TorchKernels()
    scores = []
    with torch.inference_mode():
        for pair in held:
            made = run(spec, weights, pair.small[None, None], kernels)[0, 0].numpy()
            rounded = np.clip(np.floor(made.astype(np.float64) * 255 + 0.5), 0, 255)
            scores.append(psnr(rounded, pair.large.numpy() * 255.0, crop=spec.scale))
    return float(np.mean(scores))
