"""The command as a process: exit codes as a shell sees them, signals, and streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

import subpixel
from subpixel.image import read

Run = Callable[..., Any]
MODULE = [sys.executable, "-m", "subpixel"]
SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "subpixel")]


def process(*arguments: object, command: list[str] = MODULE, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120, **options
    )


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_an_image_through_a_shell(photo: Path, tmp_path: Path, command: list[str]) -> None:
    done = process("upscale", photo, "-n", "bicubic", "-o", tmp_path / "ö 图.png", command=command)
    assert (done.returncode, done.stderr) == (0, "")
    assert read(tmp_path / "ö 图.png").pixels.shape == (16, 24, 3)


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_exit_codes(photo: Path, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "bad.jpg").write_text("not an image")
    for arguments, code in (
        (["--version"], 0),
        (["upscale", tmp_path / "none.png", "-n", "bicubic"], 1),
        (["upscale", photo, "-s", "nan"], 2),
        (["upscale", photo, tmp_path / "bad.jpg", "-n", "bicubic"], 3),
    ):
        done = process(*arguments, command=command)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        if code in (1, 2):
            assert done.stderr.startswith("error: ")
            assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tif"])
def test_nothing_but_one_sentence_is_printed_of_a_damaged_image(tmp_path: Path, suffix: str) -> None:
    """Neither Python nor the libraries below print their own, even as the process ends."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    path = tmp_path / f"a.{suffix}"
    pyvips.Image.new_from_array(noise).write_to_file(str(path), **({"compression": "lzw"} if suffix == "tif" else {}))
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\xff\xd9" if suffix == "jpg" else content[:middle])
    done = process("upscale", path, "-n", "bicubic", "-o", tmp_path / "out.png")
    assert done.returncode == 1
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(f"error: {path}: the image is damaged or truncated")
    assert not (tmp_path / "out.png").exists()


def test_version_and_help(run: Run) -> None:
    assert run("--version").out == f"subpixel {subpixel.__version__}\n"
    done = run("--help")
    assert done.code == 0
    for command in ("upscale", "models", "doctor", "evaluate", "train"):
        assert command in done.out
        assert run(command, "-h").code == 0
    assert run().code == 2


def test_a_damaged_image_prints_nothing_of_libvips(photo: Path, tmp_path: Path) -> None:
    content = photo.read_bytes()
    photo.write_bytes(content[:-30])
    done = process("upscale", photo, "-n", "bicubic", "-o", tmp_path / "out.png")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


def test_output_that_nobody_reads_ends_without_a_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*MODULE, "doctor"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=120
        )
    finally:
        os.close(writing)
    assert "Traceback" not in done.stderr
    assert done.returncode != 0


def test_names_can_be_printed_where_the_terminal_is_not_utf_8(photo: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = process("upscale", photo, "-n", "bicubic", "-o", tmp_path / "ö.png", env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ö.png").exists()


def test_an_interrupt_during_training_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 52, 3), np.uint8)
        image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
        image.write_to_file(str(tmp_path / f"{number}.png"))
    out = tmp_path / "m.safetensors"
    command = [*MODULE, "train", "--data", str(tmp_path), "--out", str(out), "--minutes", "5"]
    command += ["--batch", "1", "--patch", "20", "--no-bf16", "-j", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=120)
    assert "held out" in first
    assert (running.returncode, errors) == (130, "error: interrupted\n")
    assert not list(tmp_path.glob("*.safetensors"))
