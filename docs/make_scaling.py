"""Measures what each part of ``subpixel cluster video`` costs, and simulates it on many machines.

    python docs/make_scaling.py VIDEO --measure costs.json     # on this machine, a few minutes; needs Ray
    python docs/make_scaling.py --costs costs.json             # the tables of docs/scaling.md

The simulation is the scheduler's rule, part by part: a worker that is ready takes the next part; the driver adds
finished parts to its journal one after another, and at the end it muxes and verifies. Links of the driver are shared.
"""

from __future__ import annotations

import argparse
import heapq
import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path


@dataclass(frozen=True)
class Costs:
    """Seconds and bytes of a video and its parts, on one core where nothing else is said.

    Args:
        start: until Ray runs.
        worker: until a worker is ready: its process, its imports, its networks.
        plan: before the workers start, for each second of video: packets are read twice.
        frame: to decode, upscale and encode a frame.
        lead: for each part: the frames that are decoded before its own.
        keep: for each part: its folder appears in the journal's, and its segments are added.
        mux: to write and verify the file, for each second of video.
        source: bytes of a second of the source.
        result: bytes of a second of the result's image.
        rate: frames a second.
    """

    start: float
    worker: float
    plan: float
    frame: float
    lead: float
    keep: float
    mux: float
    source: float
    result: float
    rate: float


def simulate(
    costs: Costs, seconds: float, workers: int, *, segment: int = 240, parts: int = 8, most: int = 4, link: float = 0.0
) -> dict[str, float]:
    """What a video costs.

    Args:
        costs: of its parts.
        seconds: the length of the video.
        workers: how many, of one core each.
        segment: frames of a segment.
        parts: for each worker, if there are enough segments.
        most: segments of a part at most.
        link: bytes a second that the driver sends or receives; 0 for shared folders.

    Returns:
        The seconds of each part of the run, and ``all``.
    """
    frames = round(seconds * costs.rate)
    segments = -(-frames // segment)
    group = max(1, min(most, segments // max(1, workers * parts)))
    sizes = [min(group * segment, frames - begin) for begin in range(0, frames, group * segment)]
    plan = costs.plan * seconds
    ready = costs.start + plan + costs.worker
    arrive = [ready + (costs.source * seconds * (number + 1) / link if link else 0) for number in range(workers)]
    heapq.heapify(arrive)
    done: list[float] = []
    for size in sizes:
        begin = heapq.heappop(arrive)
        end = begin + costs.lead + size * costs.frame
        done.append(end)
        heapq.heappush(arrive, end)
    driver = 0.0
    for size, end in sorted(zip(sizes, done, strict=True), key=lambda each: each[1]):
        received = size / costs.rate * costs.result / link if link else 0.0
        driver = max(driver, end) + received + costs.keep
    mux = costs.mux * seconds
    busy = sum(size * costs.frame + costs.lead for size in sizes)
    return {"start": ready, "parts": driver - ready, "mux": mux, "all": driver + mux, "core hours": busy / 3600}


def table(costs: Costs, seconds: float, link: float) -> str:
    """The table of 1 to 1,000 machines of two cores."""
    one = simulate(costs, seconds, 1)["all"]
    lines = ["| machines | workers | start | parts | mux | all | faster | efficiency |", "| ---: " * 8 + "|"]
    for machines in (1, 10, 100, 1000):
        got = simulate(costs, seconds, machines * 2, link=link)
        cells = [f"{machines:,}", f"{machines * 2:,}"]
        cells += [f"{got[name]:,.0f} s" for name in ("start", "parts", "mux", "all")]
        cells += [f"{one / got['all']:,.1f}×", f"{one / got['all'] / (machines * 2):.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def measure(video: Path) -> Costs:
    """Run a video's parts one after another on this machine, in one thread, and time them."""
    from contextlib import ExitStack

    from subpixel.cluster.frame_times import frame_times
    from subpixel.cluster.pool import Cluster, RayPool
    from subpixel.cluster.rules import job_rules
    from subpixel.cluster.video_job import ClusterJob
    from subpixel.cluster.video_segments import ClusterSegments
    from subpixel.cluster.video_work import PartTask, VideoWork
    from subpixel.upscaler import Upscaler
    from subpixel.video.part_encoder import Part
    from subpixel.video.segments import Journal

    make = partial(Upscaler, 2)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        job = ClusterJob(video.absolute(), make(threads=1), folder / "out.mp4", make_upscaler=make)
        clock = time.perf_counter()
        plan = job.plan()
        times = frame_times(plan.video, plan.selection.span)
        planned = time.perf_counter() - clock
        rate, length = float(plan.video.stream.rate or 25), float(plan.video.duration or 1)
        token = folder / "token"
        token.write_text("here")
        clock = time.perf_counter()
        pool = stack.enter_context(RayPool(Cluster(workers=1), job_rules({"int8"}, token), print))
        started = time.perf_counter() - clock
        journal = Journal(folder / "journal", {})
        journal.parts.mkdir()
        arguments = (make, 1, {}, job.source, None, ".mp4", plan.video.timeline, job.fingerprint(plan), journal.parts)
        clock = time.perf_counter()
        pool.open(VideoWork, arguments)
        while not pool.wait(1.0):
            pass
        ready = time.perf_counter() - clock
        work = VideoWork(*arguments)
        segments = ClusterSegments(plan, journal, 0.0, lambda: (pool, 1))
        compute, keep, decode, count, number = 0.0, 0.0, 0.0, 0, 0
        for begin in range(0, len(times), 240):
            before = times[begin - 1] if begin else None
            clock = time.perf_counter()
            made = work(PartTask(number, Part(240, before, before)))
            compute += time.perf_counter() - clock
            clock = time.perf_counter()
            made = segments._keep(made)  # type: ignore[arg-type]
            segments._adopt(made)
            keep += time.perf_counter() - clock
            decode += made.seconds["decode"]
            count, number = count + sum(len(each.times) for each in made.segments), number + 1
        clock = time.perf_counter()
        result = sum(segment.size for segment in journal.segments)
        with ExitStack() as files:
            job._write(plan, journal, files, lambda: None)
        muxed = time.perf_counter() - clock
        # A part is decoded from a key frame before it: about half of the distance of key frames.
        lead = decode / count * 60
    return Costs(
        round(started, 2),
        round(ready, 2),
        round(planned / length, 5),
        round(compute / count, 5),
        round(lead, 3),
        round(keep / number, 4),
        round(muxed / length, 5),
        round(video.stat().st_size / length),
        round(result / length),
        rate,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path, help="the video to measure")
    parser.add_argument("--measure", type=Path, metavar="FILE", help="write what was measured to this file")
    parser.add_argument("--costs", type=Path, metavar="FILE", help="simulate by this file")
    parser.add_argument("--seconds", type=float, default=7200.0, help="length of the video to simulate")
    parser.add_argument("--link", type=float, default=0.0, help="MB/s of the driver's link; 0 for shared folders")
    given = parser.parse_args()
    if given.measure is not None:
        given.measure.write_text(json.dumps(asdict(measure(given.video)), indent=1) + "\n", "ascii")
        return
    costs = Costs(**json.loads(given.costs.read_text("ascii")))
    print(table(costs, given.seconds, given.link * 1e6))
    hours = simulate(costs, given.seconds, 1)["core hours"]
    print(f"\n{hours:.1f} core hours for {given.seconds / 3600:g} hours of video")
    heavy = simulate(replace(costs, frame=costs.frame * 10), given.seconds, 2000)
    print(f"with ten times the work for each frame: {heavy['all']:,.0f} s on 1,000 machines")


if __name__ == "__main__":
    main()
