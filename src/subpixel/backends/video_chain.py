"""A video session around the convolutions of a chain: it joins the inputs before them and splits the results after."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from subpixel.backends.base import Planes, check_inputs
from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.models.chain import VideoChain
from subpixel.models.spec import Spec
from subpixel.ops import pixel_shuffle

__all__ = ["ChainVideoSession"]


class ChainVideoSession:
    """A session of a chain for videos.

    Args:
        spec: the network.
        chain: its convolutions.
        run_convs: runs them: from all input planes, ``(C, H, W)`` f32, to all planes of the ends before their
            activations. More planes may follow. See :func:`subpixel.models.chain.row_of`.
    """

    def __init__(self, spec: Spec, chain: VideoChain, run_convs: Callable[[Planes], Planes]) -> None:
        self._spec, self._chain, self._run_convs = spec, chain, run_convs
        self._starts = np.cumsum([end.out_channels for end in chain.ends])

    def __call__(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        arrays = check_inputs(inputs, self._spec)
        output = self._run_convs(np.concatenate([arrays[name] for name in self._chain.sources]))
        detail, *states = np.split(output[: self._starts[-1]], self._starts[:-1])
        results, kernels = {}, NumpyKernels()
        for end, state in zip(self._chain.ends[1:], states, strict=True):
            active = end.activation != "none"
            results[end.name] = kernels.activate(state[None], end.activation, None)[0] if active else state.copy()
        if self._chain.base:
            detail += np.repeat(arrays[self._chain.base], self._spec.scale**2, axis=0)
        result = pixel_shuffle(detail[None], self._spec.scale)[0]
        return {self._spec.layers[-1].name: result, **results}
