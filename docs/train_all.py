"""Trains the shipped networks, each from scratch or from another of the list, and takes those that are good enough.

python docs/train_all.py --data PICTURES --out FOLDER                    # all, one after the other
python docs/train_all.py --data PICTURES --out FOLDER --at-once 4        # side by side, as on a GPU
python docs/train_all.py --data PICTURES --out FOLDER --only high_x2 --length 0.1 --dry-run

Run it again to go on after an interruption: finished networks stay, and others continue from their checkpoints. With
--take, a network replaces the shipped one if it is better on the held-out pictures, and on nothing else. With
--test-sets, its figures there are recorded afterwards. docs/make_models.py then writes the cards.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from subpixel import Upscaler
from subpixel.backends import BACKENDS
from subpixel.backends.flat import has_flat_cells
from subpixel.metrics import psnr
from subpixel.metrics.protocol import codes_255
from subpixel.metrics.video_calibration import run_sequence
from subpixel.models import Model, load, save
from subpixel.models.zoo import ZOO

HELD_OUT = Path(__file__).parent / "training" / "held_out.txt"
DATA_NAME = "photographs and drawings under free licences, see ATTRIBUTION.md; held out by source"
LICENCE = (
    "Apache-2.0; free to use, commercially too: trained on pictures whose licences allow commercial use, "
    "listed in ATTRIBUTION.md"
)


@dataclass(frozen=True)
class Network:
    """A network of the list.

    Args:
        name: of the shipped model that it becomes.
        scale: the factor.
        steps: of the training in f32.
        options: of ``subpixel train``, for both trainings.
        start: the network of the list whose weights it begins with, such as ``fast_x2``; empty for random weights.
        teacher: the network of the list that it also learns from.
        arch: the architecture, if it has another name.
        rounded: steps of a second, short training that rounds like int8; 0 for none.
    """

    name: str
    scale: int
    steps: int
    options: str
    start: str = ""
    teacher: str = ""
    arch: str = ""
    rounded: int = 0

    @property
    def key(self) -> str:
        return f"{self.name}_x{self.scale}"


FAST, BALANCED = "--expand 4 --lr 0.01 --batch 64 --fft 0.05", "--expand 2 --lr 0.01 --batch 32 --fft 0.05"
HIGH = "--expand 2 --lr 0.005 --batch 64 --patch 64 --fft 0.05"
COMPRESSED = "--degradation compressed --variants 4 --lr 0.005 --fft 0.05"
CLIPS = "--degradation compressed --clip 10 --still 0.35 --expand 2 --lr 0.003 --batch 8 --patch 40 --fft 0.05"
CLEAN_CLIPS = "--clip 5 --warped 0.1 --expand 2 --lr 0.003 --batch 16 --patch 32 --fft 0.05"
SMALL = {"fast": "--expand 4 --batch 32 --patch 48", "balanced": "--expand 2 --batch 16 --patch 56"}

# In the order of their use: what most people run comes first. Lengths suit a GPU; --length shortens all of them.
NETWORKS = (
    Network("fast", 2, 60_000, f"{FAST} --patch 64", rounded=3_000),
    Network("fast", 3, 30_000, f"{FAST} --patch 52", start="fast_x2", rounded=3_000),
    Network("fast", 4, 30_000, f"{FAST} --patch 48", start="fast_x2", rounded=3_000),
    Network("balanced", 2, 80_000, f"{BALANCED} --patch 64", rounded=3_000),
    Network("balanced", 3, 40_000, f"{BALANCED} --patch 60", start="balanced_x2", rounded=3_000),
    Network("balanced", 4, 40_000, f"{BALANCED} --patch 56", start="balanced_x2", rounded=3_000),
    Network("high", 2, 300_000, HIGH, rounded=5_000),
    Network("high", 3, 150_000, HIGH, start="high_x2", rounded=5_000),
    Network("high", 4, 150_000, HIGH, start="high_x2", rounded=5_000),
    *(
        Network(f"{name}-compressed", scale, 20_000, f"{COMPRESSED} {size}", start=f"{name}_x{scale}", arch=name)
        for name, size in SMALL.items()
        for scale in (2, 3, 4)
    ),
    Network("espcn", 2, 60_000, "--expand 4 --lr 0.008 --batch 32 --patch 48"),
    Network("espcn", 3, 30_000, "--expand 4 --lr 0.008 --batch 32 --patch 48", start="espcn_x2"),
    Network("espcn", 4, 30_000, "--expand 4 --lr 0.008 --batch 32 --patch 40", start="espcn_x2"),
    Network("fast", 8, 15_000, f"{FAST} --patch 28", start="fast_x4"),
    Network("espcn", 8, 10_000, "--expand 4 --lr 0.005 --batch 32 --patch 32", start="espcn_x4"),
    *(Network("fsrcnn", scale, 40_000, "--lr 0.005 --batch 32 --patch 40") for scale in (2, 3, 4)),
    *(Network("srcnn-915", scale, 40_000, "--lr 0.005 --batch 32 --patch 40") for scale in (2, 3, 4)),
    *(Network("recurrent", scale, 20_000, CLIPS, start=f"balanced-compressed_x{scale}") for scale in (2, 3, 4)),
    *(Network("vespcn", scale, 20_000, CLEAN_CLIPS, start=f"balanced_x{scale}") for scale in (3, 4)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    own = parsed(arguments)
    networks = chosen(own.only)
    own.out.mkdir(parents=True, exist_ok=True)
    jobs = [job for network in networks for job in jobs_of(network, own)]
    if own.dry_run:
        for job in jobs:
            print(shlex.join(["subpixel", *job.arguments]))
        return
    failed = work_off(jobs, own.at_once)
    for network in networks:
        trained = own.out / f"{network.key}.safetensors"
        if trained.exists():
            finish(network, trained, own)
    if failed:
        raise SystemExit(f"train_all: {', '.join(failed)} failed; see the .log files in {own.out}")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the pictures")
    parser.add_argument("--out", type=Path, required=True, help="the folder of results, checkpoints and logs")
    parser.add_argument("--only", help="networks such as fast_x2,fast_x3; default: all")
    parser.add_argument("--at-once", type=int, default=1, help="how many are trained side by side")
    parser.add_argument("--length", type=float, default=1.0, help="a factor for the steps of all")
    parser.add_argument("--options", default="", help="more options for all, as for subpixel train")
    parser.add_argument("--threads", type=int, default=1, help="threads of each training")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda …")
    parser.add_argument("--take", action="store_true", help="replace a shipped file if the new one is good enough")
    parser.add_argument("--allow", type=float, default=0.0, help="dB that a new one may be worse, for better terms")
    parser.add_argument("--test-sets", type=Path, help="a folder of test sets whose figures are recorded at the end")
    parser.add_argument("--dry-run", action="store_true", help="print the commands only")
    return parser.parse_args(arguments)


def chosen(only: str | None) -> list[Network]:
    """The networks of the list that are asked for."""
    keys = {network.key for network in NETWORKS}
    wanted = set(only.split(",")) if only else keys
    if not wanted <= keys:
        raise SystemExit(f"--only {','.join(sorted(wanted - keys))}: one of {', '.join(sorted(keys))} is needed")
    return [network for network in NETWORKS if network.key in wanted]


@dataclass(frozen=True)
class Job:
    """A call of ``subpixel``: the file that it makes, those that it needs, and the arguments."""

    made: Path
    needed: tuple[Path, ...]
    arguments: tuple[str, ...]


def jobs_of(network: Network, own: argparse.Namespace) -> Iterator[Job]:
    """The training in f32 and, if there is one, the one that rounds, which makes the final file."""
    final = own.out / f"{network.key}.safetensors"
    plain = f32_of(network, own.out)
    common = ["train", "--arch", network.arch or network.name, "-s", str(network.scale), "--data", str(own.data)]
    common += ["--held-out", str(HELD_OUT), "--data-name", DATA_NAME, "--licence", LICENCE, "--seed", "1"]
    common += ["-j", str(own.threads), "--device", own.device, "--resume"]
    options = {**pairs_of(network.options), **pairs_of(own.options)}
    by_key = {one.key: one for one in NETWORKS}
    others = {"--start": network.start, "--teacher": network.teacher}
    needed = {option: f32_of(by_key[key], own.out) for option, key in others.items() if key}
    first = {**options, **needed, "--steps": steps(network.steps, own.length), "--out": plain}
    yield Job(plain, tuple(needed.values()), (*common, *words_of(first)))
    if network.rounded:
        # Rounding costs a third less where channels have equal ranges, which quantise sees to.
        equal = own.out / f"{network.key}-equal.safetensors"
        held_out = ("--held-out", str(HELD_OUT))
        yield Job(equal, (plain,), ("quantise", str(plain), "--data", str(own.data), *held_out, "--out", str(equal)))
        options = {**options, "--lr": "0.001", "--start": equal}  # a trained network needs small steps
        last = {**options, "--steps": steps(network.rounded, own.length), "--out": final}
        yield Job(final, (equal,), (*common, "--rounded", *words_of(last)))


def pairs_of(options: str) -> dict[str, str]:
    """Options with their values.

    >>> pairs_of("--lr 0.01 --batch 64")
    {'--lr': '0.01', '--batch': '64'}
    """
    words = shlex.split(options)
    return dict(zip(words[::2], words[1::2], strict=True))


def words_of(options: Mapping[str, object]) -> list[str]:
    return [str(word) for pair in options.items() for word in pair]


def f32_of(network: Network, folder: Path) -> Path:
    """The file of the training in f32, which others begin with."""
    return folder / f"{network.key}{'-f32' if network.rounded else ''}.safetensors"


def steps(count: int, length: float) -> str:
    return str(max(1, round(count * length)))


def work_off(jobs: Sequence[Job], at_once: int, pause: float = 1.0) -> list[str]:
    """Run jobs, in their order as far as what they need is there. Returns the names of those that failed."""
    waiting = [job for job in jobs if not job.made.exists()]
    running: dict[subprocess.Popen[bytes], Job] = {}
    failed: list[Job] = []
    try:
        while waiting or running:
            for process, job in list(running.items()):
                if process.poll() is not None:
                    del running[process]
                    if process.returncode:
                        failed.append(job)
                    print(f"{job.made.name}: {'failed' if process.returncode else 'done'}", flush=True)
            ready = [job for job in waiting if all(path.exists() for path in job.needed)]
            if not running and not ready:
                return [job.made.name for job in (*failed, *waiting)]
            for job in ready[: at_once - len(running)]:
                waiting.remove(job)
                running[started(job)] = job
                print(f"{job.made.name}: started", flush=True)
            time.sleep(pause)
    finally:
        for process in running:
            process.terminate()
    return [job.made.name for job in failed]


def started(job: Job) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with open(job.made.with_suffix(".log"), "ab") as log:
        command = [sys.executable, "-m", "subpixel", *job.arguments]
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


def finish(network: Network, trained: Path, own: argparse.Namespace) -> None:
    """Add int8 parameters and the threshold of flat parts, if the shipped network has them; compare both on held-out
    pictures, and take what is good enough."""
    model = load(trained)
    if model.name != network.name:
        model = replace(model, name=network.name)
        save(model, trained)
    shipped = ZOO[network.name].path(network.scale)
    like = load(shipped)
    if like.quantisation is not None:
        quantise_if_better(trained, own.data)
    model = load(trained)
    if like.flat is None and model.flat is not None:  # quantising adds them
        save(replace(model, flat=None), trained)
    elif like.flat is not None and model.flat is None and has_flat_cells(model.spec):
        run_subpixel("quantise", trained, "--data", own.data, "--flat")
    new, old = (held_out_scores(path, own.data) for path in (trained, shipped))
    better = gain(new["f32"], old["f32"])
    good = better > -own.allow
    words = ", ".join(f"{p} {s.mean():.3f} dB (shipped: {old[p].mean():.3f})" for p, s in new.items())
    print(f"{network.key}: {words} on the held-out pictures, a gain of {better:.3f} dB by pictures; ", end="")
    print(f"{'' if good else 'not '}good enough", flush=True)
    if not (own.take and good):
        return
    if own.test_sets is not None and model.spec.plain:
        for precision in new:
            for more in ([], ["--degrade", "jpeg:75"]):
                measured = ["--precision", precision, "--data", own.test_sets, *more]
                run_subpixel("evaluate", "--record", "-n", trained, "-s", network.scale, *measured)
    scratch = shipped.with_name(f".{shipped.name}.new")
    shutil.copyfile(trained, scratch)
    os.replace(scratch, shipped)
    print(f"{network.key}: taken", flush=True)


def quantise_if_better(trained: Path, data: Path) -> None:
    """Find int8 parameters for what was trained; those that a training that rounds made stay if they are better."""
    quantised = trained.with_name(f"{trained.stem}-int8.safetensors")
    run_subpixel("quantise", trained, "--data", data, "--held-out", HELD_OUT, "--out", quantised)
    before, after = (held_out_scores(path, data).get("int8") for path in (trained, quantised))
    if before is None or (after is not None and gain(after, before) > 0):
        os.replace(quantised, trained)
    else:
        quantised.unlink()


def run_subpixel(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "subpixel", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def gain(new: np.ndarray, old: np.ndarray, most: float = 0.5) -> float:
    """The mean gain in dB over pictures, each of which counts at most ``most``.

    A few drawings of flat colours may gain 7 dB while photographs lose 0.2: the plain mean would not show it.

    >>> gain(np.array([48.0, 33.0, 32.0]), np.array([41.0, 33.2, 32.3]))
    0.0
    """
    return round(float(np.clip(new - old, -most, most).mean()), 9)


def held_out_scores(path: Path, data: Path, names: Path = HELD_OUT) -> dict[str, np.ndarray]:
    """PSNR of luma of a model on each held-out picture, under the protocol of ``evaluate``, by precision."""
    from subpixel.train.data import find_images, load_pairs
    from subpixel.train.degradation import DEGRADATIONS, Variants

    model: Model = load(path)
    _, sources = find_images(data, held_out=names)
    if not model.spec.plain:
        return clip_scores(model, sources)
    kind = "compressed" if model.name.endswith("-compressed") else "clean"
    pairs = load_pairs(sources, model.spec.scale, (1.0,), 1, "luma", Variants(DEGRADATIONS[kind], 1, 0))
    result = {}
    for precision in ("f32", *(["int8"] if model.quantisation else [])):
        upscale: Callable[[np.ndarray], np.ndarray] = Upscaler(
            model.spec.scale, model=str(path), precision=precision
        ).plane
        found = []
        for pair in pairs:
            found.append(score(upscale(pair.small[0].numpy()), pair.large[0].numpy(), model.spec.scale))
        result[precision] = np.array(found)
    return result


def score(plane: np.ndarray, truth: np.ndarray, scale: int) -> float:
    """PSNR of a plane of 0 … 1, rounded to 8 bits, without a border of ``scale``."""
    return psnr(codes_255(plane), truth.astype(np.float64) * 255, data_range=255, crop=scale)


def clip_scores(model: Model, sources: Sequence[Any]) -> dict[str, np.ndarray]:
    """The same on each held-out clip, the mean of its frames, with the memory that earlier frames left."""
    from subpixel.train import Settings
    from subpixel.train.motion import clips_to_measure

    scale = model.spec.scale
    # Like the clips that the network learned from.
    kind, still = ("compressed", 0.35) if model.name == "recurrent" else ("clean", 0.15)
    settings = Settings(model.name, scale, steps=1, clip=10, degradation=kind, still=still)
    clips = clips_to_measure(sources, model.spec, settings)
    result = {}
    for precision in ("f32", *(["int8"] if model.quantisation else [])):
        session = BACKENDS["native"].prepare_video(model.spec, model.weights, precision, 1, model.quantisation)
        found = []
        for clip in clips:
            planes = run_sequence(session, model.spec, list(clip.small.numpy()))[clip.past :]
            pairs = zip(planes, clip.large[:, 0].numpy(), strict=True)
            found.append(np.mean([score(plane[0], truth, scale) for plane, truth in pairs]))
        result[precision] = np.array(found)
    return result


if __name__ == "__main__":
    main()
