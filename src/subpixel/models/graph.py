"""Runs the graph of a Spec: layer by layer, with values cropped so that their sizes agree.

The layers themselves are :class:`Kernels`, in NumPy, torch or ONNX, so that backends and training run the same graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar, cast

from subpixel.errors import Unsupported
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec, Warp, sources_of
from subpixel.ops.resizing.taps import Mode
from subpixel.ops.shuffle import Order

__all__ = ["Kernels", "require_single_image", "run", "run_all"]

A = TypeVar("A")


class Kernels(Protocol[A]):
    """An implementation of the layers, on values ``(N, C, H, W)`` of one array type."""

    def replicate(self, x: A, halo: int) -> A:
        """Repeat the edge samples by ``halo`` on each side of height and width."""

    def extend(self, x: A, rows: int, columns: int) -> A:
        """Append ``rows`` copies of the last row and ``columns`` copies of the last column."""

    def conv(self, x: A, weight: A, bias: A | None, padding: tuple[int, int], stride: int) -> A:
        """Cross-correlate with ``(out, in, kh, kw)``, at every ``stride``-th position.

        ``padding`` (vertical, horizontal) is the number of zeros added on each side.
        """

    def conv_transpose(self, x: A, weight: A, bias: A | None, stride: int, padding: tuple[int, int]) -> A:
        """Transposed convolution with ``(in, out, kh, kw)`` to ``stride`` times the size.

        ``padding`` (vertical, horizontal) is the number of samples cut off at the start.
        """

    def activate(self, x: A, kind: str, slope: A | None) -> A:
        """Apply ``relu``, ``prelu`` (with slopes ``(C,)``), ``tanh`` or ``clip`` (to 0 … 1)."""

    def add(self, values: list[A]) -> A:
        """Add values of equal shape."""

    def concat(self, values: list[A]) -> A:
        """Concatenate along the channels."""

    def resize(self, x: A, factor: int, mode: Mode) -> A:
        """Interpolate height and width. Outside, the edge sample is repeated."""

    def pixel_shuffle(self, x: A, factor: int, order: Order) -> A:
        """Rearrange channels into space."""

    def warp(self, x: A, flow: A, reach: float) -> A:
        """Sample at displacements of ``reach`` times the flow, clipped to -1 … 1: linear, the edge repeated outside."""


def run(spec: Spec, weights: Mapping[str, A], x: A, kernels: Kernels[A], *, pad: bool = True) -> A:
    """Run a network.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.
        x: ``(N, C, H, W)`` in the Spec's colour range.
        kernels: the implementation of the layers.
        pad: if False, a ``replicate`` network is not padded and gives only the interior,
            ``(N, C, (H - 2*halo)*scale, (W - 2*halo)*scale)``. Training on crops needs this.

    Returns:
        ``(N, C, H*scale, W*scale)``.

    Raises:
        Unsupported: the network is for videos; :func:`run_all` runs it.
    """
    require_single_image(spec)
    return run_all(spec, weights, {INPUT: x}, kernels, pad=pad)[spec.layers[-1].name]


def require_single_image(spec: Spec) -> None:
    """Raise Unsupported if a network is not from one image to one image."""
    if not spec.plain:
        names = ", ".join(one.name for one in spec.inputs)
        raise Unsupported(f"this network reads {names}: it is for videos, not for single images")


def run_all(
    spec: Spec,
    weights: Mapping[str, A],
    inputs: Mapping[str, A],
    kernels: Kernels[A],
    *,
    pad: bool = True,
    keep: Iterable[str] = (),
) -> dict[str, A]:
    """Run a network on all of its inputs.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.
        inputs: ``(N, C, H, W)`` for each of ``spec.inputs``, by name, all of one size.
        kernels: the implementation of the layers.
        pad: as for :func:`run`.
        keep: names of further layers whose values are returned.

    Returns:
        By name, the values of ``spec.outputs``, each ``(N, C, H*scale, W*scale)`` with its own scale, and the values of
        ``keep`` as they are within the network, not cropped.
    """
    zero = spec.border == "zero"
    first = cast(Any, inputs[spec.inputs[0].name])
    down, across = (-side % spec.multiple for side in first.shape[-2:]) if spec.multiple > 1 else (0, 0)
    values: dict[str, Any] = {one.name: inputs[one.name] for one in spec.inputs}
    if down or across:
        values = {name: kernels.extend(x, down, across) for name, x in values.items()}
    if not zero and pad:
        values = {name: kernels.replicate(x, spec.halo) for name, x in values.items()}
    returned = dict.fromkeys((*spec.outputs, *keep))
    last_use = _last_uses(spec)

    def align(sources: tuple[str, ...], target_lost: int) -> list[A]:
        return [_crop(values[name], target_lost - spec.values[name].lost) for name in sources]

    for number, layer in enumerate(spec.layers):
        lost = spec.values[layer.name].lost
        if isinstance(layer, Conv):
            # A kernel that is wider than high loses more samples at the sides. ``lost`` is the larger number, so crop.
            half = (layer.kernel[0] // 2, layer.kernel[1] // 2)
            source, bias = values[layer.source], weights.get(f"{layer.owner}.bias")
            y = kernels.conv(source, weights[f"{layer.owner}.weight"], bias, half if zero else (0, 0), layer.stride)
            if not zero and half[0] != half[1]:
                y = _crop(y, max(half) - half[0], max(half) - half[1])
            if layer.activation != "none":
                y = kernels.activate(y, layer.activation, weights.get(f"{layer.owner}.slope"))
        elif isinstance(layer, ConvTranspose):
            source, bias = values[layer.source], weights.get(f"{layer.name}.bias")
            y = kernels.conv_transpose(source, weights[f"{layer.name}.weight"], bias, layer.stride, layer.padding)
            if not zero:
                y = _crop(y, lost - spec.values[layer.source].lost * layer.stride)
        elif isinstance(layer, Add):
            y = kernels.add(align(layer.sources, lost))
        elif isinstance(layer, Concat):
            y = kernels.concat(align(layer.sources, lost))
        elif isinstance(layer, Resize):
            y = kernels.resize(values[layer.source], layer.factor, layer.mode)
            if not zero:
                y = _crop(y, lost - spec.values[layer.source].lost * layer.factor)
        elif isinstance(layer, Warp):
            y = kernels.warp(values[layer.source], values[layer.flow], layer.reach)
        else:
            assert isinstance(layer, PixelShuffle)
            y = kernels.pixel_shuffle(values[layer.source], layer.factor, layer.order)
        values[layer.name] = y
        for name in [n for n, last in last_use.items() if last == number and n in values]:
            if name not in returned:
                del values[name]

    for name in spec.outputs:
        value = spec.values[name]
        if not zero:
            values[name] = _crop(values[name], spec.halo * int(value.scale) - value.lost)
        elif down or across:
            rows, columns = (int(first.shape[axis] * value.scale) for axis in (-2, -1))
            values[name] = values[name][..., :rows, :columns]
    return {name: values[name] for name in returned}


def _crop(x: Any, rows: int, columns: int | None = None) -> Any:
    columns = rows if columns is None else columns
    if rows == 0 and columns == 0:
        return x
    return x[..., rows : -rows or None, columns : -columns or None]


def _last_uses(spec: Spec) -> dict[str, int]:
    uses: dict[str, int] = {}
    for number, layer in enumerate(spec.layers):
        for name in sources_of(layer):
            uses[name] = number
    return uses
