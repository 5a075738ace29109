"""The machine by its features, never by its name, and the threads that all may use."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from subpixel.backends import BACKENDS, available_threads
from subpixel.errors import InvalidArgument

__all__ = ["describe", "has_bf16", "label", "limit_threads", "version_of"]

# What decides how fast networks run, by the names that Linux has for it.
_FEATURES = ("avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
_FEATURES_ARM = ("asimd", "asimddp", "i8mm", "bf16", "sve")


def describe(threads: int) -> dict[str, Any]:
    """Architecture, features, caches, memory, threads, how busy it was, and the versions of all that is run."""
    details = BACKENDS["native"].details()
    return {
        "architecture": platform.machine(),
        "features": [name for name in (*_FEATURES, *_FEATURES_ARM) if name in _flags()],
        "processors": os.cpu_count(),
        "caches": _caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
        "target": details.get("chosen", "NumPy"),
        "python": platform.python_version(),
        "versions": {
            name: version
            for name in ("subpixel", "numpy", "torch", "onnxruntime", "openvino", "opencv", "pillow")
            if (version := version_of(name))
        },
    }


def label(machine: dict[str, Any]) -> str:
    """A machine in one line, made of :func:`describe`."""
    features = ", ".join(machine["features"]) or "no wide instructions"
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    parts = [machine["architecture"], features, f"{machine['processors']} processors", caches]
    return "; ".join(part for part in [*parts, f"{machine['memory_gib']} GiB"] if part)


def version_of(package: str) -> str | None:
    """The version of an installed package; OpenCV under any of the names it is distributed by."""
    builds = [f"opencv{contrib}-python{head}" for contrib in ("-contrib", "") for head in ("-headless", "")]
    for name in builds if package == "opencv" else [package]:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def has_bf16() -> bool:
    """Whether the processor multiplies bf16 by itself."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & _flags())


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Meanwhile this process may use so many processors: what no library can go round, whatever it was told.

    Raises:
        InvalidArgument: the machine does not give this process so many.
    """
    if not 1 <= threads <= available_threads():
        raise InvalidArgument(f"threads={threads}: this process may use 1 to {available_threads()}")
    if not hasattr(os, "sched_setaffinity"):  # elsewhere each library is told, and trusted
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # no such file beside Linux: then the compiled module's own list has to do
        return {name for name, present in BACKENDS["native"].details().get("features", {}).items() if present}
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split(":", 1)[1].split()}


def _caches() -> dict[str, str]:
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found
