"""Plain chains: what the engine streams row by row, in any precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import Unsupported
from subpixel.models.graph import need_plain
from subpixel.models.lowering import lower, lower_spec
from subpixel.models.spec import INPUT, Add, Concat, Conv, PixelShuffle, Resize, Spec, sources_of

__all__ = ["Chain", "VideoChain", "chain_of", "row_of", "video_chain_of"]


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
            :func:`subpixel.models.lowering.lower_spec`.
        precision: what the chain is wanted for, as the error says.

    Raises:
        Unsupported: naming the layer that is none of it.
    """
    need_plain(spec)
    spec = lower_spec(spec)
    convs: list[Conv] = []
    skips: list[int | None] = []
    results: list[str] = []
    shuffle: PixelShuffle | None = None
    resize: Resize | None = None
    base = False
    last = INPUT
    for layer in spec.layers:
        plain = isinstance(layer, Conv) and layer.stride == 1 and not layer.shared
        if isinstance(layer, Conv) and plain and shuffle is None and layer.source == last:
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


@dataclass(frozen=True)
class VideoChain:
    """Inputs side by side, convolutions in a row, and at their end some that all read the last: ``ends``, each for an
    output of the Spec, of one kernel; the first makes what is shuffled into the result, to which ``base`` adds the
    frame."""

    sources: tuple[str, ...]
    trunk: tuple[Conv, ...]
    ends: tuple[Conv, ...]
    shuffle: PixelShuffle
    base: bool


def video_chain_of(spec: Spec, wanted_for: str) -> VideoChain:
    """The convolutions of a network for videos that is such a chain.

    Args:
        spec: the network.
        wanted_for: who needs a chain, as the error says.

    Raises:
        Unsupported: naming the layer that is none of it.
    """

    def no(layer: str) -> Unsupported:
        return Unsupported(
            f"layer '{layer}': {wanted_for} is for video networks that join their inputs, then have convolutions in a "
            "row, a pixel shuffle, and the frame added by nearest; backend reference or torch runs this one"
        )

    join, *layers = spec.layers
    given = {one.name for one in spec.inputs}
    if not isinstance(join, Concat) or not set(join.sources) <= given:
        raise no(join.name)
    convs = [layer for layer in layers if isinstance(layer, Conv)]
    others = [layer for layer in layers if not isinstance(layer, Conv)]
    shuffle = others[0] if others else join
    if not isinstance(shuffle, PixelShuffle) or shuffle.order != "CRD" or shuffle.factor != spec.scale:
        raise no(shuffle.name)
    base = len(others) > 1
    if base and [type(layer) for layer in others] != [PixelShuffle, Resize, Add]:
        raise no(others[1].name)
    if base:
        resize, total = others[1:]
        assert isinstance(resize, Resize)
        (frame,) = (one.name for one in spec.frames if one.offset == 0)
        if resize.source != frame or resize.mode != "nearest" or set(sources_of(total)) != {shuffle.name, resize.name}:
            raise no(total.name)
    names = [shuffle.source, *(state.next for state in spec.states)]
    ends = [conv for name in names for conv in convs if conv.name == name]
    trunk = [conv for conv in convs if conv not in ends]
    if len(ends) != len(names) or not trunk:
        raise no(shuffle.name)
    before = [join.name, *(conv.name for conv in trunk)]
    for conv, source in [*zip(trunk, before, strict=False), *((end, before[-1]) for end in ends)]:
        if conv.source != source or conv.stride > 1 or conv.shared or (conv.activation == "prelu" and conv in ends):
            raise no(conv.name)
        if conv in ends and conv.kernel != ends[0].kernel:
            raise no(conv.name)
    if ends[0].activation != "none":
        raise no(ends[0].name)
    return VideoChain(join.sources, tuple(trunk), tuple(ends), shuffle, base)


def row_of(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], wanted_for: str
) -> tuple[Chain, Mapping[str, NDArray[np.float32]]]:
    """The convolutions of a chain in order: for videos, from all inputs side by side to all outputs.

    Args:
        spec: a plain chain, or one for videos.
        weights: its weights.
        wanted_for: who needs it, as the error says.

    Returns:
        The convolutions, and their weights by their names. Of a video's, the ends are one convolution, named by all of
        them and without their activations; its result is not shuffled and nothing is added.

    Raises:
        Unsupported: naming the layer that is no part of such a chain.
    """
    if spec.plain:
        return chain_of(spec, wanted_for), lower(spec, weights)[1]
    video = video_chain_of(spec, wanted_for)
    name, before = "+".join(end.name for end in video.ends), video.trunk[-1]
    end = Conv(
        name, before.name, before.out_channels, sum(e.out_channels for e in video.ends), video.ends[0].kernel, "none"
    )
    nothing = [np.zeros(e.out_channels, np.float32) for e in video.ends]
    joined = {
        f"{name}.weight": np.concatenate([weights[f"{e.name}.weight"] for e in video.ends]),
        f"{name}.bias": np.concatenate(
            [weights.get(f"{e.name}.bias", zeros) for e, zeros in zip(video.ends, nothing, strict=True)]
        ),
    }
    convs = (*video.trunk, end)
    names = tuple(conv.name for conv in convs)
    return Chain(convs, (None,) * len(convs), names, PixelShuffle("", name, 1), False), {**weights, **joined}
