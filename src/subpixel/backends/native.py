"""The compiled backend: packs a Spec into the C++ engine of ``native/``."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Quantisation, Session, Weights, checked_planes
from subpixel.errors import BackendUnavailable, InvalidArgument
from subpixel.models.integer import IntegerNetwork, integer_network
from subpixel.models.spec import INPUT, Add, Concat, Conv, PixelShuffle, Resize, Spec
from subpixel.ops.native import forced_target, native_module
from subpixel.ops.resizing.taps import axis_taps

__all__ = ["NativeBackend", "native_module"]


class NativeBackend:
    """f32, and int8 of plain chains, on every target of the build; ``SUBPIXEL_TARGET`` forces one."""

    name = "native"
    precisions: tuple[str, ...] = ("f32", "int8")

    def unavailable(self) -> str | None:
        if native_module() is None:
            return "this installation was made without a C++ compiler; install one and then subpixel again"
        return None

    def details(self) -> dict[str, Any]:
        module = native_module()
        if module is None:
            return {}
        targets = module.targets()
        return {
            "targets": targets,
            "chosen": os.environ.get("SUBPIXEL_TARGET") or targets[-1],
            "features": module.features(),
        }

    def prepare(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> Session:
        module = native_module()
        if module is None:
            raise BackendUnavailable(f"backend 'native' cannot run here: {self.unavailable()}")
        if threads < 1:
            raise InvalidArgument(f"backend native: threads={threads}: at least 1 is needed")
        if precision == "int8":
            return _integer_session(module, spec, integer_network(spec, weights, quantisation), threads)
        zero = spec.border == "zero"
        engine = module.Session(spec.channels, spec.scale, spec.halo, zero, threads, forced_target())
        # The engine always runs on a tile with its halo, whatever the border rule, so it needs the loss that
        # convolution without padding has.
        values = spec.values if not zero else Spec(spec.layers, spec.scale, spec.colour, "replicate").values
        number = {INPUT: 0}
        for layer in spec.layers:
            value = values[layer.name]
            if isinstance(layer, Conv):
                tensors = [weights.get(f"{layer.name}.{part}") for part in ("weight", "bias", "slope")]
                weight, bias, slope = (None if t is None else np.ascontiguousarray(t, np.float32) for t in tensors)
                engine.conv(number[layer.source], value.scale, value.lost, weight, bias, layer.activation, slope)
            elif isinstance(layer, Add):
                engine.add([number[name] for name in layer.sources], value.lost)
            elif isinstance(layer, Concat):
                engine.concat([number[name] for name in layer.sources], value.lost)
            elif isinstance(layer, Resize):
                offset, weight_of = _phases(layer.factor, layer.mode)
                engine.resize(number[layer.source], layer.factor, value.lost, offset, weight_of)
            else:
                assert isinstance(layer, PixelShuffle)
                engine.pixel_shuffle(number[layer.source], layer.factor, layer.order, value.lost)
            number[layer.name] = len(number)

        return _session(engine, spec, int8=False)


def _integer_session(module: ModuleType, spec: Spec, network: IntegerNetwork, threads: int) -> Session:
    crd = network.order == "CRD"
    engine = module.IntegerSession(
        network.channels, network.scale, crd, network.base, network.zero_border, threads, forced_target()
    )
    for conv in network.convs:
        constants = conv.bias, conv.shift, conv.multiplier, conv.slope
        engine.conv(conv.weight, *constants, conv.activation, conv.zero, conv is network.convs[-1])
    return _session(engine, spec, int8=True)


def _session(engine: Any, spec: Spec, *, int8: bool) -> Session:
    def session(planes: NDArray[Any]) -> NDArray[Any]:
        planes = np.ascontiguousarray(checked_planes(planes, spec, int8=int8))
        channels, height, width = planes.shape
        result = np.empty((channels, height * spec.scale, width * spec.scale), planes.dtype)
        if result.size:
            engine.run(planes, result)
        return result

    return session


def _phases(factor: int, mode: Any) -> tuple[list[int], list[float]]:
    """Offsets and weights of the ``factor`` output samples made of one input sample, away from the edges."""
    middle = 8
    taps = axis_taps(2 * middle + 1, (2 * middle + 1) * factor, factor, mode=mode)
    rows = slice(middle * factor, (middle + 1) * factor)
    return (taps.index[rows] - middle).ravel().tolist(), taps.weight[rows].ravel().tolist()
