"""The training loop: crops without borders, orthogonalised updates, a mean of weights, one cosine."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import InvalidArgument, ModelFileError, SubpixelError
from subpixel.metrics import psnr
from subpixel.models.files import Model, load, save
from subpixel.models.graph import run
from subpixel.models.spec import Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.curve import write_curve
from subpixel.train.data import Pair, Patches, find_pictures, load_pairs
from subpixel.train.optim import Muon
from subpixel.train.solve import chain, solve_last_layer
from subpixel.train.weights import Trainable

__all__ = ["Settings", "train"]

_LOSSES = ("l1", "l2")
_SOLVE_BATCHES = 40  # some two million equations for each column of the last layer
_WARM_UP = 200  # steps of rising rate; orthogonalised updates are large from the first
_RATE_OF_VECTORS = 0.2  # Adam's rate for biases and slopes, relative to the matrices'


@dataclass(frozen=True)
class Settings:
    """Everything that makes a run what it is; kept in the checkpoint and in the model file.

    Args:
        arch: the architecture's name.
        scale: of the network.
        steps: how many, or
        minutes: how long, counted over all resumed parts. One of the two.
        seed: of weights and patches.
        batch: patches a step.
        patch: side of a small patch.
        lr: peak rate of the orthogonalised updates.
        loss: ``l1`` or ``l2``.
        expand: width of the over-parameterisation, in output channels; 0 for none.
        bf16: compute layers in bf16 (weights are combined and updated in f32).
        average: decay of the mean of weights that is measured and saved.
        sizes: at which each picture is seen, 1 being its own.
    """

    arch: str
    scale: int
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    batch: int = 32
    patch: int = 48
    lr: float = 0.005
    loss: str = "l1"
    expand: int = 0
    bf16: bool = True
    average: float = 0.999
    sizes: tuple[float, ...] = (1.0, 0.75, 0.5)

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise InvalidArgument("train: either steps or minutes is needed, not both")
        for name in ("steps", "minutes", "batch", "patch", "lr"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InvalidArgument(f"train: {name}={value}: more than 0 is needed")
        if self.expand < 0 or not 0 <= self.average < 1:
            raise InvalidArgument(f"train: expand={self.expand}, average={self.average}: ≥ 0 and 0 … 1 are needed")
        if not self.sizes or not all(0 < size <= 1 for size in self.sizes):
            raise InvalidArgument(f"train: sizes={self.sizes}: numbers above 0 and up to 1 are needed")
        if self.loss not in _LOSSES:
            raise InvalidArgument(f"train: loss={self.loss!r}: one of {', '.join(_LOSSES)} is needed")


def train(
    settings: Settings,
    spec: Spec,
    data: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    start: str | Path | None = None,
    threads: int = 1,
    provenance: dict[str, Any] | None = None,
    say: Callable[[str], None] = print,
) -> Model:
    """Train a luma network and write it to ``out``.

    Beside it come ``.csv`` and ``.png`` (the curve) and ``.ckpt`` (to go on from). The file is read back and run
    before it takes its place.

    Args:
        settings: see :class:`Settings`.
        spec: the network; it must be a luma one.
        data: a folder of 8-bit pictures; every 20th is held out to measure with.
        out: the model file to write, ``.safetensors``.
        resume: go on from the checkpoint beside ``out``, if there is one.
        start: another model whose equally shaped weights are taken to begin with.
        threads: for torch.
        provenance: goes into the model file beside the settings: data's name and terms, the command.
        say: receives a line of progress.

    Returns:
        The model as saved.

    Raises:
        InvalidArgument: settings or data that do not work.
        ModelFileError: ``start`` or the checkpoint cannot be used.
        SubpixelError: the saved file does not compute what was trained.
    """
    out = Path(out)
    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise InvalidArgument(f"{out}: a path ending in .safetensors in a folder that exists is needed")
    if spec.colour != "luma":
        raise InvalidArgument("train: networks on luma only")
    torch.set_num_threads(threads)
    trained_on, held_out = find_pictures(data)
    pairs = load_pairs(trained_on, spec.scale, settings.sizes, threads)
    held = load_pairs(held_out, spec.scale, (1.0,), threads)
    state = _State(settings, spec, pairs, start)
    checkpoint = out.with_suffix(".ckpt")
    if resume and checkpoint.exists():
        state.restore(checkpoint)
        say(f"going on at step {state.step} after {state.seconds / 60:.1f} minutes")
    say(
        f"{settings.arch} ×{spec.scale}: {spec.parameters} parameters, {len(trained_on)} pictures to train on, "
        f"{len(held)} held out; {_validate(spec, state.average, held):.3f} dB at step {state.step}"
    )
    try:
        _loop(state, spec, settings, held, out, say)
    except KeyboardInterrupt:
        state.keep(checkpoint)
        say(f"stopped at step {state.step}; the same command with --resume goes on from {checkpoint}")
        raise
    state.finish(spec, held)
    best = {name: value.numpy() for name, value in state.best.items()}
    pictures = {"pictures": len(trained_on), "held_out": [p.name for p in held]}
    model = Model(
        settings.arch,
        spec,
        best,
        training={**(provenance or {}), **pictures, "settings": asdict(settings), "steps": state.step},
        figures={"validation_psnr_y": round(state.best_psnr, 4)},
        licence=str((provenance or {}).get("licence", "")),
    )
    _save_verified(model, out, held[0])
    say(f"{out}: {state.best_psnr:.3f} dB on the held-out pictures; read back and compared")
    return model


class _State:
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
        named = list(self.net.named_parameters())
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon([p for _, p in named if p.ndim > 1], settings.lr),
            torch.optim.Adam([p for _, p in named if p.ndim == 1], settings.lr * _RATE_OF_VECTORS),
        ]
        self.rates = [o.param_groups[0]["lr"] for o in self.optimisers]
        self.average = {name: w.detach().clone() for name, w in self.net.collapsed().items()}
        self.best, self.best_psnr = dict(self.average), -math.inf
        self.step, self.seconds = 0, 0.0
        self.rows: list[list[float]] = []

    def follow(self, weights: dict[str, Tensor]) -> None:
        decay = min(self.settings.average, self.step / (self.step + 20))
        for name, weight in weights.items():
            self.average[name].lerp_(weight.detach(), 1 - decay)

    def measured(self, spec: Spec, weights: dict[str, Tensor], held: list[Pair]) -> float:
        """The score of some weights; the best ever seen are kept."""
        score = _validate(spec, weights, held)
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
        try:
            content = torch.load(path, weights_only=True)
            was = content["settings"]
        except (RuntimeError, KeyError, TypeError, ValueError, EOFError, OSError) as error:
            raise ModelFileError(f"{path}: not a checkpoint that can be read ({error})") from None
        now = asdict(self.settings)
        differing = sorted(k for k in now if now[k] != was.get(k) and k not in ("steps", "minutes"))
        if differing:
            raise InvalidArgument(f"{path}: was made with other settings: {', '.join(differing)}")
        self.net.load_state_dict(content["net"])
        for optimiser, kept in zip(self.optimisers, content["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.patches.generator.set_state(content["generator"])
        self.average, self.best, self.best_psnr = content["average"], content["best"], content["best_psnr"]
        self.step, self.seconds, self.rows = content["step"], content["seconds"], content["rows"]


def _loop(
    state: _State, spec: Spec, settings: Settings, held: list[Pair], out: Path, say: Callable[[str], None]
) -> None:
    kernels = TorchKernels()
    begun = time.monotonic() - state.seconds
    next_report, total_loss, counted = state.seconds + 30.0, 0.0, 0
    title = f"{settings.arch} ×{spec.scale}, seed {settings.seed}"
    while True:
        state.seconds = time.monotonic() - begun
        done = state.step / settings.steps if settings.steps else state.seconds / (60 * (settings.minutes or 1))
        if done >= 1 or state.seconds >= next_report:
            score = state.measured(spec, state.average, held)
            loss = total_loss / max(counted, 1)
            rate = state.optimisers[0].param_groups[0]["lr"]
            state.rows.append([state.step, round(state.seconds / 60, 3), loss, rate, score])
            say(f"step {state.step:>7}  {state.seconds / 60:6.1f} min  loss {loss:.5f}  validation {score:.3f} dB")
            write_curve(state.rows, out, title)
            state.keep(out.with_suffix(".ckpt"))
            total_loss, counted = 0.0, 0
            # About forty measurements in a run, none more than every 30 seconds: the picture of a curve needs no more.
            next_report = state.seconds + max(30.0, state.seconds / max(done, 1e-3) / 40)
        if done >= 1:
            return
        factor = min(1.0, (state.step + 1) / _WARM_UP) * max(0.5 + 0.5 * math.cos(math.pi * done), 1e-3)
        for optimiser, rate in zip(state.optimisers, state.rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * factor
        small, large = state.patches.draw()
        weights = state.net.collapsed()
        state.follow(weights)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
            made = run(spec, weights, small, kernels, pad=False)
        error = made.float() - large
        loss_now = error.abs().mean() if settings.loss == "l1" else (error * error).mean()
        for optimiser in state.optimisers:
            optimiser.zero_grad()
        loss_now.backward()  # type: ignore[no-untyped-call]
        for optimiser in state.optimisers:
            optimiser.step()
        state.step += 1
        total_loss, counted = total_loss + loss_now.item(), counted + 1


def _validate(spec: Spec, weights: dict[str, Tensor], held: list[Pair]) -> float:
    """Mean PSNR of the held-out pictures under the protocol of ``evaluate``."""
    kernels = TorchKernels()
    scores = []
    with torch.inference_mode():
        for pair in held:
            made = run(spec, weights, pair.small[None, None], kernels)[0, 0].numpy()
            rounded = np.clip(np.floor(made.astype(np.float64) * 255 + 0.5), 0, 255)
            scores.append(psnr(rounded, pair.large.numpy() * 255.0, crop=spec.scale))
    return float(np.mean(scores))


def _save_verified(model: Model, out: Path, pair: Pair) -> None:
    """Write beside, read back, run both, and only then put the file in its place."""
    scratch = out.with_name(f".{out.stem}.new.safetensors")
    try:
        save(model, scratch)
        again = load(scratch)
        kernels = TorchKernels()
        results = []
        for one in (model, again):
            weights = {name: torch.from_numpy(value.copy()) for name, value in one.weights.items()}
            with torch.inference_mode():
                results.append(run(one.spec, weights, pair.small[None, None], kernels))
        if again.spec != model.spec or not torch.equal(results[0], results[1]):
            raise SubpixelError(f"{out}: the saved network does not compute what was trained; nothing was written")
        os.replace(scratch, out)
    finally:
        scratch.unlink(missing_ok=True)
