"""A benchmark case: one call of an operator, the same call in other libraries, and its ceilings."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Call", "Case", "dtype_label", "optional", "torch_with_threads"]

Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One call of an operator, of other libraries, and of ceilings. All allocate their results."""

    operator: str
    name: str
    ours: Mapping[str, Call]
    ceilings: Mapping[str, Call]
    peers: Mapping[str, Call] = field(default_factory=dict)


def optional(name: str) -> Any:
    """A module, or None if it is not installed. Its lines are then missing."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def torch_with_threads(threads: int) -> Any:
    """torch with its number of threads set, or None if it is not installed."""
    torch = optional("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    return torch


def dtype_label(x: NDArray[Any]) -> str:
    """The dtype in the name of a case: u8, f32 …"""
    return f"{np.dtype(x.dtype).kind.replace('i', 's')}{8 * x.itemsize}"
