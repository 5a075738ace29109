"""The backend ``openvino``, in f32: the network as an ONNX model, compiled by OpenVINO."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from subpixel.backends.base import Planes, Quantisation, Session, VideoSession, Weights, check_planes, empty_result
from subpixel.backends.flat import check_flat, flat_session
from subpixel.backends.missing import missing_packages
from subpixel.errors import Unsupported
from subpixel.models.onnx_export import to_onnx
from subpixel.models.spec import Spec

__all__ = ["OpenVinoBackend"]


@lru_cache(maxsize=1)
def _core() -> Any:
    import openvino

    return openvino.Core()


@dataclass(frozen=True)
class OpenVinoBackend:
    """f32 for networks on single images. ``gpu`` is the graphics of an Intel processor."""

    device: str = "cpu"
    name = "openvino"
    precisions: tuple[str, ...] = ("f32",)
    devices: tuple[str, ...] = ("cpu", "gpu")

    def unavailable(self) -> str | None:
        return missing_packages(("openvino", "onnx"), "openvino")

    def details(self) -> dict[str, Any]:
        return {} if self.unavailable() else {"openvino": importlib.metadata.version("openvino")}

    def missing_device(self, device: str) -> str | None:
        if any(name.partition(".")[0] == device.upper() for name in _core().available_devices):
            return None
        return "OpenVINO finds no GPU here"

    def on(self, device: str) -> OpenVinoBackend:
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
        # Without the hint it computes in bf16 or f16 where the device has them.
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if self.device == "cpu":
            options["INFERENCE_NUM_THREADS"] = threads
        network = _core().read_model(to_onnx(spec, weights).SerializeToString())
        compiled = _core().compile_model(network, self.device.upper(), options)

        def session(planes: Planes) -> Planes:
            planes = check_planes(planes, spec)
            if 0 in planes.shape:
                return empty_result(planes, spec)
            # A request of its own for each call, since several threads may call.
            request = compiled.create_infer_request()
            result: Planes = np.array(request.infer([np.ascontiguousarray(planes)[None]])[0][0])
            return result

        return session if flat is None else flat_session(session, spec.scale, flat)

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        raise Unsupported("backend='openvino' runs networks on single images; backend='native' runs this one")
