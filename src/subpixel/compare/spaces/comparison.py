"""The whole comparison: settings, trainings, costs, figures, charts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from subpixel.backends import available_threads
from subpixel.compare.intervals import DRAWS, Bootstrap, bootstrap_means
from subpixel.compare.spaces.charts import check_matplotlib, draw_costs, draw_differences, draw_learning
from subpixel.compare.spaces.conversion import measure_conversion
from subpixel.compare.spaces.costs import SIZES, measure_layers, measure_networks
from subpixel.compare.spaces.designs import FAMILIES, Design, designs_of
from subpixel.compare.spaces.folder import Record, Trainings
from subpixel.compare.spaces.images import BATCH, PATCH, Images, load_images, made_images
from subpixel.compare.spaces.results import NetworkResult, Pairing, SpaceResults
from subpixel.compare.spaces.trainings import NetworkTrainer
from subpixel.compare.training_folder import TrainingJob
from subpixel.compare.training_runs import Progress, run_trainings
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.metrics.protocol import luma_255
from subpixel.models.bicubic import bicubic
from subpixel.storage.locks import claim, remove_leftovers

__all__ = ["LEAST_STEPS", "MACS_PER_MINUTE", "compare_spaces", "steps_of"]

# Multiply-adds of training in a minute, three for each of a forward pass, measured on two cores of 2.6 GHz with AVX2,
# with all that belongs to a run. The number of steps follows from it and never from a clock, so the same settings give
# the same numbers on a slow machine too.
MACS_PER_MINUTE = 1.5e12
LEAST_STEPS = 8  # of a training: one for each point of the curve
_PROTOCOL = 1  # another number if the same settings would give other numbers


def compare_spaces(
    folder: str | Path,
    data: str | Path | None = None,
    *,
    scale: int = 2,
    minutes: float = 12.0,
    seeds: int = 3,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    budgets: Iterable[str] | None = None,
    steps: int | None = None,
    sizes: tuple[tuple[int, int], ...] = SIZES,
) -> SpaceResults:
    """Train networks in LR space and in HR space alike, and compare PSNR at equal cost and at equal size.

    Also: the layers of the paper's example timed side by side, and the last layer of a trained network converted into a
    transposed convolution and back.

    A run that was stopped goes on where it was: finished trainings are kept in the folder. The same arguments give the
    same numbers, times aside, whatever the number of threads; another processor or version of torch may round
    differently.

    Args:
        folder: where trainings, charts and ``spaces.json``, ``spaces.csv`` and ``spaces.md`` are written.
        data: a folder of images, of which every tenth is held out; None for synthetic images that are made from
            ``seed``.
        scale: 2, 3 or 4.
        minutes: about how long all trainings take on two cores; it sets the number of steps. At ×3 and ×4 there are
            far fewer in the same time, since equal parameters in HR space cost scale² times as much.
        seeds: how many times everything is trained; at least 2.
        seed: the first seed; the others follow it.
        threads: how many trainings run at one time, each with one thread; also the threads of what is timed. The
            default is as many as this process may use.
        progress: called with how far the trainings are, which as text is a line for a terminal.
        budgets: names of :data:`subpixel.compare.spaces.BUDGETS`; None for all.
        steps: of each training, in place of ``minutes``.
        sizes: height and width of the results that are timed, which the scale divides.

    Returns:
        The results. They are written to the folder as well.

    Raises:
        InvalidArgument: an argument is out of range, there are too few images or they are too small, or the folder
            holds trainings with other settings.
        ImageReadError: an image cannot be read.
        MissingExtra: torch or matplotlib is not installed.
        SubpixelError: a training failed.
        OSError: the folder cannot be written.
    """
    designs = designs_of(scale, budgets)
    for name, value, least in (("seeds", seeds, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidArgument(f"{name}={value!r}: an integer of at least {least} is needed")
    count = available_threads() if threads is None else threads
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidArgument(f"threads={threads!r}: at least 1 is needed")
    each = steps_of(minutes, designs, seeds) if steps is None else steps
    if each < LEAST_STEPS:
        raise InvalidArgument(f"steps={steps!r}: at least {LEAST_STEPS} are needed")
    check_matplotlib()
    from subpixel.compare.spaces import training  # noqa: F401  # says what to install if torch is missing

    images = made_images(seed) if data is None else load_images(data, scale)
    trainings = Trainings(Path(folder), _settings(images, designs, each))
    trainings.open()
    remove_leftovers(trainings.folder)
    jobs = [TrainingJob(design.family, design.budget, s) for s in range(seed, seed + seeds) for design in designs]
    with claim(trainings.folder / "spaces.json") as ours:
        if not ours:
            raise InvalidArgument(f"{folder}: another process is working in this folder")
        trainer = NetworkTrainer(trainings, images, scale, each)
        missing = [job for job in jobs if trainings.read(job) is None]
        run_trainings(trainer, missing, total=len(jobs), steps=each, processes=count, progress=progress)
        results = _results(trainings, jobs, designs, images, each, count, sizes)
        results.save(trainings.folder)
    return results


def steps_of(minutes: float, designs: Sequence[Design], seeds: int) -> int:
    """The steps of each training, so that all of them take about so many minutes on two cores.

    Raises:
        InvalidArgument: there is no time for them.
    """
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not math.isfinite(minutes) or minutes <= 0:
        raise InvalidArgument(f"minutes={minutes!r}: a positive number is needed")
    scale = designs[0].scale
    pixels = BATCH * (PATCH * scale) ** 2
    work = 3 * seeds * pixels * sum(design.macs for design in designs)
    steps = int(minutes * MACS_PER_MINUTE / work)
    if steps < LEAST_STEPS:
        least = math.ceil(100 * LEAST_STEPS * work / MACS_PER_MINUTE) / 100
        raise InvalidArgument(f"minutes={minutes:g}: {seeds} seeds at ×{scale} need at least {least:g} minutes")
    return steps


def _settings(images: Images, designs: Sequence[Design], steps: int) -> dict[str, Any]:
    from subpixel.compare.spaces.training import RATE

    return {
        "scale": designs[0].scale,
        "data": images.about,
        "images": images.digest,
        "steps": steps,
        "batch": BATCH,
        "patch": PATCH,
        "rate": RATE,
        "networks": {f"{one.budget} {one.family}": list(one.widths) for one in designs},
        "protocol": _PROTOCOL,
    }


def _results(
    trainings: Trainings,
    jobs: Sequence[TrainingJob],
    designs: Sequence[Design],
    images: Images,
    steps: int,
    threads: int,
    sizes: tuple[tuple[int, int], ...],
) -> SpaceResults:
    from subpixel.compare.spaces.training import scores_of

    scale = designs[0].scale
    seeds = list(dict.fromkeys(job.seed for job in jobs))
    records = {job: _record(trainings, job) for job in jobs}
    pairs = images.pairs(scale)
    plain = np.array(scores_of(bicubic(scale), {}, pairs))
    scores = {
        _key(one): np.array([records[TrainingJob(one.family, one.budget, s)].scores for s in seeds]) for one in designs
    }
    figures = bootstrap_means(scores)
    gains = bootstrap_means({name: values - plain for name, values in scores.items()})
    models = {one: trainings.model(TrainingJob(one.family, one.budget, seeds[0])) for one in designs}
    times = measure_networks(models, threads=threads, sizes=sizes)
    networks = []
    for one in designs:
        own = [records[TrainingJob(one.family, one.budget, s)] for s in seeds]
        networks.append(
            NetworkResult(
                family=one.family,
                budget=one.budget,
                widths=one.widths,
                kernels=one.kernels,
                macs=one.macs,
                parameters=one.parameters,
                activations=one.activations,
                psnr=figures.estimate(_key(one)),
                gain=gains.estimate(_key(one)),
                by_seed=tuple(float(values.mean()) for values in scores[_key(one)]),
                milliseconds={f"{h}x{w}": times[one][h, w].median for h, w in sizes},
                training_seconds=sum(record.seconds for record in own) / len(own),
                curves={s: record.curve for s, record in zip(seeds, own, strict=True)},
            )
        )
    pairings = _pairings(figures, designs)
    *_, largest = (model for one, model in models.items() if one.family == "lr")
    plane = (luma_255(pairs[0][0]) / 255).astype(np.float32)
    return SpaceResults(
        scale=scale,
        images=images.about,
        seeds=tuple(seeds),
        steps=steps,
        bicubic=float(plain.mean()),
        networks=tuple(networks),
        pairings=pairings,
        layer_times=measure_layers(threads=threads, sizes=sizes),
        conversion=measure_conversion(largest, plane, threads=threads),
        protocol=_protocol(scale),
        pictures=_pictures(trainings.folder, networks, pairings, float(plain.mean()), scale),
        minutes=sum(record.seconds for record in records.values()) / 60 / threads,
        threads=threads,
    )


def _key(design: Design) -> str:
    return f"{design.budget} {design.family}"


def _record(trainings: Trainings, job: TrainingJob) -> Record:
    record = trainings.read(job)
    if record is None:
        raise SubpixelError(f"{trainings.path(job)}: was removed while the comparison ran")
    return record


def _pairings(figures: Bootstrap, designs: Sequence[Design]) -> tuple[Pairing, ...]:
    """The LR network of a budget beside each of the others, by family."""
    found = []
    for design in sorted(designs, key=lambda one: list(FAMILIES).index(one.family)):
        equal = FAMILIES[design.family].equal
        if equal:
            one = figures.difference(f"{design.budget} lr", _key(design))
            found.append(Pairing(design.budget, equal, replace(one, first="lr", second=design.family)))
    return tuple(found)


def _pictures(
    folder: Path, networks: Sequence[NetworkResult], pairings: Sequence[Pairing], plain: float, scale: int
) -> dict[str, Path]:
    paths = {name: folder / f"spaces-{name}.png" for name in ("costs", "differences", "learning")}
    draw_costs(networks, plain, scale, paths["costs"])
    draw_differences(pairings, scale, paths["differences"])
    draw_learning(networks, scale, paths["learning"])
    return paths


def _protocol(scale: int) -> dict[str, str]:
    from subpixel.compare.spaces.training import RATE

    return {
        "networks": "four convolutions with ReLU; the result is added to the bicubic enlargement in every network; "
        "the last convolution has no bias",
        "training": f"the same patches in the same order for all networks: {BATCH} of {PATCH}×{PATCH} small pixels a "
        f"step; L1 loss of luma; Muon, peak rate {RATE:g}, one cosine; the mean of the last weights counts",
        "psnr": f"Y of BT.601, studio range 16-235, f64, results rounded to 8 bits, {scale} pixels cropped at each "
        "side, peak 255, mean over images, then seeds",
        "small images": "MATLAB imresize bicubic, antialiased, u8, edge repeated",
        "intervals": f"95 %, {DRAWS} bootstrap draws of seeds and of images, the same for all networks; not corrected "
        "for the number of pairs",
        "equal": "within 2 %",
        "multiply-adds": "of the convolutions, for each pixel of the result; the bicubic enlargement, which all "
        "networks have, is not counted",
        "activations": "numbers that the convolutions give for each pixel of the result",
        "time": "median of one plane of luma in memory, f32; networks take turns; threads as trainings at one time",
        "conversion": "the engine computes a transposed convolution as a sub-pixel convolution, so its two times are "
        "of the same work; torch and the reference compute both forms as they are",
    }
