"""A resize of an image whose rows come a few at a time: the bytes of the whole, memory of a strip.

The tables are those that :func:`subpixel.ops.resizing.resize.resize` has for the whole image. A strip of the result
takes its rows of the vertical table, and of the image the rows that this part points at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.arrays import enter
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.plan import plan_of
from subpixel.ops.resizing.sums import summed
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["StripResize"]

F32 = NDArray[np.float32]
_ROWS = 0


class StripResize:
    """``resize(x, size, mode=mode, antialias=True)`` of f32 ``(H, W, C)``, by strips of rows.

    Args:
        source: ``(height, width)`` of the image.
        size: ``(height, width)`` of the result.
        mode: the kernel.
        threads: None for all that this process may use.

    Raises:
        InvalidArgument: as the operator.

    >>> x = np.arange(24, dtype=np.float32).reshape(6, 4, 1)
    >>> half = StripResize((6, 4), (3, 2), "linear")
    >>> first, last = half.needs(1, 2)
    >>> half(x[first:last], 1, 2).ravel().tolist()
    [10.625, 12.375]
    """

    def __init__(
        self, source: tuple[int, int], size: tuple[int, int], mode: str = "cubic", threads: int | None = None
    ) -> None:
        arguments = (size, None, mode, None, "HWC", None, None)
        dtype = np.dtype(np.float32)
        self._plan = plan_of((*source, 1), dtype, "float32", arguments, {"antialias": True})
        self._tables = self._plan.tables(True)
        self._rows = next((taps for axis, taps in self._tables if axis == _ROWS), None)
        self._threads = threads

    def needs(self, top: int, bottom: int) -> tuple[int, int]:
        """The image's rows, from one up to before another, that rows ``top`` … ``bottom`` of the result look at."""
        if self._rows is None:
            return top, bottom
        index = self._rows.index[top:bottom]
        return int(index.min()), int(index.max()) + 1

    def __call__(self, x: F32, top: int, bottom: int) -> F32:
        """Rows ``top`` … ``bottom`` of the result, of just those rows that they need."""
        first, _ = self.needs(top, bottom)
        tables = []
        for axis, taps in self._tables:
            if axis == _ROWS:
                taps = AxisTaps(taps.index[top:bottom] - first, taps.weight[top:bottom])
            tables.append((axis, taps))
        result: F32
        passes = None
        if compiled.is_available() and tables:
            passes = compiled.sum_real(x.shape, "float32", tables, self._plan.sums, "float32")
        if passes is not None:
            result = compiled.run(passes, x, self._threads)
        else:
            ar, (x,), _ = enter("resize", x)
            result = summed(ar, x, tables, self._plan)
        return result
