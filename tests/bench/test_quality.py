"""Quality against time: what is measured beside what, where dB come from, and how both are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from scripts import docs_script
from subpixel import Upscaler
from subpixel.bench import quality, suites
from subpixel.bench.options import BenchOptions
from subpixel.bench.peers import ImagePeer
from subpixel.bench.report import markdown, text
from subpixel.bench.results import Entry, Group, Results
from subpixel.bench.scatter import frontier, scatter
from subpixel.bench.timing import Timing
from subpixel.errors import InvalidArgument, ModelFileError
from subpixel.metrics import evaluate
from subpixel.metrics.protocol import score_sets
from subpixel.models import ZOO, Model, find, save
from subpixel.models.integer import quantise
from subpixel.models.our_networks import chain

pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

OPTIONS = BenchOptions(1, rounds=1, seconds=0)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "_OUTPUT_SIZE", (24, 36))


def candidate(scale: int, *, int8: bool, figures: dict[str, Any]) -> Model:
    spec = chain(scale, width=4, middle=1, first=3, last=3)
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.05, shape).astype(np.float32) for name, shape in spec.weight_shapes.items()}
    ranges = {layer.name: (0.0, 1.0) for layer in spec.layers}
    parameters = quantise(spec, weights, ranges) if int8 else None
    return Model("candidate", spec, weights, figures=figures, quantisation=parameters)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Candidates: one with figures and int8, one with neither, one of another scale, one named as a shipped model."""
    figures = {"sets": {"Mine": {"psnr_y": 30.5}, "Set5": {"psnr_y": 35.5}}, "int8": {"sets": {"Set5": {"psnr_y": 35}}}}
    result = tmp_path / "candidates"
    result.mkdir()
    save(candidate(2, int8=True, figures=figures), result / "a.safetensors")
    save(candidate(2, int8=False, figures={}), result / "b.safetensors")
    save(candidate(3, int8=False, figures={}), result / "c.safetensors")
    save(candidate(2, int8=False, figures=figures), result / "espcn.safetensors")
    return result


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, channels in (("One", 3), ("Two", 1)):
        (tmp_path / "sets" / name / "HR").mkdir(parents=True)
        pixels = np.random.default_rng(channels).integers(0, 256, (40, 44, channels), np.uint8)
        image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb" if channels == 3 else "b-w")
        image.write_to_file(str(tmp_path / "sets" / name / "HR" / "a.png"))
    return tmp_path / "sets"


def only(options: BenchOptions) -> Group:
    (group,) = quality.quality(options)
    return group


def test_every_shipped_model_of_the_scale_with_what_its_file_says() -> None:
    for scale in (2, 8):
        group = only(replace(OPTIONS, scale=scale))
        assert group.id == f"quality-x{scale}"
        assert f"{36 // scale}×{24 // scale} → {36 // scale * scale}×{24 // scale * scale}" in group.title
        expected = {}
        for name, entry in ZOO.items():
            for precision in ("f32", "int8") if scale in entry.scales and not entry.video else ():
                model = find(name, scale)
                if precision == "f32" or model.quantisation is not None:
                    reached = model.scores(precision)
                    expected[f"{name} {precision}"] = {key: one["psnr_y"] for key, one in reached.items()} or None
        ours = {entry.name: entry for entry in group.entries if entry.role == "ours"}
        assert {name: one.quality for name, one in ours.items()} == expected
        assert list(ours["espcn f32"].quality or {}) == ["Set5", "Set14", "BSD100"]
        assert ours["espcn int8"].ceiling == "ceiling espcn int8"
        assert ours["bicubic f32"].ceiling is None
        assert any("its model files were not given" in note for note in group.notes)


def test_candidates_of_a_folder(folder: Path) -> None:
    group = only(replace(OPTIONS, models=folder))
    found = {entry.name: entry.quality for entry in group.entries if entry.role == "candidate"}
    assert found == {
        "a f32": {"Set5": 35.5, "Mine": 30.5},
        "a int8": {"Set5": 35.0},
        "b f32": None,
        "candidates/espcn f32": {"Set5": 35.5, "Mine": 30.5},
    }
    assert "b f32: its file has no dB, and no test sets were given" in group.notes
    assert "b int8: not measured, its file has no int8 parameters" in group.notes
    assert "c: not measured, it is a ×3 model" in group.notes


def test_what_no_file_says_is_measured(folder: Path, data: Path) -> None:
    group = only(replace(OPTIONS, models=folder, data=data))
    sets = evaluate(Upscaler(2, model=str(folder / "b.safetensors"), backend="native", precision="f32"), data)["sets"]
    assert group.entry("b f32").quality == {name: one["psnr_y"] for name, one in sets.items()}
    assert group.entry("a f32").quality == {"Set5": 35.5, "Mine": 30.5}
    assert [note for note in group.notes if "measured now" in note] == ["b f32: dB measured now, its file has none"]


def test_peers_see_blue_first_and_three_channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path) -> None:
    def peer(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        result = np.repeat(np.repeat(bgr, 2, axis=0), 2, axis=1)
        result[..., 0] //= 2  # blue
        return result

    def same(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        result = np.repeat(np.repeat(rgb, 2, axis=0), 2, axis=1)
        result[..., 2 if rgb.shape[2] == 3 else 0] //= 2
        return result

    monkeypatch.setattr(quality, "superres", lambda folder, scale, threads: [ImagePeer("OpenCV X", peer, bgr=True)])
    options = replace(OPTIONS, superres=tmp_path)
    assert only(options).entry("OpenCV X").quality is None
    group = only(replace(options, data=data))
    sets = score_sets(same, 2, data)["sets"]
    assert group.entry("OpenCV X").quality == {name: one["psnr_y"] for name, one in sets.items()}
    assert group.times_ours(group.entry("OpenCV X")) is not None


def test_other_peers_see_red_first(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    def peer(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        result = np.repeat(np.repeat(rgb, 2, axis=0), 2, axis=1)
        result[..., 0] //= 2  # red, and gray images
        return result

    monkeypatch.setattr(quality, "anime4k", lambda: [ImagePeer("pyanime4k x", peer)])
    group = only(OPTIONS)
    assert group.entry("pyanime4k x").quality is None
    assert group.notes[-1] == "pyanime4k: no dB, they need test sets"
    group = only(replace(OPTIONS, data=data))
    sets = score_sets(peer, 2, data)["sets"]
    assert group.entry("pyanime4k x").quality == {name: one["psnr_y"] for name, one in sets.items()}
    assert group.times_ours(group.entry("pyanime4k x")) is not None


def test_pyanime4k_is_left_out_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "anime4k", list)
    assert only(OPTIONS).notes[-1] == "pyanime4k: not measured, it is not installed"
    assert only(replace(OPTIONS, scale=3)).notes[-1] == "pyanime4k: not measured, its networks double"


def test_wrong_use(tmp_path: Path, data: Path) -> None:
    for change, error, words in (
        ({"scale": 5}, InvalidArgument, "scale=5: no shipped or given model"),
        ({"models": tmp_path / "none"}, InvalidArgument, "a folder with .safetensors files is needed"),
        ({"models": data}, InvalidArgument, "a folder with .safetensors files is needed"),
        ({"superres": tmp_path}, InvalidArgument, "no ESPCN_x2.pb"),
    ):
        with pytest.raises(error, match=words):
            only(replace(OPTIONS, **change))  # type: ignore[arg-type]
    (tmp_path / "bad.safetensors").write_text("bad")
    with pytest.raises(ModelFileError, match=r"bad\.safetensors"):
        only(replace(OPTIONS, models=tmp_path))


def test_the_command(monkeypatch: pytest.MonkeyPatch, folder: Path, data: Path, run: Callable[..., Any]) -> None:
    arguments = ("bench", "--suite", "quality", "-s", 2, "-j", 1, "--rounds", 3, "--seconds", 0, "--json")
    done = run(*arguments, "--models", folder, "--data", data)
    assert done.code == 0, done.err
    results = Results.of(json.loads(done.out))
    assert results.command.endswith(f"--models {folder} --data {data}")
    assert results.groups[0].entry("a int8").quality == {"Set5": 35.0}
    assert "Set5, dB" in done.err
    done = run("bench", "--suite", "quality", "-s", 7, "-j", 1)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --scale 7: no shipped or given model has this scale\n"
    assert suites.SUITES["quality"] is quality.quality


# Shown


def entry(name: str, role: Any, median: float, db: float | None, ceiling: str | None = None) -> Entry:
    found = None if db is None else {"Set5": db}
    return Entry(name, role, Timing(median, median, median, 3), ceiling, quality=found)


GROUP = Group(
    "quality-x2",
    "Quality against time",
    (
        entry("fast f32", "ours", 20, 37.0, "ceiling fast f32"),
        entry("ceiling fast f32", "ceiling", 10, None),
        entry("fast int8", "ours", 10, 36.9),
        entry("w8 f32", "candidate", 30, 36.5),
        entry("w16 f32", "candidate", 40, 37.5),
        entry("OpenCV dnn_superres ESPCN", "peer", 100, 34.75),
        entry("unknown f32", "candidate", 5, None),
    ),
)
MACHINE = {
    "architecture": "x86_64",
    "features": [],
    "processors": 2,
    "caches": {},
    "memory_gib": 1.0,
    "threads": 1,
    "load_before": 0.0,
    "versions": {},
}


def test_a_table_with_decibels_and_without_lines_for_ceilings() -> None:
    lines = text([GROUP]).splitlines()
    assert lines[1].split("  ")[-1] == "Set5, dB"
    assert lines[2].split()[:2] == ["fast", "f32"]
    assert lines[2].split()[-2:] == ["0.50", "37.00"]
    assert not any(line.split()[0] == "ceiling" for line in lines[2:])
    assert "| fast f32 | 20.0 | 20.0–20.0 | 0.50 |  | 37.00 |\n" in markdown(
        [Results("quality", "", MACHINE, (GROUP,))]
    )


def test_documents_with_and_without_quality_come_back() -> None:
    results = Results("quality", "subpixel bench", MACHINE, (GROUP,))
    document = json.loads(json.dumps(results.document()))
    assert Results.of(document) == results
    for one in document["groups"][0]["entries"]:
        del one["quality"]  # as older ones were
    assert Results.of(document).groups[0].entries[0].quality is None


def test_the_page_has_the_decibels_of_todays_files() -> None:
    page = docs_script("make_performance")
    entries = page.as_shipped(Results("quality", "", MACHINE, (GROUP,))).groups[0].entries
    for one, precision in ((entries[0], "f32"), (entries[2], "int8")):
        assert one.quality == {"Set5": find("fast", 2).scores(precision)["Set5"]["psnr_y"]}
    others = (1, 3, 4, 5, 6)
    assert [entries[k] for k in others] == [GROUP.entries[k] for k in others]
    assert page.with_recorded_quality(GROUP.entries[0], "engine") == GROUP.entries[0]


def test_the_frontier_is_what_nothing_is_faster_and_better_than() -> None:
    ours = [one for one in GROUP.entries if one.quality and one.role != "peer"]
    assert [one.name for one in frontier(ours, "Set5")] == ["fast int8", "fast f32", "w16 f32"]
    tied = [entry("x f32", "ours", 1, 30), entry("y f32", "ours", 1, 31), entry("z f32", "ours", 2, 31)]
    assert [one.name for one in frontier(tied, "Set5")] == ["y f32"]


def test_the_page_contains_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    scatter(GROUP, tmp_path / "alone.png")
    assert pyvips.Image.new_from_file(str(tmp_path / "alone.png")).width == 900
    scatter(Group("quality-x2", "Nothing known", GROUP.entries[1:2]), tmp_path / "empty.png")
    page = docs_script("make_performance")
    monkeypatch.setattr(page, "DOCS", tmp_path)
    (tmp_path / "images").mkdir()
    paths = []
    for suite, group in (("engine", replace(GROUP, id="peers-0", entries=GROUP.entries[1:2])), ("quality", GROUP)):
        paths.append(tmp_path / f"{suite}.json")
        document = Results(suite, f"subpixel bench --suite {suite}", MACHINE, (group,)).document()
        paths[-1].write_text(json.dumps(document), encoding="utf-8")
    page.main([str(path) for path in paths])
    result = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "\n![Quality against time](images/quality.png)\n" in result
    assert (tmp_path / "images" / "quality.png").is_file()
    assert result.index("## Suite `engine`") < result.index("## Suite `quality`") < result.index("![Quality")
