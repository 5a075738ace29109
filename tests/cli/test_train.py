"""``subpixel train`` on images of a few samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

pytest.importorskip("torch", reason="training needs torch")

from subpixel.models import find, load

Run = Callable[..., Any]

pytestmark = pytest.mark.slow

SMALL = ["--batch", "2", "--patch", "20", "--no-bf16", "-j", "1"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 52, 3), np.uint8)
        image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").gaussblur(1.5)
        image.write_to_file(str(folder / f"{number}.png"))
    return folder


def test_three_steps_make_a_model_that_upscales(run: Run, images: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    arguments = ["--arch", "espcn", "--scale", 3, "--data", images, "--out", out, "--steps", 3, *SMALL]
    arguments += ["--patch", 14]
    done = run("train", *arguments, "--seed", 4, "--data-name", "noise", "--licence", "CC0-1.0")
    assert (done.code, done.err) == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["m.ckpt", "m.csv", "m.png", "m.safetensors"]
    model = load(out)
    assert (model.name, model.spec.scale, model.licence) == ("espcn", 3, "CC0-1.0")
    assert model.training["data"] == "noise"
    assert model.training["settings"]["seed"] == 4
    assert model.training["command"].split()[0] == "subpixel"
    assert model.training["earlier"] == []
    assert "dB" in done.out
    assert str(out) in done.out.splitlines()[-1]
    assert run("upscale", photo, "-s", 3, "-n", out, "-o", tmp_path / "large.png").code == 0
    again = run("train", *arguments, "--seed", 4, "--resume")
    assert again.code == 0
    assert "resuming at step 3" in again.out


def test_a_file_names_the_commands_that_led_to_it(
    run: Run, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    for out, start in ((first, []), (second, ["--start", str(first)])):
        arguments = ["train", "--data", str(images), "--out", str(out), "--steps", "1", *SMALL, *start]
        monkeypatch.setattr("sys.argv", ["subpixel", *arguments])
        assert run(*arguments).code == 0
    training = load(second).training
    # Files and folders by their names alone.
    assert training["command"].startswith("subpixel train --data images --out second.safetensors --steps 1 ")
    assert training["command"].endswith("--start first.safetensors")
    assert training["earlier"] == [load(first).training["command"]]


def test_a_run_can_start_from_a_shipped_model(run: Run, images: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", images, "--out", tmp_path / "m.safetensors", "--steps", 1, "--lr", 1e-9, *SMALL]
    assert run(*arguments, "--start", "fast").code == 0
    result, shipped = load(tmp_path / "m.safetensors"), find("fast", 2)
    first = "conv1.weight"
    np.testing.assert_allclose(result.weights[first], shipped.weights[first], atol=1e-6)
    done = run(*arguments, "--start", "balanced", "--scale", 8)
    assert (done.code, done.out) == (2, "")
    assert "--start balanced: this model has ×2, ×3, ×4, not ×8" in done.err


def test_degraded_pairs_are_part_of_the_run(run: Run, images: Path, tmp_path: Path) -> None:
    arguments = ["--data", images, "--out", tmp_path / "m.safetensors", "--steps", 2, *SMALL]
    done = run("train", *arguments, "--degradation", "compressed", "--variants", 2)
    assert (done.code, done.err) == (0, "")
    model = load(tmp_path / "m.safetensors")
    assert model.name == "fast-compressed"
    training = model.training
    assert (training["settings"]["degradation"], training["settings"]["variants"]) == ("compressed", 2)
    assert training["held_out"] == ["0.png"]
    clean = run("train", *arguments, "--resume")
    assert clean.code == 2
    assert "degradation, variants" in clean.err


def test_an_rgb_network_against_an_adversary(run: Run, images: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    small = ["--batch", "2", "--patch", "16", "--no-bf16", "-j", "1"]
    done = run(
        "train",
        "--arch",
        "edsr-baseline",
        "--data",
        images,
        "--out",
        out,
        "--steps",
        1,
        "--adversarial",
        0.001,
        *small,
    )
    assert (done.code, done.err) == (0, "")
    model = load(out)
    assert (model.name, model.spec.colour, model.spec.parameters) == ("edsr-baseline", "rgb", 1_369_859)
    chosen = model.training["settings"]
    assert (chosen["content"], chosen["adversarial"]) == ("pyramid", 0.001)
    assert run("upscale", photo, "-n", out, "-o", tmp_path / "large.png").code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "steps or minutes"),
        (["--steps", "3", "--minutes", "1"], "steps or minutes"),
        (["--steps", "0"], "--steps 0"),
        (["--steps", "-5"], "--steps -5"),
        (["--steps", "many"], "--steps"),
        (["--minutes", "nan"], "--minutes nan"),
        (["--steps", "3", "--arch", "vgg"], "espcn"),
        (["--steps", "3", "--scale", "1"], "--scale 1"),
        (["--steps", "3", "--scale", "0"], "0 is not possible. Use 2, 3, 4 or 8."),
        (["--steps", "3", "--scale", "nan"], "nan"),
        (["--steps", "3", "--data", "none"], "no such folder"),
        (["--steps", "3", "--data", "empty"], "at least 2"),
        (["--steps", "3", "--out", "m.pt"], "safetensors"),
        (["--steps", "3", "--out", "none/m.safetensors"], "folder"),
        (["--steps", "3", "--patch", "400"], "--patch 400"),
        (["--steps", "3", "--patch", "8"], "--patch 8"),
        (["--steps", "3", "--batch", "0"], "--batch 0"),
        (["--steps", "3", "--lr", "nan"], "--lr nan"),
        (["--steps", "3", "--loss", "l5"], "l5"),
        (["--steps", "3", "--degradation", "foggy"], "clean, compressed"),
        (["--steps", "3", "--variants", "0"], "--variants 0"),
        (["--steps", "3", "--content", "style"], "pixel, pyramid, vgg19"),
        (["--steps", "3", "--content", "vgg19"], "must be given together"),
        (["--steps", "3", "--adversarial", "-1"], "--adversarial -1"),
        (["--steps", "3", "--threads", "0"], "--threads"),
        (["--steps", "3", "--threads", "-1"], "--threads"),
        (["--steps", "3", "--seed", "-99999999999999999999"], "--seed"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_wrong_use(run: Run, images: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], word: str) -> None:
    folder = images.parent
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    done = run("train", "--data", "images", "--out", "m.safetensors", *SMALL, *arguments)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert word in line
    assert sorted(p.name for p in folder.iterdir()) == ["empty", "images"]


def test_images_that_cannot_be_used(run: Run, images: Path, tmp_path: Path) -> None:
    (images / "1.png").write_bytes(b"broken")
    done = run("train", "--data", images, "--out", tmp_path / "m.safetensors", "--steps", 1, *SMALL)
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert "1.png" in line
    assert [p.name for p in tmp_path.iterdir()] == ["images"]


def test_a_video_as_data(run: Run, tmp_path: Path) -> None:
    """Two scenes of random squares; what is no video is said in one line."""
    import av

    path, out = tmp_path / "my_series.mkv", tmp_path / "m.safetensors"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(24):
            rng = np.random.default_rng(number // 12)
            blocks = rng.integers(0, 256, (12, 16, 3), np.uint8).repeat(4, 0).repeat(4, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(blocks, "rgb24")))
        container.mux(stream.encode(None))
    done = run("train", "--data", path, "--out", out, "--steps", 2, "--frames", 4, *SMALL)
    assert (done.code, done.err) == (0, "")
    training = load(out).training
    assert (training["images"], len(training["held_out"]), training["data"]) == (1, 1, "my_series.mkv")
    assert training["held_out"][0].startswith("my_series.mkv ")
    path.write_bytes(b"no video")
    done = run("train", "--data", path, "--out", out, "--steps", 2, *SMALL)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: {path}: not a readable video")
