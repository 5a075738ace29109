"""docs/train_all.py: what it starts and when, and what it takes; and the list of training pictures."""

from __future__ import annotations

import argparse
import doctest
import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="training needs torch")

from scripts import docs_script
from subpixel.models import ZOO, Model
from subpixel.models.recurrent import recurrent
from subpixel.models.zoo import ARCHITECTURES
from subpixel.train.held_out import split

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # Dataclasses look their module up by name.
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.delitem(sys.modules, "train_all", raising=False)
    return importlib.import_module("train_all")


def options(script: ModuleType, tmp_path: Path, *more: str) -> argparse.Namespace:
    result: argparse.Namespace = script.parsed(["--data", "pictures", "--out", str(tmp_path), *more])
    return result


def test_the_list_names_shipped_models_and_starts_before_those_that_need_them(script: ModuleType) -> None:
    before: list[str] = []
    for network in script.NETWORKS:
        assert network.scale in ZOO[network.name].scales
        assert (network.arch or network.name) in ARCHITECTURES
        assert not network.start or network.start in before
        before.append(network.key)
    assert len(set(before)) == len(before)
    assert doctest.testmod(script).failed == 0


def test_a_network_is_trained_and_then_rounded(script: ModuleType, tmp_path: Path) -> None:
    (network,) = script.chosen("fast_x3")
    first, equal, last = script.jobs_of(
        network, options(script, tmp_path, "--length", "0.5", "--options", "--fft 0.05")
    )
    assert (first.made, first.needed) == (tmp_path / "fast_x3-f32.safetensors", (tmp_path / "fast_x2-f32.safetensors",))
    assert (equal.made, equal.needed) == (tmp_path / "fast_x3-equal.safetensors", (first.made,))
    held_out = ("--held-out", str(ROOT / "docs" / "training" / "held_out.txt"))
    assert equal.arguments == ("quantise", str(first.made), "--data", "pictures", *held_out, "--out", str(equal.made))
    assert (last.made, last.needed) == (tmp_path / "fast_x3.safetensors", (equal.made,))
    for job, wanted in (
        (first, {"--steps": "15000", "--fft": "0.05"}),
        (last, {"--steps": "1500", "--lr": "0.001", "--fft": "0.05"}),
    ):
        assert job.arguments[0] == "train"
        for option, value in {**wanted, "--start": str(job.needed[0]), "--out": str(job.made)}.items():
            assert job.arguments.count(option) == 1
            assert job.arguments[job.arguments.index(option) + 1] == value
    assert ("--rounded" in first.arguments, "--rounded" in last.arguments) == (False, True)
    with pytest.raises(SystemExit, match="--only fast_x9"):
        script.chosen("fast_x9")


def test_jobs_wait_for_what_they_need_and_finished_ones_are_left_alone(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c, d = (tmp_path / name for name in "abcd")
    a.touch()
    order: list[str] = []

    class Process:
        def __init__(self, job: object) -> None:
            self.job, self.returncode = job, None
            order.append(job.made.name)  # type: ignore[attr-defined]

        def poll(self) -> int | None:
            self.returncode = 1 if self.job.made == d else 0  # type: ignore[attr-defined]
            if not self.returncode:
                self.job.made.touch()  # type: ignore[attr-defined]
            return self.returncode

        def terminate(self) -> None:
            pass

    monkeypatch.setattr(script, "started", Process)
    jobs = [script.Job(a, (), ()), script.Job(c, (b,), ()), script.Job(b, (a,), ()), script.Job(d, (), ())]
    e = script.Job(tmp_path / "e", (d,), ())
    assert script.work_off([*jobs, e], at_once=1, pause=0) == ["d", "e"]  # one failed, and one that needs it
    assert order == ["b", "c", "d"]


@pytest.mark.parametrize(("allow", "gain", "taken"), [(0.0, 0.1, True), (0.0, -0.01, False), (0.02, -0.01, True)])
def test_a_result_is_taken_only_if_it_is_good_enough(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    allow: float,
    gain: float,
    taken: bool,
) -> None:
    trained, shipped = tmp_path / "new.safetensors", tmp_path / "fast_x2.safetensors"
    shutil.copyfile(ZOO["fast"].path(2), trained)
    shutil.copyfile(ZOO["fast"].path(2), shipped)
    shipped_bytes = shipped.read_bytes()
    trained_model = script.load(trained)
    script.save(script.replace(trained_model, licence="free", flat=None), trained)
    monkeypatch.setattr(type(ZOO["fast"]), "path", lambda *_: shipped)
    # A drawing gains much more; that must not outweigh photographs.
    old = np.array([35.0, 35.0, 41.0])
    new = old + np.array([gain - 0.25, gain - 0.25, gain + 7.0])
    scores = {trained: {"f32": new, "int8": new}, shipped: {"f32": old, "int8": old}}
    monkeypatch.setattr(script, "held_out_scores", lambda path, _: scores[path])
    monkeypatch.setattr(script, "quantise_if_better", lambda *_: None)
    commands: list[tuple[object, ...]] = []
    monkeypatch.setattr(script, "run_subpixel", lambda *arguments: commands.append(arguments))
    script.finish(script.chosen("fast_x2")[0], trained, options(script, tmp_path, "--take", "--allow", str(allow)))
    assert shipped.read_bytes() == (trained.read_bytes() if taken else shipped_bytes)
    assert ("taken" in capsys.readouterr().out) == taken
    # The file has int8 parameters, so only the threshold of flat parts is missing.
    assert [(name, path, options[-1]) for name, path, *options in commands] == [("quantise", trained, "--flat")]


@pytest.mark.parametrize(("before", "kept"), [(None, "new"), (34.9, "new"), (35.1, "old")])
def test_int8_parameters_are_found_unless_those_of_the_training_are_better(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: float | None, kept: str
) -> None:
    trained = tmp_path / "fast_x2.safetensors"
    trained.write_text("old")
    monkeypatch.setattr(script, "run_subpixel", lambda *given: given[-1].write_text("new"))
    old = {} if before is None else {"int8": np.array([before])}
    monkeypatch.setattr(
        script, "held_out_scores", lambda path, _: old if path == trained else {"int8": np.array([35.0])}
    )
    script.quantise_if_better(trained, tmp_path)
    assert trained.read_text() == kept
    assert list(tmp_path.iterdir()) == [trained]


def test_networks_for_videos_are_measured_on_clips(script: ModuleType, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(2):
        Image.fromarray(rng.integers(0, 256, (160, 170, 3), np.uint8)).save(tmp_path / f"{k}.png")
    spec = recurrent(2, width=4, middle=1, state=2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    model = Model("recurrent", spec, weights)
    pictures = sorted(tmp_path.glob("*.png"))
    scores = script.clip_scores(model, pictures)
    assert list(scores) == ["f32"]
    assert scores["f32"].shape == (2,)
    assert ((scores["f32"] > 8) & (scores["f32"] < 30)).all()  # noise of bytes is not foreseen
    weights = {**weights, "end.bias": np.full(4, 0.5, np.float32)}
    off = script.clip_scores(Model("off", spec, weights), pictures)
    assert (off["f32"] < scores["f32"]).all()


def test_the_attribution_names_each_picture_once() -> None:
    maker = docs_script("make_attribution")
    rows = [
        {"repository": "b/b", "path": "one.jpg", "licence": "CC0"},
        {"repository": "A/a", "path": "two.png", "licence": "CC BY-SA 4.0 (LICENSE); photo from Pexels id 7"},
        {"repository": "b/b", "path": "one.jpg", "licence": "CC0"},
    ]
    page = maker.page(rows)
    assert "2 pictures, 3 parts." in page
    assert page.index("[A/a](https://github.com/A/a)") < page.index("[b/b](https://github.com/b/b)")
    assert "CC BY-SA 4.0 (LICENSE):\n\n- `two.png` (photo from Pexels id 7)" in page
    assert page.count("- `one.jpg`, 2 parts") == 1
    assert doctest.testmod(maker).failed == 0
    shipped = maker.PAGE.read_text(encoding="utf-8")
    assert shipped.startswith(maker.INTRODUCTION)
    assert '"ATTRIBUTION.md"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_held_out_list_can_be_read(tmp_path: Path) -> None:
    names = ROOT / "docs" / "training" / "held_out.txt"
    lines = [line.strip() for line in names.read_text(encoding="utf-8").splitlines()]
    patterns = [line for line in lines if line and not line.startswith("#")]
    images = [tmp_path / f"{pattern.removesuffix('*')}0.jpg" for pattern in patterns]
    assert split(tmp_path, [*images, tmp_path / "other.jpg"], names) == ([tmp_path / "other.jpg"], images)
