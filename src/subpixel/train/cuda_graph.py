"""Steps of a run as one CUDA graph, launched again and again.

A step of a small network is some five hundred small kernels: Python needs many times as long to ask for them as a GPU
to compute them. Recorded once, they are asked for all at once. What differs from step to step (which patches, what
rate) is laid out in tables on the device, of which each step reads the next line.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from subpixel.train.device_patches import DevicePatches, numbers
from subpixel.train.state import State

__all__ = ["MAX_STEPS", "StepGraph"]

MAX_STEPS = 64  # of one call: a moment, after which the clock is looked at
_BEFORE = 3  # steps that are taken before one is recorded: libraries choose their kernels then


class StepGraph:
    """Many steps at a time of a run whose data a device holds.

    Args:
        state: of the run; its loss is one that a graph can hold, :attr:`State.capturable`.
        source: what patches are cut from.
    """

    def __init__(self, state: State, source: DevicePatches) -> None:
        device = state.device
        self.state, self.source = state, source
        self.numbers = torch.zeros(MAX_STEPS, state.settings.batch, 4, device=device)
        self.paces = torch.zeros(MAX_STEPS, 2, device=device)
        self.line = torch.zeros(1, dtype=torch.long, device=device)
        self.total = torch.zeros((), device=device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.taken = 0

    def run(self, factors: Sequence[float]) -> float:
        """Take as many steps as there are factors, at most :data:`MAX_STEPS`.

        Args:
            factors: of the learning rates, for each step.

        Returns:
            The sum of the losses.
        """
        state, count = self.state, len(factors)
        paces = [(factor, state.mean_share(state.step + k)) for k, factor in enumerate(factors)]
        self.paces[:count].copy_(torch.tensor(paces))
        drawn = [numbers(state.settings.batch, state.patches.generator) for _ in factors]
        self.numbers[:count].copy_(torch.stack(drawn))
        self.line.zero_()
        self.total.zero_()
        for _ in factors:
            self._launch()
        state.step += count
        return self.total.item()

    def _launch(self) -> None:
        if self.state.device.type != "cuda":
            self._step()
            return
        if self.taken < _BEFORE:
            beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                self._step()
            torch.cuda.current_stream().wait_stream(beside)
            self.taken += 1
            return
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self._step()
        self.graph.replay()

    def _step(self) -> None:
        state = self.state
        factor, follow = self.paces.index_select(0, self.line)[0].unbind()
        state.pace(factor, follow)
        loss: Tensor = state.loss(*self.source.cut(self.numbers.index_select(0, self.line)[0]))
        state.learn(loss)
        self.total += loss.detach()
        self.line += 1
