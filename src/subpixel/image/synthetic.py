"""Synthetic images with the statistics of photographs, for measurements without a photograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subpixel.ops import resize

__all__ = ["photograph"]

# Distances in pixels between the points of the layers that are summed. The strength of a layer is its distance to the
# power below, which gives files of the size of photographs.
_STEPS = (128, 64, 32, 16, 8, 4, 2)
_POWER = 0.15
_GRAIN = 1.5  # standard deviation in codes


def photograph(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Soft shapes with edges and grain, as hard for codecs as photographs.

    Args:
        height: in pixels.
        width: in pixels.
        seed: another number gives another image.

    Returns:
        ``(H, W, 3)`` u8 RGB.

    >>> photograph(40, 60).shape
    (40, 60, 3)
    """
    rng = np.random.default_rng(seed)
    layers = [_layer(rng, height, width, step) * step**_POWER for step in _STEPS]
    forms = np.sign(_layer(rng, height, width, 90)[..., :1])  # objects, lighter or darker than the background
    image = sum(layers, 3 * forms)
    image = 118 + image * (40 / max(1e-6, float(image.std())))
    # The channels of a photograph are similar: most of it is in its luma.
    image = image.mean(axis=2, keepdims=True) * 0.7 + image * 0.3
    image += rng.normal(0, _GRAIN, image.shape)
    result: NDArray[np.uint8] = np.clip(image, 0, 255).astype(np.uint8)
    return result


def _layer(rng: np.random.Generator, height: int, width: int, step: int) -> NDArray[np.float32]:
    points = rng.standard_normal((height // step + 2, width // step + 2, 3), np.float32)
    layer: NDArray[np.float32] = resize(points, scale=step, layout="HWC")
    return layer[:height, :width]
