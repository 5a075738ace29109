"""Memory of a call beyond its input and its result, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import SubpixelError

__all__ = ["extra_memory"]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

# The code of the other process. Memory that this process holds or has freed does not count there.
_CHILD = "import json, sys; from subpixel.bench import memory; print(memory.measure(*json.loads(sys.argv[1])))"


def extra_memory(kind: str, size: tuple[int, int], threads: int) -> float | None:
    """Peak memory of a call in MiB, beyond its input and its result.

    Args:
        kind: ``plane``: ESPCN ×3 int8 on a plane of bytes; ``rgb``: the ``Upscaler`` with ESPCN ×3 on RGB bytes.
        size: height and width of the input.
        threads: the threads that share the work.

    Returns:
        None where the system does not report a process's peak memory (only Linux does).

    Raises:
        SubpixelError: the other process fails.
    """
    if not _RESET.exists():
        return None
    arguments = json.dumps([kind, list(size), threads])
    # glibc keeps freed memory for later. With this threshold it returns nearly all, so only memory in use counts.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _CHILD, arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise SubpixelError(f"memory: the process that measures it failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout)


def measure(kind: str, size: tuple[int, int], threads: int) -> float:
    """What :func:`extra_memory` returns, of this process itself."""
    from subpixel.bench.networks import synthetic_image

    call = _make_call(kind, threads)
    call(synthetic_image((64, 64), 3 if kind == "rgb" else None))  # starts the threads and loads the code
    x = synthetic_image((size[0], size[1]), 3 if kind == "rgb" else None)
    _RESET.write_text("5", encoding="ascii")  # resets the peak
    before = _kib("VmRSS")
    result = call(x)
    return (_kib("VmHWM") - before) / 1024 - result.nbytes / 2**20


def _make_call(kind: str, threads: int) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    if kind == "rgb":
        from subpixel.upscaler import Upscaler

        return Upscaler(3, model="espcn", threads=threads)
    from subpixel.bench.networks import espcn_x3, session

    network = session(espcn_x3(), "int8", threads)
    return lambda x: network(x[None])


def _kib(name: str) -> int:
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(name + ":"))
    return int(line.split()[1])
