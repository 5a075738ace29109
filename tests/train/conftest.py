"""A handful of small images to train on, and a network small enough to train in a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

pytest.importorskip("torch", reason="training needs torch")

import torch
from torch import Tensor

from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec
from subpixel.train import Settings
from subpixel.train.data import Pair


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images of edges and waves; the first by name is the one held out."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(6):
        rng = np.random.default_rng(number)
        y, x = np.mgrid[:84, :96]
        pixels = np.zeros((84, 96, 3))
        for _ in range(12):
            angle, offset = rng.uniform(0, np.pi), rng.uniform(20, 70)
            edge = (np.cos(angle) * x + np.sin(angle) * y > offset) * rng.uniform(-60, 60, 3)[:, None, None]
            pixels += edge.transpose(1, 2, 0)
        pixels += 20 * np.sin(x / rng.uniform(1, 4))[..., None] + 128
        image = pyvips.Image.new_from_array(np.clip(pixels, 0, 255).astype(np.uint8)).copy(interpretation="srgb")
        image.write_to_file(str(folder / f"{number}.png"))
    return folder


@pytest.fixture
def network() -> Callable[[int], Spec]:
    def make(scale: int = 2) -> Spec:
        layers = (
            Conv("first", INPUT, 1, 8, (5, 5), "tanh"),
            Conv("last", "first", 8, scale * scale, (3, 3)),
            PixelShuffle("up", "last", scale),
        )
        return Spec(layers, scale)

    return make


@pytest.fixture
def settings() -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        chosen: dict[str, Any] = {"arch": "small", "scale": 2, "steps": 8, "batch": 4, "patch": 16, "bf16": False}
        return Settings(**{**chosen, **changes})

    return make


def residual(scale: int = 2, width: int = 8) -> Spec:
    """What the networks of our own look like: a chain of ReLU added to the input."""
    layers = (
        Conv("a", INPUT, 1, width, (3, 3), "relu"),
        Conv("b", "a", width, width, (3, 3), "relu"),
        Conv("c", "b", width, scale * scale, (3, 3)),
        PixelShuffle("detail", "c", scale),
        Resize("base", INPUT, scale, "nearest"),
        Add("sum", ("base", "detail")),
    )
    return Spec(layers, scale)


def pairs(planes: int, scale: int, dtype: torch.dtype = torch.float32) -> list[Pair]:
    """Images of different sizes; two small ones have one large one in common."""
    generator = torch.Generator().manual_seed(3)

    def noise(*shape: int) -> Tensor:
        result = torch.rand(shape, generator=generator)
        return result if dtype == torch.float32 else (result * 255).to(dtype)

    result = []
    for height, width in ((20, 31), (27, 18), (19, 19)):
        large = noise(planes, height * scale, width * scale)
        result += [Pair("", noise(planes, height, width), large) for _ in (0, 1)]
    return result
