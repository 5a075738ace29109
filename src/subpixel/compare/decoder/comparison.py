"""The whole comparison: settings, trainings, costs, figures, pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import available_threads
from subpixel.compare.decoder.bootstrap import bootstrap
from subpixel.compare.decoder.datasets import TEST, TRAINING, VALIDATION, Scenes, Task
from subpixel.compare.decoder.designs import SIDE, budget_of, design_of
from subpixel.compare.decoder.folder import Record, Trainings
from subpixel.compare.decoder.kinds import BUDGETS, KINDS, names_of
from subpixel.compare.decoder.pictures import check_matplotlib, draw_learning, draw_masks, draw_ranking
from subpixel.compare.decoder.regions import boundary_distance, iou
from subpixel.compare.decoder.results import BudgetResult, DecoderResults, KindResult, mean_or_none
from subpixel.compare.decoder.trainings import DecoderTrainer
from subpixel.compare.intervals import DRAWS, Bootstrap, Difference, groups_of, ranks_of
from subpixel.compare.training_folder import TrainingJob
from subpixel.compare.training_runs import Progress, run_trainings
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.storage.locks import claim, remove_leftovers

__all__ = ["LEAST_STEPS", "STEPS_PER_MINUTE", "compare_decoders", "steps_of"]

# Steps of all trainings together in a minute. Two cores with AVX2, shared with other work, did 3,150 with all that
# belongs to a run; this leaves a reserve, and idle cores need less time. The number of steps follows from it and never
# from a clock, so the same settings give the same numbers on a slow machine too.
STEPS_PER_MINUTE = 2450
LEAST_STEPS = 8  # of a training: one for each point of the curve
_PROTOCOL = 1  # another number if the same settings would give other numbers


def compare_decoders(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    masks: str | Path | None = None,
    minutes: float = 20.0,
    seeds: int = 5,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    kinds: Iterable[str] | None = None,
    budgets: Iterable[str] | None = None,
    steps: int | None = None,
) -> DecoderResults:
    """Train one encoder–decoder with each upsampler, and compare what they find in images that none has seen.

    A run that was stopped goes on where it was: finished trainings are kept in the folder. The same arguments give the
    same numbers, times aside, whatever the number of threads; another processor or version of torch may round
    differently.

    Args:
        folder: where trainings, pictures and ``decoder.json``, ``decoder.csv`` and ``decoder.md`` are written.
        data: a folder of images: the backgrounds of the task made here, or with ``masks`` a task of their own.
        masks: a folder of masks of the same names. Every gray value or colour is a class.
        minutes: about how long all trainings take on two cores, at most; it sets the number of steps.
        seeds: how many times everything is trained; at least 2.
        seed: the first seed; the others follow it.
        threads: how many trainings run at one time, each with one thread; the default is as many as this process may
            use.
        progress: called with how far the trainings are, which as text is a line for a terminal. With several threads,
            it is called from a thread of its own.
        kinds: names of :data:`subpixel.compare.decoder.KINDS`; None for all.
        budgets: ``parameters``, ``multiply-adds``; None for both.
        steps: of each training, in place of ``minutes``.

    Returns:
        The results. They are written to the folder as well.

    Raises:
        InvalidArgument: an argument is out of range, a name is unknown, images or masks do not fit, or the folder holds
            trainings with other settings.
        ImageReadError: an image or a mask cannot be read.
        MissingExtra: torch or matplotlib is not installed.
        SubpixelError: a training failed.
        OSError: the folder cannot be written.
    """
    chosen, limits = names_of("kind", kinds, KINDS), names_of("budget", budgets, BUDGETS)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 2:
        raise InvalidArgument(f"seeds={seeds!r}: an integer of at least 2 is needed, for the intervals")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidArgument(f"seed={seed!r}: an integer of at least 0 is needed")
    count = available_threads() if threads is None else threads
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidArgument(f"threads={threads!r}: an integer of at least 1 is needed")
    each = steps_of(minutes, len(chosen) * len(limits) * seeds) if steps is None else steps
    if isinstance(each, bool) or not isinstance(each, int) or each < LEAST_STEPS:
        raise InvalidArgument(f"steps={steps!r}: an integer of at least {LEAST_STEPS} is needed")
    check_matplotlib()
    import subpixel.compare.decoder.learning  # noqa: F401  so that a lack of torch is told before anything is made

    task = _task(data, masks)
    trainings = Trainings(Path(folder), _settings(task, each))
    trainings.open()
    jobs = [TrainingJob(kind, budget, s) for s in range(seed, seed + seeds) for budget in limits for kind in chosen]
    with claim(trainings.folder / "decoder.json") as ours:
        if not ours:
            raise InvalidArgument(f"{folder}: another process is working in this folder")
        for place in (trainings.folder, trainings.path(jobs[0]).parent):
            remove_leftovers(place)
        trainer = DecoderTrainer(trainings, task, each)
        missing = [job for job in jobs if trainings.read(job) is None]
        run_trainings(trainer, missing, total=len(jobs), steps=each, processes=count, progress=progress)
        results = _results(trainings, jobs, task, each, count)
        results.save(trainings.folder)
    return results


def steps_of(minutes: float, trainings: int) -> int:
    """The steps of each training, so that all of them take about so many minutes on two cores.

    Raises:
        InvalidArgument: there is no time for them.

    >>> steps_of(20, 70)
    700
    """
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not math.isfinite(minutes) or minutes <= 0:
        raise InvalidArgument(f"minutes={minutes!r}: a positive number is needed")
    steps = int(minutes * STEPS_PER_MINUTE / trainings)
    if steps < LEAST_STEPS:
        least = math.ceil(100 * LEAST_STEPS * trainings / STEPS_PER_MINUTE) / 100
        raise InvalidArgument(f"minutes={minutes:g}: {trainings} trainings need at least {least:g} minutes")
    return steps


def _task(data: str | Path | None, masks: str | Path | None) -> Task:
    from subpixel.compare.decoder.own_images import own_images, photograph_scenes

    if masks is not None:
        if data is None:
            raise InvalidArgument("masks are given without images; data= must be the folder of their images")
        return own_images(data, masks)
    return Scenes() if data is None else photograph_scenes(data)


def _settings(task: Task, steps: int) -> dict[str, Any]:
    from subpixel.compare.decoder.learning.training import BATCH, RATE

    return {
        "task": task.about,
        "images": task.digest,
        "classes": list(task.classes),
        "steps": steps,
        "batch": BATCH,
        "rate": RATE,
        "patches": [TRAINING, VALIDATION, TEST],
        "protocol": _PROTOCOL,
    }


def _results(trainings: Trainings, jobs: Sequence[TrainingJob], task: Task, steps: int, threads: int) -> DecoderResults:
    from subpixel.compare.decoder.learning import measure_costs

    records = {job: _record(trainings, job) for job in jobs}
    kinds, limits = list(dict.fromkeys(job.kind for job in jobs)), list(dict.fromkeys(job.budget for job in jobs))
    seeds = list(dict.fromkeys(job.seed for job in jobs))
    designs = {(budget, kind): design_of(kind, budget, len(task.classes)) for budget in limits for kind in kinds}
    costs = dict(zip(designs, measure_costs(list(designs.values())), strict=True))
    budgets = []
    for budget in limits:
        counts = {kind: [records[TrainingJob(kind, budget, s)].counts for s in seeds] for kind in kinds}
        figures = bootstrap(counts)
        ranks = [ranks_of(figure) for figure in figures]
        measured = []
        for kind in sorted(kinds, key=lambda kind: -figures[0].values[kind]):
            design, cost = designs[budget, kind], costs[budget, kind]
            own = [records[TrainingJob(kind, budget, s)] for s in seeds]
            shares = _by_class(counts[kind])
            measured.append(
                KindResult(
                    kind=kind,
                    widths=design.widths,
                    parameters=design.parameters,
                    macs=design.macs,
                    iou=figures[0].estimate(kind),
                    boundary_iou=figures[1].estimate(kind),
                    class_iou=shares[0],
                    class_boundary_iou=shares[1],
                    rank=ranks[0][kind],
                    boundary_rank=ranks[1][kind],
                    milliseconds=cost.milliseconds,
                    peak_bytes=cost.peak_bytes,
                    training_seconds=sum(record.seconds for record in own) / len(own),
                    curves={s: record.curve for s, record in zip(seeds, own, strict=True)},
                )
            )
        budgets.append(
            BudgetResult(
                budget=budget,
                goal=budget_of(budget, len(task.classes)),
                kinds=tuple(measured),
                differences=_differences(figures[0]),
                boundary_differences=_differences(figures[1]),
                groups=tuple(groups_of(figures[0])),
                boundary_groups=tuple(groups_of(figures[1])),
            )
        )
    return DecoderResults(
        task=task.about,
        classes=task.classes,
        seeds=tuple(seeds),
        steps=steps,
        budgets=tuple(budgets),
        protocol=_protocol(),
        pictures=_pictures(trainings.folder, budgets, records, task, seeds[0]),
        minutes=sum(record.spent for record in records.values()) / 60 / threads,
        threads=threads,
    )


def _record(trainings: Trainings, job: TrainingJob) -> Record:
    record = trainings.read(job)
    if record is None:
        raise SubpixelError(f"{trainings.path(job)}: was removed while the comparison ran")
    return record


def _by_class(counts: Sequence[NDArray[np.int64]]) -> list[tuple[float | None, ...]]:
    """IoU and boundary IoU of each class, the mean over the seeds."""
    shares = np.stack([iou(each.sum(0)) for each in counts])
    return [tuple(mean_or_none(column.tolist()) for column in shares[:, :, figure].T) for figure in range(2)]


def _differences(figure: Bootstrap) -> tuple[Difference, ...]:
    kinds = sorted(figure.values, key=lambda kind: -figure.values[kind])
    return tuple(figure.difference(a, b) for place, a in enumerate(kinds) for b in kinds[place + 1 :])


def _pictures(
    folder: Path, budgets: Sequence[BudgetResult], records: dict[TrainingJob, Record], task: Task, seed: int
) -> dict[str, Path]:
    paths = {"ranking": folder / "decoder-ranking.png", "learning": folder / "decoder-learning.png"}
    draw_ranking(budgets, paths["ranking"])
    draw_learning(budgets, paths["learning"])
    test = task.dataset(seed).test
    for budget in budgets:
        name = f"masks-{budget.budget}"
        paths[name] = folder / f"decoder-{name}.png"
        order = [kind for kind in KINDS if any(one.kind == kind for one in budget.kinds)]
        found = {kind: records[TrainingJob(kind, budget.budget, seed)].found for kind in order}
        draw_masks(test, found, task.classes, budget.budget, seed, paths[name])
    return paths


def _protocol() -> dict[str, str]:
    from subpixel.compare.decoder.learning.costs import SIDE_TIMED
    from subpixel.compare.decoder.learning.training import BATCH, RATE

    distance = boundary_distance(SIDE, SIDE)
    return {
        "network": "3×3 convolutions, batch normalisation, ReLU; the grid is halved and doubled twice; no skips",
        "training": f"AdamW, peak rate {RATE:g}, batches of {BATCH} in one order for all kinds; the last weights count",
        "IoU": "pixels added over the test images of a seed, ratio of each class, mean over classes, then seeds",
        "boundary IoU": "Cheng et al. 2021, within 2 % of the diagonal of a contour: "
        f"{distance} pixels of {SIDE}×{SIDE}",
        "intervals": f"95 %, {DRAWS} bootstrap draws of seeds and of images within them, the same for all kinds; "
        "with few seeds they are somewhat short",
        "ranking": "1 + how many kinds are better by a paired difference whose interval of 95 % is above 0; not "
        "corrected for the number of pairs",
        "multiply-adds": f"convolutions and 4 a sample of an interpolation, for {SIDE}×{SIDE} pixels",
        "time": f"median of one image of {SIDE_TIMED}×{SIDE_TIMED}, one thread, the networks taking turns; "
        "batch normalisation is not folded into the convolutions",
        "memory": f"most bytes of tensors alive at one time for {SIDE_TIMED}×{SIDE_TIMED}, without weights and the "
        "convolutions' own scratch memory",
    }
