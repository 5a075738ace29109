"""The training loop: patches, learning rates, measurements, checkpoints, and the verified model file."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.metrics.calibration import int8_loss
from subpixel.models.files import Model, load, save
from subpixel.models.spec import Spec
from subpixel.storage.interrupts import on_sudden_end, shielded
from subpixel.train.cuda_graph import MAX_STEPS, StepGraph
from subpixel.train.curve import write_curve
from subpixel.train.data import Pair, find_images, load_pairs
from subpixel.train.degradation import DEGRADATIONS, Variants
from subpixel.train.device import device_of
from subpixel.train.drawn_images import drawn
from subpixel.train.motion import Clip, MotionState, bicubic_score, check_settings, load_clips
from subpixel.train.parallel import Processes, processes
from subpixel.train.perceptual import read_features
from subpixel.train.settings import Settings
from subpixel.train.shipped import against_shipped
from subpixel.train.state import IMAGES_FOR_RANGES, State
from subpixel.train.time_budget import TimeBudget

__all__ = ["Settings", "train"]

_STEPS_BETWEEN_REVIVALS = 500
_LAST_REVIVAL = 0.8  # the part of a run after which new kernels would not learn enough
_WARM_UP = 200  # steps of rising learning rate, since orthogonalised updates are large from the start


def train(
    settings: Settings,
    spec: Spec,
    data: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    start: str | Path | None = None,
    teacher: str | Path | None = None,
    features: str | Path | None = None,
    held_out: str | Path | None = None,
    threads: int = 1,
    device: str = "auto",
    provenance: dict[str, Any] | None = None,
    began: float | None = None,
    say: Callable[[str], None] = print,
) -> Model:
    """Train a network and write it to ``out``.

    The curve (``.csv``, ``.png``) and the checkpoint (``.ckpt``) are written next to it. The model file is read back
    and run before it is moved into place. Processes that ``torchrun`` starts share one run.

    Args:
        settings: the settings of the run.
        spec: the network.
        data: a folder of 8-bit images, of which every 20th is held out for measurement; or a video, of which some
            scenes are held out. For a network for videos, images become clips in which they move, and a video is cut
            into takes of a clip's length.
        out: the path of the model file, ``.safetensors``.
        resume: continue from the checkpoint next to ``out``, if there is one.
        start: a model file whose weights of the same shape are the initial weights.
        teacher: a larger model file of the same scale and colour, for ``settings.teacher_share``.
        features: the file with the weights of VGG19 for ``settings.content="vgg19"``: ``.pth`` or ``.safetensors`` with
            torchvision's names. Other values of ``content`` need no file.
        held_out: a list of the images to hold out instead of every 20th, see :func:`subpixel.train.held_out.split`.
        threads: the number of threads of torch.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:1`` …
        provenance: further entries of the model file: the name and licence of the data, the command.
        began: when the run began, by :func:`time.monotonic`, for ``settings.minutes``; None for now.
        say: called with each line of progress.

    Returns:
        The saved model.

    Raises:
        InvalidArgument: the settings or the data do not fit.
        Unsupported: ``settings.rounded`` is True and the network is no plain chain.
        ModelFileError: ``start``, ``teacher``, ``features`` or the checkpoint cannot be used.
        SubpixelError: the saved file does not compute what was trained.
    """
    budget, out = TimeBudget(settings.minutes, began), Path(out)
    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise InvalidArgument(f"train: out={str(out)!r}: a .safetensors path in an existing folder is needed")
    if threads < 1:
        raise InvalidArgument(f"train: threads={threads}: at least 1 is needed")
    where = device_of(device)
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True  # all batches have one size
    begin, larger = (None if path is None else load(path) for path in (start, teacher))
    if (larger is None) == (settings.teacher_share > 0):
        raise InvalidArgument("train: teacher and settings.teacher_share must be given together")
    if (features is None) == (settings.content == "vgg19"):
        raise InvalidArgument("train: features and content='vgg19' must be given together")
    tensors = None if features is None else read_features(features)
    if not spec.plain:
        check_settings(settings, spec, teacher=teacher, features=features)
    with processes(where) as group:
        if settings.batch % group.count:
            raise InvalidArgument(f"train: batch={settings.batch}: a multiple of the {group.count} processes is needed")
        report = say if group.first else _silent
        pairs, measured, amount = _load_data(settings, spec, data, held_out, threads)
        kind = State if spec.plain else MotionState
        state = kind(settings, spec, pairs, begin, larger, where, tensors)
        state.earlier = _earlier_commands(begin)
        checkpoint = out.with_suffix(".ckpt")
        if resume and checkpoint.exists():
            state.restore(checkpoint)
            report(f"resuming at step {state.step} after {state.seconds / 60:.1f} minutes")
        elif settings.rounded:
            state.enable_rounding(begin, pairs)
        begin_measurement = time.monotonic()
        score = state.measure(state.average, measured)
        measurement = time.monotonic() - begin_measurement
        report(
            f"{settings.arch} ×{spec.scale}: {spec.parameters} parameters, {amount} for training, "
            f"{len(measured)} held out"
            f"{_bicubic_note(spec, measured)}; {score:.3f} dB at step {state.step}"
        )
        if settings.minutes is not None:
            report(budget.divide(state.solve_seconds(), measurement))
            budget.training = group.broadcast(budget.training, where)
        try:
            _loop(state, measured, out, group, report, budget.training)
        except KeyboardInterrupt:
            if group.first:
                state.save(checkpoint)
            report(f"stopped at step {state.step}; to continue, resume from {checkpoint}")
            raise
        state.finish(measured, budget.deadline)
        images: dict[str, Any] = {
            "images": int(amount.split()[0]),
            "held_out": list(dict.fromkeys(p.name for p in measured)),
        }
        if features is not None:
            images["features"] = Path(features).name
        model = Model(
            settings.arch if settings.degradation == "clean" else f"{settings.arch}-{settings.degradation}",
            spec,
            {name: value.numpy() for name, value in state.best.items()},
            training={
                **(provenance or {}),
                **images,
                "settings": asdict(settings),
                "steps": state.step,
                "earlier": state.earlier,
            },
            figures={"validation_psnr_y": round(state.best_psnr, 4)},
            licence=str((provenance or {}).get("licence", "")),
        )
        if group.first:
            if state.rounding is not None:
                model = _with_int8(model, state.rounding.parameters(state.best), measured, data, report)
            _save_verified(model, out, lambda one: state.upscale(one, measured[0]))
        report(
            f"{out}: {state.best_psnr:.3f} dB on the held-out images{against_shipped(state, measured)}; "
            f"the file was read back and verified"
        )
    return model


def _load_data(
    settings: Settings, spec: Spec, data: str | Path, names: str | Path | None, threads: int
) -> tuple[list[Pair], list[Pair], str]:
    """Training data, held-out data, and the number of images in words."""
    if not spec.plain:
        sources, clips, count = load_clips(data, spec, settings, threads, names)
        # A MotionState reads these instead of pairs.
        return cast("list[Pair]", sources), cast("list[Pair]", clips), f"{count} images or takes"
    found, held_out_sources = find_images(data, settings.frames, names)
    trained_on = [*found, *drawn(settings.drawn, settings.seed)]
    variants = Variants(DEGRADATIONS[settings.degradation], settings.variants, settings.seed)
    pairs = load_pairs(trained_on, spec.scale, settings.sizes, threads, spec.colour, variants)
    held_out = load_pairs(held_out_sources, spec.scale, (1.0,), threads, spec.colour, variants)
    more = f" and {settings.drawn} drawn ones" if settings.drawn else ""
    return pairs, held_out, f"{len(found)} images{more}"


def _bicubic_note(spec: Spec, held_out: list[Pair]) -> str:
    return "" if spec.plain else f" (bicubic: {bicubic_score(spec, cast('list[Clip]', held_out)):.3f} dB)"


def _earlier_commands(model: Model | None) -> list[str]:
    """The commands that made the model that a run starts from, oldest first."""
    if model is None:
        return []
    own = model.training.get("command")
    return [*model.training.get("earlier", []), *([str(own)] if own else [])]


def _silent(_: str) -> None:
    pass


def _with_int8(
    model: Model, parameters: dict[str, Any], held_out: list[Pair], data: str | Path, say: Callable[[str], None]
) -> Model:
    """The model with the int8 parameters of its training, and their loss on held-out images."""
    pairs = [(p.small.numpy(), p.large[0].numpy().astype(np.float64) * 255) for p in held_out]
    parameters.update(int8_loss(model, parameters, pairs))
    parameters["calibration"].update({"data": Path(data).name, "images": IMAGES_FOR_RANGES})
    say(f"int8 costs {parameters['loss_db']:.4f} dB on {len(pairs)} held-out images")
    return replace(model, quantisation=parameters)


def _loop(
    state: State, held_out: list[Pair], out: Path, group: Processes, say: Callable[[str], None], seconds: float
) -> None:
    """Train for the steps of the settings, or for so many seconds."""
    settings, spec = state.settings, state.spec
    graph = StepGraph(state, state.patches.on_device(state.device)) if uses_cuda_graph(state, group) else None
    start_time = time.monotonic() - state.seconds
    next_report, total_loss, counted = state.seconds + 30.0, 0.0, 0
    revival = (state.step - 1) // _STEPS_BETWEEN_REVIVALS
    title = f"{settings.arch} ×{spec.scale}, seed {settings.seed}"
    while True:
        state.seconds = group.broadcast(time.monotonic() - start_time, state.device)
        done = state.step / settings.steps if settings.steps else state.seconds / seconds
        if done >= 1 or state.seconds >= next_report:
            began = time.monotonic()
            score = state.measure(state.average, held_out)
            loss = total_loss / max(counted, 1)
            rate = state.optimisers[0].param_groups[-1]["lr"]
            state.rows.append([state.step, round(state.seconds / 60, 3), loss, rate, score])
            say(f"step {state.step:>7}  {state.seconds / 60:6.1f} min  loss {loss:.5f}  validation {score:.3f} dB")
            if group.first:
                write_curve(state.rows, out, title)
                state.save(out.with_suffix(".ckpt"))
            total_loss, counted = 0.0, 0
            # About forty measurements per run, at least 30 seconds apart: enough for a curve. A slow machine does
            # not spend more than a fifth of its time on them.
            took = time.monotonic() - began
            next_report = state.seconds + took + max(30.0, state.seconds / max(done, 1e-3) / 40, 4 * took)
        if done >= 1:
            return
        if state.step // _STEPS_BETWEEN_REVIVALS > revival and done < _LAST_REVIVAL:
            revival = state.step // _STEPS_BETWEEN_REVIVALS
            count = state.revive()
            if count:
                say(f"step {state.step:>7}  {count} channels that were zero everywhere have new kernels")
        with shielded():  # no checkpoint between an update and its count
            if graph is None:
                total_loss += _step(state, _rate(state.step, done, settings.cycles), group)
                counted += 1
            else:
                factors = _rates(state, done)
                total_loss += graph.run(factors)
                counted += len(factors)


def uses_cuda_graph(state: State, group: Processes) -> bool:
    """Whether steps run as a CUDA graph: on a GPU, in one process, with a loss that never waits for the host."""
    return state.device.type == "cuda" and group.count == 1 and state.capturable


def _step(state: State, factor: float, group: Processes) -> float:
    """One step; returns its loss."""
    state.pace(factor, state.mean_share(state.step))
    loss = state.loss(*state.patches.draw(group.rank, group.count))
    state.learn(loss, group.mean)
    state.teach_adversary(factor, group)
    state.step += 1
    return loss.item()


def _rates(state: State, done: float) -> list[float]:
    """The learning rates of the next steps, relative to their peak, up to the last step."""
    settings = state.settings
    if settings.steps is None:
        return [_rate(state.step + k, done, settings.cycles) for k in range(MAX_STEPS)]
    last = min(settings.steps, state.step + MAX_STEPS)
    return [_rate(step, step / settings.steps, settings.cycles) for step in range(state.step, last)]


def _rate(step: int, done: float, cycles: int) -> float:
    """The learning rate relative to its peak: cosine cycles, each half as high as the previous one.

    Source: warm restarts of Loshchilov & Hutter, arXiv 1608.03983; the halving is ours.
    """
    cycle = min(int(done * cycles), cycles - 1)
    cosine = 0.5 + 0.5 * math.cos(math.pi * (done * cycles - cycle))
    return min(1.0, (step + 1) / _WARM_UP) * max(cosine * 0.5**cycle, 1e-3)


def _save_verified(model: Model, out: Path, result_of: Callable[[Model], torch.Tensor]) -> None:
    """Write a scratch file, read it back, run both models, and rename the file only if they agree."""
    scratch = out.with_name(f".{out.stem}.new.safetensors")
    with on_sudden_end(scratch.unlink), ExitStack() as stack:
        stack.callback(scratch.unlink, missing_ok=True)
        save(model, scratch)
        again = load(scratch)
        if again.spec != model.spec or not torch.equal(result_of(model), result_of(again)):
            raise SubpixelError(f"{out}: the saved network does not compute what was trained; no file was written")
        os.replace(scratch, out)
