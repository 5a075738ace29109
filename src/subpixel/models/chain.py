"""Plain chains: networks that the engine streams row by row, in any precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import Unsupported
from subpixel.models.graph import require_single_image
from subpixel.models.lowering import lower, lower_spec
from subpixel.models.spec import INPUT, Add, Concat, Conv, PixelShuffle, Resize, Spec, sources_of

__all__ = ["Chain", "VideoChain", "chain_of", "row_of", "video_chain_of"]


@dataclass(frozen=True)
class Chain:
    """Convolutions one after another, then a pixel shuffle.

    Args:
        convs: the convolutions.
        skips: for each of them, the number of the one whose result is added to its own, or None.
        results: for each of them, the name of that sum, or of its own result.
        shuffle: the pixel shuffle after the last convolution.
        base: whether the input, repeated to the larger size, is added to the result.
    """

    convs: tuple[Conv, ...]
    skips: tuple[int | None, ...]
    results: tuple[str, ...]
    shuffle: PixelShuffle
    base: bool


def chain_of(spec: Spec, precision: str) -> Chain:
    """The convolutions of a network that is a plain chain.

    Args:
        spec: the network. Transposed convolutions are lowered first, see
            :func:`subpixel.models.lowering.lower_spec`.
        precision: the precision that needs a chain, for the text of errors.

    Raises:
        Unsupported: the network is no plain chain; the text names the layer.

    >>> from subpixel.models.our_networks import fast
    >>> chain = chain_of(fast(2), "int8")
    >>> len(chain.convs), chain.shuffle.factor, chain.base
    (7, 2, True)
    """
    require_single_image(spec)
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
        elif isinstance(layer, Add) and not base and resize and sorted(layer.sources) == sorted((resize.name, last)):
            base = True
        else:
            raise Unsupported(
                f"layer '{layer.name}': {precision} supports convolutions one after another, a pixel shuffle, and the "
                "input added by nearest; use f32 for this network"
            )
        last = layer.name
    if shuffle is None or (resize is not None and not base):
        raise Unsupported(f"{precision} supports networks that end in a pixel shuffle; use f32 for this network")
    if convs[-1].activation != "none":
        raise Unsupported(
            f"layer '{convs[-1].name}': {precision} supports no activation before the shuffle; use f32 for this network"
        )
    if skips[-1] is not None:
        raise Unsupported(
            f"layer '{results[-1]}': {precision} needs a convolution between a sum and the shuffle; use f32 for this "
            "network"
        )
    return Chain(tuple(convs), tuple(skips), tuple(results), shuffle, base)


def _is_skip(layer: Add, conv: Conv, results: list[str], skips: list[int | None]) -> bool:
    """Whether ``layer`` is the sum of the last convolution and an earlier result."""
    free = skips[-1] is None and conv.activation in ("none", "relu", "prelu")
    return (
        free and len(layer.sources) == 2 and conv.name in layer.sources and bool(set(layer.sources) & set(results[:-1]))
    )


@dataclass(frozen=True)
class VideoChain:
    """A chain for videos: joined inputs, convolutions one after another, and several convolutions at the end.

    Args:
        sources: the names of the inputs, in the order in which their channels are joined.
        trunk: the convolutions one after another.
        ends: convolutions of equal kernel that all read the last of ``trunk``: one for each output of the Spec. The
            first is shuffled into the result.
        shuffle: the pixel shuffle after the first end.
        base: the input that is added to the result, repeated to the larger size: the frame or a running mean; empty for
            none.
    """

    sources: tuple[str, ...]
    trunk: tuple[Conv, ...]
    ends: tuple[Conv, ...]
    shuffle: PixelShuffle
    base: str


def video_chain_of(spec: Spec, user: str) -> VideoChain:
    """The convolutions of a network for videos that is such a chain.

    Args:
        spec: the network.
        user: the precision or backend that needs a chain, for the text of errors.

    Raises:
        Unsupported: the network is no such chain; the text names the layer.
    """

    def unsupported(layer: str) -> Unsupported:
        return Unsupported(
            f"layer '{layer}': {user} supports video networks that join their inputs, then have convolutions one after "
            "another, a pixel shuffle, and the frame or its mean added by nearest; precision='f32' runs this one"
        )

    join, *layers = spec.layers
    given = {one.name for one in spec.inputs}
    if not isinstance(join, Concat) or not set(join.sources) <= given:
        raise unsupported(join.name)
    convs = [layer for layer in layers if isinstance(layer, Conv)]
    others = [layer for layer in layers if not isinstance(layer, Conv)]
    shuffle = others[0] if others else join
    if not isinstance(shuffle, PixelShuffle) or shuffle.order != "CRD" or shuffle.factor != spec.scale:
        raise unsupported(shuffle.name)
    base, with_base = "", len(others) > 1
    if with_base and [type(layer) for layer in others] != [PixelShuffle, Resize, Add]:
        raise unsupported(others[1].name)
    if with_base:
        resize, total = others[1:]
        assert isinstance(resize, Resize)
        added = sorted(sources_of(total)) == sorted((shuffle.name, resize.name))
        if resize.source not in spec.bases or resize.mode != "nearest" or not added:
            raise unsupported(total.name)
        base = resize.source
    names = [shuffle.source, *(state.next for state in spec.states)]
    ends = [conv for name in names for conv in convs if conv.name == name]
    trunk = [conv for conv in convs if conv not in ends]
    if len(ends) != len(names) or not trunk:
        raise unsupported(shuffle.name)
    before = [join.name, *(conv.name for conv in trunk)]
    for conv, source in [*zip(trunk, before, strict=False), *((end, before[-1]) for end in ends)]:
        if conv.source != source or conv.stride > 1 or conv.shared or (conv.activation == "prelu" and conv in ends):
            raise unsupported(conv.name)
        if conv in ends and conv.kernel != ends[0].kernel:
            raise unsupported(conv.name)
    if ends[0].activation != "none":
        raise unsupported(ends[0].name)
    return VideoChain(join.sources, tuple(trunk), tuple(ends), shuffle, base)


def row_of(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], user: str
) -> tuple[Chain, Mapping[str, NDArray[np.float32]]]:
    """The convolutions of a chain in order; of a chain for videos, from all joined inputs to all joined outputs.

    Args:
        spec: a plain chain, or a chain for videos.
        weights: its weights.
        user: the precision or backend that needs a chain, for the text of errors.

    Returns:
        The convolutions, and their weights by name. The ends of a chain for videos become one convolution without
        activation, whose name joins theirs with ``+``. Its result is not shuffled, and nothing is added to it.

    Raises:
        Unsupported: the network is no such chain; the text names the layer.
    """
    if spec.plain:
        return chain_of(spec, user), lower(spec, weights)[1]
    video = video_chain_of(spec, user)
    name, before = "+".join(end.name for end in video.ends), video.trunk[-1]
    end = Conv(
        name, before.name, before.out_channels, sum(e.out_channels for e in video.ends), video.ends[0].kernel, "none"
    )
    no_bias = [np.zeros(e.out_channels, np.float32) for e in video.ends]
    joined = {
        f"{name}.weight": np.concatenate([weights[f"{e.name}.weight"] for e in video.ends]),
        f"{name}.bias": np.concatenate(
            [weights.get(f"{e.name}.bias", zeros) for e, zeros in zip(video.ends, no_bias, strict=True)]
        ),
    }
    convs = (*video.trunk, end)
    names = tuple(conv.name for conv in convs)
    return Chain(convs, (None,) * len(convs), names, PixelShuffle("", name, 1), False), {**weights, **joined}
