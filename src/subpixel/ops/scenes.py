"""Scene detection: the difference of two frames by their thumbnails, and a detector that finds cuts frame by frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["ABOVE_MEDIAN", "BEFORE", "CUT", "CutDetector", "difference", "thumbnail"]

# The smallest difference at a cut: in codes of 255, and as a multiple of the usual difference.
CUT, ABOVE_MEDIAN = 10.0, 3.0

_ROWS = 24  # of a thumbnail: enough to distinguish scenes, too few to show small motion
_HISTORY = 12  # differences before a frame whose median is the usual difference
# So many frames before one decide whether it begins a scene.
BEFORE = _HISTORY + 1


def thumbnail(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means of square blocks of a plane ``(H, W)``, about 24 rows of them.

    >>> thumbnail(np.full((48, 96), 7, np.uint8)).shape
    (24, 48)
    """
    side = max(1, luma.shape[0] // _ROWS)
    rows, columns = (n // side for n in luma.shape)
    if not rows or not columns:
        return luma.astype(np.float32)
    blocks = luma[: rows * side, : columns * side].reshape(rows, side, columns, side)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The median absolute difference of two thumbnails, so that motion in front of a still background is ignored."""
    return float(np.median(np.abs(a - b)))


class CutDetector:
    """Finds the frames that begin a scene, each from itself and the frames before it.

    A frame begins a scene if its thumbnail differs from the one before by more than 10 codes of 255, and by more than 3
    times the median of up to 12 differences before. Pans and shaking are not cuts. A flash counts as two cuts: to know
    better, the detector would have to wait for later frames, and a false cut costs little. Fades and dissolves are not
    detected.

    >>> detector = CutDetector()
    >>> [detector.begins_scene(np.full((48, 64), v, np.uint8)) for v in (20, 21, 22, 90, 91)]
    [True, False, False, True, False]
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._steps: list[float] = []

    def begins_scene(self, luma: NDArray[np.uint8]) -> bool:
        """Whether a scene begins with this frame, ``(H, W)`` u8. The first frame always begins one."""
        small, before = thumbnail(luma), self._before
        self._before = small
        if before is None or before.shape != small.shape:
            self._steps = []
            return True
        step = difference(small, before)
        usual = float(np.median(self._steps)) if self._steps else 0.0
        self._steps = [*self._steps, step][-_HISTORY:]
        return step > CUT and step > ABOVE_MEDIAN * usual

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Its state, as arrays."""
        before = self._before if self._before is not None else np.zeros((0, 0), np.float32)
        return {"thumbnail": before.copy(), "steps": np.array(self._steps, np.float64)}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from a state that :meth:`state` returned.

        Raises:
            InvalidArgument: the arrays are not such a state.
        """
        before, steps = (np.asarray(state.get(name)) for name in ("thumbnail", "steps"))
        if before.dtype != np.float32 or before.ndim != 2 or steps.dtype != np.float64 or steps.ndim != 1:
            raise InvalidArgument("scenes: not a state of a CutDetector: thumbnail and steps are needed")
        self._before = before.copy() if before.size else None
        self._steps = steps.tolist()
