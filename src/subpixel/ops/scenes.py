"""How much two frames differ, seen from afar, and where a scene begins as a video goes by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["ABOVE_MEDIAN", "CUT", "CutDetector", "difference", "thumbnail"]

# Codes of 255, and times the median of what is usual, by which two frames differ at least where a scene begins.
CUT, ABOVE_MEDIAN = 10.0, 3.0

_ROWS = 24  # of a small copy: enough to tell scenes apart, too few to see small motion
_AROUND = 12  # differences before a frame that tell what is usual


def thumbnail(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means of square blocks of ``(H, W)``, some 24 rows of them.

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
    """The median over two thumbnails, so that what moves before a still background counts for nothing."""
    return float(np.median(np.abs(a - b)))


class CutDetector:
    """Tells as frames go by which of them begin a scene, each from itself and those before.

    One does whose thumbnail differs from the one before by more than 10 codes of 255 and by more than 3 times the
    median of the up to 12 differences before. So a pan or shaking does not cut; a flash does, twice: to know better one
    would have to wait for the frames after it, and what a cut costs is little. Fades and dissolves cut nothing.

    >>> detector = CutDetector()
    >>> [detector.begins_scene(np.full((48, 64), v, np.uint8)) for v in (20, 21, 22, 90, 91)]
    [True, False, False, True, False]
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._steps: list[float] = []

    def begins_scene(self, luma: NDArray[np.uint8]) -> bool:
        """Whether a scene begins with this frame, ``(H, W)``; the first one always does."""
        small, before = thumbnail(luma), self._before
        self._before = small
        if before is None or before.shape != small.shape:
            self._steps = []
            return True
        step = difference(small, before)
        usual = float(np.median(self._steps)) if self._steps else 0.0
        self._steps = [*self._steps, step][-_AROUND:]
        return step > CUT and step > ABOVE_MEDIAN * usual

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that it remembers."""
        before = self._before if self._before is not None else np.zeros((0, 0), np.float32)
        return {"thumbnail": before.copy(), "steps": np.array(self._steps, np.float64)}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from what :meth:`state` gave.

        Raises:
            InvalidArgument: something else.
        """
        before, steps = (np.asarray(state.get(name)) for name in ("thumbnail", "steps"))
        if before.dtype != np.float32 or before.ndim != 2 or steps.dtype != np.float64 or steps.ndim != 1:
            raise InvalidArgument("scenes: that is no state of a CutDetector: thumbnail and steps are needed")
        self._before = before.copy() if before.size else None
        self._steps = steps.tolist()
