"""The networks of the benchmarks, and calls that run them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS
from subpixel.backends.base import Session
from subpixel.models.integer import quantise
from subpixel.models.spec import INPUT, Add, Conv, Layer, PixelShuffle, Resize, Spec
from subpixel.models.zoo import find

__all__ = ["Network", "espcn_x3", "network_call", "session", "synthetic_image", "thin_x2"]

# Nearly all values of layers with random weights lie in it. Clipping does not change the time.
_RANGE = (-4.0, 4.0)

# Side of the pattern that images repeat.
_TILE = 512


@dataclass(frozen=True)
class Network:
    """A network with weights, its int8 parameters, and the height and width of the image it is measured on."""

    name: str
    spec: Spec
    weights: Mapping[str, NDArray[np.float32]]
    quantisation: Mapping[str, Any]
    size: tuple[int, int]

    @property
    def macs(self) -> float:
        """Multiply-adds for one image, without those for its borders."""
        return float(self.spec.macs_per_pixel) * self.size[0] * self.size[1]

    @property
    def title(self) -> str:
        """The title of the network's groups."""
        (h, w), r = self.size, self.spec.scale
        return f"{self.name} ×{r}, luma {w}×{h} → {w * r}×{h * r}, {self.macs / 1e9:.2f} GMAC"


def espcn_x3() -> Network:
    """ESPCN as it is shipped, 640×360 to 1920×1080."""
    model = find("espcn", 3)
    return _network("ESPCN", model.spec, model.weights, (360, 640), model.quantisation)


def thin_x2() -> Network:
    """A deeper and thinner network of 13,500 random weights, 960×540 to 1920×1080. Weights do not change the time."""
    middle = [Conv(f"conv{n}", f"conv{n - 1}", 16, 16, (3, 3), "relu") for n in range(2, 7)]
    layers: tuple[Layer, ...] = (
        Conv("conv1", INPUT, 1, 16, (5, 5), "relu"),
        *middle,
        Conv("conv7", "conv6", 16, 4, (5, 5)),
        PixelShuffle("detail", "conv7", 2),
        Resize("base", INPUT, 2, "nearest"),
        Add("sum", ("base", "detail")),
    )
    spec = Spec(layers, 2)
    rng = np.random.default_rng(0)
    weights = {}
    for name, shape in spec.weight_shapes.items():
        # scaled as in He et al. 2015: values keep their size from layer to layer
        spread = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.05
        weights[name] = rng.normal(0, spread, shape).astype(np.float32)
    weights["conv7.weight"] *= np.float32(0.1)
    return _network("5-3-3-3-3-3-5, 16 channels", spec, weights, (540, 960), None)


def _network(
    name: str,
    spec: Spec,
    weights: Mapping[str, NDArray[np.float32]],
    size: tuple[int, int],
    quantisation: Mapping[str, Any] | None,
) -> Network:
    ranges = {layer.name: _RANGE for layer in spec.layers}
    return Network(name, spec, weights, quantisation or quantise(spec, weights, ranges), size)


def synthetic_image(size: tuple[int, int], channels: int | None = None) -> NDArray[np.uint8]:
    """Waves of all lengths, u8, ``(H, W)`` or ``(H, W, channels)``: no flat areas that a program could skip."""
    y, x = np.mgrid[:_TILE, :_TILE].astype(np.float32)
    wave = np.sin(x * x * np.float32(2e-3)) + np.cos(y * np.float32(0.3) + x * np.float32(0.1))
    tile = (128 + 60 * wave).astype(np.uint8)
    gray = np.tile(tile, [-(-side // _TILE) for side in size])[: size[0], : size[1]].copy()
    if channels is None:
        return gray
    return np.ascontiguousarray(np.stack([np.roll(gray, 7 * c, axis=1) for c in range(channels)], axis=-1))


def session(network: Network, precision: str, threads: int, target: str = "") -> Session:
    """A session of the compiled backend for a network, on the best target or a named one."""
    with _target(target):
        return BACKENDS["native"].prepare(network.spec, network.weights, precision, threads, network.quantisation)


def network_call(network: Network, precision: str, threads: int, target: str = "") -> Callable[[], NDArray[Any]]:
    """A call that runs a network on its image: u8 for int8, else f32."""
    ready = session(network, precision, threads, target)
    plane = synthetic_image(network.size)[None]
    x: NDArray[Any] = plane if precision == "int8" else plane.astype(np.float32) / np.float32(255)
    return lambda: ready(x)


@contextmanager
def _target(name: str) -> Iterator[None]:
    before = os.environ.get("SUBPIXEL_TARGET")
    if name:
        os.environ["SUBPIXEL_TARGET"] = name
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("SUBPIXEL_TARGET", None)
        else:
            os.environ["SUBPIXEL_TARGET"] = before
