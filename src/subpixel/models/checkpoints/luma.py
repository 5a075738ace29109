"""Checkpoints of SRCNN, FSRCNN and ESPCN, with the tensor names of widespread ports.

All of them read studio luma of BT.601 divided by 255, or RGB of 0 … 1 if they have three channels.
"""

from __future__ import annotations

import math

from subpixel.errors import ModelFileError
from subpixel.models.checkpoints.tensors import Family, Tensors, Weights, colour_of, put
from subpixel.models.espcn import espcn
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.spec import Spec
from subpixel.models.srcnn import srcnn

__all__ = ["LUMA"]

_CONVS = ("conv1", "conv2", "conv3")


def _srcnn(*names: str) -> Family:
    def build(tensors: Tensors, scale: int) -> tuple[Spec, Weights]:
        weights: Weights = {}
        for name, theirs in zip(_CONVS, names, strict=True):
            put(weights, name, tensors.conv(theirs))
        first, middle = weights["conv1.weight"], weights["conv2.weight"]
        features = (len(first), len(middle))
        colour = colour_of(first.shape[1])
        return srcnn(scale, middle=middle.shape[2], features=features, colour=colour, border="zero"), weights

    return Family(f"SRCNN ({', '.join(names)})", tuple(f"{name}.weight" for name in names), build)


def _espcn(*names: str) -> Family:
    def build(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
        weights: Weights = {}
        for name, theirs in zip(_CONVS, names, strict=True):
            put(weights, name, tensors.conv(theirs))
        first, second, last = (weights[f"{name}.weight"] for name in _CONVS)
        colour = colour_of(first.shape[1])
        factor = math.isqrt(len(last) // first.shape[1])
        if factor**2 * first.shape[1] != len(last):
            raise ModelFileError(f"'{names[2]}' has {len(last)} channels; a square number for each colour is needed")
        features = (len(first), len(second))
        side = last.shape[2]
        return espcn(factor, colour=colour, output_kernel=side, features=features, border="zero"), weights

    return Family(f"ESPCN ({', '.join(names)})", tuple(f"{name}.weight" for name in names), build)


def _fsrcnn(first: str, shrink: str, mapping: str, start: int, expand: str | None, up: str) -> Family:
    """FSRCNN by the names of its lists, in which each convolution is followed by its PReLU.

    The mappings begin at number ``start`` of their list. ``expand`` is None if it follows the mappings in that list.
    """

    def build(tensors: Tensors, scale: int) -> tuple[Spec, Weights]:
        weights: Weights = {}
        _with_prelu(tensors, weights, "first", first, 0)
        _with_prelu(tensors, weights, "shrink", shrink, 0)
        mappings, number = 0, start
        while tensors.shape(f"{mapping}.{number}.weight")[2:] == (3, 3):
            mappings += 1
            _with_prelu(tensors, weights, f"map{mappings}", mapping, number)
            number += 2
        _with_prelu(tensors, weights, "expand", expand or mapping, 0 if expand else number)
        put(weights, "up", tensors.conv_transpose(up))
        spec = fsrcnn(
            scale,
            features=len(weights["first.weight"]),
            shrunk=len(weights["shrink.weight"]),
            mappings=mappings,
            colour=colour_of(weights["first.weight"].shape[1]),
            border="zero",
        )
        return spec, weights

    return Family(f"FSRCNN ({first}, {up})", (f"{first}.0.weight", f"{shrink}.0.weight", f"{up}.weight"), build)


def _with_prelu(tensors: Tensors, weights: Weights, name: str, group: str, number: int) -> None:
    conv = tensors.conv(f"{group}.{number}")
    put(weights, name, conv, tensors.slopes(f"{group}.{number + 1}", len(conv[0])))


LUMA = (
    # https://github.com/yjn870/SRCNN-pytorch, https://github.com/Lornatang/SRCNN-PyTorch
    _srcnn("conv1", "conv2", "conv3"),
    _srcnn("features.0", "map.0", "reconstruction"),
    # https://github.com/yjn870/ESPCN-pytorch, https://github.com/Lornatang/ESPCN-PyTorch
    _espcn("first_part.0", "first_part.2", "last_part.0"),
    _espcn("feature_maps.0", "feature_maps.2", "sub_pixel.0"),
    # https://github.com/yjn870/FSRCNN-pytorch, https://github.com/Lornatang/FSRCNN-PyTorch
    _fsrcnn("first_part", "mid_part", "mid_part", 2, None, "last_part"),
    _fsrcnn("feature_extraction", "shrink", "map", 0, "expand", "deconv"),
)
