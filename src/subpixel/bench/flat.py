"""The suite ``flat``: networks that resize flat parts plainly, beside the same networks that compute everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.results import Fact, Group
from subpixel.errors import InvalidArgument
from subpixel.image import read
from subpixel.image.synthetic import photograph
from subpixel.metrics.protocol import images_below
from subpixel.models.files import Model, load
from subpixel.models.zoo import ZOO, find, resolve
from subpixel.upscaler import Upscaler
from subpixel.video import probe
from subpixel.video.decoding import Damage, read_frames
from subpixel.video.formats import layout_of
from subpixel.video.frame import Frame
from subpixel.video.frame_upscalers import frame_upscaler

__all__ = ["flat"]

# The images or frames of a pass, evenly chosen.
_MOST = 24

# Upscales something and returns the result's luma, or all of its channels.
Call = Callable[[Upscaler], Iterator[NDArray[Any]]]


def flat(options: BenchOptions) -> Iterator[Group]:
    """A group for each model whose file has a threshold: those of ``options.models``, else the default ones.

    Raises:
        InvalidArgument: no model has a threshold.
    """
    what, run = _work(options.data)
    models = [model for model in _models(options.models) if model.flat is not None]
    if not models:
        raise InvalidArgument("no model has a threshold of flat parts; subpixel quantise FILE --flat finds one")
    for model in models:
        yield _group(options, model, what, run)


def _models(folder: Path | None) -> Iterator[Model]:
    if folder is not None:
        yield from (load(path) for path in sorted(folder.glob("*.safetensors")))
        return
    name = resolve("auto")
    found = (find(name, scale) for scale in ZOO[name].scales)
    yield from (model for model in found if isinstance(model, Model))


def _group(options: BenchOptions, model: Model, what: str, run: Call) -> Group:
    scale = model.spec.scale
    plain, exact = (Upscaler(scale, model=model, threads=options.threads, exact=each) for each in (False, True))
    calls = {"flat parts plain": partial(_pass, run, plain), "everything computed": partial(_pass, run, exact)}
    entries: list[tuple[str, str, str | None]] = [
        ("flat parts plain", "ours", None),
        ("everything computed", "peer", None),
    ]
    title = f"{model.name} ×{scale}, {plain.network().precision}, {what}"
    group = measure_group(options, "flat", title, calls, entries, [model.flat_note])
    squares = values = most = 0.0
    for one, other in zip(run(plain), run(exact), strict=True):
        difference = one.astype(np.float64) - other
        squares += float(np.square(difference).sum())
        values += difference.size
        most = max(most, float(np.abs(difference).max(initial=0)))
    first, second = (entry.time.median for entry in group.entries)
    facts = [
        Fact("everything computed, relative to flat parts plain", second / first, "×"),
        Fact("largest difference", most, "codes"),
    ]
    if squares:
        facts.append(Fact("PSNR between the two", 10 * np.log10(255**2 * values / squares), "dB"))
    return replace(group, facts=tuple(facts))


def _pass(run: Call, upscaler: Upscaler) -> None:
    for _ in run(upscaler):
        pass


def _work(data: Path | None) -> tuple[str, Call]:
    """What is upscaled, in words, and how."""
    if data is None:
        return "a generated photograph of 960×540", partial(_images, [photograph(540, 960)])
    if data.is_dir():
        paths = images_below(data)
        paths = [paths[k] for k in np.linspace(0, len(paths) - 1, min(_MOST, len(paths))).astype(int)]
        images = [read(path).pixels for path in paths]
        if any(image.dtype != np.uint8 for image in images):
            raise InvalidArgument(f"{data}: images of 8 bits are needed")
        return f"{len(images)} images of {data.name}", partial(_images, images)
    video = probe(data)
    layout = layout_of(video.stream.pix_fmt, data)
    if video.stream.pix_fmt not in ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "gray"):
        raise InvalidArgument(f"{data}: frames of 8 bits are needed, not {video.stream.pix_fmt}")
    frames = _spread(read_frames(video, Damage()))
    width, height = video.stream.size

    def run(upscaler: Upscaler) -> Iterator[NDArray[Any]]:
        by = frame_upscaler([upscaler.network()], video, layout)
        for frame in frames:
            for result in by.push(frame):
                plane = result.result.planes[0]
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                yield rows[: plane.height, : plane.width]

    return f"{len(frames)} frames of {data.name}, {width}×{height}", run


def _images(images: list[NDArray[Any]], upscaler: Upscaler) -> Iterator[NDArray[Any]]:
    for image in images:
        yield upscaler(image)


def _spread(frames: Iterator[Frame]) -> list[Frame]:
    """Frames at equal distances, of a video of any length: half to all of the most that a pass has."""
    kept: list[Frame] = []
    step = 1
    for number, frame in enumerate(frames):
        if number % step:
            continue
        kept.append(frame)
        if len(kept) > _MOST:
            kept, step = kept[::2], 2 * step
    return kept
