"""Transfer of a small chain's weights to a larger one that computes the same.

A network for videos starts from one for images in the same way: its trunk begins with those weights and reads only the
frame itself, or the running mean if the detail is added to that. So it starts as good as the network for images, and
learns what neighbours and memory add.

Source: Net2Net, Chen et al., arXiv 1511.05641. The paper copies channels and divides their weights. Here new channels
begin at random and no later layer reads them yet, so copies need no noise to become different.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from subpixel.models.spec import Concat, Conv, PixelShuffle, Resize, Spec
from subpixel.train.least_squares import linear_chain

__all__ = ["transfer_weights"]


def transfer_weights(
    spec: Spec, smaller: Spec, weights: Mapping[str, Tensor], beginning: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Weights with which a larger chain computes what a smaller one computes.

    The smaller chain's layers come first, in the centre of larger kernels. Additional layers pass their input on, which
    ReLU does not change. Old channels do not read the new ones; new ones keep their initial weights.

    Args:
        spec: the larger chain, or a network for videos whose trunk is one.
        smaller: the chain of ``weights``.
        weights: its weights.
        beginning: the initial weights of ``spec`` for a run without another network.

    Returns:
        Weights of ``spec``, without the last layer's if the scale differs. If ``spec`` does not contain the smaller
        chain, ``weights`` unchanged.
    """
    small = _trunk(smaller)
    large, frame = (_trunk(spec), 0) if spec.plain else _trunk_of_video(spec)
    if large is None or small is None or not _contains(large, small):
        return dict(weights)
    result = {name: tensor.clone() for name, tensor in beginning.items()}
    for number, conv in enumerate(large[:-1]):
        if number < len(small) - 1:
            _copy_layer(result, conv, weights, small[number], 0 if number else frame)
        else:
            _pass_on(result, conv, small[-2].out_channels)
    if large[-1].out_channels == small[-1].out_channels:
        _copy_layer(result, large[-1], weights, small[-1], 0)
    else:
        del result[f"{large[-1].name}.weight"], result[f"{large[-1].name}.bias"]
    return result


def _trunk(spec: Spec) -> tuple[Conv, ...] | None:
    """The convolutions of a chain with ReLU whose result is added to the input. None for other networks."""
    trunk = linear_chain(spec)
    if trunk is None or not trunk.base or not all(conv.bias for conv in trunk.convs):
        return None
    return trunk.convs if all(conv.activation == "relu" for conv in trunk.convs[:-1]) else None


def _trunk_of_video(spec: Spec) -> tuple[tuple[Conv, ...] | None, int]:
    """The convolutions of a network for videos from its inputs to its detail, and the channel that the detail is for.

    None if they are no chain with ReLU, or the first of them does not read that channel.
    """
    by_name = {layer.name: layer for layer in spec.layers}
    base = next((layer.source for layer in spec.layers if isinstance(layer, Resize)), None)
    shuffle = next((layer for layer in reversed(spec.layers) if isinstance(layer, PixelShuffle)), None)
    trunk: list[Conv] = []
    layer = by_name.get(shuffle.source) if shuffle is not None else None
    while isinstance(layer, Conv):
        trunk.insert(0, layer)
        layer = by_name.get(layer.source)
    chained = len(trunk) > 1 and all(c.bias and c.activation == "relu" and not c.shared for c in trunk[:-1])
    if not chained or not isinstance(layer, Concat) or base not in layer.sources:
        return None, 0
    before = layer.sources[: layer.sources.index(base)]
    return tuple(trunk), sum(spec.values[name].channels for name in before)


def _contains(large: tuple[Conv, ...], small: tuple[Conv, ...]) -> bool:
    pairs = [*zip(large[: len(small) - 1], small[:-1], strict=False), (large[-1], small[-1])]
    return len(large) >= len(small) and all(
        ours.in_channels >= theirs.in_channels
        and (ours.out_channels >= theirs.out_channels or ours is large[-1])
        and all(a >= b for a, b in zip(ours.kernel, theirs.kernel, strict=True))
        for ours, theirs in pairs
    )


def _copy_layer(
    result: dict[str, Tensor], conv: Conv, weights: Mapping[str, Tensor], from_conv: Conv, channel: int
) -> None:
    """Put a small layer's weights into a larger one, from input channel ``channel`` on."""
    kernel, old = result[f"{conv.name}.weight"], weights[f"{from_conv.name}.weight"]
    out, cin, *sides = old.shape
    kernel[:out] = 0.0
    rows, columns = (
        slice((have - side) // 2, (have - side) // 2 + side) for have, side in zip(kernel.shape[2:], sides, strict=True)
    )
    kernel[:out, channel : channel + cin, rows, columns] = old
    result[f"{conv.name}.bias"][:out] = weights[f"{from_conv.name}.bias"]


def _pass_on(result: dict[str, Tensor], conv: Conv, channels: int) -> None:
    kernel = result[f"{conv.name}.weight"]
    each = torch.arange(channels)
    kernel[:channels] = 0.0
    kernel[each, each, conv.kernel[0] // 2, conv.kernel[1] // 2] = 1.0
    result[f"{conv.name}.bias"][:channels] = 0.0
