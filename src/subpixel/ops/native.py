"""Access to the compiled module, the instruction set to use, and the number of threads."""

from __future__ import annotations

import functools
import os
import sys
from importlib import import_module
from types import ModuleType

from subpixel.errors import BackendUnavailable

__all__ = ["available_threads", "forced_form", "forced_target", "native_module"]

_FORMS = ("direct", "winograd")


def native_module() -> ModuleType | None:
    """The compiled module, or None if the package was installed without a compiler."""
    module = sys.modules.get("subpixel._native")
    if module is not None:
        return module
    try:
        return import_module("subpixel._native")
    except ModuleNotFoundError:
        return None


def forced_target() -> str:
    """The instruction set in the environment variable ``SUBPIXEL_TARGET``; empty for the best one.

    Raises:
        BackendUnavailable: this build does not have it, or this machine cannot run it.
    """
    target = os.environ.get("SUBPIXEL_TARGET", "")
    module = native_module() if target else None
    if module is not None:
        try:
            module.require_target(target)
        except ValueError as error:
            raise BackendUnavailable(f"SUBPIXEL_TARGET: {error}") from None
    return target


def forced_form() -> str:
    """The form of int8 convolutions in the environment variable ``SUBPIXEL_INT8_FORM``; empty for the faster one.

    Raises:
        BackendUnavailable: there is no such form.
    """
    form = os.environ.get("SUBPIXEL_INT8_FORM", "")
    if form and form not in _FORMS:
        raise BackendUnavailable(f"SUBPIXEL_INT8_FORM: {form!r} is no form; {' or '.join(_FORMS)} is needed")
    return form


def available_threads() -> int:
    """How many threads this process may use, by its affinity mask and the quota of its control group, if it has one."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, _quota() or count))


@functools.cache
def _quota() -> int | None:
    """The number of processors in the quota of the control group. Read once, since operators ask at every call."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        return None  # without a quota, the affinity mask decides
    return None if quota == "max" else max(1, round(int(quota) / int(period)))
