"""What one inference costs: its time, and the memory of its features."""

from __future__ import annotations

import time
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from subpixel.compare.decoder.designs import Design
from subpixel.compare.decoder.learning.network import Network
from subpixel.compare.training_thread import one_thread

__all__ = ["SIDE_TIMED", "Costs", "measure_costs"]

SIDE_TIMED = 256  # of the image
_ROUNDS = 25


@dataclass(frozen=True)
class Costs:
    """Of one inference on an image of 256×256.

    Args:
        milliseconds: the median time, with one thread.
        peak_bytes: the most that tensors held at one time, the weights aside.
    """

    milliseconds: float
    peak_bytes: int


def measure_costs(designs: Sequence[Design], rounds: int = _ROUNDS) -> list[Costs]:
    """The costs of untrained networks, which are those of trained ones.

    The networks take turns, so that whatever else the machine does slows all of them.
    """
    networks = [Network(design, 0).to(memory_format=torch.channels_last).eval() for design in designs]  # type: ignore[call-overload]
    x = torch.zeros(1, 3, SIDE_TIMED, SIDE_TIMED).to(memory_format=torch.channels_last)
    times: list[list[float]] = [[] for _ in networks]
    with one_thread(), torch.no_grad():
        peaks = [_peak_bytes(network, x) for network in networks]  # which also warms them up
        for _ in range(rounds):
            for network, taken in zip(networks, times, strict=True):
                began = time.perf_counter()
                network(x)
                taken.append((time.perf_counter() - began) * 1e3)
    return [Costs(median(taken), peak) for taken, peak in zip(times, peaks, strict=True)]


class _Memory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages of the tensors that operations made and that are still referred to."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.users: Counter[int] = Counter()
        self.now = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor):
                self._add(one)
        return result

    def _add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage.data_ptr(), storage.nbytes()
        if not self.users[key]:
            self.now += size
            self.peak = max(self.peak, self.now)
        self.users[key] += 1
        weakref.finalize(tensor, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self.users[key] -= 1
        if not self.users[key]:
            self.now -= size


def _peak_bytes(network: Network, x: torch.Tensor) -> int:
    network(x)
    memory = _Memory()
    with memory:
        network(x)
    return memory.peak
