"""The settings of a training run."""

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
    """The settings of a training run. They are stored in the checkpoint and in the model file.

    Args:
        arch: the name of the architecture.
        scale: the scale of the network.
        steps: the number of steps. Exactly one of ``steps`` and ``minutes`` is needed.
        minutes: the duration, with all resumed parts.
        seed: 0 … 2⁶³ - 1, for the initial weights and the patches.
        batch: patches per step, at least 1.
        patch: the side of a small patch.
        candidates: each patch is the one of so many random ones that has the most detail, at least 1; for images.
        lr: the peak learning rate of the orthogonalised updates, above 0.
        loss: ``l1`` or ``l2``.
        fft: the weight of the difference of spectra that is added to the loss, 0 or more: the mean of the absolute
            real and imaginary parts of the unscaled two-dimensional FFT of the error; 0.05 in published recipes.
        expand: the width of the over-parameterisation as a multiple of the output channels; 0: none.
        bf16: compute the layers in bf16. Weights are always updated in f32.
        average: 0 … 1, the decay of the mean of weights. That mean is measured and saved.
        sizes: the sizes at which each image is used, above 0 and up to 1, its own size.
        cycles: the number of cosine cycles, at least 1. Each begins at half the rate of the previous one.
        rounded: round weights and activations like int8. Needs a trained network to start from.
        content: ``pixel`` (compared by ``loss``), ``pyramid`` or ``vgg19``, see :mod:`subpixel.train.perceptual`.
        layer: of ``vgg19``, ``1.1`` … ``5.4``: ``i.j`` is the j-th convolution before the i-th pooling.
        clip: frames per clip, for networks for videos.
        speed: the largest motion in clips from still images, in small samples per frame, 0 or more.
        still: 0 … 1, the share of such clips whose background stays where it is.
        warped: the weight of the error of warped neighbours, 0 or more; 0.01 in VESPCN.
        smooth: the weight of the flows' unevenness, 0 or more; 0.001 in VESPCN.
        adversarial: the weight of the adversary's loss, 0 or more; 0: no adversary; 0.001 in SRGAN.
        teacher_share: 0 … 1, the share of the loss that compares with the teacher instead of the truth.
        degradation: ``clean`` or ``compressed``: how the small images are made.
        variants: degraded small images per image and size, at least 1.
        frames: about how many frames of a video are used.
        drawn: 0 or more images that code draws, added for training, see :mod:`subpixel.train.drawn_images`.

    Raises:
        InvalidArgument: a value is not allowed.
    """

    arch: str
    scale: int
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    batch: int = 32
    patch: int = 48
    candidates: int = 2
    lr: float = 0.005
    loss: str = "l1"
    fft: float = 0.0
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
    drawn: int = 0
    content: str = "pixel"
    layer: str = "5.4"
    adversarial: float = 0.0
    clip: int = 7
    speed: float = 3.0
    still: float = 0.15
    warped: float = 0.01
    smooth: float = 0.001

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise InvalidArgument("train: either steps or minutes is needed, not both")
        if not 0 <= self.seed < 2**63:
            raise InvalidArgument(f"train: seed={self.seed}: 0 to 2^63 - 1 is needed")
        for name in ("steps", "minutes", "batch", "patch", "candidates", "lr", "variants", "clip"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InvalidArgument(f"train: {name}={value}: a number above 0 is needed")
        for name in ("speed", "warped", "smooth", "fft"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InvalidArgument(f"train: {name}={getattr(self, name)}: a number of at least 0 is needed")
        for name in ("expand", "drawn"):
            if getattr(self, name) < 0:
                raise InvalidArgument(f"train: {name}={getattr(self, name)}: a number of at least 0 is needed")
        if not 0 <= self.average < 1:
            raise InvalidArgument(f"train: average={self.average}: a number from 0 to below 1 is needed")
        if not self.sizes or not all(0 < size <= 1 for size in self.sizes):
            raise InvalidArgument(f"train: sizes={self.sizes}: numbers above 0 and up to 1 are needed")
        if self.cycles < 1:
            raise InvalidArgument(f"train: cycles={self.cycles}: a number of at least 1 is needed")
        for name in ("teacher_share", "still"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidArgument(f"train: {name}={getattr(self, name)}: a number from 0 to 1 is needed")
        if self.degradation not in DEGRADATIONS:
            raise InvalidArgument(
                f"train: degradation={self.degradation!r}: one of {', '.join(DEGRADATIONS)} is needed"
            )
        if self.loss not in _LOSSES:
            raise InvalidArgument(f"train: loss={self.loss!r}: one of {', '.join(_LOSSES)} is needed")
        if self.fft and self.content != "pixel":
            raise InvalidArgument("train: fft needs content='pixel'")
        if self.content not in _CONTENTS:
            raise InvalidArgument(f"train: content={self.content!r}: one of {', '.join(_CONTENTS)} is needed")
        if not (math.isfinite(self.adversarial) and self.adversarial >= 0):
            raise InvalidArgument(f"train: adversarial={self.adversarial}: a number of at least 0 is needed")
        if self.rounded and (self.adversarial or self.content != "pixel"):
            raise InvalidArgument("train: rounded needs content='pixel' and adversarial=0")
