"""Noise and H.264 for whole clips: each frame has noise of its own, and one encoder sees all frames.

So a network with a memory learns what the single frame cannot tell: what stays from frame to frame is the scene, and
what does not is noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import InvalidArgument
from subpixel.image.compression import H264Clip

__all__ = ["CLIP_DEGRADATIONS", "NUMBERS", "ClipDegradation"]

# Random numbers of 0 … 1 that determine what happens to a clip.
NUMBERS = 5


@dataclass(frozen=True)
class ClipDegradation:
    """The probabilities of what happens to a clip.

    Args:
        clean: the probability that nothing does.
        noise: of the others, the share with white noise in each frame.
        deviation: the range of its deviation, in codes of 8 bits. Most are small.
        h264: of the others, the share that H.264 compresses after the noise.
        crf: the range of its constant rate factor.

    Raises:
        InvalidArgument: a probability is outside 0 … 1, or a range is reversed.
    """

    clean: float
    noise: float
    deviation: tuple[float, float]
    h264: float
    crf: tuple[int, int]

    def __post_init__(self) -> None:
        for name in ("clean", "noise", "h264"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidArgument(f"clips: {name}={getattr(self, name)}: a probability from 0 to 1 is needed")
        for low, high in (self.deviation, self.crf):
            if not 0 <= low <= high:
                raise InvalidArgument(f"clips: ({low}, {high}): the lower number must come first")

    def apply(self, small: Tensor, numbers: Sequence[float]) -> Tensor:
        """The degraded frames of a clip of luma.

        Args:
            small: ``(T, 1, H, W)``, codes of 8 bits divided by 255.
            numbers: :data:`NUMBERS` numbers of 0 … 1 that determine everything.

        Returns:
            The same shape, again codes divided by 255.
        """
        untouched, noisy, deviation, compressed, crf = numbers
        if untouched < self.clean:
            return small
        codes = np.rint(small[:, 0].cpu().numpy() * 255)
        if noisy < self.noise:
            low, high = self.deviation
            # The bits of the number seed the noise, so that the same numbers make the same clip.
            noise = np.random.default_rng(int(noisy * 2**32)).standard_normal(codes.shape, np.float32)
            codes = codes + (low + (high - low) * deviation**2) * noise
        planes = np.clip(np.rint(codes), 0, 255).astype(np.uint8)
        if compressed < self.h264:
            least, most = self.crf
            planes = H264Clip(least + int(crf * (most - least + 1)))(planes)
        return torch.from_numpy(planes.astype(np.float32) / 255)[:, None].to(small.device)


CLIP_DEGRADATIONS: dict[str, ClipDegradation | None] = {
    "clean": None,
    "compressed": ClipDegradation(clean=0.3, noise=0.7, deviation=(0.5, 12.0), h264=0.7, crf=(18, 32)),
}
