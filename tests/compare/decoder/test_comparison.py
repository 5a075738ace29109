"""Whole runs, with few images and steps: equal numbers, resuming, other settings, and what is written."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from subpixel.compare.decoder import (  # noqa: E402
    DecoderResults,
    Progress,
    compare_decoders,
    comparison,
    datasets,
    trainings,
)
from subpixel.compare.decoder.comparison import steps_of  # noqa: E402
from subpixel.compare.decoder.learning import costs  # noqa: E402
from subpixel.errors import InvalidArgument, MissingExtra, SubpixelError  # noqa: E402
from subpixel.storage.locks import claim  # noqa: E402

SIZE = {"kinds": ["nearest", "subpixel"], "budgets": ["parameters"], "steps": 8, "seeds": 2, "threads": 1}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("TRAINING", 16), ("VALIDATION", 4), ("TEST", 8)):
        monkeypatch.setattr(datasets, name, count)
    monkeypatch.setattr(costs, "_ROUNDS", 1)


def run(folder: Path, **options: Any) -> DecoderResults:
    return compare_decoders(folder, **{**SIZE, **options})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DecoderResults]:
    """A folder with a whole run."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        for name, count in (("TRAINING", 16), ("VALIDATION", 4), ("TEST", 8)):
            patch.setattr(datasets, name, count)
        return folder, run(folder)


def test_the_same_settings_give_the_same_numbers(finished: tuple[Path, DecoderResults], tmp_path: Path) -> None:
    _, first = finished
    again = run(tmp_path)
    assert again.to_dict(times=False) == first.to_dict(times=False)
    names = [path.name for path in (tmp_path / "trainings").iterdir()]
    assert len(names) == 4
    for name in names:
        one, two = (json.loads((folder / "trainings" / name).read_text()) for folder in (finished[0], tmp_path))
        for content in (one, two):
            del content["seconds"], content["spent"]
        assert one == two


def test_another_seed_gives_other_numbers(finished: tuple[Path, DecoderResults], tmp_path: Path) -> None:
    other = run(tmp_path, seed=2)
    assert other.seeds == (2, 3)
    assert other["parameters"]["nearest"].iou != finished[1]["parameters"]["nearest"].iou


@pytest.mark.slow
def test_processes_side_by_side_give_the_same_numbers(finished: tuple[Path, DecoderResults], tmp_path: Path) -> None:
    """In a script of its own: spawned processes run its first lines too, but do not see what a test has replaced."""
    script = """
import sys
from subpixel.compare.decoder import compare_decoders, datasets
datasets.TRAINING, datasets.VALIDATION, datasets.TEST = 16, 4, 8
if __name__ == "__main__":
    lines = []
    options = dict(kinds=["nearest"], budgets=["parameters"], steps=8, seeds=2)
    one = compare_decoders(sys.argv[1], threads=1, **options)
    two = compare_decoders(sys.argv[2], threads=2, progress=lines.append, **options)
    assert one.to_dict(times=False) == two.to_dict(times=False)
    assert lines and lines[-1].total == 2, lines
"""
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "one"), str(tmp_path / "two")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_stopped_run_goes_on_where_it_was(finished: tuple[Path, DecoderResults], tmp_path: Path) -> None:
    seen: list[Progress] = []

    def stop(now: Progress) -> None:
        seen.append(now)
        if now.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, progress=stop)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "trainings").iterdir()}
    assert len(kept) == 2
    assert not list(tmp_path.rglob(".*"))
    left: list[Progress] = []
    results = run(tmp_path, progress=left.append)
    assert len(left) == 2  # one report for each training that was missing
    assert [str(one).split(";")[0] for one in left][-1] == "4 of 4 trainings done"
    for name, content in kept.items():
        assert (tmp_path / "trainings" / name).read_bytes() == content
    assert results.to_dict(times=False) == finished[1].to_dict(times=False)


def test_a_finished_run_trains_nothing(
    finished: tuple[Path, DecoderResults], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished[0], tmp_path / "copy")

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a training was run again")

    monkeypatch.setattr(trainings.DecoderTrainer, "train", fail)
    assert run(tmp_path / "copy").to_dict(times=False) == finished[1].to_dict(times=False)


def test_other_settings_in_the_folder_are_refused(finished: tuple[Path, DecoderResults]) -> None:
    before = {path: path.read_bytes() for path in finished[0].rglob("*") if path.is_file()}
    with pytest.raises(InvalidArgument, match=r"holds trainings with other settings \(steps: 8, now 9\); name another"):
        run(finished[0], steps=9)
    assert before == {path: path.read_bytes() for path in finished[0].rglob("*") if path.is_file()}


def test_a_damaged_result_is_named(finished: tuple[Path, DecoderResults], tmp_path: Path) -> None:
    shutil.copytree(finished[0], tmp_path / "copy")
    path = tmp_path / "copy" / "trainings" / "parameters-nearest-0.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(InvalidArgument, match=r"parameters-nearest-0\.json: is damaged; remove it"):
        run(tmp_path / "copy")


def test_a_failed_training_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, seed: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets.Scenes, "dataset", fail)
    with pytest.raises(SubpixelError, match=r"the training parameters-nearest-0 failed: .*No space left"):
        run(tmp_path)


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    with (
        claim(tmp_path / "decoder.json"),
        pytest.raises(InvalidArgument, match="another process is working in this folder"),
    ):
        run(tmp_path)


def test_results_are_written_as_json_csv_and_markdown(finished: tuple[Path, DecoderResults]) -> None:
    folder, results = finished
    content = json.loads((folder / "decoder.json").read_text())
    assert content == json.loads(results.to_json())
    assert [one["budget"] for one in content["budgets"]] == ["parameters"]
    rows = list(csv.DictReader(io.StringIO((folder / "decoder.csv").read_text())))
    best = results["parameters"].kinds[0]
    assert rows[0]["kind"] == best.kind
    assert float(rows[0]["iou_mean"]) == best.iou.mean
    assert len(rows) == 2
    text = (folder / "decoder.md").read_text()
    assert f"{100 * best.iou.mean:.1f} ({100 * best.iou.low:.1f} … {100 * best.iou.high:.1f})" in text
    assert "- Boundary IoU: Cheng et al. 2021, within 2 % of the diagonal of a contour: 2 pixels of 64×64." in text
    for path in results.pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_mean_is_that_of_the_counts(finished: tuple[Path, DecoderResults]) -> None:
    folder, results = finished
    means = []
    for seed in (0, 1):
        counts = json.loads((folder / "trainings" / f"parameters-nearest-{seed}.json").read_text())["counts"]
        sums = np.asarray(counts).sum(0)
        means.append(np.nanmean(sums[:, 0] / sums[:, 1]))
    nearest = results["parameters"]["nearest"]
    assert nearest.iou.mean == pytest.approx(np.mean(means))
    assert np.mean(nearest.class_iou) == pytest.approx(nearest.iou.mean)
    difference = results["parameters"].difference("nearest", "subpixel")
    assert difference.mean == pytest.approx(nearest.iou.mean - results["parameters"]["subpixel"].iou.mean)


def test_training_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = run(tmp_path, steps=60, kinds=["transposed"])
    for curve in results["parameters"]["transposed"].curves.values():
        assert curve[-1][0] == 60
        assert curve[-1][1] < 0.7 * curve[0][1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seeds": 1}, "seeds=1: an integer of at least 2 is needed"),
        ({"seed": -1}, "seed=-1: an integer of at least 0"),
        ({"threads": 0}, "threads=0: an integer of at least 1"),
        ({"steps": 7}, "steps=7: an integer of at least 8"),
        ({"steps": None, "minutes": 0}, "minutes=0: a positive number is needed"),
        ({"steps": None, "minutes": float("nan")}, "minutes=nan: a positive number is needed"),
        ({"steps": None, "minutes": 0.001}, r"minutes=0\.001: 4 trainings need at least 0\.02 minutes"),
        ({"kinds": ["cubic"]}, "Unknown kind 'cubic'"),
        ({"masks": "masks"}, "masks are given without images"),
        ({"data": "nowhere"}, "nowhere: no such folder"),
    ],
)
def test_arguments_are_checked_before_anything_is_made(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        run(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_steps_follow_from_minutes_alone() -> None:
    assert steps_of(20, 70) == int(20 * comparison.STEPS_PER_MINUTE / 70)
    assert steps_of(40, 70) == pytest.approx(2 * steps_of(20, 70), abs=1)


@pytest.mark.parametrize(("module", "extra"), [("torch", "train"), ("matplotlib", "compare")])
def test_a_missing_package_is_named_before_anything_is_made(tmp_path: Path, module: str, extra: str) -> None:
    code = f"""
import sys
sys.modules["{module}"] = None
from pathlib import Path
from subpixel.compare.decoder import compare_decoders
from subpixel.errors import MissingExtra
try:
    compare_decoders("out")
except MissingExtra as error:
    assert "subpixel[{extra}]" in str(error), error
else:
    raise SystemExit("no error")
assert not Path("out").exists()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert issubclass(MissingExtra, ImportError)
