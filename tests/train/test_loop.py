"""A whole run: what it writes, that it learns, that it can be repeated and gone on with."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import torch

from subpixel import Upscaler
from subpixel.errors import ImageReadError, InvalidArgument, ModelFileError, SubpixelError
from subpixel.metrics import psnr
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.models import Spec, load
from subpixel.train import Settings, loop, train
from subpixel.train.data import Patches
from subpixel.train.state import State

Network = Callable[[int], Spec]
MakeSettings = Callable[..., Settings]


def silent(_: str) -> None:
    pass


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("scale", [2, 3])
def test_a_run_writes_a_model_its_curve_and_its_checkpoint(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, scale: int
) -> None:
    values: list[str] = []
    out = tmp_path / "model.safetensors"
    provenance = {"data": "waves", "licence": "CC0-1.0", "command": "test"}
    model = train(settings(scale=scale, steps=5), network(scale), data, out, provenance=provenance, say=values.append)
    assert names(tmp_path) == ["model.ckpt", "model.csv", "model.png", "model.safetensors"]
    again = load(out)
    assert again.spec == network(scale)
    assert all(np.array_equal(again.weights[name], model.weights[name]) for name in model.weights)
    assert again.licence == "CC0-1.0"
    assert again.training["data"] == "waves"
    assert again.training["held_out"] == ["0.png"]
    assert again.training["images"] == 5
    assert (again.training["steps"], again.training["settings"]["seed"]) == (5, 0)
    assert str(out) in values[-1]
    rows = list(csv.DictReader((tmp_path / "model.csv").read_text().splitlines()))
    assert int(rows[-1]["step"]) == 5
    assert 10 < float(rows[-1]["validation_psnr_y"]) < 60
    assert pyvips.Image.new_from_file(str(tmp_path / "model.png")).width > 100
    # The file does what it says, in the program that will use it.
    assert Upscaler(scale, model=str(out))(np.zeros((4, 5, 3), np.uint8)).shape == (4 * scale, 5 * scale, 3)


def test_the_figure_in_the_file_is_that_of_its_weights(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    out = tmp_path / "m.safetensors"
    model = train(settings(), network(2), data, out, say=silent)
    small, large = shrink(pyvips.Image.new_from_file(str(data / "0.png")).numpy(), 2)
    plane = Upscaler(2, model=str(out)).plane((luma_255(small) / 255).astype(np.float32)).astype(np.float64) * 255
    score = psnr(np.clip(np.floor(plane + 0.5), 0, 255), luma_255(large), data_range=255, crop=2)
    assert model.figures["validation_psnr_y"] == pytest.approx(score, abs=0.02)


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_training_improves_on_its_start(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, loss: str
) -> None:
    values: list[str] = []
    model = train(settings(steps=40, loss=loss), network(2), data, tmp_path / "m.safetensors", say=values.append)
    start = re.search(r"([\d.]+) dB at step 0", "\n".join(values))
    assert start is not None
    assert model.figures["validation_psnr_y"] > float(start[1]) + 0.2


def test_slow_measurements_leave_most_of_the_time_to_training(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now

    measure, draw = State.measure, Patches.draw

    def slow_measure(self: State, *arguments: Any) -> float:
        nonlocal now
        now += 100
        return measure(self, *arguments)

    def slow_draw(self: Patches, *part: int) -> Any:
        nonlocal now
        now += 10
        return draw(self, *part)

    monkeypatch.setattr(loop, "time", Clock)
    monkeypatch.setattr(State, "measure", slow_measure)
    monkeypatch.setattr(Patches, "draw", slow_draw)
    train(settings(steps=120), network(2), data, tmp_path / "m.safetensors", say=silent)
    steps = [int(row["step"]) for row in csv.DictReader((tmp_path / "m.csv").read_text().splitlines())]
    assert steps == [3, 43, 83, 120]


@pytest.mark.parametrize("expand", [0, 2])
def test_the_same_seed_gives_the_same_file(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, expand: int
) -> None:
    def train_bytes(name: str, seed: int) -> bytes:
        out = tmp_path / f"{name}.safetensors"
        train(settings(expand=expand, seed=seed), network(2), data, out, say=silent)
        return out.read_bytes()

    assert train_bytes("a", 1) == train_bytes("b", 1)
    assert train_bytes("c", 2) != train_bytes("a2", 1)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_an_interrupted_run_gone_on_with_equals_one_that_was_not(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, network: Network, settings: MakeSettings, after: int
) -> None:
    chosen = settings(steps=8, expand=2)
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train(chosen, network(2), data, whole, say=silent)
    real, calls = Patches.draw, 0

    def draw(self: Patches, *part: int) -> Any:
        nonlocal calls
        if calls == after:
            raise KeyboardInterrupt
        calls += 1
        return real(self, *part)

    values: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(Patches, "draw", draw)
        with pytest.raises(KeyboardInterrupt):
            train(chosen, network(2), data, parts, say=values.append)
    assert not parts.exists()
    assert f"stopped at step {after}" in values[-1]
    assert values[-1].endswith(f"resume from {parts.with_suffix('.ckpt')}")
    train(chosen, network(2), data, parts, resume=True, say=values.append)
    assert any(f"resuming at step {after}" in line for line in values)
    assert parts.read_bytes() == whole.read_bytes()


def test_an_interrupt_during_the_last_line_loses_nothing(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train(settings(), network(2), data, whole, say=silent)

    def say(line: str) -> None:
        if line.startswith("step"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings(), network(2), data, parts, say=say)
    train(settings(), network(2), data, parts, resume=True, say=silent)
    assert parts.read_bytes() == whole.read_bytes()


def test_a_finished_run_can_be_prolonged(data: Path, tmp_path: Path, network: Network, settings: MakeSettings) -> None:
    out = tmp_path / "m.safetensors"
    train(settings(steps=3), network(2), data, out, say=silent)
    model = train(settings(steps=6), network(2), data, out, resume=True, say=silent)
    assert model.training["steps"] == 6
    assert [int(row["step"]) for row in csv.DictReader((tmp_path / "m.csv").read_text().splitlines())] == [3, 6]


def test_a_run_gone_on_with_says_what_it_began_as(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "m.safetensors"
    train(settings(steps=1), network(2), data, first, provenance={"command": "the first"}, say=silent)
    train(settings(steps=2), network(2), data, out, start=first, provenance={"command": "the second"}, say=silent)
    model = train(settings(steps=3), network(2), data, out, resume=True, provenance={"command": "more"}, say=silent)
    assert (model.training["earlier"], model.training["command"]) == (["the first"], "more")


def test_resume_without_a_checkpoint_begins(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    assert (
        train(settings(), network(2), data, tmp_path / "m.safetensors", resume=True, say=silent).training["steps"] == 8
    )


def test_weights_of_another_scale_give_a_head_start(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    first = tmp_path / "x2.safetensors"
    train(settings(steps=30), network(2), data, first, say=silent)
    values: list[str] = []
    spec = network(3)
    train(settings(scale=3, steps=1), spec, data, tmp_path / "x3.safetensors", start=first, say=values.append)
    train(settings(scale=3, steps=1), spec, data, tmp_path / "plain.safetensors", say=values.append)
    warm, cold = (float(value) for value in re.findall(r"([\d.]+) dB at step 0", "\n".join(values)))
    assert warm > cold


# What cannot be trained


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": None}, "either steps or minutes"),
        ({"minutes": 1.0}, "either steps or minutes"),
        ({"steps": 0}, "steps=0"),
        ({"steps": -3}, "steps=-3"),
        ({"steps": None, "minutes": 0.0}, "minutes=0"),
        ({"steps": None, "minutes": float("nan")}, "minutes=nan"),
        ({"steps": None, "minutes": float("inf")}, "minutes=inf"),
        ({"lr": 0.0}, "lr=0"),
        ({"lr": float("nan")}, "lr=nan"),
        ({"batch": 0}, "batch=0"),
        ({"patch": -1}, "patch=-1"),
        ({"loss": "l3"}, "l1, l2"),
        ({"expand": -1}, "expand=-1"),
        ({"average": 1.0}, "average=1"),
        ({"average": float("nan")}, "average=nan"),
        ({"sizes": ()}, "sizes"),
        ({"sizes": (2.0,)}, "sizes"),
    ],
    ids=str,
)
def test_settings_that_do_not_work(settings: MakeSettings, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        settings(**changes)


@pytest.mark.parametrize("out", ["m.pt", "m", "none/m.safetensors", "file/m.safetensors"])
def test_a_destination_that_does_not_work(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, out: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="safetensors"):
        train(settings(), network(2), data, tmp_path / out, say=silent)
    assert names(tmp_path) == ["file"]


def test_data_and_networks_that_do_not_work(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    out = tmp_path / "m.safetensors"
    bad = tmp_path / "bad"
    bad.mkdir()
    with pytest.raises(InvalidArgument, match="at least 2"):
        train(settings(), network(2), bad, out, say=silent)
    with pytest.raises(InvalidArgument, match="no such folder"):
        train(settings(), network(2), tmp_path / "none", out, say=silent)
    with pytest.raises(InvalidArgument, match="patch=500"):
        train(settings(patch=500), network(2), data, out, say=silent)
    with pytest.raises(InvalidArgument, match="patch=6"):
        train(settings(patch=6), network(2), data, out, say=silent)
    with pytest.raises(InvalidArgument, match="device='abacus'"):
        train(settings(), network(2), data, out, device="abacus", say=silent)
    with pytest.raises(InvalidArgument, match=r"teacher and settings\.teacher_share must be given together"):
        train(settings(teacher_share=0.5), network(2), data, out, say=silent)
    with pytest.raises(InvalidArgument, match="rounded needs a trained network"):
        train(settings(rounded=True), network(2), data, out, say=silent)
    with pytest.raises(ModelFileError, match="no such file"):
        train(settings(), network(2), data, out, start=tmp_path / "none.safetensors", say=silent)
    for number in range(3):
        wide = pyvips.Image.new_from_array(np.zeros((60, 60, 3), np.uint16)).copy(interpretation="rgb16")
        wide.write_to_file(str(bad / f"{number}.png"))
    with pytest.raises(ImageReadError, match="uint16"):
        train(settings(), network(2), bad, out, say=silent)
    assert names(tmp_path) == ["bad"]


@pytest.mark.parametrize("kind", ["empty", "text", "cut short", "changed", "another pickle", "a list", "other network"])
def test_a_checkpoint_that_cannot_be_used_is_one_error_and_stays(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, kind: str
) -> None:
    out, checkpoint = tmp_path / "m.safetensors", tmp_path / "m.ckpt"
    train(settings(steps=2), network(2), data, out, say=silent)
    content = checkpoint.read_bytes()
    if kind == "empty":
        checkpoint.write_bytes(b"")
    elif kind == "text":
        checkpoint.write_bytes(b"this is no checkpoint\n" * 30)
    elif kind == "cut short":
        checkpoint.write_bytes(content[: len(content) // 2])
    elif kind == "changed":
        damaged = bytearray(content)
        damaged[len(damaged) // 3 : len(damaged) // 3 + 400] = bytes(400)
        damaged[-300:-200] = bytes(100)
        checkpoint.write_bytes(damaged)
    elif kind == "another pickle":
        torch.save({"weights": torch.zeros(3)}, checkpoint)
    elif kind == "a list":
        torch.save([1, 2, 3], checkpoint)
    else:
        content_of_other = torch.load(checkpoint, weights_only=True)
        content_of_other["net"] = {name: torch.zeros(3) for name in content_of_other["net"]}
        torch.save(content_of_other, checkpoint)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ModelFileError, match=r"m\.ckpt"):
        train(settings(steps=4), network(2), data, out, resume=True, say=silent)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<html><title>404</title></html>", "this is an HTML page, not a checkpoint (a failed download?)"),
        (b"\x80\x02cos\nmkdir\nX\x01\x00\x00\x00a\x85R.", "holds more than tensors (os.mkdir), and reading that"),
        ({"settings": 3}, "is not a checkpoint of subpixel train"),
        ({"settings": {"lr": torch.zeros(3)}}, "is not a checkpoint of subpixel train"),
        ({"settings": {}, "step": "x"}, "is not a checkpoint of subpixel train"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_somebody_else_is_one_sentence(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, content: Any, sentence: str
) -> None:
    out = tmp_path / "m.safetensors"
    train(settings(steps=2), network(2), data, out, say=silent)
    checkpoint = out.with_suffix(".ckpt")
    if isinstance(content, bytes):
        checkpoint.write_bytes(content)
    else:
        whole = torch.load(checkpoint, weights_only=True)
        if isinstance(content["settings"], dict):
            content = {**whole, **content, "settings": {**whole["settings"], **content["settings"]}}
        torch.save(content, checkpoint)
    with pytest.raises(ModelFileError) as caught:
        train(settings(steps=4), network(2), data, out, resume=True, say=silent)
    assert sentence in str(caught.value)
    assert str(caught.value).isprintable()
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"lr": 0.001}, {"seed": 5}, {"batch": 5}, {"expand": 1}, {"loss": "l2"}])
def test_a_checkpoint_of_other_settings_is_refused_by_their_names(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings, changes: dict[str, Any]
) -> None:
    out = tmp_path / "m.safetensors"
    train(settings(steps=2), network(2), data, out, say=silent)
    with pytest.raises(InvalidArgument, match=f"other settings: {next(iter(changes))}$"):
        train(settings(steps=4, **changes), network(2), data, out, resume=True, say=silent)


def test_a_checkpoint_from_before_candidates_had_one(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    out = tmp_path / "m.safetensors"
    train(settings(steps=2, candidates=1), network(2), data, out, say=silent)
    content = torch.load(tmp_path / "m.ckpt", weights_only=True)
    del content["settings"]["candidates"]
    torch.save(content, tmp_path / "m.ckpt")
    with pytest.raises(InvalidArgument, match=r"other settings: candidates$"):
        train(settings(steps=3), network(2), data, out, resume=True, say=silent)
    lines: list[str] = []
    train(settings(steps=3, candidates=1), network(2), data, out, resume=True, say=lines.append)
    assert lines[0].startswith("resuming at step 2")


def test_a_file_that_does_not_read_back_the_same_does_not_take_its_place(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    import subpixel.train.loop

    out = tmp_path / "m.safetensors"
    out.write_bytes(b"the model of yesterday")
    real = subpixel.train.loop.load

    def other(path: Path) -> Any:
        model = real(path)
        for weight in model.weights.values():
            weight += np.float32(0.1)
        return model

    monkeypatch.setattr(subpixel.train.loop, "load", other)
    with pytest.raises(SubpixelError, match="does not compute"):
        train(settings(steps=1), network(2), data, out, say=silent)
    assert out.read_bytes() == b"the model of yesterday"
    assert names(tmp_path) == ["m.ckpt", "m.csv", "m.png", "m.safetensors"]
