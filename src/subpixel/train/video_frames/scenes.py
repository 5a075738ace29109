"""Scenes of a video, and the sharp frames of each.

A scene begins at a frame whose thumbnail differs from the previous one by more than 10 codes of 255, and by more than 3
times the median of the 24 differences around it. So pans and shaking cause no cut. The difference of two frames is the
median over the frame, so a moving object before a still background causes none. A flash causes none either: the frame
before must differ as much from the one 8 later, and the frame itself from the one 8 earlier. Fades and dissolves cause
no cut: scenes that they join count as one, as do two scenes that agree in half of their area.

Sharpness is the variance of luma's Laplacian (Pech-Pacheco et al., ICPR 2000). It is compared only within a scene.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.scenes import ABOVE_MEDIAN, CUT, difference, thumbnail

__all__ = ["Scene", "Survey", "choose_frames"]

_AROUND, _FLASH = 12, 8
_FLAT = 1.0  # variance of the Laplacian below which a frame is useless: black, a fade, a title card
_APART = 8  # the least mean distance of chosen frames; closer ones look the same

Luma = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """Frames ``start`` to ``stop - 1`` of a video, and their sharpness."""

    start: int
    stop: int
    sharpness: NDArray[np.float64]

    def sharpest(self, count: int) -> list[int]:
        """The sharpest frame of each of ``count`` equal parts, unless it is below the scene's median."""
        sharp = self.sharpness.copy()
        if len(sharp) > 4:  # a cut may blend two frames
            sharp[[0, -1]] = -1.0
        least = max(float(np.median(self.sharpness)), _FLAT)
        bounds = np.linspace(0, len(sharp), count + 1).astype(int).tolist()
        best = [a + int(np.argmax(sharp[a:b])) for a, b in pairwise(bounds) if b > a]
        return [self.start + k for k in best if sharp[k] >= least]


@dataclass
class Survey:
    """Statistics of each frame while a video is decoded: a few bytes per frame, whatever its size."""

    sharpness: list[float] = field(default_factory=list)
    _steps: list[float] = field(default_factory=list)
    _leaps: list[float] = field(default_factory=list)
    _recent: deque[NDArray[np.float32]] = field(default_factory=lambda: deque(maxlen=_FLASH + 1))

    def add(self, luma: Luma) -> None:
        """Add the next frame, ``(H, W)``."""
        self.sharpness.append(_sharpness(luma))
        small = thumbnail(luma)
        if self._recent:
            self._steps.append(difference(small, self._recent[-1]))
        self._recent.append(small)
        if len(self._recent) == self._recent.maxlen:
            self._leaps.append(difference(small, self._recent[0]))

    def scenes(self) -> list[Scene]:
        """The scenes of all frames so far."""
        steps = np.array(self._steps)
        # Beyond the end, the last frame repeats.
        ends = list(self._recent)
        missing = len(steps) - len(self._leaps)
        leaps = np.array([*self._leaps, *(difference(ends[-1], e) for e in ends[-1 - missing : -1])])
        cuts = [0]
        for k, (step, leap) in enumerate(zip(steps, leaps, strict=True)):
            others = np.delete(steps[max(0, k - _AROUND) : k + _AROUND + 1], min(k, _AROUND))
            usual = np.median(others) if len(others) else 0.0
            before = leaps[k - _FLASH + 1] if k >= _FLASH - 1 else np.inf
            if min(step, leap, before) > CUT and step > ABOVE_MEDIAN * usual:
                cuts.append(k + 1)
        cuts.append(len(self.sharpness))
        sharp = np.array(self.sharpness)
        return [Scene(a, b, sharp[a:b]) for a, b in pairwise(cuts) if b > a]


def choose_frames(scenes: Iterable[Scene], count: int) -> list[list[int]]:
    """The numbers of sharp frames, one list per scene that has any: about ``count`` in total, over the whole video.

    Every scene gives one frame; the others are divided by length. With more scenes than ``count``, evenly spaced scenes
    give one frame each. Chosen frames are at least a third of a second apart on average.
    """
    all_scenes = [s for s in scenes if s.sharpest(1)]
    if len(all_scenes) > count:
        all_scenes = [all_scenes[k] for k in np.linspace(0, len(all_scenes) - 1, count).astype(int)]
    lengths = np.array([s.stop - s.start for s in all_scenes])
    shares = np.floor((count - len(all_scenes)) * lengths / max(1, lengths.sum())).astype(int)
    return [
        scene.sharpest(int(min(1 + share, max(1, length // _APART))))
        for scene, share, length in zip(all_scenes, shares, lengths, strict=True)
    ]


def _sharpness(luma: Luma) -> float:
    if min(luma.shape) < 3:
        return 0.0
    y = luma.astype(np.int16)
    laplacian = 4 * y[1:-1, 1:-1] - y[:-2, 1:-1] - y[2:, 1:-1] - y[1:-1, :-2] - y[1:-1, 2:]
    return float(laplacian.var(dtype=np.float64))
