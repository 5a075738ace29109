"""The compiled module: whether it is here, and what of this machine its functions may use."""

from __future__ import annotations

import functools
import os
import sys
from importlib import import_module
from types import ModuleType

from subpixel.errors import BackendUnavailable

__all__ = ["available_threads", "forced_target", "native_module"]


def native_module() -> ModuleType | None:
    """The compiled module, or None if this installation was made without a compiler."""
    module = sys.modules.get("subpixel._native")
    if module is not None:
        return module
    try:
        return import_module("subpixel._native")
    except ModuleNotFoundError:
        return None


def forced_target() -> str:
    """The instruction set that the environment variable ``SUBPIXEL_TARGET`` asks for; empty is the best there is.

    Raises:
        BackendUnavailable: it names what is not in this build or does not run on this machine.
    """
    target = os.environ.get("SUBPIXEL_TARGET", "")
    module = native_module() if target else None
    if module is not None:
        try:
            module.require_target(target)
        except ValueError as error:
            raise BackendUnavailable(f"SUBPIXEL_TARGET: {error}") from None
    return target


def available_threads() -> int:
    """Threads this process may use: the affinity mask, and the control group's quota where there is one."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, _quota() or count))


@functools.cache
def _quota() -> int | None:
    """Processors that the control group gives this process, read once: operators ask at every call."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        return None  # no such control here: the mask stands
    return None if quota == "max" else max(1, round(int(quota) / int(period)))
