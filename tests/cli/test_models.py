"""``subpixel models``: its tables, its measurement, and its JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.outcomes import assert_one_error
from subpixel.cli.model_table import ModelRow, model_table
from subpixel.models import Model, Spec, bicubic, save, zoo

Run = Callable[..., Any]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements of a few pixels."""
    module = sys.modules["subpixel.cli.models"]  # the package's attribute of this name is the command
    monkeypatch.setattr(module, "_PIXELS", 2000)
    monkeypatch.setattr(module, "_SECONDS", 0)


def _architecture(entry: zoo.Entry, scale: int) -> Spec:
    if not entry.trained:
        return bicubic(scale, colour="rgb")
    return zoo.ARCHITECTURES[entry.name.removesuffix("-compressed")](scale)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Every model of the list, with weights of zeros: what is said must not depend on what was trained."""
    figures = {"sets": {"Set5": {"psnr_y": 33.5, "ssim_y": 0.9}}}
    folder = tmp_path / "shipped"
    folder.mkdir()
    for entry in zoo.ZOO.values():
        for scale in entry.scales:
            spec = _architecture(entry, scale)
            tensors = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
            model = Model(entry.name, spec, tensors, {"data": "none"}, figures, "CC0-1.0")
            save(model, folder / entry.path(scale).name)
    monkeypatch.setattr(zoo, "_WEIGHTS", folder)
    zoo._load_shipped.cache_clear()
    yield
    zoo._load_shipped.cache_clear()


def row(name: str, scale: int, *, video: bool = False, licence: str = "CC0-1.0", **more: Any) -> ModelRow:
    document = {"name": name, "scale": scale, "auto": name == "fast", "parameters": 12345, "licence": licence, **more}
    return ModelRow(document, f"purpose of {name}", "int8", {"Set5": 30.126, "Urban": 20.0}, video)


def test_the_table_names_every_model_and_factor(run: Run) -> None:
    done = run("models")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in done.out
    for entry in zoo.ZOO.values():
        start = next(k for k, line in enumerate(lines) if line.split()[:1] == [entry.name])
        assert entry.purpose.split()[0] in lines[start]
        assert ("(auto)" in lines[start]) == (entry.name == zoo.resolve("auto"))
        assert (start > lines.index("Models for videos (they use several frames)")) == entry.video
        for scale, line in zip(entry.scales, lines[start:], strict=False):
            assert f" ×{scale} " in line
            assert f" {zoo.find(entry.name, scale).spec.parameters:,} " in line


def test_figures_are_those_of_the_precision_shown(run: Run) -> None:
    lines = run("models", "-s", 2).out.splitlines()
    head = next(line.split() for line in lines if line.startswith("Model "))
    for name, precision in (("fast", "int8"), ("espcn", "f32")):
        cells = next(line.split() for line in lines if line.split()[:1] == [name])
        figures = zoo.find(name, 2).scores(precision)
        assert cells[-4] == precision
        assert cells[-3:] == [f"{figures[one]['psnr_y']:.2f}" for one in ("Set5", "Set14", "BSD100")]
    assert head[-3:] == ["Set5", "Set14", "BSD100"]


def test_one_factor(run: Run) -> None:
    text = run("models", "-s", 8).out
    assert re.findall("×[0-9]", text) == ["×8"] * sum(8 in entry.scales for entry in zoo.ZOO.values())
    assert "Models for videos" not in text
    done = run("models", "-s", 5)
    assert_one_error(done, 2)
    assert "--scale 5: no model has this scale. Choices: 2, 3, 4, 8." in done.err


@pytest.mark.usefixtures("shipped")
def test_json_holds_what_the_files_record(run: Run) -> None:
    done = run("models", "--json")
    assert (done.code, done.err) == (0, "")
    rows = json.loads(done.out)
    assert {(row["name"], row["scale"]) for row in rows} == {
        (entry.name, scale) for entry in zoo.ZOO.values() for scale in entry.scales
    }
    assert {"espcn", "bicubic"} <= {row["name"] for row in rows}
    assert len({row["name"] for row in rows if row["auto"]}) == 1
    (row,) = (row for row in rows if (row["name"], row["scale"]) == ("espcn", 3))
    assert (row["parameters"], row["macs_per_pixel"], row["receptive_field"]) == (22729, 22624, 9)
    assert (row["colour"], row["licence"], row["training"]) == ("luma", "CC0-1.0", {"data": "none"})
    assert row["figures"]["sets"]["Set5"]["psnr_y"] == 33.5
    assert "33.50" in run("models").out


@pytest.mark.usefixtures("quick")
def test_times_are_measured_when_asked(run: Run) -> None:
    arguments = ("models", "-s", 3, "--time", "-j", 1)
    documents = json.loads(run(*arguments, "--json").out)
    plain = json.loads(run("models", "-s", 3, "--json").out)
    assert [set(one) - {"time"} for one in documents] == [set(one) for one in plain]
    for one in documents:
        assert one["time"]["ms_per_megapixel"] > 0
        assert one["time"]["threads"] == 1
        quantised = zoo.find(one["name"], 3).quantisation
        assert one["time"]["precision"] == ("int8" if quantised and quantised["loss_db"] <= 0.05 else "f32")
    done = run(*arguments)
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "with 1 thread;" in " ".join(done.out.split())
    for name in ("fast", "recurrent"):
        cells = next(line.split() for line in lines if line.split()[:1] == [name])
        assert float(cells[-1].replace(",", "")) > 0


def test_columns_of_the_table() -> None:
    rows = [row("fast", 2, time={"ms_per_megapixel": 5.678}), row("fast", 3, time={"ms_per_megapixel": 1234.5})]
    lines = model_table(rows, 2).splitlines()
    assert lines[2].split() == ["Model", "Scale", "Params", "Precision", "Set5", "Urban", "ms/Mpx"]
    assert lines[3].split() == ["fast", "(auto)", "×2", "12,345", "int8", "30.13", "20.00", "5.68"]
    assert lines[4].split() == ["×3", "12,345", "int8", "30.13", "20.00", "1,234"]
    assert len({len(line) for line in lines[2:5]}) == 1
    lines = model_table([row("fast", 2)], 2).splitlines()
    assert lines[2].split() == ["Model", "Purpose", "Scale", "Params", "Precision", "Set5", "Urban"]
    assert lines[3].split() == ["fast", "(auto)", "purpose", "of", "fast", "×2", "12,345", "int8", "30.13", "20.00"]


def test_terms_are_stated_once_with_the_models_that_have_them() -> None:
    assert model_table([row("fast", 2), row("fast", 3)], 2).splitlines()[-1] == "Weights: CC0-1.0."
    rows = [row("fast", 2), row("fast", 3), row("slow", 2), row("slow", 3, licence="MIT"), row("old", 2, licence="MIT")]
    assert model_table(rows, 2).splitlines()[-2:] == [
        "Weights of fast, slow ×2: CC0-1.0.",
        "Weights of slow ×3, old: MIT.",
    ]


def test_a_long_purpose_takes_more_lines() -> None:
    one = row("fast", 2)
    long = ModelRow(one.document, "word " * 40, one.precision, one.psnr, one.video)
    lines = model_table([long], 1).splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).count("word") == 40
