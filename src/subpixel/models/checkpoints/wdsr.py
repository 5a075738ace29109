"""WDSR by its authors: weight normalisation, one pixel shuffle, a 5x5 convolution from the input to the result."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ModelFileError
from subpixel.models.checkpoints.tensors import DIV2K_MEAN, Family, Tensors, Weights, affine, put
from subpixel.models.spec import Spec
from subpixel.models.wdsr import wdsr_a, wdsr_b

__all__ = ["WDSR"]


def _first(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    """The code of the paper: (x - 255 mean) / 127.5 goes in, times 127.5 and the mean again comes out."""
    weights = _shifted(2.0, DIV2K_MEAN)
    put(weights, "head", tensors.conv("head.0"))
    blocks = _blocks(tensors, weights, 0)
    put(weights, "tail", affine(np.eye(3) / 2, DIV2K_MEAN, tensors.conv("tail.0")))
    put(weights, "skip", affine(np.eye(3) / 2, np.zeros(3), tensors.conv("skip.0")))
    return _spec(weights, blocks), weights


def _second(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    """The authors' later code: 0 … 1 less a half goes in, a half is added; one list from first to last."""
    half = np.full(3, 0.5)
    weights = _shifted(1.0, half)
    put(weights, "head", tensors.conv("body.0"))
    blocks = _blocks(tensors, weights, 1)
    put(weights, "tail", affine(np.eye(3), half, tensors.conv(f"body.{blocks + 1}")))
    put(weights, "skip", tensors.conv("skip.0"))
    return _spec(weights, blocks), weights


def _shifted(gain: float, mean: NDArray[np.float64]) -> Weights:
    matrix = (np.eye(3) * gain)[:, :, None, None]
    return {"sub_mean.weight": matrix.astype(np.float32), "sub_mean.bias": (-gain * mean).astype(np.float32)}


def _blocks(tensors: Tensors, weights: Weights, start: int) -> int:
    """Take the blocks ``body.{start}`` …, of two convolutions (A) or three (B)."""
    number = start
    while tensors.has(f"body.{number}.body.0.bias"):
        for conv, place in enumerate((0, 2, 3), 1):
            if tensors.has(f"body.{number}.body.{place}.bias"):
                put(weights, f"block{number - start + 1}.conv{conv}", tensors.conv(f"body.{number}.body.{place}"))
        number += 1
    return number - start


def _spec(weights: Weights, blocks: int) -> Spec:
    result = len(weights["tail.weight"])
    scale = math.isqrt(result // 3)
    if 3 * scale**2 != result:
        raise ModelFileError(f"its last layer has {result} channels, a square number for each colour is needed")
    features, wide = len(weights["head.weight"]), len(weights["block1.conv1.weight"])
    if "block1.conv3.weight" not in weights:
        return wdsr_a(scale, features=features, wide=wide, blocks=blocks, mean_shift=True)
    low_rank = len(weights["block1.conv2.weight"])
    return wdsr_b(scale, features=features, wide=wide, low_rank=low_rank, blocks=blocks, mean_shift=True)


WDSR = (
    # https://github.com/JiahuiYu/wdsr_ntire2018
    Family(
        "WDSR (head, body, tail, skip)", ("head.0.bias", "body.0.body.0.bias", "tail.0.bias", "skip.0.bias"), _first
    ),
    # https://github.com/ychfan/wdsr
    Family("WDSR (body, skip)", ("body.0.bias", "body.1.body.0.bias", "skip.0.bias"), _second),
)
