"""A description of the machine by its features, without its host name; and a limit on the threads of a process."""

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

# The features that decide how fast networks run, by their names in Linux.
_FEATURES = ("avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
_FEATURES_ARM = ("asimd", "asimddp", "i8mm", "bf16", "sve")


def describe(threads: int) -> dict[str, Any]:
    """Architecture, processor, features, caches, memory, threads, load, and the versions of all libraries measured."""
    details = BACKENDS["native"].details()
    return {
        "architecture": platform.machine(),
        "processor": _processor(),
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
            for name in ("subpixel", "numpy", "torch", "onnxruntime", "openvino", "opencv", "pillow", "pyanime4k")
            if (version := version_of(name))
        },
    }


def label(machine: dict[str, Any]) -> str:
    """One line about a machine, from what :func:`describe` returns."""
    features = ", ".join(machine["features"]) or "no wide instructions"
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    parts = [machine.get("processor", ""), machine["architecture"], features]
    parts += [f"{machine['processors']} processors", caches]
    return "; ".join(part for part in [*parts, f"{machine['memory_gib']} GiB"] if part)


def version_of(package: str) -> str | None:
    """The version of an installed package, or None. OpenCV counts under any of its distributions' names."""
    builds = [f"opencv{contrib}-python{head}" for contrib in ("-contrib", "") for head in ("-headless", "")]
    for name in builds if package == "opencv" else [package]:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def has_bf16() -> bool:
    """Whether the processor has instructions that multiply bf16."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & _flags())


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Restrict this process to so many processors inside the block. No library can use more, whatever its settings.

    Raises:
        InvalidArgument: this process may not use so many.
    """
    if not 1 <= threads <= available_threads():
        raise InvalidArgument(f"threads={threads}: this process may use 1 to {available_threads()}")
    if not hasattr(os, "sched_setaffinity"):  # elsewhere each library is given the number, and trusted
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
    except OSError:  # only Linux has this file; elsewhere the compiled module knows
        return {name for name, present in BACKENDS["native"].details().get("features", {}).items() if present}
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split(":", 1)[1].split()}


def _processor() -> str:
    """The processor's name, as Linux gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # only Linux has this file
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _caches() -> dict[str, str]:
    caches = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches[f"L{level}"] = size
    return caches
