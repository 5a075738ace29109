"""Images to calibrate on, and a small network of ReLUs."""

import numpy as np
import pytest

from subpixel.image import ImageData, write
from subpixel.models.files import Model
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec


@pytest.fixture
def images(tmp_path):
    """Smooth and rough 8-bit images, the first in a folder below."""
    folder = tmp_path / "images"
    (folder / "below").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for k in range(6):
        noise = rng.random((70, 90, 3)) - 0.5
        rough = np.cumsum(np.cumsum(noise, 0), 1) / (4 + k)
        pixels = np.clip(rough * 20 + 128, 0, 255).astype(np.uint8)
        write(ImageData(pixels), folder / ("below" if k == 0 else ".") / f"{k}.png")
    return folder


def small_relu():
    layers = (
        Conv("a", INPUT, 1, 8, (3, 3), "relu"),
        Conv("b", "a", 8, 8, (3, 3), "prelu"),
        Conv("c", "b", 8, 4, (3, 3)),
        PixelShuffle("u", "c", 2),
        Resize("r", INPUT, 2),
        Add("o", ("u", "r")),
    )
    spec = Spec(layers, 2)
    rng = np.random.default_rng(3)
    weights = {k: (rng.standard_normal(s) / 8).astype(np.float32) for k, s in spec.weight_shapes.items()}
    weights["c.weight"] *= 0.05
    return Model("small", spec, weights)
