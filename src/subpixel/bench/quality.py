"""The suite ``quality``: PSNR and time of each model, ours and those of peers, on one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.bench import ceilings
from subpixel.bench.networks import synthetic_image
from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.peers import ImagePeer, anime4k, superres
from subpixel.bench.results import Group, Role
from subpixel.errors import InvalidArgument
from subpixel.metrics import evaluate
from subpixel.metrics.protocol import score_sets
from subpixel.models import ZOO, Model, find, load
from subpixel.upscaler import Upscaler

__all__ = ["quality"]

# Height and width of the results, at every scale.
_OUTPUT_SIZE = (1080, 1920)

# Test sets in their order; others follow.
_SETS = ("Set5", "Set14", "BSD100")

_NOTES = (
    "RGB bytes in memory to RGB bytes. The ceiling counts only the network's multiply-adds.",
    "dB: PSNR of luma, as recorded in the model files by subpixel evaluate --record.",
)


@dataclass(frozen=True)
class _Subject:
    """A model in one precision, with its label and its upscaler."""

    label: str
    role: Role
    model: Model
    upscaler: Upscaler


def quality(options: BenchOptions) -> Iterator[Group]:
    """The one group of the suite, for one scale; ``options.models`` adds networks that are not shipped.

    Raises:
        InvalidArgument: no model has that scale, or a folder is missing or holds no model file.
        ModelFileError: a file in the folder of models cannot be used.
    """
    height, width = (side // options.scale for side in _OUTPUT_SIZE)
    rgb = synthetic_image((height, width), 3)
    target = ceilings.targets()[-1]
    notes = list(_NOTES)
    calls: dict[str, Callable[[], Any]] = {}
    entries: list[tuple[str, Role, str | None]] = []
    figures: dict[str, dict[str, float]] = {}
    for subject in _subjects(options, notes):
        label, precision = subject.label, subject.upscaler.precision
        figures[label] = _figures(subject, options, notes)
        calls[label] = lambda upscaler=subject.upscaler: upscaler(rgb)  # type: ignore[misc]
        macs = float(subject.model.spec.macs_per_pixel) * height * width
        ceiling = f"ceiling {label}" if macs else None
        entries.append((label, subject.role, ceiling))
        if ceiling is not None:
            calls[ceiling] = ceilings.arithmetic(precision, target, options.threads, macs)
            entries.append((ceiling, "ceiling", None))
    for peer in [*_superres(options, notes), *_anime4k(options, notes)]:
        figures[peer.name] = _peer_figures(peer, options)
        calls[peer.name] = lambda peer=peer: peer.run(rgb)  # type: ignore[misc]
        entries.append((peer.name, "peer", None))
    result = (height * options.scale, width * options.scale)
    title = f"Quality against time ×{options.scale}, RGB bytes, {width}×{height} → {result[1]}×{result[0]}"
    group = measure_group(options, f"quality-x{options.scale}", title, calls, entries, notes)
    yield replace(group, entries=tuple(replace(e, quality=figures.get(e.name) or None) for e in group.entries))


def _subjects(options: BenchOptions, notes: list[str]) -> Iterator[_Subject]:
    """Each model in f32 and, if its file has int8 parameters, in int8."""
    any_model = False
    for label, role, source, model in _models(options, notes):
        any_model = True
        for precision in ("f32", "int8"):
            if precision == "int8" and model.quantisation is None:
                if model.spec.parameters:
                    notes.append(f"{label} int8: not measured, its file has no int8 parameters")
                continue
            upscaler = Upscaler(
                options.scale, model=source, backend="native", precision=precision, threads=options.threads
            )
            yield _Subject(f"{label} {precision}", role, model, upscaler)
    if not any_model:
        raise InvalidArgument(f"scale={options.scale}: no shipped or given model has this scale")


def _models(options: BenchOptions, notes: list[str]) -> Iterator[tuple[str, Role, str, Model]]:
    """Label, role, the ``model`` argument of an Upscaler, and the model itself. Files of other scales are skipped."""
    for name, entry in ZOO.items():
        if options.scale in entry.scales and not entry.video:
            yield name, "ours", name, find(name, options.scale)
    if options.models is None:
        return
    paths = sorted(options.models.glob("*.safetensors")) if options.models.is_dir() else []
    if not paths:
        raise InvalidArgument(f"{options.models}: a folder with .safetensors files is needed")
    for path in paths:
        model = load(path)
        label = path.stem if path.stem not in ZOO else f"{options.models.name}/{path.stem}"
        if not model.spec.plain:
            notes.append(f"{label}: not measured, it is for videos")
        elif model.spec.scale == options.scale:
            yield label, "candidate", str(path), model
        else:
            notes.append(f"{label}: not measured, it is a ×{model.spec.scale} model")


def _figures(subject: _Subject, options: BenchOptions, notes: list[str]) -> dict[str, float]:
    """PSNR by test set: from the model file, else measured now if there are test sets."""
    sets: dict[str, Any] = subject.model.scores(subject.upscaler.precision)
    if not sets and options.data is not None:
        notes.append(f"{subject.label}: dB measured now, its file has none")
        sets = evaluate(subject.upscaler, options.data)["sets"]
    elif not sets:
        notes.append(f"{subject.label}: its file has no dB, and no test sets were given")
    return _psnr_by_set(sets)


def _superres(options: BenchOptions, notes: list[str]) -> list[ImagePeer]:
    if options.superres is None:
        notes.append("OpenCV dnn_superres: not measured, its model files were not given")
        return []
    peers = superres(options.superres, options.scale, options.threads)
    if not peers:
        notes.append("OpenCV dnn_superres: not measured, no OpenCV with this module is installed")
    elif options.data is None:
        notes.append("OpenCV dnn_superres: no dB, they need test sets")
    else:
        notes.append("OpenCV dnn_superres: dB of luma of the u8 images it writes, measured now")
    return peers


def _anime4k(options: BenchOptions, notes: list[str]) -> list[ImagePeer]:
    if options.scale != 2:
        notes.append("pyanime4k: not measured, its networks double")
        return []
    peers = anime4k()
    if not peers:
        notes.append("pyanime4k: not measured, it is not installed")
    elif options.data is None:
        notes.append("pyanime4k: no dB, they need test sets")
    else:
        notes.append("pyanime4k: dB of luma of the u8 images it makes, measured now")
    return peers


def _peer_figures(peer: ImagePeer, options: BenchOptions) -> dict[str, float]:
    if options.data is None:
        return {}

    def upscale(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
        gray, step = small.shape[2] == 1, -1 if peer.bgr else 1
        # Luma is found if the order is right. It does not change the time.
        result = peer.run(np.ascontiguousarray(np.repeat(small, 3, axis=2) if gray else small[..., ::step]))
        return np.ascontiguousarray(result[..., :1] if gray else result[..., ::step])

    return _psnr_by_set(score_sets(upscale, options.scale, options.data)["sets"])


def _psnr_by_set(sets: dict[str, Any]) -> dict[str, float]:
    names = [*(name for name in _SETS if name in sets), *sorted(set(sets) - set(_SETS))]
    return {name: float(sets[name]["psnr_y"]) for name in names if "psnr_y" in sets[name]}
