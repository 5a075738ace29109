"""Suites run through on small images and few rounds: what is measured and named, not how long it took."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subpixel.bench import ceilings, engine, files, flat, images, memory, networks, operators, serve, suites, video
from subpixel.bench.machine import describe, label, limit_threads
from subpixel.bench.operators.case import Case
from subpixel.bench.options import BenchOptions
from subpixel.bench.results import Entry, Group, Results
from subpixel.bench.timing import Timing
from subpixel.errors import BackendUnavailable, InvalidArgument, SubpixelError
from subpixel.image import ImageData, write
from subpixel.image.synthetic import photograph
from subpixel.models import find, save
from subpixel.upscaler import Upscaler

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

OPTIONS = BenchOptions(1, rounds=1, seconds=0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> networks.Network:
    """ESPCN ×3 on 16×12 pixels, wherever a suite asks for it."""
    network = replace(networks.espcn_x3(), size=(12, 16))
    for module in (engine, images):
        monkeypatch.setattr(module, "espcn_x3", lambda: network)
        monkeypatch.setattr(module, "thin_x2", lambda: replace(networks.thin_x2(), size=(11, 15)))
    return network


def names(group: Group) -> list[str]:
    return [entry.name for entry in group.entries]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_network_beside_its_peers(small: networks.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PEERS", [replace(peer, packages=("no_such",)) for peer in engine.PEERS[:1]])
    group = engine.peer_comparison(OPTIONS, small, "peers-0")
    best = native.targets()[-1]
    precisions = ["int8", "bf16", "f32"] if ("bf16", best) in ceilings.variants() else ["int8", "f32"]
    bounds = [f"ceiling {precision}, {best}" for precision in precisions]
    ours = [f"subpixel {precision}" for precision in precisions]
    assert names(group) == [name for pair in zip(ours, bounds, strict=True) for name in pair]
    assert [entry.ceiling for entry in group.entries] == [bound for name in bounds for bound in (name, None)]
    assert group.notes == (f"{engine.PEERS[0].name}: not measured, no_such not installed",)


def test_each_target_is_listed_with_its_own_ceiling(small: networks.Network) -> None:
    before = os.environ.get("SUBPIXEL_TARGET")
    group = engine.target_comparison(OPTIONS, small, "targets-0")
    assert os.environ.get("SUBPIXEL_TARGET") == before
    assert {f"{precision}, {name}" for precision, name in ceilings.variants()} <= set(names(group))
    for entry in group.entries:
        assert entry.ceiling == (None if entry.role == "ceiling" else f"ceiling {entry.name}")


def test_the_ceilings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_WORK", 1e6)
    facts = {fact.name: fact for fact in engine.machine(replace(OPTIONS, threads=2)).facts}
    for threads in ("1 thread", "2 threads"):
        assert facts[f"copy, {threads}"].unit == "GB/s copied"
        for precision, name in ceilings.variants():
            assert facts[f"{precision}, {name}, {threads}"].value > 0
    assert {fact.unit for fact in facts.values()} == {"GB/s copied", "GMAC/s"}


def test_sizes_and_threads_of_linearity(small: networks.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SIZES", {0.1: (8, 9), 100: (9, 10)})
    group = engine.linearity(replace(OPTIONS, threads=2))
    assert names(group) == ["0.1 Mpx, 1 thread", "0.1 Mpx, 2 threads"]
    assert group.entries[0].pixels == 72
    assert names(engine.linearity(replace(OPTIONS, full=True)))[1:] == ["100 Mpx, 1 thread"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_images_end_to_end(small: networks.Network, data_dir: Path) -> None:
    group = images.superres_comparison(OPTIONS)
    assert [name for name in names(group) if not name.startswith("ceiling")] == ["subpixel int8", "subpixel f32"]
    assert "its model files were not given" in group.notes[-1]
    folder = data_dir.parent / "peers" / "opencv-dnn-superres"
    if folder.is_dir():
        group = images.superres_comparison(replace(OPTIONS, superres=folder))
        module = hasattr(pytest.importorskip("cv2", reason="OpenCV is not installed"), "dnn_superres")
        assert ("OpenCV dnn_superres ESPCN" in names(group)) == module
        assert ("no such module" in group.notes[-1]) != module


def test_the_images_suite(small: networks.Network) -> None:
    groups = {group.id: group for group in images.images(OPTIONS)}
    assert list(groups) == ["end-to-end", "kinds", "files"]
    assert {"RGBA u8, int8", "RGB u16, f32", "gray u8, int8"} <= set(names(groups["kinds"]))
    assert names(groups["files"]) == ["Job, int8", "Job, f32", "subpixel upscale"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_files_suite(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setattr(files, "_SIDE", 24)
    monkeypatch.setattr(files, "_FILES", {False: 3, True: 4})
    monkeypatch.setattr(files, "_IMAGES", 2)  # fewer than files
    groups = list(files.files(OPTIONS))
    assert [group.id for group in groups] == ["many-png-png", "many-jpeg-png", "many-jpeg-jpeg"]
    assert groups[1].title == "3 files of 24×24 ×2 by fast, JPEG to PNG"
    for group in groups:
        ours = ["Job, one file at a time", "Batch, several files at a time"]
        assert names(group) == [*ours, "engine alone", "reading and writing alone"]
        assert "its model files were not given" in group.notes[-1]
        facts = {(fact.name, fact.unit): fact.value for fact in group.facts}
        job, _, engine_alone, coding = (entry.time.median for entry in group.entries)
        assert facts[ours[0], "files a second"] == pytest.approx(3000 / job)
        assert facts["engine alone", "files a second"] == pytest.approx(3000 / engine_alone)
        assert facts["share of Job's time outside the engine", "%"] == pytest.approx(100 * (1 - engine_alone / job))
        assert facts["reading and writing alone, relative to the engine", "×"] == coding / engine_alone
        assert facts["written by Job", "kB a file"] > 1
    document = json.loads(json.dumps(Results("files", "subpixel bench", {}, tuple(groups)).document()))
    entry = document["groups"][0]["entries"][0]
    assert (entry["name"], entry["ceiling"]) == ("Job, one file at a time", "engine alone")
    assert entry["of_ceiling"] == pytest.approx(groups[0].entries[2].time.median / groups[0].entries[0].time.median)
    folder = data_dir.parent / "peers" / "opencv-dnn-superres"
    if folder.is_dir():
        group = next(files.files(replace(OPTIONS, superres=folder, full=True)))
        assert group.title.startswith("4 files")
        if "no such module" not in group.notes[-1]:
            (peer,) = (entry for entry in group.entries if entry.name == "OpenCV dnn_superres FSRCNN-small")
            assert (peer.role, group.times_ours(peer)) == ("peer", peer.time.median / group.entries[0].time.median)
            assert "written by OpenCV" in [fact.name for fact in group.facts]


def test_the_video_suite(small: networks.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_FRAMES", 5)
    monkeypatch.setattr(video, "_SIZES", ((48, 32), (64, 48)))
    group, clip, pipe = suites.SUITES["video"](OPTIONS)
    assert group.id == "frames"
    assert names(group)[:2] == ["4:2:0 u8, int8", "network alone, int8"]
    assert [fact.unit for fact in group.facts] == ["frames a second"] * 2
    assert names(clip) == ["Job", "decoder alone", "engine alone", "encoder alone"]
    alone = sum(entry.time.median for entry in clip.entries[1:])
    assert clip.facts[-1].value == pytest.approx(clip.entries[0].time.median / alone)
    assert clip.facts[0].value == pytest.approx(5000 / clip.entries[0].time.median)
    assert names(pipe) == ["PipeOutput, y4m", "decoder alone"]
    assert "960×540" not in pipe.title


def test_the_flat_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgument, match="subpixel quantise FILE --flat"):
        next(flat.flat(replace(OPTIONS, models=tmp_path)))
    save(
        replace(find("fast", 2), flat={"threshold": 9, "loss_db": 0.004, "largest_codes": 2}),
        tmp_path / "m.safetensors",
    )
    folder = tmp_path / "images"
    folder.mkdir()
    still = np.full((80, 90, 3), 100, np.uint8)
    still[:40, :40] = photograph(40, 40)
    for name in ("a.png", "b.png"):
        write(ImageData(still), folder / name)
    (group,) = flat.flat(replace(OPTIONS, models=tmp_path, data=folder))
    assert group.title == "fast ×2, int8, 2 images of images"
    plain, everything = group.entries
    facts = {fact.name: fact.value for fact in group.facts}
    assert facts["everything computed, relative to flat parts plain"] == everything.time.median / plain.time.median
    assert group.notes == ("flat parts are resized plainly, which costs 0.004 dB and 2 codes of 255 at most",)
    first, second = (Upscaler(2, model=str(tmp_path / "m.safetensors"), exact=exact)(still) for exact in (False, True))
    assert facts["largest difference"] == np.abs(first.astype(int) - second).max()
    clip = video._make_clip(tmp_path / "clip.mp4", (64, 48))
    monkeypatch.setattr(flat, "_MOST", 5)
    (group,) = flat.flat(replace(OPTIONS, models=tmp_path, data=clip))
    frames = int(group.title.split(", ")[2].split()[0])
    assert 2 < frames <= 5
    assert group.title.endswith("frames of clip.mp4, 64×48")


def test_a_failing_command_is_an_error() -> None:
    with pytest.raises(SubpixelError, match="no_such"):
        images._run(["python", "-m", "no_such"])


def test_every_operator_case_runs_and_agrees_in_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators.shuffle, "_SIZES", {"small": (24, 24)})
    monkeypatch.setattr(operators.resizing, "_SMALL", (12, 16))
    monkeypatch.setattr(operators.resizing, "_LARGE", (36, 48))
    monkeypatch.setattr(operators.warping, "_HEIGHT", 12)
    monkeypatch.setattr(operators.warping, "_WIDTH", 16)
    monkeypatch.setattr(operators.warping, "_SIZE", (1, 3, 12, 16))
    monkeypatch.setattr(operators.pooling, "_HEIGHT", 8)
    monkeypatch.setattr(operators.pooling, "_WIDTH", 16)
    monkeypatch.setattr(operators.convolution, "_CASES", {"3→3 k4 s2 p1": (3, 3, 4, 2, 1, 6, 8)})
    seen = set()
    for family in operators._FAMILIES:
        for case in family.cases(1):
            seen.add(case.operator)
            sizes = {name: np.asarray(call()).size for name, call in {**case.ours, **case.peers}.items()}
            assert case.ceilings
            assert len(set(sizes.values())) == 1, (case.operator, case.name, sizes)
            for call in case.ceilings.values():
                call()
    assert seen == {"pixel_shuffle", "resize", "grid_sample", "affine_grid", "conv_transpose", "max_unpool"}


def test_only_the_cases_asked_for_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: dict[str, Callable[[], Any]] = {"subpixel": lambda: None}

    class Family:
        @staticmethod
        def cases(threads: int) -> Iterator[Case]:
            for name in ("first", "second"):
                yield Case("op", name, nothing, {"least": lambda: None, "most": lambda: sum(range(100_000))})

    monkeypatch.setattr(operators, "_FAMILIES", (Family,))
    (group,) = operators.operators(replace(OPTIONS, only="op second"))
    assert (group.id, group.title) == ("ops/op", "second")
    assert [(e.name, e.ceiling) for e in group.entries] == [("subpixel", "most"), ("least", None), ("most", None)]


def test_memory_beyond_input_and_result_is_small_for_the_network() -> None:
    amount = memory.extra_memory("plane", (400, 500), 1)
    if amount is None:
        pytest.skip("this system does not report a process's peak memory")
    assert -1 < amount < 16  # the result alone has 1.7 MiB, whole feature maps in f32 would have 70


def test_the_machine_is_described_by_its_features() -> None:
    machine = describe(1)
    assert os.uname().nodename not in json.dumps(machine)
    assert machine["versions"]["numpy"] == np.__version__
    assert machine["architecture"] in label(machine)


def test_threads_are_limited_to_the_given_number() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system has no affinity")
    before = os.sched_getaffinity(0)
    with limit_threads(1):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
    with pytest.raises(InvalidArgument, match="threads=4096"), limit_threads(4096):
        pass


def test_the_serve_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastapi", reason="the server needs the extra web")
    monkeypatch.setattr(serve, "_CLIENTS", 12)
    monkeypatch.setattr(serve, "_KINDS", ((12, 16, ".png", "scale=2"), (15, 20, ".jpg", "scale=3")))
    monkeypatch.setattr(serve, "_WORKERS", (2,))
    monkeypatch.setattr(serve, "_SHORT_QUEUE", 1)
    monkeypatch.setattr(serve, "_SIDE", 24)
    load, full, overhead = serve.serve(replace(OPTIONS, seconds=1))
    assert (load.id, load.title) == ("load-2", "12 clients for 1 s, 2 workers")
    assert {"16×12 PNG ×2, the image at once", "20×15 JPG ×3, as a job"} <= set(names(load))
    facts = {fact.name: fact.value for fact in load.facts}
    assert facts["right"] >= 12
    assert facts["lost, mixed up or wrong"] == 0
    assert facts["p50, at once"] <= facts["p95, at once"] <= facts["p99, at once"]
    if os.path.exists("/proc/self/statm"):
        assert facts["memory, server, at the end"] > 10
        assert facts["memory, workers, at the end"] > 10
    assert {fact.name: fact.value for fact in full.facts}["answered with status 429"] > 0
    ours, python = overhead.entries
    assert overhead.facts[0].value == pytest.approx(ours.time.median - python.time.median)


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Callable[..., Any]) -> None:
    group = Group("peers-0", "A network", (Entry("subpixel int8", "ours", Timing(2.0, 1.0, 3.0, 3)),))
    given: list[BenchOptions] = []

    def suite(options: BenchOptions) -> Iterator[Group]:
        given.append(options)
        yield group

    monkeypatch.setattr(suites, "_OVERVIEW", (("one thing", suite),))
    done = run("bench", "-j", 1, "--rounds", 4, "--out", tmp_path / "results.json")
    assert done.code == 0, done.err
    assert done.err == "[1/1] one thing …\n"
    assert done.out.startswith("A network\n")
    assert (given[0].threads, given[0].rounds, given[0].full) == (1, 4, False)
    assert Results.of(json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))).groups == (group,)
    monkeypatch.setitem(suites.SUITES, "ops", suite)
    done = run("bench", "-j", 1, "--suite", "ops", "--only", "two words", "--json")
    results = Results.of(json.loads(done.out))
    assert (results.suite, results.command) == (
        "ops",
        "subpixel bench --suite ops --threads 1 --only 'two words'",
    )
    assert done.err.startswith("A network\n")


@pytest.mark.slow
def test_the_overview(monkeypatch: pytest.MonkeyPatch, small: networks.Network) -> None:
    monkeypatch.setattr(suites, "espcn_x3", lambda: small)
    monkeypatch.setattr(engine, "PEERS", [])
    monkeypatch.setattr(video, "_FRAMES", 3)
    monkeypatch.setattr(video, "_SIZES", ((64, 48), (64, 48)))
    lines: list[str] = []
    results = suites.measure("overview", replace(OPTIONS, progress=lines.append))
    assert [group.id for group in results.groups] == ["real-time", "peers-0", "frames", "files", "video"]
    assert [line.split("]")[0] for line in lines] == [f"[{number}/5" for number in range(1, 6)]
    assert all(entry.time.median > 0 for group in results.groups for entry in group.entries)
    assert results.command == "subpixel bench --suite overview --threads 1 --rounds 1 --seconds 0"


def test_wrong_use_of_the_command(run: Callable[..., Any]) -> None:
    done = run("bench", "--suite", "sound")
    assert (done.code, done.err) == (
        2,
        "error: --suite sound: one of overview, engine, ops, images, files, video, flat, quality, serve is needed\n",
    )
    done = run("bench", "--only", "resize")
    assert (done.code, done.err) == (
        2,
        "error: --only resize: suite overview has no named cases; ops and files do\n",
    )
    done = run("bench", "-j", 1, "--suite", "ops", "--only", "no such case")
    assert (done.code, done.err) == (
        2,
        "error: --only 'no such case': suite ops has no case with this text in its name\n",
    )
    assert run("bench", "--rounds", 1).code == 2
    assert run("bench", "-j", 1000).code == 2


def test_without_the_compiled_module_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites.ceilings, "native_module", lambda: None)
    with pytest.raises(BackendUnavailable, match="C\\+\\+ compiler"):
        suites.measure("engine", OPTIONS)
