"""max_unpool of 32 planes of 360×640 values, kernel 2, and torch's, which supports only f32 and int64.

Two ceilings: "copy" copies a result to new memory. "pages" allocates an array of the result's size and writes one byte
of each page: the cost of new memory before it holds a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel import ops
from subpixel.bench.ceilings import array_copy, run_on_threads
from subpixel.bench.operators.case import Call, Case, dtype_label, torch_with_threads

__all__ = ["cases"]

_PLANES, _HEIGHT, _WIDTH = 32, 720, 1280
_PAGE = 4096


def cases(threads: int) -> Iterator[Case]:
    """Cases with the usual dtypes of values and positions."""
    torch = torch_with_threads(threads)
    for dtype in (np.float32, np.uint16, np.uint8):
        for index in (np.int64, np.int32):
            yield _case(torch, dtype, index, threads)


def _case(torch: Any, dtype: Any, index: Any, threads: int) -> Case:
    x = np.random.default_rng(0).integers(0, 255, (1, _PLANES, _HEIGHT, _WIDTH)).astype(dtype)
    values, where = ops.max_pool(x, 2, return_indices=True)
    where = where.astype(index)
    peers: dict[str, Call] = {}
    if torch is not None and dtype is np.float32 and index is np.int64:
        tensors = torch.from_numpy(values), torch.from_numpy(where)
        peers["torch"] = lambda: torch.nn.functional.max_unpool2d(*tensors, 2)
    bounds: dict[str, Call] = {"copy": array_copy(x, threads), "pages": _pages(x, threads)}
    ours: dict[str, Call] = {"subpixel": lambda: ops.max_unpool(values, where, 2)}
    return Case("max_unpool", f"{dtype_label(x)}, positions {dtype_label(where)}", ours, bounds, peers)


def _pages(like: NDArray[Any], threads: int) -> Call:
    parts: list[NDArray[np.uint8]] = []

    def touch(thread: int) -> None:
        parts[thread][::_PAGE] = 1

    together = run_on_threads(touch, threads)

    def call() -> None:
        parts[:] = np.array_split(np.zeros(like.nbytes, np.uint8), threads)
        together()
        parts.clear()

    return call
