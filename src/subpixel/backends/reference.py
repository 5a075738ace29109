"""The backend ``reference``, in NumPy: the others are compared with it, and it runs without the compiled module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import (
    Planes,
    Quantisation,
    Session,
    VideoSession,
    Weights,
    check_inputs,
    check_planes,
    empty_result,
)
from subpixel.backends.devices import OnCpu
from subpixel.backends.flat import check_flat, flat_session
from subpixel.backends.integer import run_integer
from subpixel.backends.numpy_kernels import Bf16Kernels, NumpyKernels
from subpixel.backends.video_chain import ChainVideoSession
from subpixel.models.chain import video_chain_of
from subpixel.models.graph import require_single_image, run, run_all
from subpixel.models.integer import IntegerNetwork, integer_network
from subpixel.models.spec import Spec

__all__ = ["ReferenceBackend", "video_session"]

Array = NDArray[np.float32]


class ReferenceBackend(OnCpu):
    """f32 and bf16 for any network, int8 for plain chains. It runs on the calling thread, whatever ``threads`` is."""

    name = "reference"
    precisions: tuple[str, ...] = ("f32", "bf16", "int8")

    def unavailable(self) -> str | None:
        return None

    def details(self) -> dict[str, Any]:
        return {"numpy": np.__version__}

    def prepare(
        self,
        spec: Spec,
        weights: Weights,
        precision: str,
        threads: int,
        quantisation: Quantisation = None,
        flat: int | None = None,
    ) -> Session:
        require_single_image(spec)
        check_flat(spec, flat)
        if precision == "int8":
            return _integer_session(spec, integer_network(spec, weights, quantisation), flat)
        kernels = Bf16Kernels() if precision == "bf16" else NumpyKernels()
        own = {name: np.array(value, np.float32) for name, value in weights.items()}

        def session(planes: NDArray[Any]) -> NDArray[Any]:
            planes = check_planes(planes, spec)
            if 0 in planes.shape:
                return empty_result(planes, spec)
            result: Array = run(spec, own, planes[None], kernels)[0]
            return result

        return session if flat is None else flat_session(session, spec.scale, flat)

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        if precision == "int8":
            network = integer_network(spec, weights, quantisation)
            return ChainVideoSession(spec, video_chain_of(spec, "int8"), lambda x: run_integer(network, x))
        return video_session(spec, weights, Bf16Kernels() if precision == "bf16" else NumpyKernels())


def video_session(spec: Spec, weights: Weights, kernels: NumpyKernels) -> VideoSession:
    """A session of any network for videos, on the given kernels."""
    own = {name: np.array(value, np.float32) for name, value in weights.items()}

    def session(inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        batch = {name: planes[None] for name, planes in check_inputs(inputs, spec).items()}
        return {name: value[0] for name, value in run_all(spec, own, batch, kernels).items()}

    return session


def _integer_session(spec: Spec, network: IntegerNetwork, flat: int | None) -> Session:
    def session(planes: NDArray[Any]) -> NDArray[Any]:
        planes = check_planes(planes, spec, int8=True)
        return empty_result(planes, spec) if 0 in planes.shape else run_integer(network, planes, flat)

    return session
