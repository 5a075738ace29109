"""What makes a training run what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from subpixel.errors import InvalidArgument
from subpixel.train.degradation import DEGRADATIONS

__all__ = ["Settings"]

_LOSSES = ("l1", "l2")
_CONTENTS = ("pixel", "pyramid", "vgg19")


@dataclass(frozen=True)
class Settings:
    """Everything that makes a run what it is; kept in the checkpoint and in the model file.

    Args:
        arch: the architecture's name.
        scale: of the network.
        steps: how many, or
        minutes: how long, counted over all resumed parts. One of the two.
        seed: of weights and patches.
        batch: patches a step.
        patch: side of a small patch.
        lr: peak rate of the orthogonalised updates.
        loss: ``l1`` or ``l2``.
        expand: width of the over-parameterisation, in output channels; 0 for none.
        bf16: compute layers in bf16 (weights are combined and updated in f32).
        average: decay of the mean of weights that is measured and saved.
        sizes: at which each image is seen, 1 being its own.
        cycles: cosines in a row, each begun at half the rate of the one before (warm restarts).
        rounded: train with weights and activations rounded as int8 rounds them; wants a trained network to start from.
        content: what the loss compares: ``pixel``, by ``loss``; ``pyramid`` or ``vgg19``, see
            :mod:`subpixel.train.perceptual`.
        layer: of ``vgg19``, ``i.j``: the j-th convolution in front of the i-th pooling.
        clip: frames of a clip, where the network is one for videos.
        speed: of what moves in clips made of images, small samples a frame at most.
        warped: weight of the error of neighbours brought to the frame by a flow, 0.01 in VESPCN.
        smooth: weight of the flows' unevenness, 0.001 in VESPCN.
        adversarial: weight of the adversary's loss beside the content's; 0 for none, 0.001 in SRGAN.
        teacher_share: how much of the loss is the distance to a larger network's result instead of the truth.
        degradation: what befalls the small images, ``clean`` or ``compressed``.
        variants: degraded small images made of each image and size.
        frames: about how many are taken, where the data is a video.
    """

    arch: str
    scale: int
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    batch: int = 32
    patch: int = 48
    lr: float = 0.005
    loss: str = "l1"
    expand: int = 0
    bf16: bool = True
    average: float = 0.999
    sizes: tuple[float, ...] = (1.0, 0.75, 0.5)
    cycles: int = 1
    rounded: bool = False
    teacher_share: float = 0.0
    degradation: str = "clean"
    variants: int = 1
    frames: int = 200
    content: str = "pixel"
    layer: str = "5.4"
    adversarial: float = 0.0
    clip: int = 7
    speed: float = 3.0
    warped: float = 0.01
    smooth: float = 0.001

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise InvalidArgument("train: either steps or minutes is needed, not both")
        if not 0 <= self.seed < 2**63:
            raise InvalidArgument(f"train: seed={self.seed}: 0 to 2^63 - 1 is needed")
        for name in ("steps", "minutes", "batch", "patch", "lr", "variants", "clip"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InvalidArgument(f"train: {name}={value}: more than 0 is needed")
        for name in ("speed", "warped", "smooth"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InvalidArgument(f"train: {name}={getattr(self, name)}: 0 or more is needed")
        if self.expand < 0 or not 0 <= self.average < 1:
            raise InvalidArgument(f"train: expand={self.expand}, average={self.average}: ≥ 0 and 0 … 1 are needed")
        if not self.sizes or not all(0 < size <= 1 for size in self.sizes):
            raise InvalidArgument(f"train: sizes={self.sizes}: numbers above 0 and up to 1 are needed")
        if self.cycles < 1 or not 0 <= self.teacher_share <= 1:
            raise InvalidArgument(
                f"train: cycles={self.cycles}, teacher_share={self.teacher_share}: ≥ 1 and 0 … 1 are needed"
            )
        if self.degradation not in DEGRADATIONS:
            raise InvalidArgument(
                f"train: degradation={self.degradation!r}: one of {', '.join(DEGRADATIONS)} is needed"
            )
        if self.loss not in _LOSSES:
            raise InvalidArgument(f"train: loss={self.loss!r}: one of {', '.join(_LOSSES)} is needed")
        if self.content not in _CONTENTS:
            raise InvalidArgument(f"train: content={self.content!r}: one of {', '.join(_CONTENTS)} is needed")
        if not (math.isfinite(self.adversarial) and self.adversarial >= 0):
            raise InvalidArgument(f"train: adversarial={self.adversarial}: 0 or more is needed")
        if self.rounded and (self.adversarial or self.content != "pixel"):
            raise InvalidArgument("train: rounding is for content=pixel without an adversary")
