"""``subpixel export``: what it prints and writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subpixel

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

Run = Callable[..., Any]


def test_a_file_is_written_and_runs(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fast.onnx"
    done = run("export", "-n", "fast", "-s", 2, "-o", path, "--io", "rgb")
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first == f"{path}: {path.stat().st_size:,} bytes"
    assert second.startswith("run in ONNX Runtime ")
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8)
    (result,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(
        None, {"input": pixels[None]}
    )
    expected = subpixel.Upscaler(2, model="fast", precision="f32", exact=True)(pixels)
    assert np.abs(result[0].astype(int) - expected).max() <= 1


def test_notes_and_advice(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    done = run("export", "-n", "espcn", "-o", path, "--precision", "int8")
    assert done.code == 0
    assert done.err == (
        "note: the file has the codes of subpixel's int8, but is slower than f32; --precision int8-qdq is for speed\n"
    )
    done = run("export", "-n", "espcn", "-o", tmp_path / "b.onnx", "--precision", "int8-qdq")
    assert done.code == 0
    assert (
        "the file needs a processor with VNNI, and its codes are not subpixel's; --precision int8 has those\n"
        in done.err
    )
    done = run("export", "-n", "espcn", "-o", path)
    assert (done.code, done.err) == (1, f"error: {path}: exists already; --overwrite replaces it\n")
    assert run("export", "-n", "espcn", "-o", path, "--overwrite").code == 0


def test_the_advice_to_take_another_format_works(run: Run, tmp_path: Path) -> None:
    done = run("export", "-n", "espcn", "-o", tmp_path / "a.pt", "--io", "rgb")
    assert done.code == 2
    assert "--format onnx and --format openvino hold what is around it" in done.err
    done = run(
        "export", "-n", "espcn", "--format", "safetensors", "--precision", "int8", "-o", tmp_path / "a.safetensors"
    )
    assert done.code == 2
    assert "--format onnx and --format openvino hold int8" in done.err
    for options in (("--io", "rgb"), ("--precision", "int8")):
        assert (
            run("export", "-n", "espcn", "--format", "onnx", "-o", tmp_path / "a.onnx", "--overwrite", *options).code
            == 0
        )
    done = run("export", "-n", "bicubic", "--io", "luma", "-o", tmp_path / "b.onnx")
    assert "--io planes or --io rgb is needed" in done.err
    for io in ("planes", "rgb"):
        assert run("export", "-n", "bicubic", "--io", io, "-o", tmp_path / "b.onnx", "--overwrite").code == 0


def test_a_network_for_videos_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("export", "-n", "vespcn", "-o", tmp_path / "a.onnx")
    assert done.code == 2
    assert done.err.startswith("error: model 'vespcn' is for videos: ")
    assert not list(tmp_path.iterdir())
