"""Segments on workers: the bytes of one machine, with every kind of network, whatever becomes of the workers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cli.conftest import Done
from cluster.conftest import Pools
from subpixel.cluster import video_segments
from subpixel.cluster.frame_times import frame_times
from subpixel.cluster.video_job import ClusterJob
from subpixel.cluster.video_work import Made, read_made, write_made
from subpixel.models import Model, save
from subpixel.models.recurrent import recurrent
from subpixel.models.vespcn import vespcn
from subpixel.storage.locks import scratch_path
from subpixel.video import encode_segments
from subpixel.video.decoding import Damage
from subpixel.video.frame import Frame
from subpixel.video.segments import Segment
from subpixel.video.time_range import Span
from subpixel.video.video_file import probe
from video.clips import interlaced, make_clip

Run = Callable[..., Done]
LENGTH = 8


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", LENGTH)
    monkeypatch.setattr(video_segments, "_CUT_FRAMES", 20)
    # 24 frames before a part, so that 13 frames and a cut fit in.
    monkeypatch.setattr(video_segments, "_LEAD_SHARE", 3)


def clip(path: Path, frames: int = 50, **options: Any) -> Path:
    return make_clip(
        path, size=(54, 34), times=range(frames), options={"preset": "medium", "bf": "2", "g": "12"}, **options
    )


def scenes(path: Path) -> Path:
    """60 frames of four scenes, which begin at 0, 14, 31 and 33."""
    rng = np.random.default_rng(3)
    colours = [rng.integers(0, 255, (34, 54, 3), np.uint8) // 4 + level for level in (0, 90, 180, 60)]
    with av.open(path, "w") as out:
        stream: Any = out.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 54, 34, "yuv420p"
        for number in range(60):
            scene = sum(number >= begin for begin in (14, 31, 33))
            image = np.roll(colours[scene], number, 1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Model files of networks that read several frames: with a memory, and without one."""
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(5)
    paths = {}
    for name, spec in (("recurrent", recurrent(2)), ("vespcn", vespcn(3))):
        weights = {k: rng.normal(0, 0.2, s).astype(np.float32) for k, s in spec.weight_shapes.items()}
        paths[name] = str(folder / f"{name}.safetensors")
        save(Model(name, spec, weights, licence="CC0-1.0"), paths[name])
    return paths


def both(run: Run, source: Path, folder: Path, *options: object, cluster: tuple[object, ...] = ()) -> Done:
    """Runs a video on one machine and on a cluster, and compares the files."""
    one = run("video", source, "-o", folder / "one.mp4", "-j", 1, *options)
    many = run("cluster", "video", source, "-o", folder / "many.mp4", *options, *cluster)
    assert (one.code, many.code) == (0, 0), (one.err, many.err)
    assert (folder / "many.mp4").read_bytes() == (folder / "one.mp4").read_bytes()
    assert many.err == one.err
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return many


@pytest.mark.parametrize("ship", [(), ("--ship",)])
@pytest.mark.parametrize("frames", [50, 48, 7])
def test_the_file_is_that_of_one_machine(
    run: Run, tmp_path: Path, pools: Pools, frames: int, ship: tuple[str, ...]
) -> None:
    source = clip(tmp_path / "video.mp4", frames)
    done = both(run, source, tmp_path, "-n", "fast", cluster=("--workers", 2, *ship))
    assert f"{frames} frames" in done.out
    assert pools.opened[0].sent == -(-frames // LENGTH)


@pytest.mark.parametrize("name", ["recurrent", "vespcn"])
@pytest.mark.parametrize("seed", range(3))
def test_networks_that_read_several_frames_give_the_same_bytes(
    run: Run, tmp_path: Path, pools: Pools, moving: dict[str, str], name: str, seed: int
) -> None:
    pools.options["seed"] = seed
    scale = {"recurrent": 2, "vespcn": 3}[name]
    both(run, scenes(tmp_path / "video.mkv"), tmp_path, "-n", moving[name], "-s", scale)
    # Nothing was made twice: the parts followed each other at once.
    assert pools.opened[0].sent <= 3 + -(-60 // LENGTH)


def test_a_memory_begins_where_a_scene_does(
    run: Run, tmp_path: Path, pools: Pools, moving: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames before a part cost time, so a part begins soon after a cut."""
    leads = []
    work = video_segments.PartTask

    def task(number: int, part: Any, *rest: Any) -> Any:
        leads.append((number, part.lead))
        return work(number, part, *rest)

    monkeypatch.setattr(video_segments, "PartTask", task)
    both(run, scenes(tmp_path / "video.mkv"), tmp_path, "-n", moving["recurrent"])
    tick = {place: time for place, time in enumerate(frame_times(probe(tmp_path / "video.mkv"), Span()))}
    begins = {number: next(p for p, time in tick.items() if time == lead) for number, lead in leads if lead is not None}
    # 13 frames before a cut at 14, 31 and 33 decide about it; the others follow the part before, as no cut is near.
    assert begins == {1: 0, 2: 1, 3: 1, 4: 18, 5: 20}


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("ship", [(), ("--ship",)])
def test_lost_workers_cost_time_and_nothing_else(
    run: Run, tmp_path: Path, pools: Pools, how: str, ship: tuple[str, ...]
) -> None:
    pools.options["lost"] = lambda number: how if number in (0, 3, 4) else ""
    both(run, clip(tmp_path / "video.mp4"), tmp_path, "-n", "bicubic", cluster=ship)
    assert pools.opened[0].sent == 7 + 3


def test_a_part_that_ends_every_worker_is_named(run: Run, tmp_path: Path, pools: Pools) -> None:
    pools.options["lost"] = lambda number: "before" if number < 3 else ""
    source = clip(tmp_path / "video.mp4")
    done = run("cluster", "video", source, "-o", tmp_path / "many.mp4", "-n", "bicubic", "--workers", 1)
    assert done.code == 1
    assert f"error: {source}: segment 1: given up, since 3 workers ended while they worked on it" in done.err


class Stopped(Exception):
    pass


@pytest.mark.parametrize("seed", range(4))
def test_a_driver_that_ends_anywhere_goes_on_from_what_is_complete(
    run: Run, tmp_path: Path, pools: Pools, seed: int, moving: dict[str, str]
) -> None:
    """As after kill -9: nothing is tidied up. Parts that were done out of order are used, too."""
    source, out = scenes(tmp_path / "video.mkv"), tmp_path / "out.mp4"
    options = ("-n", moving["recurrent"] if seed % 2 else "bicubic")
    run("video", source, "-o", tmp_path / "one.mp4", "-j", 1, *options)
    left = []
    for stop in (3, 3):

        def lost(number: int, stop: int = stop) -> str:
            if number == stop:
                shutil.copytree(scratch_path(out, "video"), tmp_path / "copy")
                raise Stopped
            return ""

        pools.options.update(lost=lost, seed=seed)
        with pytest.raises(Stopped):
            run("cluster", "video", source, "-o", out, *options)
        shutil.rmtree(scratch_path(out, "video"), ignore_errors=True)
        (tmp_path / "copy").rename(scratch_path(out, "video"))
        left.append(pools.opened[-1].sent)
    pools.options.pop("lost")
    done = run("cluster", "video", source, "-o", out, *options)
    assert done.code == 0, done.err
    assert out.read_bytes() == (tmp_path / "one.mp4").read_bytes()
    assert sum(left) + pools.opened[-1].sent <= 8 + 3 + 2 * 2  # the parts, the cuts, and what ran at each stop
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_one_machine_goes_on_from_a_cluster_and_a_cluster_from_one_machine(
    run: Run, tmp_path: Path, pools: Pools, moving: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = scenes(tmp_path / "video.mkv"), tmp_path / "out.mp4"
    options = ("-n", moving["recurrent"])
    run("video", source, "-o", tmp_path / "one.mp4", "-j", 1, *options)

    pools.options["lost"] = lambda number: _raise(Stopped) if number == 5 else ""
    with pytest.raises(Stopped):
        run("cluster", "video", source, "-o", out, *options, "--workers", 1)
    done = run("video", source, "-o", out, "-j", 1, *options)
    assert done.code == 0
    assert "from an earlier run" in done.out
    assert out.read_bytes() == (tmp_path / "one.mp4").read_bytes()
    out.unlink()
    complete, count = encode_segments.SegmentEncoder._complete, list[Frame]()

    def until_half(self: Any, frame: Frame) -> Frame:
        count.append(frame)
        return complete(self, frame) if len(count) < 30 else _raise(Stopped)

    with monkeypatch.context() as patch:
        patch.setattr(encode_segments.SegmentEncoder, "_complete", until_half)
        with pytest.raises(Stopped):
            run("video", source, "-o", out, "-j", 1, *options)
    pools.options.pop("lost")
    done = run("cluster", "video", source, "-o", out, *options)
    assert "from an earlier run" in done.out
    assert out.read_bytes() == (tmp_path / "one.mp4").read_bytes()


def _raise(error: type[Exception]) -> Any:
    raise error


def test_if_seeking_gives_other_frames_parts_are_made_after_each_other(
    run: Run, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip(tmp_path / "video.mp4")
    run("video", source, "-o", tmp_path / "one.mp4", "-j", 1, "-n", "bicubic")
    read_frames = encode_segments.read_frames

    def with_wrong_seek(*args: Any, start: int | None, **more: Any) -> Iterator[Frame]:
        frames = read_frames(*args, start=start, **more)
        if start is not None:  # the right times, with the images of later frames
            frames = (replace(one, source=other.source) for one, other in pairwise(frames))
        yield from frames

    monkeypatch.setattr(encode_segments, "read_frames", with_wrong_seek)
    done = run("cluster", "video", source, "-o", tmp_path / "many.mp4", "-n", "bicubic")
    assert done.code == 0, done.err
    assert (tmp_path / "many.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()


@pytest.mark.parametrize("wrong", ["missing", "shifted", "extra", "few"])
def test_if_frames_are_not_where_packets_say_the_file_is_still_the_same(
    run: Run, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    def times(video: Any, span: Any) -> list[int]:
        found = frame_times(video, span)
        return {
            "missing": [],
            "shifted": found[:12] + found[13:],
            "extra": sorted([*found, found[20] + 1]),
            "few": found[:20],
        }[wrong]

    monkeypatch.setattr(video_segments, "frame_times", times)
    both(run, clip(tmp_path / "video.mp4"), tmp_path, "-n", "bicubic")


def test_a_part_of_a_video_and_side_by_side(run: Run, tmp_path: Path, pools: Pools) -> None:
    source = clip(tmp_path / "video.mp4")
    both(run, source, tmp_path, "-n", "bicubic", "--start", "0.4", "--end", "1.7", "--side-by-side")


def test_interlaced_frames_are_the_error_of_one_machine(run: Run, tmp_path: Path, pools: Pools) -> None:
    source = interlaced(tmp_path / "video.mp4")
    one, many = (
        run(*command, source, "-o", tmp_path / "out.mp4", "-n", "bicubic")
        for command in (["video"], ["cluster", "video"])
    )
    assert (many.code, many.err) == (one.code, one.err)
    both(run, source, tmp_path, "-n", "bicubic", "--deinterlace")


def test_damage_is_noted_once(run: Run, tmp_path: Path, pools: Pools) -> None:
    source = clip(tmp_path / "video.mkv")
    data = bytearray(source.read_bytes())
    for place in range(len(data) // 3, len(data) * 2 // 3, 997):
        data[place] ^= 0xFF
    (tmp_path / "damaged.mkv").write_bytes(data)
    one = run("video", tmp_path / "damaged.mkv", "-o", tmp_path / "one.mp4", "-j", 1, "-n", "bicubic")
    many = run("cluster", "video", tmp_path / "damaged.mkv", "-o", tmp_path / "many.mp4", "-n", "bicubic")
    assert one.code == many.code
    assert ("damaged" in one.err) == ("damaged" in many.err)
    assert (tmp_path / "many.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()


def test_what_would_differ_is_refused(run: Run, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "video.mp4")

    monkeypatch.setattr(ClusterJob, "fingerprint", lambda self, plan: {"source": [1, "other"]})
    done = run("cluster", "video", source, "-o", tmp_path / "many.mp4", "-n", "bicubic")
    assert done.code == 1
    assert "sees another video than the machine that runs the command" in done.err


def test_pipes_and_a_finished_video(run: Run, tmp_path: Path, pools: Pools) -> None:
    assert run("cluster", "video", "-", "-o", tmp_path / "a.mkv").code == 2
    both(run, clip(tmp_path / "video.mp4"), tmp_path, "-n", "bicubic")
    again = run("cluster", "video", tmp_path / "video.mp4", "-o", tmp_path / "many.mp4", "-n", "bicubic")
    assert "done before" in again.out
    assert len(pools.opened) == 1


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    damage = Damage([None, Fraction(1, 3)], [Fraction(2)], [], 4, {((3, 4), "gray"): "a note"}, {"lost": None})
    made = Made(7, 12, "ab", "cd", "", 0, True, (Segment((1, 2), 1, 3, "ef", (), False, 0),), damage, {"decode": 0.5})
    (tmp_path / "000000.packets").write_bytes(b"abc")
    write_made(tmp_path, made)
    assert read_made(tmp_path) == replace(made, folder=tmp_path)
    (tmp_path / "000000.packets").write_bytes(b"ab")
    assert read_made(tmp_path) is None
    (tmp_path / "part.json").write_text(json.dumps({"number": 1}))
    assert read_made(tmp_path) is None
