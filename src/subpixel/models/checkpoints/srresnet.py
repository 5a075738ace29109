"""Checkpoints of SRResNet, the generator of SRGAN, and of BasicSR's form without batch normalisation. RGB of 0 … 1."""

from __future__ import annotations

import numpy as np

from subpixel.models.checkpoints.tensors import Family, Tensors, Weights, colour_of, put, put_stages
from subpixel.models.spec import Spec
from subpixel.models.srresnet import msrresnet, srresnet

__all__ = ["SRRESNET"]

# LeakyReLU's slope in BasicSR's MSRResNet.
_LEAK = np.float32(0.1)


def _with_batch_norm(first: str, body: str, last: str) -> Family:
    """The names in Lornatang's code, which renamed the convolutions around the trunk once."""

    def build(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
        blocks = tensors.count("trunk.{}.rcb.0.weight")
        weights: Weights = {}
        head = tensors.conv(f"{first}.0")
        features = len(head[0])
        put(weights, "head", head, tensors.slopes(f"{first}.1", features))
        for number in range(blocks):
            part = f"trunk.{number}.rcb"
            slope = tensors.slopes(f"{part}.2", features)
            put(weights, f"block{number + 1}.conv1", tensors.conv_with_batch_norm(f"{part}.0", f"{part}.1"), slope)
            put(weights, f"block{number + 1}.conv2", tensors.conv_with_batch_norm(f"{part}.3", f"{part}.4"))
        put(weights, "body", tensors.conv_with_batch_norm(f"{body}.0", f"{body}.1"))
        count = tensors.count("upsampling.{}.upsample_block.0.weight")
        scale = put_stages(tensors, weights, [f"upsampling.{k}.upsample_block.0" for k in range(count)], last)
        for k in range(count):
            phases = len(weights[f"up{k + 1}.conv.weight"]) // features
            slope = tensors.slopes(f"upsampling.{k}.upsample_block.2", features, repeats=phases)
            weights[f"up{k + 1}.conv.slope"] = slope
        put(weights, "tail", tensors.conv(last))
        return srresnet(scale, features=features, blocks=blocks, colour=colour_of(head[0].shape[1])), weights

    needs = (f"{first}.0.weight", "trunk.0.rcb.0.weight", f"{last}.weight")
    return Family(f"SRResNet ({first}, trunk, {last})", needs, build)


def _by_basicsr(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
    blocks = tensors.count("body.{}.conv1.weight")
    weights: Weights = {}
    head = tensors.conv("conv_first")
    features = len(head[0])
    put(weights, "head", head, np.full(features, _LEAK))
    for number in range(blocks):
        for conv in ("conv1", "conv2"):
            put(weights, f"block{number + 1}.{conv}", tensors.conv(f"body.{number}.{conv}"))
    names = [name for name in ("upconv1", "upconv2") if tensors.has(f"{name}.weight")]
    scale = put_stages(tensors, weights, names, "conv_hr")
    for number in range(1, len(names) + 1):
        weights[f"up{number}.conv.slope"] = np.full(len(weights[f"up{number}.conv.weight"]), _LEAK)
    put(weights, "large", tensors.conv("conv_hr"), np.full(features, _LEAK))
    put(weights, "tail", tensors.conv("conv_last"))
    return msrresnet(scale, features=features, blocks=blocks, colour=colour_of(head[0].shape[1])), weights


SRRESNET = (
    # https://github.com/Lornatang/SRGAN-PyTorch
    _with_batch_norm("conv1", "conv2", "conv3"),
    _with_batch_norm("conv_block1", "conv_block2", "conv_block3"),
    # https://github.com/XPixelGroup/BasicSR, MSRResNet
    Family(
        "MSRResNet (conv_first, body, upconv1, conv_hr)",
        ("conv_first.weight", "body.0.conv1.weight", "upconv1.weight", "conv_hr.weight"),
        _by_basicsr,
    ),
)
