"""Checkpoints of EDSR, from its authors' code and from BasicSR.

Both read RGB of 0 … 255 or 0 … 1, subtract the mean colour of DIV2K and add it again at the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ModelFileError
from subpixel.models.checkpoints.tensors import DIV2K_MEAN, Family, Tensors, Weights, affine, put, put_stages
from subpixel.models.edsr import edsr
from subpixel.models.spec import Spec

__all__ = ["EDSR"]


def _by_authors(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    blocks = tensors.count("body.{}.body.0.weight")
    weights: Weights = {}
    # The file holds the mean shift, which shows the range: it is 255 or 1 times the mean.
    matrix, shift = _colours(tensors, "sub_mean")
    inverse, mean = _colours(tensors, "add_mean")
    bound = _range(shift)
    put(weights, "sub_mean", ((matrix * bound)[:, :, None, None].astype(np.float32), shift.astype(np.float32)))
    put(weights, "head", tensors.conv("head.0"))
    _put_blocks(tensors, weights, blocks, ("body.{}.body.0", "body.{}.body.2"))
    put(weights, "body", tensors.conv(f"body.{blocks}"))
    scale = put_stages(tensors, weights, tensors.stages("tail.0.{}"), "tail.1")
    put(weights, "tail", affine(inverse / bound, mean / bound, tensors.conv("tail.1")))
    return _spec(weights, scale, blocks), weights


def _by_basicsr(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    blocks = tensors.count("body.{}.conv1.weight")
    weights: Weights = {}
    # The file does not hold img_range and rgb_mean; these are the values of every EDSR in that code.
    bound = 255.0
    matrix = (np.eye(3) * bound)[:, :, None, None]
    put(weights, "sub_mean", (matrix.astype(np.float32), (-bound * DIV2K_MEAN).astype(np.float32)))
    put(weights, "head", tensors.conv("conv_first"))
    _put_blocks(tensors, weights, blocks, ("body.{}.conv1", "body.{}.conv2"))
    put(weights, "body", tensors.conv("conv_after_body"))
    scale = put_stages(tensors, weights, tensors.stages("upsample.{}"), "conv_last")
    put(weights, "tail", affine(np.eye(3) / bound, DIV2K_MEAN, tensors.conv("conv_last")))
    return _spec(weights, scale, blocks), weights


def _spec(weights: Weights, scale: int, blocks: int) -> Spec:
    return edsr(scale, features=len(weights["head.weight"]), blocks=blocks, mean_shift=True, border="zero")


def _put_blocks(tensors: Tensors, weights: Weights, blocks: int, convs: tuple[str, str]) -> None:
    """Convert the two convolutions of every block, with the factor of the block's result folded into the second.

    No file holds that factor: it is 0.1 with 256 features, else 1.
    """
    scaling = np.float32(0.1 if len(weights["head.weight"]) == 256 else 1)
    for number in range(blocks):
        put(weights, f"block{number + 1}.conv1", tensors.conv(convs[0].format(number)))
        weight, bias = tensors.conv(convs[1].format(number))
        put(weights, f"block{number + 1}.conv2", (weight * scaling, bias * scaling))


def _colours(tensors: Tensors, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    matrix, shift = tensors.take(f"{name}.weight", 3, 3, 1, 1), tensors.take(f"{name}.bias", 3)
    return matrix[:, :, 0, 0].astype(np.float64), shift.astype(np.float64)


def _range(shift: NDArray[np.float64]) -> float:
    """The largest value of the input, by which the mean was multiplied."""
    for bound in (255.0, 1.0):
        if np.allclose(shift, -bound * DIV2K_MEAN, rtol=1e-3):
            return bound
    raise ModelFileError("'sub_mean.bias' is neither 255 nor 1 times the mean of DIV2K, so its range is unknown")


EDSR = (
    # https://github.com/sanghyun-son/EDSR-PyTorch
    Family(
        "EDSR (head, body, tail)",
        ("head.0.weight", "body.0.body.0.weight", "tail.0.0.weight", "tail.1.weight", "sub_mean.bias"),
        _by_authors,
    ),
    # https://github.com/XPixelGroup/BasicSR, EDSR
    Family(
        "EDSR (conv_first, body, upsample)",
        ("conv_first.weight", "body.0.conv1.weight", "conv_after_body.weight", "upsample.0.weight"),
        _by_basicsr,
    ),
)
