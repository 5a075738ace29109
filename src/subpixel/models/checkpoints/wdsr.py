"""Checkpoints of WDSR, from its authors' code: weight normalisation, one pixel shuffle, a 5x5 skip convolution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ModelFileError
from subpixel.models.checkpoints.tensors import DIV2K_MEAN, Family, Tensors, Weights, affine, put
from subpixel.models.spec import Spec
from subpixel.models.wdsr import wdsr_a, wdsr_b

__all__ = ["WDSR"]


def _by_paper(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    """The code of the paper: its input is (x - 255 mean) / 127.5, its output is multiplied and shifted back."""
    weights = _mean_shift(2.0, DIV2K_MEAN)
    put(weights, "head", tensors.conv("head.0"))
    blocks = _blocks(tensors, weights, 0)
    put(weights, "tail", affine(np.eye(3) / 2, DIV2K_MEAN, tensors.conv("tail.0")))
    put(weights, "skip", affine(np.eye(3) / 2, np.zeros(3), tensors.conv("skip.0")))
    return _spec(weights, blocks), weights


def _by_later_code(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    """The authors' later code: its input is 0 … 1 minus 0.5, and 0.5 is added at the end. One list holds all layers."""
    half = np.full(3, 0.5)
    weights = _mean_shift(1.0, half)
    put(weights, "head", tensors.conv("body.0"))
    blocks = _blocks(tensors, weights, 1)
    put(weights, "tail", affine(np.eye(3), half, tensors.conv(f"body.{blocks + 1}")))
    put(weights, "skip", tensors.conv("skip.0"))
    return _spec(weights, blocks), weights


def _mean_shift(gain: float, mean: NDArray[np.float64]) -> Weights:
    matrix = (np.eye(3) * gain)[:, :, None, None]
    return {"sub_mean.weight": matrix.astype(np.float32), "sub_mean.bias": (-gain * mean).astype(np.float32)}


def _blocks(tensors: Tensors, weights: Weights, start: int) -> int:
    """Convert the blocks ``body.{start}`` …, each of two convolutions (WDSR-A) or three (WDSR-B)."""
    number = start
    while tensors.has(f"body.{number}.body.0.bias"):
        for conv, index in enumerate((0, 2, 3), 1):
            if tensors.has(f"body.{number}.body.{index}.bias"):
                put(weights, f"block{number - start + 1}.conv{conv}", tensors.conv(f"body.{number}.body.{index}"))
        number += 1
    return number - start


def _spec(weights: Weights, blocks: int) -> Spec:
    result = len(weights["tail.weight"])
    scale = math.isqrt(result // 3)
    if 3 * scale**2 != result:
        raise ModelFileError(f"its last layer has {result} channels; a square number for each colour is needed")
    features, wide = len(weights["head.weight"]), len(weights["block1.conv1.weight"])
    if "block1.conv3.weight" not in weights:
        return wdsr_a(scale, features=features, wide=wide, blocks=blocks, mean_shift=True)
    low_rank = len(weights["block1.conv2.weight"])
    return wdsr_b(scale, features=features, wide=wide, low_rank=low_rank, blocks=blocks, mean_shift=True)


WDSR = (
    # https://github.com/JiahuiYu/wdsr_ntire2018
    Family(
        "WDSR (head, body, tail, skip)", ("head.0.bias", "body.0.body.0.bias", "tail.0.bias", "skip.0.bias"), _by_paper
    ),
    # https://github.com/ychfan/wdsr
    Family("WDSR (body, skip)", ("body.0.bias", "body.1.body.0.bias", "skip.0.bias"), _by_later_code),
)
