"""One image file in one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subpixel
from helpers import random_image
from subpixel.cli import main
from subpixel.errors import ImageReadError, ImageWriteError, InvalidArgument
from subpixel.image import read, upscale_file
from subpixel.image.files.provenance import read_provenance
from subpixel.models import Model, espcn

Saved = Callable[..., Path]


@pytest.mark.parametrize(
    ("options", "arguments", "name"),
    [
        ({}, [], "a_x2.png"),
        ({"scale": 2.5}, ["-s", "2.5"], "a_x2.5.png"),
        ({"fit": (50, 70), "format": "webp"}, ["--fit", "50x70", "-f", "webp"], "a_fit50x70.webp"),
        ({"format": "avif", "quality": 80}, ["-f", "avif", "-q", "80"], "a_x2.avif"),
        (
            {"width": 90, "model": "fast", "precision": "f32"},
            ["--width", "90", "-n", "fast", "--precision", "f32"],
            "a_w90.png",
        ),
        ({"provenance": False, "strength": 0.5}, ["--no-provenance", "--strength", "0.5"], "a_x2.png"),
    ],
)
def test_the_bytes_are_those_of_the_command(
    saved: Saved, tmp_path: Path, options: dict[str, Any], arguments: list[str], name: str
) -> None:
    source = saved("a.png", random_image((24, 36, 3), np.uint8))
    result = upscale_file(str(source), **options)
    assert result.destination == tmp_path / name
    content = result.destination.read_bytes()
    result.destination.unlink()
    assert main(["upscale", str(source), "--quiet", *arguments]) == 0
    assert result.destination.read_bytes() == content


def test_a_destination_a_comparison_and_progress(saved: Saved, tmp_path: Path) -> None:
    source = saved("a.png")
    rows: list[tuple[int, int]] = []
    result = upscale_file(
        source, tmp_path / "b.jpg", 3, compare=str(tmp_path), progress=lambda done, total: rows.append((done, total))
    )
    assert (result.destination, result.size_out) == (tmp_path / "b.jpg", (108, 72))
    assert result.comparison == tmp_path / "b_comparison.png"
    assert result.comparison.exists()
    assert rows[-1] == (72, 72)


def test_a_model_in_memory_is_not_taken_for_the_shipped_one_of_its_name(saved: Saved) -> None:
    spec = espcn(2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    model = Model("fast", spec, weights, training={"data": "none"}, licence="CC0-1.0")
    source = saved("a.png")
    result = upscale_file(source, model=model)
    np.testing.assert_array_equal(read(result.destination).pixels, subpixel.upscale(read(source).pixels, model=model))
    provenance = read_provenance(result.destination)
    assert provenance is not None
    assert (provenance.model, provenance.settings.split()[0]) == ("fast", "model=memory:fast")


def test_errors_name_parameters(saved: Saved, tmp_path: Path) -> None:
    source = saved("a.png")
    upscale_file(source)
    with pytest.raises(ImageWriteError, match=r"a_x2\.png: exists already; overwrite=True replaces it"):
        upscale_file(source)
    upscale_file(source, overwrite=True)
    with pytest.raises(ImageReadError, match="limit=1 allows it"):
        upscale_file(source, limit=1e-6)
    with pytest.raises(ImageWriteError, match="the output is the input file; choose another output"):
        upscale_file(source, source, overwrite=True)
    with pytest.raises(InvalidArgument, match="out\\.png: this name and format='jpg' contradict each other"):
        upscale_file(source, tmp_path / "out.png", format="jpg")
