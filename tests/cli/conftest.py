"""Running the command line inside the test, and what to run it on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from helpers import folder_content, save_image
from subpixel.cli import main
from subpixel.models import Model, espcn, save


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def call(*arguments: object) -> Done:
        capsys.readouterr()
        with warnings.catch_warnings():
            warnings.resetwarnings()  # as for a user: no warning is an error
            code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    return call


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """An image of 12×8 with a folder of its own."""
    folder = tmp_path / "photos"
    folder.mkdir(exist_ok=True)
    y, x = np.mgrid[:8, :12]
    pixels = np.dstack([x * 20, y * 30, 255 - x * 10]).astype(np.uint8)
    return save_image(folder / "photo.png", pixels)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ×2 model file whose weights are random: it upscales to noise, but it runs."""
    path = tmp_path_factory.mktemp("weights") / "noise.safetensors"
    rng = np.random.default_rng(0)
    spec = espcn(2)
    tensors = {name: rng.normal(0, 0.05, shape).astype(np.float32) for name, shape in spec.weight_shapes.items()}
    save(Model("noise", spec, tensors, training={"data": "none"}, licence="CC0-1.0"), path)
    return path


@pytest.fixture
def look(tmp_path: Path) -> Callable[[], dict[str, bytes | str]]:
    """Every path below the test's folder with its content."""
    return partial(folder_content, tmp_path)
