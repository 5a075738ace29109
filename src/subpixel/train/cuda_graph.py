"""Training steps as a CUDA graph that is recorded once and launched for every step.

A step of a small network has about five hundred small kernels, and Python takes much longer to launch them than a GPU
to compute them. A graph launches all of them at once. What differs between steps, the patches and the learning rate,
lies in tables on the device; each step reads the next line.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from subpixel.train.device_patches import DevicePatches
from subpixel.train.state import State

__all__ = ["MAX_STEPS", "StepGraph"]

MAX_STEPS = 64  # per call, after which the loop reads the clock
_BEFORE = 3  # steps before the recording, in which libraries choose their kernels


class StepGraph:
    """Runs many steps at a time, with data in the memory of the device.

    Args:
        state: the state of the run. Its loss must be :attr:`State.capturable`.
        source: the images that patches are cut from.
    """

    def __init__(self, state: State, source: DevicePatches) -> None:
        device = state.device
        self.state, self.source = state, source
        self.numbers = torch.zeros(MAX_STEPS, state.settings.batch, 4, device=device)
        self.paces = torch.zeros(MAX_STEPS, 2, device=device)
        self.line = torch.zeros(1, dtype=torch.long, device=device)
        self.total = torch.zeros((), device=device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.warm_steps = 0

    def run(self, factors: Sequence[float]) -> float:
        """Run one step per factor, at most :data:`MAX_STEPS`.

        Args:
            factors: the learning rate of each step, relative to its peak.

        Returns:
            The sum of the losses.
        """
        state, count = self.state, len(factors)
        paces = [(factor, state.mean_share(state.step + k)) for k, factor in enumerate(factors)]
        self.paces[:count].copy_(torch.tensor(paces))
        batches = [state.patches.choose() for _ in factors]
        self.numbers[:count].copy_(torch.stack(batches))
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
        if self.warm_steps < _BEFORE:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._step()
            torch.cuda.current_stream().wait_stream(stream)
            self.warm_steps += 1
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
