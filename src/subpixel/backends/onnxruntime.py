"""The backend ``onnxruntime``, in f32: the network as an ONNX model, run by ONNX Runtime."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subpixel.backends.base import Planes, Quantisation, Session, VideoSession, Weights, check_planes, empty_result
from subpixel.backends.flat import check_flat, flat_session
from subpixel.backends.missing import missing_packages
from subpixel.errors import BackendUnavailable, Unsupported
from subpixel.models.onnx_export import to_onnx
from subpixel.models.spec import Spec

__all__ = ["OnnxRuntimeBackend"]

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# cuDNN drops 13 of the 23 bits of f32 otherwise.
_OPTIONS: dict[str, dict[str, int]] = {"cpu": {}, "cuda": {"use_tf32": 0}}


@dataclass(frozen=True)
class OnnxRuntimeBackend:
    """f32 for networks on single images. On ``cuda`` it needs the package ``onnxruntime-gpu``."""

    device: str = "cpu"
    name = "onnxruntime"
    precisions: tuple[str, ...] = ("f32",)
    devices: tuple[str, ...] = ("cpu", "cuda")

    def unavailable(self) -> str | None:
        return missing_packages(("onnxruntime", "onnx"), "onnx")

    def details(self) -> dict[str, Any]:
        return {} if self.unavailable() else {"onnxruntime": importlib.metadata.version("onnxruntime")}

    def missing_device(self, device: str) -> str | None:
        import onnxruntime

        if _PROVIDERS[device] in onnxruntime.get_available_providers():
            return None
        return "ONNX Runtime has no CUDA here; the package onnxruntime-gpu has it"

    def on(self, device: str) -> OnnxRuntimeBackend:
        return replace(self, device=device)

    def prepare(
        self,
        spec: Spec,
        weights: Weights,
        precision: str,
        threads: int,
        quantisation: Quantisation = None,
        flat: int | None = None,
    ) -> Session:
        check_flat(spec, flat)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        run = onnxruntime.InferenceSession(
            to_onnx(spec, weights).SerializeToString(),
            options,
            providers=[(_PROVIDERS[self.device], _OPTIONS[self.device])],
        )
        if _PROVIDERS[self.device] not in run.get_providers():  # it takes the CPU if it cannot load CUDA
            raise BackendUnavailable(f"device='{self.device}' cannot be used: ONNX Runtime does not find its libraries")

        def session(planes: Planes) -> Planes:
            planes = check_planes(planes, spec)
            if 0 in planes.shape:
                return empty_result(planes, spec)
            result: Planes = run.run(None, {"input": np.ascontiguousarray(planes)[None]})[0][0]
            return result

        return session if flat is None else flat_session(session, spec.scale, flat)

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        raise Unsupported("backend='onnxruntime' runs networks on single images; backend='native' runs this one")
