"""The exact conversion of a trained sub-pixel network into one with a transposed convolution, and back.

Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS
from subpixel.bench.timing import time_alternately
from subpixel.errors import InvalidArgument
from subpixel.models.files import Model
from subpixel.models.layers import sources_of
from subpixel.models.lowering import lower
from subpixel.models.spec import Conv, ConvTranspose, Layer, PixelShuffle
from subpixel.ops import subpixel_to_conv_transpose

__all__ = ["Conversion", "measure_conversion", "to_subpixel", "to_transposed", "torch_threads"]

F32 = NDArray[np.float32]

# In the order of the table. The engine runs a transposed convolution as a sub-pixel convolution.
_BACKENDS = ("native", "reference", "torch")
_REFERENCE_SIDE = 96  # the reference is slow
_ROUNDS, _SECONDS = 9, 8.0


@dataclass(frozen=True)
class Conversion:
    """A network before and after the conversion.

    Args:
        network: which one.
        subpixel_shape: of the last weight as a sub-pixel convolution.
        transposed_shape: of the last weight as a transposed convolution.
        parameters: of either network.
        restored: whether the way back gives the same weights to the bit.
        differences: by backend, the largest difference of the two networks' results of 0 … 1 on a held-out image.
        size: height and width of the results that were timed.
        milliseconds: by backend, the median time of the sub-pixel and of the transposed network.
    """

    network: str
    subpixel_shape: tuple[int, ...]
    transposed_shape: tuple[int, ...]
    parameters: int
    restored: bool
    differences: dict[str, float]
    size: tuple[int, int]
    milliseconds: dict[str, tuple[float, float]]


def to_transposed(model: Model) -> Model:
    """The network with its last sub-pixel convolution as a transposed convolution of equal results.

    Raises:
        InvalidArgument: there is no convolution that a pixel shuffle alone reads, or its bias differs between phases.
    """
    spec = model.spec
    shuffles = [layer for layer in spec.layers if isinstance(layer, PixelShuffle)]
    layers = {layer.name: layer for layer in spec.layers}
    conv = layers.get(shuffles[-1].source) if shuffles else None
    readers = sum(conv.name in sources_of(layer) for layer in spec.layers) if conv else 0
    if not isinstance(conv, Conv) or conv.activation != "none" or conv.stride > 1 or conv.shared or readers > 1:
        raise InvalidArgument(f"model '{model.name}': it has no convolution that only a pixel shuffle reads")
    shuffle = shuffles[-1]
    weights = dict(model.weights)
    form = subpixel_to_conv_transpose(
        weights.pop(f"{conv.name}.weight"),
        shuffle.factor,
        weights.pop(f"{conv.name}.bias", None),
        padding=[side // 2 for side in conv.kernel],
        order=shuffle.order,
    )
    (top, _), (left, _) = form.padding
    height, width = form.weight.shape[2:]
    up = ConvTranspose(
        shuffle.name,
        conv.source,
        conv.in_channels,
        form.weight.shape[1],
        (height, width),
        shuffle.factor,
        (top, left),
        conv.bias,
    )
    weights[f"{up.name}.weight"] = np.ascontiguousarray(form.weight)
    if conv.bias:
        weights[f"{up.name}.bias"] = np.ascontiguousarray(form.bias)
    changed: list[Layer] = [up if layer is shuffle else layer for layer in spec.layers if layer is not conv]
    return Model(model.name, replace(spec, layers=tuple(changed)), weights, training=model.training)


def to_subpixel(model: Model) -> Model:
    """The network with its transposed convolutions as sub-pixel ones; before layer ``up`` comes ``up.phases``."""
    spec, weights = lower(model.spec, model.weights)
    return Model(model.name, spec, weights, training=model.training)


def measure_conversion(model: Model, plane: F32, *, threads: int) -> Conversion:
    """Convert a trained network both ways, compare the results, and time both forms.

    Args:
        model: the network, which ends in a sub-pixel convolution.
        plane: ``(H, W)`` luma of a small image.
        threads: of the backends.
    """
    transposed = to_transposed(model)
    again = to_subpixel(transposed)
    end = next(layer for layer in transposed.spec.layers if isinstance(layer, ConvTranspose))
    before = next(layer for layer in reversed(model.spec.layers) if isinstance(layer, Conv))
    weight = model.weights[f"{before.name}.weight"]
    differences, times = {}, {}
    for name in _BACKENDS:
        backend = BACKENDS[name]
        if backend.unavailable():
            continue
        x = plane[None] if name != "reference" else plane[None, :_REFERENCE_SIDE, :_REFERENCE_SIDE]
        with torch_threads(name == "torch"):
            first, second = (backend.prepare(one.spec, one.weights, "f32", threads) for one in (model, transposed))
            differences[name] = float(np.abs(first(x) - second(x)).max())
            timing = time_alternately({"a": lambda: first(x), "b": lambda: second(x)}, _ROUNDS, _SECONDS)  # noqa: B023
        times[name] = timing["a"].median, timing["b"].median
    scale = model.spec.scale
    return Conversion(
        model.name,
        tuple(weight.shape),
        tuple(transposed.weights[f"{end.name}.weight"].shape),
        transposed.spec.parameters,
        bool(np.array_equal(again.weights[f"{end.name}.phases.weight"], weight)),
        differences,
        (plane.shape[0] * scale, plane.shape[1] * scale),
        times,
    )


@contextmanager
def torch_threads(used: bool = True) -> Iterator[None]:
    """Give torch back the number of threads that it had: its backend sets that for the whole process."""
    if not used:
        yield
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
