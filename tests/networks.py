"""Networks made for tests: none depends on shipped weights."""

from __future__ import annotations

import numpy as np

from subpixel.models import Model
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec


def residual(scale: int, colour: str, border: str, seed: int) -> Model:
    """A base of bicubic plus small random detail: a network whose results look like images."""
    channels = 1 if colour == "luma" else 3
    layers = (
        Resize("base", INPUT, scale, "cubic"),
        Conv("first", INPUT, channels, 6, (5, 5), "tanh"),
        Conv("second", "first", 6, 5, (3, 3), "prelu"),
        Conv("third", "second", 5, channels * scale * scale, (3, 3)),
        PixelShuffle("detail", "third", scale),
        Add("sum", ("base", "detail")),
    )
    spec = Spec(layers, scale, colour, border)  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(0, 0.15, shape).astype(np.float32) for name, shape in spec.weight_shapes.items()}
    weights["third.weight"] *= np.float32(0.1)
    weights["third.bias"] *= np.float32(0.1)
    return Model(f"residual-{colour}-{border}", spec, weights)
