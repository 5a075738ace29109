"""The machine's ceilings: multiply-adds of each target and precision, and bytes copied."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import BackendUnavailable
from subpixel.ops.native import native_module

__all__ = ["arithmetic", "array_copy", "memory_copy", "run_on_threads", "targets", "variants"]

# Size of each array that is copied: far larger than the caches.
_BYTES = 64 << 20

# Smaller copies take less time than Python needs to wake a thread, some tens of microseconds.
_WORTH = 4 << 20


def arithmetic(precision: str, target: str, threads: int, macs: float) -> Callable[[], None]:
    """A call that computes so many multiply-adds and nothing else. A network of that work cannot be faster.

    Args:
        precision: ``f32``, ``bf16`` or ``int8``.
        target: a target of the compiled module, see :func:`targets`.
        threads: the threads that share the work.
        macs: the number of multiply-adds.

    Raises:
        BackendUnavailable: there is no compiled module.
    """
    module = _module()
    each = max(1, round(macs / threads / module.peak(1, precision, target)))
    return run_on_threads(lambda _: module.peak(each, precision, target), threads)


def targets() -> list[str]:
    """The targets of the compiled module that run on this machine, the best last.

    Raises:
        BackendUnavailable: there is no compiled module.
    """
    names: list[str] = _module().targets()
    return names


def variants() -> list[tuple[str, str]]:
    """Pairs of precision and target with kernels of their own. Some targets add kernels for one precision only.

    Raises:
        BackendUnavailable: there is no compiled module.
    """
    module = _module()

    def kernels(precision: str, target: str) -> str:
        # A session states which target's kernels it runs; the smallest session is enough to ask.
        start = 1, 1, True, False, False, 1, target
        session = module.IntegerSession(*start) if precision == "int8" else module.FloatSession(precision, *start)
        return str(session.kernels)

    def own(precision: str, target: str) -> bool:
        # bf16 is measured only where the processor multiplies it; elsewhere it is widened to f32.
        return kernels(precision, target) == target and (precision != "bf16" or kernels("f32", target) != target)

    return [
        (precision, target) for target in targets() for precision in ("int8", "bf16", "f32") if own(precision, target)
    ]


def _module() -> ModuleType:
    module = native_module()
    if module is None:
        raise BackendUnavailable("bench: nothing to measure, this installation was built without a C++ compiler")
    return module


def memory_copy(bytes_copied: int, threads: int) -> Callable[[], None]:
    """A call that copies so many bytes between two arrays larger than the caches, which are allocated beforehand."""
    source, result = (np.ones(_BYTES, np.uint8) for _ in range(2))
    parts = list(zip(np.array_split(source, threads), np.array_split(result, threads), strict=True))

    def copy(thread: int) -> None:
        x, y = parts[thread]
        left = -(-bytes_copied // threads)
        while left > 0:
            np.copyto(y[:left], x[:left])
            left -= len(x)

    return run_on_threads(copy, threads)


def array_copy(x: NDArray[Any], threads: int) -> Callable[[], None]:
    """A call that copies an array to new memory. An operator with such a result must write as much.

    It uses all threads if the array is large enough for a second thread to pay.
    """
    flat = x.reshape(-1)
    threads = threads if x.nbytes >= _WORTH else 1
    parts = np.array_split(flat, threads)
    result: list[NDArray[Any]] = []
    together = run_on_threads(lambda thread: np.copyto(result[thread], parts[thread]), threads)

    def call() -> None:
        result[:] = np.array_split(np.empty_like(flat), threads)
        together()
        result.clear()

    return call


def run_on_threads(work: Callable[[int], Any], threads: int) -> Callable[[], None]:
    """A call that runs ``work(0)`` … ``work(threads - 1)`` at once, on threads that are started beforehand."""
    others = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def call() -> None:
        running = [others.submit(work, n) for n in range(1, threads)] if others else []
        work(0)
        for one in running:
            one.result()

    return call
