"""One run in several processes of ``torchrun``: each computes a part of every batch.

All processes have the same weights, draw the same patches and make the same updates; only gradients are exchanged. The
result equals that of one process but for the order of sums.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from subpixel.errors import InvalidArgument

__all__ = ["Processes", "processes"]


class Processes:
    """This process among those of a run.

    Args:
        rank: its number. Process 0 measures, reports and writes.
        count: the number of processes.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def first(self) -> bool:
        """Whether this is process 0."""
        return self.rank == 0

    def mean(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one device by their mean over all processes, in place."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        flat /= self.count
        for tensor, part in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def broadcast(self, value: float, device: torch.device) -> float:
        """The value of process 0, in all processes: for what must not differ, such as the elapsed time."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        dist.broadcast(shared, 0)
        return float(shared.item())


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """The processes that ``torchrun`` started together with this one, or this one alone.

    Raises:
        InvalidArgument: the variables of ``torchrun`` are set but wrong.
    """
    if "WORLD_SIZE" not in os.environ:
        yield Processes()
        return
    try:
        rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (KeyError, ValueError) as error:
        raise InvalidArgument(f"train: variable WORLD_SIZE is set, but not by torchrun: {error}") from None
    try:
        yield Processes(rank, count)
    finally:
        dist.destroy_process_group()
