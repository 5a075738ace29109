"""Plain chains: what the engine streams row by row, in any precision."""

from __future__ import annotations

from dataclasses import dataclass

from subpixel.errors import Unsupported
from subpixel.models.lowering import lowered_spec
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec, sources_of

__all__ = ["Chain", "chain_of"]


@dataclass(frozen=True)
class Chain:
    """Convolutions in a row, a shuffle, and perhaps the input added.

    ``skips`` has for each convolution the number of the one whose result is added to its own, or None; ``results`` the
    name of that sum, or its own.
    """

    convs: tuple[Conv, ...]
    skips: tuple[int | None, ...]
    results: tuple[str, ...]
    shuffle: PixelShuffle
    base: bool


def chain_of(spec: Spec, precision: str) -> Chain:
    """The convolutions of a network that is a plain chain.

    Args:
        spec: the network; where it has transposed convolutions, the chain is that of
            :func:`subpixel.models.lowering.lowered_spec`.
        precision: what the chain is wanted for, as the error says.

    Raises:
        Unsupported: naming the layer that is none of it.
    """
    spec = lowered_spec(spec)
    convs: list[Conv] = []
    skips: list[int | None] = []
    results: list[str] = []
    shuffle: PixelShuffle | None = None
    resize: Resize | None = None
    base = False
    last = INPUT
    for layer in spec.layers:
        if isinstance(layer, Conv) and shuffle is None and layer.source == last:
            convs.append(layer)
            skips.append(None)
            results.append(layer.name)
        elif isinstance(layer, Add) and shuffle is None and convs and _is_skip(layer, convs[-1], results, skips):
            (earlier,) = set(layer.sources) - {last}
            skips[-1], results[-1] = results.index(earlier), layer.name
        elif isinstance(layer, PixelShuffle) and shuffle is None and convs and layer.source == last:
            shuffle = layer
        elif isinstance(layer, Resize) and resize is None and layer.source == INPUT and layer.mode == "nearest":
            resize = layer
            continue
        elif isinstance(layer, Add) and not base and resize and set(sources_of(layer)) == {resize.name, last}:
            base = True
        else:
            raise Unsupported(
                f"layer '{layer.name}': {precision} is for convolutions in a row, a pixel shuffle, and the input added "
                "to it by nearest; this network has f32"
            )
        last = layer.name
    if shuffle is None or (resize is not None and not base):
        raise Unsupported(f"{precision} is for networks that end in a pixel shuffle; this network has f32")
    if convs[-1].activation != "none":
        raise Unsupported(
            f"layer '{convs[-1].name}': {precision} needs no activation before the shuffle; this network has f32"
        )
    if skips[-1] is not None:
        raise Unsupported(
            f"layer '{results[-1]}': {precision} needs a convolution between a sum and the shuffle; this network "
            "has f32"
        )
    return Chain(tuple(convs), tuple(skips), tuple(results), shuffle, base)


def _is_skip(layer: Add, conv: Conv, results: list[str], skips: list[int | None]) -> bool:
    """A sum of the last convolution and the result of an earlier one."""
    free = skips[-1] is None and conv.activation in ("none", "relu", "prelu")
    return (
        free and len(layer.sources) == 2 and conv.name in layer.sources and bool(set(layer.sources) & set(results[:-1]))
    )
