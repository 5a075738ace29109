"""The suite ``quality``: what each model reaches against the time it takes, ours and OpenCV's on one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.bench import ceilings
from subpixel.bench.networks import synthetic_image
from subpixel.bench.peers import Superres, superres
from subpixel.bench.plan import Plan, measured
from subpixel.bench.results import Group, Role
from subpixel.errors import InvalidArgument
from subpixel.metrics import evaluate
from subpixel.metrics.protocol import score_sets
from subpixel.models import ZOO, Model, find, load
from subpixel.upscaler import Upscaler

__all__ = ["quality"]

# Height and width of what is made, at every scale.
_MADE = (1080, 1920)

# The order in which test sets are shown; others follow.
_SETS = ("Set5", "Set14", "BSD100")

_NOTES = (
    "RGB bytes in memory to RGB bytes. Of all of it only the network's multiply-adds are counted in the ceiling.",
    "dB: PSNR of luma, as recorded in the model files by subpixel evaluate --record.",
)


@dataclass(frozen=True)
class _Subject:
    """A model in a precision: its label, what makes it ready, and what it is known to reach."""

    label: str
    role: Role
    model: Model
    upscaler: Upscaler


def quality(plan: Plan) -> Iterator[Group]:
    """The one group, of one scale; ``plan.models`` adds networks that are not shipped.

    Raises:
        InvalidArgument: nothing of that scale, or a folder that is not there or holds no such file.
        ModelFileError: a file in the folder of models that cannot be used.
    """
    height, width = (side // plan.scale for side in _MADE)
    rgb = synthetic_image((height, width), 3)
    target = ceilings.targets()[-1]
    notes = list(_NOTES)
    calls: dict[str, Callable[[], Any]] = {}
    entries: list[tuple[str, Role, str | None]] = []
    reached: dict[str, dict[str, float]] = {}
    for subject in _subjects(plan, notes):
        label, precision = subject.label, subject.upscaler.precision
        reached[label] = _reached(subject, plan, notes)
        calls[label] = lambda upscaler=subject.upscaler: upscaler(rgb)  # type: ignore[misc]
        macs = float(subject.model.spec.macs_per_pixel) * height * width
        ceiling = f"ceiling {label}" if macs else None
        entries.append((label, subject.role, ceiling))
        if ceiling is not None:
            calls[ceiling] = ceilings.arithmetic(precision, target, plan.threads, macs)
            entries.append((ceiling, "ceiling", None))
    for peer in _peers(plan, notes):
        reached[peer.name] = _reached_by_peer(peer, plan)
        calls[peer.name] = lambda peer=peer: peer.run(rgb)  # type: ignore[misc]
        entries.append((peer.name, "peer", None))
    result = (height * plan.scale, width * plan.scale)
    title = f"Quality against time ×{plan.scale}, RGB bytes, {width}×{height} → {result[1]}×{result[0]}"
    group = measured(plan, f"quality-x{plan.scale}", title, calls, entries, notes)
    yield replace(group, entries=tuple(replace(e, quality=reached.get(e.name) or None) for e in group.entries))


def _subjects(plan: Plan, notes: list[str]) -> Iterator[_Subject]:
    """Each model in f32 and, if its file can say how, in int8."""
    found = False
    for label, role, source, model in _models(plan, notes):
        found = True
        for precision in ("f32", "int8"):
            if precision == "int8" and model.quantisation is None:
                if model.spec.parameters:
                    notes.append(f"{label} int8: not measured, its file has no int8 parameters")
                continue
            upscaler = Upscaler(plan.scale, model=source, backend="native", precision=precision, threads=plan.threads)
            yield _Subject(f"{label} {precision}", role, model, upscaler)
    if not found:
        raise InvalidArgument(f"scale={plan.scale}: no model that is shipped or given has it")


def _models(plan: Plan, notes: list[str]) -> Iterator[tuple[str, Role, str, Model]]:
    """Label, role, what an Upscaler takes, and the model; of files those of the scale."""
    for name, entry in ZOO.items():
        if plan.scale in entry.scales and not entry.video:
            yield name, "ours", name, find(name, plan.scale)
    if plan.models is None:
        return
    paths = sorted(plan.models.glob("*.safetensors")) if plan.models.is_dir() else []
    if not paths:
        raise InvalidArgument(f"{plan.models}: a folder with .safetensors files is needed")
    for path in paths:
        model = load(path)
        label = path.stem if path.stem not in ZOO else f"{plan.models.name}/{path.stem}"
        if not model.spec.plain:
            notes.append(f"{label}: not measured, it is for videos")
        elif model.spec.scale == plan.scale:
            yield label, "candidate", str(path), model
        else:
            notes.append(f"{label}: not measured, it is a ×{model.spec.scale} model")


def _reached(subject: _Subject, plan: Plan, notes: list[str]) -> dict[str, float]:
    """What the file says, else what is measured now if there are test sets."""
    sets: dict[str, Any] = subject.model.reached(subject.upscaler.precision)
    if not sets and plan.data is not None:
        notes.append(f"{subject.label}: dB measured now, its file has none")
        sets = evaluate(subject.upscaler, plan.data)["sets"]
    elif not sets:
        notes.append(f"{subject.label}: its file has no dB, and no test sets were given (--data)")
    return _in_order(sets)


def _peers(plan: Plan, notes: list[str]) -> list[Superres]:
    if plan.superres is None:
        notes.append("OpenCV dnn_superres: not measured, its model files were not given (--superres)")
        return []
    peers = superres(plan.superres, plan.scale, plan.threads)
    if not peers:
        notes.append("OpenCV dnn_superres: not measured, no OpenCV with this module is installed")
    elif plan.data is None:
        notes.append("OpenCV dnn_superres: its dB want test sets (--data)")
    else:
        notes.append("OpenCV dnn_superres: dB of luma of the u8 images it makes, measured now")
    return peers


def _reached_by_peer(peer: Superres, plan: Plan) -> dict[str, float]:
    if plan.data is None:
        return {}

    def upscale(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
        gray = small.shape[2] == 1
        # OpenCV's order, in which alone it finds luma; where time is taken the order changes nothing.
        result = peer.run(np.ascontiguousarray(np.repeat(small, 3, axis=2) if gray else small[..., ::-1]))
        return np.ascontiguousarray(result[..., :1] if gray else result[..., ::-1])

    return _in_order(score_sets(upscale, plan.scale, plan.data)["sets"])


def _in_order(sets: dict[str, Any]) -> dict[str, float]:
    names = [*(name for name in _SETS if name in sets), *sorted(set(sets) - set(_SETS))]
    return {name: float(sets[name]["psnr_y"]) for name in names if "psnr_y" in sets[name]}
