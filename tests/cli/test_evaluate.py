"""``subpixel evaluate``: figures for people and for machines, and what it writes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from subpixel import Upscaler
from subpixel.image.compression import Jpeg
from subpixel.metrics import evaluate
from subpixel.models import load, save
from subpixel.models.integer import quantise

Run = Callable[..., Any]


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    folder = tmp_path / "Mine"
    (folder / "HR").mkdir(parents=True)
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (40 + number, 44, 3), np.uint8)
        image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
        image.write_to_file(str(folder / "HR" / f"{number}.png"))
    return folder


def test_evaluate_prints_json_of_the_documented_shape(run: Run, test_set: Path) -> None:
    done = run("evaluate", "--model", "bicubic", "--scale", 2, "--data", test_set, "--json")
    assert (done.code, done.err) == (0, "")
    report = json.loads(done.out)
    assert (report["model"], report["scale"]) == ("bicubic", 2)
    assert isinstance(report["protocol"], dict)
    assert set(report["sets"]) == {"Mine"}
    again = evaluate(Upscaler(2, model="bicubic"), test_set)
    assert set(report) == set(again)
    for key in {"psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "round_trip_psnr_y"}:
        assert report["sets"]["Mine"][key] == again["sets"]["Mine"][key]
    assert set(report["sets"]["Mine"]) == set(again["sets"]["Mine"])
    # A folder of sets, and for people.
    text = run("evaluate", "--model", "bicubic", "--data", test_set.parent).out
    assert "Mine" in text
    for key in ("psnr_y", "psnr_rgb", "round_trip_psnr_y"):
        assert f"{report['sets']['Mine'][key]:.3f} dB" in text
    for key in ("ssim_y", "ssim_rgb"):
        assert f"{report['sets']['Mine'][key]:.4f}" in text
    assert re.search(r"time: .*; \d+ threads?\n", text)
    assert "round_trip: " in text
    assert len({len(line) for line in text.splitlines()[1:3]}) == 1  # columns


def test_evaluate_records_its_figures_in_the_file(run: Run, test_set: Path, tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "m.safetensors"
    shutil.copy(weights, path)
    done = run("evaluate", "--model", path, "--data", test_set, "--record", "--json")
    assert done.code == 0
    report = json.loads(done.out)
    before, after = load(weights), load(path)
    assert after.figures["protocol"] == report["protocol"]
    assert after.figures["sets"]["Mine"]["psnr_y"] == pytest.approx(report["sets"]["Mine"]["psnr_y"], abs=1e-4)
    assert set(after.figures["sets"]["Mine"]) == {"psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "round_trip_psnr_y"}
    assert after.scores() == after.figures["sets"]
    assert after.training == before.training
    assert all((after.weights[name] == before.weights[name]).all() for name in before.weights)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Mine", "m.safetensors"]


def test_evaluate_on_degraded_images(run: Run, test_set: Path, tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "m.safetensors"
    shutil.copy(weights, path)
    arguments = ["evaluate", "--model", path, "--data", test_set, "--json", "--record"]
    clean = json.loads(run(*arguments).out)
    degraded = json.loads(run(*arguments, "--degrade", "jpeg:20").out)
    expected = evaluate(Upscaler(2, model=str(path)), test_set, degradation=Jpeg(20))
    assert degraded["protocol"] == expected["protocol"]
    assert degraded["sets"]["Mine"]["psnr_y"] == expected["sets"]["Mine"]["psnr_y"]
    assert "then JPEG of quality 20, 4:2:0" in degraded["protocol"]["low_resolution"]
    # Beside the figures of clean images, not in their place.
    figures = load(path).figures
    assert figures["protocol"] == clean["protocol"]
    assert figures["sets"]["Mine"]["psnr_y"] == pytest.approx(clean["sets"]["Mine"]["psnr_y"], abs=1e-4)
    recorded = figures["degraded"]["jpeg:20"]
    assert recorded["protocol"] == degraded["protocol"]
    assert recorded["sets"]["Mine"]["psnr_y"] == pytest.approx(degraded["sets"]["Mine"]["psnr_y"], abs=1e-4)


def test_figures_of_each_precision_are_kept_beside_each_other(
    run: Run, test_set: Path, tmp_path: Path, weights: Path
) -> None:
    path = tmp_path / "m.safetensors"
    model = load(weights)
    save(replace(model, quantisation=quantise(model.spec, model.weights, {})), path)
    reports = {}
    for precision in ("int8", "f32", "bf16"):
        arguments = ("--model", path, "--data", test_set, "--precision", precision, "--record", "--json")
        reports[precision] = json.loads(run("evaluate", *arguments).out)
    after = load(path)
    for precision, report in reports.items():
        assert report["precision"] == precision
        expected = report["sets"]["Mine"]["psnr_y"]
        assert after.scores(precision)["Mine"]["psnr_y"] == pytest.approx(expected, abs=1e-4)
    assert len({after.scores(precision)["Mine"]["psnr_y"] for precision in reports}) == 3
    assert after.figures["int8"]["protocol"] == reports["int8"]["protocol"]
    assert load(weights).scores() == load(weights).scores("int8") == {}  # an older file


def test_an_ensemble_and_a_strength_are_measured_and_named(run: Run, test_set: Path, weights: Path) -> None:
    arguments = ("evaluate", "--model", weights, "--data", test_set, "--ensemble", "--strength", 0.5)
    report = json.loads(run(*arguments, "--json").out)
    assert (report["ensemble"], report["strength"]) == (True, 0.5)
    expected = evaluate(Upscaler(2, model=str(weights), ensemble=True, strength=0.5), test_set)
    assert report["sets"]["Mine"]["psnr_rgb"] == expected["sets"]["Mine"]["psnr_rgb"]
    assert run(*arguments).out.splitlines()[0].endswith(", ensemble, strength 0.5")


def test_equal_images_are_null_in_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "flat" / "HR").mkdir(parents=True)
    image = pyvips.Image.new_from_array(np.full((30, 32, 3), 7, np.uint8)).copy(interpretation="srgb")
    image.write_to_file(str(tmp_path / "flat" / "HR" / "a.png"))
    done = run("evaluate", "--model", "bicubic", "--data", tmp_path, "--json")
    report = json.loads(done.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert report["sets"]["flat"]["round_trip_psnr_y"] is None
    assert report["sets"]["flat"]["images"][0]["psnr_y"] is None
    assert "inf dB" in run("evaluate", "--model", "bicubic", "--data", tmp_path).out


def test_heat_maps_are_written_where_asked(run: Run, test_set: Path, tmp_path: Path) -> None:
    arguments = ("evaluate", "--model", "bicubic", "--data", test_set, "--heatmap", tmp_path / "maps")
    done = run(*arguments)
    assert (done.code, done.err) == (0, "")
    assert f"heat maps in {tmp_path / 'maps'}: " in done.out
    names = ["0_x2_luma_0-8.png", "1_x2_luma_0-8.png"]
    assert sorted(p.name for p in (tmp_path / "maps" / "Mine").iterdir()) == names
    done = run(*arguments)
    assert (done.code, done.out) == (1, "")
    assert "0_x2_luma_0-8.png: exists already; --overwrite replaces it" in done.err
    assert run(*arguments, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--model", "bicubic", "--data", "Mine", "--degrade", "png:1"], 2, "jpeg:75"),
        (["--model", "bicubic", "--data", "Mine", "--degrade", "jpeg:0"], 2, "jpeg: 0"),
        (["--model", "bicubic"], 2, "--data"),
        (["--data", "Mine"], 2, "--model"),
        (["--model", "bicubic", "--data", "none"], 2, "no such folder"),
        (["--model", "bicubic", "--data", "Mine/HR"], 2, "HR/"),
        (["--model", "bicubic", "--data", "Mine", "--record"], 2, "--record"),
        (["--model", "m.safetensors", "--data", "Mine", "--record", "--ensemble"], 2, "--record"),
        (["--model", "m.safetensors", "--data", "Mine", "--record", "--strength", "0.5"], 2, "--record"),
        (["--model", "bicubic", "--data", "Mine", "--strength", "nan"], 2, "--strength nan"),
        (["--model", "nothing", "--data", "Mine"], 2, "Unknown model 'nothing'"),
        (["--model", "none.safetensors", "--data", "Mine"], 1, "no such file"),
        (["--model", "bicubic", "--data", "Mine", "-s", "0"], 2, "0 is not possible. Use 2, 3, 4 or 8."),
        (["--model", "bicubic", "--data", "Mine", "-s", "nan"], 2, "nan"),
        (["--model", "bicubic", "--data", "Broken"], 1, "0.png"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_evaluate_wrongly_used(
    run: Run, test_set: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, word: str
) -> None:
    monkeypatch.chdir(test_set.parent)
    (test_set.parent / "Broken" / "HR").mkdir(parents=True)
    (test_set.parent / "Broken" / "HR" / "0.png").write_bytes(b"broken")
    done = run("evaluate", *arguments)
    assert (done.code, done.out) == (code, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert word in line


def test_a_disk_that_refuses_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, run: Run, test_set: Path, tmp_path: Path, weights: Path
) -> None:
    import subpixel.models.files

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "m.safetensors"
    shutil.copy(weights, path)
    monkeypatch.setattr(subpixel.models.files, "save", full)
    done = run("evaluate", "--model", path, "--data", test_set, "--record")
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert "no space left" in line.lower()
    assert path.read_bytes() == weights.read_bytes()
