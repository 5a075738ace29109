"""Checkpoints of RDN, from the code of EDSR's authors (RGB of 0 … 255) and of yjn870 (0 … 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subpixel.models.checkpoints.tensors import Family, Tensors, Weights, colour_of, put, put_stages
from subpixel.models.rdn import rdn
from subpixel.models.spec import Spec

__all__ = ["RDN"]


@dataclass(frozen=True)
class _Names:
    """Patterns of the tensor names of one code base; ``tail`` is None if the list of the stages ends with it."""

    shallow: tuple[str, str]
    conv: str
    fuse: str
    fuse_all: str
    stage: str
    tail: str | None
    bound: float


def _family(names: _Names) -> Family:
    def build(tensors: Tensors, _: int) -> tuple[Spec, Weights]:
        weights: Weights = {}
        blocks = tensors.count(f"{names.fuse}.weight")
        convs = tensors.count(f"{names.conv.format(0, '{}')}.weight")
        put(weights, "shallow1", tensors.conv(names.shallow[0]))
        put(weights, "shallow2", tensors.conv(names.shallow[1]))
        for block in range(blocks):
            for conv in range(convs):
                put(weights, f"block{block + 1}.conv{conv + 1}", tensors.conv(names.conv.format(block, conv)))
            put(weights, f"block{block + 1}.fuse", tensors.conv(names.fuse.format(block)))
        put(weights, "fuse1", tensors.conv(f"{names.fuse_all}.0"))
        put(weights, "fuse2", tensors.conv(f"{names.fuse_all}.1"))
        stages = tensors.stages(names.stage)
        tail = names.tail or stages.pop()
        scale = put_stages(tensors, weights, stages, tail)
        put(weights, "tail", tensors.conv(tail))
        # Its input and result are ``bound`` times ours. The first and last layers absorb the factor.
        weights["shallow1.weight"] = weights["shallow1.weight"] * np.float32(names.bound)
        for part in ("tail.weight", "tail.bias"):
            weights[part] = weights[part] / np.float32(names.bound)
        spec = rdn(
            scale,
            blocks=blocks,
            convs=convs,
            growth=len(weights["block1.conv1.weight"]),
            features=len(weights["shallow1.weight"]),
            up_features=weights["tail.weight"].shape[1],
            colour=colour_of(weights["shallow1.weight"].shape[1]),
        )
        return spec, weights

    last = names.stage.format(2) if names.tail is None else names.tail
    first = (names.shallow[0], names.conv.format(0, 0), names.fuse.format(0), names.stage.format(0), last)
    return Family(
        f"RDN ({names.shallow[0]}, {names.stage.format(0)})", tuple(f"{name}.weight" for name in first), build
    )


RDN = (
    # https://github.com/sanghyun-son/EDSR-PyTorch, and many copies of it
    _family(
        _Names(
            shallow=("SFENet1", "SFENet2"),
            conv="RDBs.{}.convs.{}.conv.0",
            fuse="RDBs.{}.LFF",
            fuse_all="GFF",
            stage="UPNet.{}",
            tail=None,
            bound=255.0,
        )
    ),
    # https://github.com/yjn870/RDN-pytorch
    _family(
        _Names(
            shallow=("sfe1", "sfe2"),
            conv="rdbs.{}.layers.{}.conv",
            fuse="rdbs.{}.lff",
            fuse_all="gff",
            stage="upscale.{}",
            tail="output",
            bound=1.0,
        )
    ),
)
