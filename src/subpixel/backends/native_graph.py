"""Networks of any graph on the compiled engine: the parts that it runs one after another.

Within a part the engine works on tiles, so a value exists only around a tile. A warp may read its source anywhere. So a
part ends where a warp reads what a layer computes: its flow, which would need large surroundings otherwise, or its
source. These values, and those that a later part reads as well, are kept whole. A network without warps is one part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from subpixel.backends.base import Planes, Weights, check_inputs
from subpixel.models.lowering import lower
from subpixel.models.spec import INPUT, Add, Concat, Conv, Layer, PixelShuffle, Resize, Spec, Warp, sources_of
from subpixel.ops.native import forced_target
from subpixel.ops.resizing.taps import axis_taps

__all__ = ["Graph", "Part", "parts_of", "phases"]


@dataclass(frozen=True)
class Part:
    """Layers that the engine runs together, tile by tile.

    Args:
        layers: in an order in which they can be computed.
        sources: the names of the whole values that they read.
        results: the names of those of their values that are kept whole.
    """

    layers: tuple[Layer, ...]
    sources: tuple[str, ...]
    results: tuple[str, ...]


def parts_of(spec: Spec) -> tuple[Part, ...]:
    """The parts of a network, in an order in which they can run.

    >>> from subpixel.models.vespcn import vespcn
    >>> [part.results for part in parts_of(vespcn(2))]
    [('before_coarse', 'after_coarse'), ('before_flow', 'after_flow'), ('sum',)]
    """
    inputs = {one.name for one in spec.inputs}

    def later(layer: Layer, name: str) -> int:
        """How many parts after a value the layer that reads it comes at least."""
        return int(isinstance(layer, Warp) and name not in inputs)

    first = dict.fromkeys(inputs, 0)
    for layer in spec.layers:
        first[layer.name] = max(first[name] + later(layer, name) for name in sources_of(layer))
    # Each layer as late as possible: what is larger than what it is made of is kept as briefly as possible.
    last = max(first.values())
    number = {layer.name: last for layer in spec.layers}
    for layer in reversed(spec.layers):
        for name in set(sources_of(layer)) - inputs:
            number[name] = min(number[name], number[layer.name] - later(layer, name))
    whole = set(spec.outputs)
    for layer in spec.layers:
        whole |= {name for name in sources_of(layer) if name not in inputs and number[name] < number[layer.name]}
    parts = []
    for k in range(last + 1):
        layers = tuple(layer for layer in spec.layers if number[layer.name] == k)
        own = {layer.name for layer in layers}
        sources = dict.fromkeys(name for layer in layers for name in sources_of(layer) if name not in own)
        parts.append(Part(layers, tuple(sources), tuple(layer.name for layer in layers if layer.name in whole)))
    return tuple(parts)


class Graph:
    """A network that is ready to run on planes: an engine for each of its parts.

    Args:
        module: the compiled module.
        spec: the network; strides, warps, several inputs and several results are all possible.
        weights: every tensor of ``spec.weight_shapes``, f32.
        threads: at least 1.
    """

    def __init__(self, module: ModuleType, spec: Spec, weights: Weights, threads: int) -> None:
        spec, weights = lower(spec, weights)  # the engine has no transposed convolution
        self._spec = spec
        self._parts = [(part, _engine(module, spec, part, weights, threads)) for part in parts_of(spec)]
        last = {name: k for k, (part, _) in enumerate(self._parts) for name in part.sources}
        # What is not needed after each part.
        self._done = [{name for name, use in last.items() if use == k} for k in range(len(self._parts))]

    def __call__(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        """As :class:`subpixel.backends.base.VideoSession`."""
        arrays = check_inputs(inputs, self._spec)
        return self._run(arrays, {})

    def run(self, x: Planes, y: Planes) -> None:
        """Run a network for images from planes ``(C, H, W)`` to ``(C, H*scale, W*scale)``, neither of them empty."""
        name = self._spec.layers[-1].name
        result = self._run({INPUT: x}, {name: y})[name]
        if result is not y:
            y[...] = result

    def _run(self, inputs: Mapping[str, Planes], results: Mapping[str, Planes]) -> dict[str, Planes]:
        """Results are written to given arrays where these have the sizes that the engine computes."""
        spec, multiple = self._spec, self._spec.multiple
        height, width = inputs[spec.inputs[0].name].shape[1:]
        more = [(0, 0), (0, -height % multiple), (0, -width % multiple)]
        padded = any(after for _, after in more)
        values = {
            name: np.ascontiguousarray(np.pad(x, more, mode="edge") if padded else x) for name, x in inputs.items()
        }
        units = (height + more[1][1]) // multiple, (width + more[2][1]) // multiple
        kept = dict(results) if not padded else {}
        for (part, engine), done in zip(self._parts, self._done, strict=True):
            for name in part.results:
                scale = _scale(spec, name)
                shape = (spec.values[name].channels, units[0] * scale, units[1] * scale)
                values[name] = kept[name] if name in kept else np.empty(shape, np.float32)
            engine.run([values[name] for name in part.sources], [values[name] for name in part.results])
            for name in done - set(spec.outputs):
                del values[name]
        if not padded:
            return {name: values[name] for name in spec.outputs}
        sides = {name: [int(side * spec.values[name].scale) for side in (height, width)] for name in spec.outputs}
        return {name: values[name][:, :rows, :columns] for name, (rows, columns) in sides.items()}


def _engine(module: ModuleType, spec: Spec, part: Part, weights: Weights, threads: int) -> Any:
    engine = module.Session(spec.border == "zero", threads, forced_target())
    number: dict[str, int] = {}
    for name in part.sources:
        engine.input(spec.values[name].channels, _scale(spec, name))
        number[name] = len(number)
    for layer in part.layers:
        if isinstance(layer, Conv):
            tensors = [weights.get(f"{layer.owner}.{kind}") for kind in ("weight", "bias", "slope")]
            weight, bias, slope = (None if t is None else np.ascontiguousarray(t, np.float32) for t in tensors)
            engine.conv(number[layer.source], weight, bias, layer.activation, slope, layer.stride)
        elif isinstance(layer, Add):
            engine.add([number[name] for name in layer.sources])
        elif isinstance(layer, Concat):
            engine.concat([number[name] for name in layer.sources])
        elif isinstance(layer, Resize):
            engine.resize(number[layer.source], layer.factor, *phases(layer.factor, layer.mode))
        elif isinstance(layer, Warp):
            engine.warp(number[layer.source], number[layer.flow], layer.reach)
        else:
            assert isinstance(layer, PixelShuffle)
            engine.pixel_shuffle(number[layer.source], layer.factor, layer.order)
        number[layer.name] = len(number)
    for name in part.results:
        engine.output(number[name])
    return engine


def _scale(spec: Spec, name: str) -> int:
    """The samples of a value in a unit of the engine, along each axis: the smallest square that strides divide."""
    return int(Fraction(spec.values[name].scale) * spec.multiple)


@lru_cache(maxsize=64)
def phases(factor: int, mode: Any, centre: float = 0.5) -> tuple[list[int], list[float]]:
    """Offsets and weights of the ``factor`` output samples of one input sample, away from the edges."""
    middle = 8
    taps = axis_taps(2 * middle + 1, (2 * middle + 1) * factor, factor, mode=mode, centre=centre)
    rows = slice(middle * factor, (middle + 1) * factor)
    return (taps.index[rows] - middle).ravel().tolist(), taps.weight[rows].ravel().tolist()
