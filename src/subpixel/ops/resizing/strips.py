"""Resizes an image strip by strip, with the same bytes as the whole image at once and the memory of a strip.

The tables are those of :func:`subpixel.ops.resizing.resize.resize` for the whole image. A strip of the result uses its
rows of the vertical table, and the rows of the image that these refer to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.arrays import enter
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.apply_tables import resize_by_tables
from subpixel.ops.resizing.plan import plan_of
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["StripResize"]

F32 = NDArray[np.float32]
_ROWS = 0


class StripResize:
    """``resize(x, size, mode=mode, antialias=True)`` of f32 ``(H, W, C)``, by strips of rows.

    Args:
        source: ``(height, width)`` of the image.
        size: ``(height, width)`` of the result.
        mode: a mode of :func:`subpixel.ops.resize`.
        threads: None for all that this process may use.

    Raises:
        InvalidArgument: as :func:`subpixel.ops.resize`.

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
        """The rows of the image, as first and end, that rows ``top`` to ``bottom`` (excluded) of the result need."""
        if self._rows is None:
            return top, bottom
        index = self._rows.index[top:bottom]
        return int(index.min()), int(index.max()) + 1

    def __call__(self, x: F32, top: int, bottom: int) -> F32:
        """Rows ``top`` to ``bottom`` (excluded) of the result, from exactly the rows of the image that they need."""
        first, _ = self.needs(top, bottom)
        tables = []
        for axis, taps in self._tables:
            if axis == _ROWS:
                taps = AxisTaps(taps.index[top:bottom] - first, taps.weight[top:bottom])
            tables.append((axis, taps))
        result: F32
        passes = None
        if compiled.is_available() and tables:
            passes = compiled.plan_float(x.shape, "float32", tables, self._plan.sum_dtype, "float32")
        if passes is not None:
            result = compiled.run(passes, x, self._threads)
        else:
            ar, (x,), _ = enter("resize", x)
            result = resize_by_tables(ar, x, tables, self._plan)
        return result
