"""Other libraries that run networks, on the same number of threads: the same network, or networks of their own.

Those with the same network pad each convolution with zeros, as their users' networks do; that is their cheapest
border. Our engine repeats edges. They all know the size of the image in advance, read f32 planes and return NumPy
arrays.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.bench.machine import has_bf16
from subpixel.errors import InvalidArgument
from subpixel.models.onnx_export import to_onnx
from subpixel.models.spec import Spec

__all__ = ["PEERS", "ImagePeer", "Peer", "anime4k", "superres"]

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Weights = Mapping[str, F32]
Run = Callable[[F32], F32]


@dataclass(frozen=True)
class Peer:
    """A library in one precision: the packages it needs, and a function that prepares a call on ``(1, H, W)``."""

    name: str
    packages: tuple[str, ...]
    prepare: Callable[[Spec, Weights, int, tuple[int, int]], Run]
    bf16: bool = False

    def missing(self) -> str | None:
        """Why it cannot be measured here, or None."""
        absent = [name for name in self.packages if importlib.util.find_spec(name) is None]
        if absent:
            return f"{', '.join(absent)} not installed"
        return "the processor has no bf16" if self.bf16 and not has_bf16() else None


def _torch(spec: Spec, weights: Weights, threads: int, size: tuple[int, int], kind: str, last: bool) -> Run:
    import torch

    from subpixel.models.graph import run
    from subpixel.models.torch_kernels import TorchKernels

    torch.set_num_threads(threads)
    spec, dtype, kernels = replace(spec, border="zero"), getattr(torch, kind), TorchKernels()
    layout = torch.channels_last if last else torch.contiguous_format
    tensors = {name: torch.from_numpy(np.array(value)).to(dtype) for name, value in weights.items()}
    tensors = {name: t.contiguous(memory_format=layout) if t.ndim == 4 else t for name, t in tensors.items()}

    def call(planes: F32) -> F32:
        with torch.inference_mode():
            x = torch.from_numpy(planes).to(dtype)[None].contiguous(memory_format=layout)
            result: F32 = run(spec, tensors, x, kernels)[0].float().numpy()
        return result

    return call


def _model(spec: Spec, weights: Weights, size: tuple[int, int]) -> bytes:
    result: bytes = to_onnx(replace(spec, border="zero"), weights, size).SerializeToString()
    return result


def _onnx_runtime(spec: Spec, weights: Weights, threads: int, size: tuple[int, int]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(_model(spec, weights, size), options, providers=["CPUExecutionProvider"])

    def call(planes: F32) -> F32:
        result: F32 = session.run(None, {"input": planes[None]})[0][0]
        return result

    return call


def _openvino(spec: Spec, weights: Weights, threads: int, size: tuple[int, int], kind: str) -> Run:
    import openvino

    core = openvino.Core()
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": kind}
    network = core.read_model(_model(spec, weights, size))
    request = core.compile_model(network, "CPU", {**hints, "INFERENCE_NUM_THREADS": threads}).create_infer_request()

    def call(planes: F32) -> F32:
        result: F32 = request.infer([planes[None]], share_inputs=True, share_outputs=True)[0][0]
        return result

    return call


def _opencv(spec: Spec, weights: Weights, threads: int, size: tuple[int, int]) -> Run:
    import cv2

    cv2.setNumThreads(threads)
    network = cv2.dnn.readNetFromONNX(np.frombuffer(_model(spec, weights, size), np.uint8))

    def call(planes: F32) -> F32:
        network.setInput(planes[None])
        result = np.asarray(network.forward(), np.float32)
        return result.reshape(result.shape[-3:])

    return call


PEERS: tuple[Peer, ...] = (
    Peer("OpenVINO bf16", ("openvino", "onnx"), functools.partial(_openvino, kind="bf16"), bf16=True),
    Peer("OpenVINO f32", ("openvino", "onnx"), functools.partial(_openvino, kind="f32")),
    Peer("ONNX Runtime f32", ("onnxruntime", "onnx"), _onnx_runtime),
    Peer("torch bf16", ("torch",), functools.partial(_torch, kind="bfloat16", last=True), bf16=True),
    Peer("torch f32, channels last", ("torch",), functools.partial(_torch, kind="float32", last=True)),
    Peer("torch f32", ("torch",), functools.partial(_torch, kind="float32", last=False)),
    Peer("OpenCV dnn f32", ("cv2", "onnx"), _opencv),
)


@dataclass(frozen=True)
class ImagePeer:
    """A network of another library: ``(H, W, 3)`` u8 in and out, ``bgr`` if blue comes first."""

    name: str
    run: Callable[[U8], U8]
    bgr: bool = False


def superres(folder: Path, scale: int, threads: int) -> list[ImagePeer]:
    """OpenCV's dnn_superres with each of its model files in the folder. Empty if OpenCV lacks the module.

    Raises:
        InvalidArgument: the folder has no model file of that scale.
    """
    names = ("ESPCN", "FSRCNN", "FSRCNN-small")
    files = {name: folder / f"{name}_x{scale}.pb" for name in names}
    if not any(path.is_file() for path in files.values()):
        raise InvalidArgument(f"{folder}: has no {' or '.join(path.name for path in files.values())}")
    cv2 = _superres_module()
    if cv2 is None:
        return []
    cv2.setNumThreads(threads)
    result = []
    for name, path in files.items():
        if path.is_file():
            network = cv2.dnn_superres.DnnSuperResImpl_create()
            network.readModel(str(path))
            network.setModel(name.split("-")[0].lower(), scale)
            result.append(ImagePeer(f"OpenCV dnn_superres {name}", network.upsample, bgr=True))
    return result


def _superres_module() -> Any:
    if importlib.util.find_spec("cv2") is None:
        return None
    import cv2

    return cv2 if hasattr(cv2, "dnn_superres") else None


# Those of its networks that remove least noise. The others take the same time.
_ANIME4K = ("acnet-hdn0", "acnet-gan", "arnet-hdn")


def anime4k() -> list[ImagePeer]:
    """The networks of ``pyanime4k``, which double images, on the processor. Empty if it is not installed.

    It uses as many threads as the process may use when it is imported.
    """
    if importlib.util.find_spec("pyanime4k") is None:
        return []
    import pyanime4k

    # A name that it does not know would silently give its default.
    names = [name for name in _ANIME4K if name in pyanime4k.pyac.specs.ModelNameList]
    networks = {name: pyanime4k.Processor("cpu", 0, name) for name in names}
    return [ImagePeer(f"pyanime4k {name}", run) for name, run in networks.items()]
