"""Runs an exported file and compares its result with this package's."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS
from subpixel.errors import ModelFileError
from subpixel.export.request import Request
from subpixel.models.spec import Conv
from subpixel.upscaler.network import Network
from subpixel.upscaler.options import NetworkOptions

__all__ = ["check_graph", "check_module", "sample_image"]

Array = NDArray[Any]
Checked = tuple[str, tuple[str, ...]]

# Odd sides, neither of them a multiple of a vector.
_SIZE = (37, 45)
# The largest difference in codes of 255, for planes and for images, which are rounded.
_LARGEST = {"f32": (0.03, 1.01), "f16": (4, 5), "int8": (3.01, 3.01)}
# Of int8, this share may differ by more than a code: floats hold its largest products only nearly.
_SHARE = 0.001
# How much further than our int8 that of another runtime may be from f32: as a factor, and in codes. The integers of
# tanh and of PReLU make up for much of our rounding, and not for that of others.
_FACTOR, _FACTOR_OF_CURVES, _CODES = 1.25, 1.9, 0.1


def sample_image() -> NDArray[np.uint8]:
    """An RGB image ``(37, 45, 3)`` with edges, slopes and noise."""
    y, x = np.mgrid[: _SIZE[0], : _SIZE[1]]
    planes = [128 + 70 * np.sin(x / 4 + k) + 40 * np.sign(np.cos(y / 6 - k)) for k in range(3)]
    noise = np.random.default_rng(0).normal(0, 6, (*_SIZE, 3))
    return np.clip(np.dstack(planes) + noise, 0, 255).astype(np.uint8)


def check_graph(asked: Request, paths: Sequence[Path]) -> Checked:
    """Run a file in the runtime of its format.

    Raises:
        ModelFileError: the results differ by more than the precision explains.
    """
    if asked.form.name == "openvino":
        import openvino

        core = openvino.Core()
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = core.compile_model(core.read_model(str(paths[0]), str(paths[1])), "CPU", options)
        found = _compare(asked, lambda x: np.array(compiled([x])[0]))
        return f"run in OpenVINO {openvino.__version__.partition('-')[0]}: {found}", _notes(asked)
    if importlib.util.find_spec("onnxruntime") is None:
        missing = "onnxruntime is not installed, so the file was checked but not run: pip install 'subpixel[onnx]'"
        return "", (missing, *_notes(asked))
    import onnxruntime

    def runner(level: Any) -> Callable[[Array], Array]:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(paths[0]), options, providers=["CPUExecutionProvider"])
        return lambda x: np.asarray(session.run(None, {"input": x})[0])

    levels = onnxruntime.GraphOptimizationLevel
    notes = _notes(asked)
    # Without optimisation each node computes what ONNX says. With it int8 is computed in integers, which processors
    # without VNNI saturate.
    found = _compare(asked, runner(levels.ORT_DISABLE_ALL))
    try:
        found = _compare(asked, runner(levels.ORT_ENABLE_ALL))
    except ModelFileError as error:
        if asked.precision != "int8-qdq":
            raise
        notes = (*notes, f"ONNX Runtime's own int8 on this processor is less precise than the file: {error}")
    return f"run in ONNX Runtime {onnxruntime.__version__}: {found}", notes


def check_module(asked: Request, paths: Sequence[Path]) -> Checked:
    """Run a plain module with its state dict.

    Raises:
        ModelFileError: as :func:`check_graph`.
    """
    if importlib.util.find_spec("torch") is None:
        return "", ("torch is not installed, so the files were not run: pip install 'subpixel[train]'",)
    import torch

    names: dict[str, Any] = {}
    exec(compile(paths[1].read_text(encoding="utf-8"), asked.paths[1].name, "exec"), names)
    network = names["load"](str(paths[0]))

    def run(x: Array) -> Array:
        with torch.inference_mode():
            result: Array = network(torch.from_numpy(x)).numpy()
        return result

    return f"run in torch {torch.__version__}: {_compare(asked, run)}", ()


def _compare(asked: Request, run: Callable[[Array], Array]) -> str:
    """How far a file's result is from ours, in codes of 255.

    Raises:
        ModelFileError: too far.
    """
    pixels = sample_image()
    if asked.image:
        result = run(pixels[None])[0].astype(np.float64)
        truth, ours = (
            Network(asked.model, NetworkOptions("reference", kind, 1, exact=True)).image(pixels).astype(np.float64)
            for kind in ("f32", _kind(asked))
        )
    else:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[: asked.model.spec.channels]).astype(np.float32) / 255
        result = run(planes[None])[0].astype(np.float64) * 255
        truth, ours = (
            BACKENDS["reference"]
            .prepare(asked.model.spec, asked.model.weights, kind, 1, asked.model.quantisation)(planes)
            .astype(np.float64)
            * 255
            for kind in ("f32", _kind(asked))
        )
    if result.shape != ours.shape:
        raise ModelFileError(f"the exported file makes {result.shape} of {_SIZE}, not {ours.shape}; it is not written")
    if asked.precision == "int8-qdq":
        off, usual = (float(np.sqrt(((one - truth) ** 2).mean())) for one in (result, ours))
        curved = any(isinstance(one, Conv) and one.activation in ("tanh", "prelu") for one in asked.model.spec.layers)
        if not off <= (_FACTOR_OF_CURVES if curved else _FACTOR) * usual + _CODES:
            raise ModelFileError(_refusal(f"{off:.2f} of 255 from f32 (RMS), and ours {usual:.2f}"))
        return f"{off:.2f} of 255 from f32 (RMS), as our int8 is by {usual:.2f}"
    difference = np.abs(result - ours)
    largest = float(difference.max())
    limit = _LARGEST[asked.precision][asked.image] * max(1.0, float(np.abs(ours).max()) / 255)
    share = float((difference > 1.01).mean())
    if not largest <= limit or (asked.precision == "int8" and share > _SHARE):
        raise ModelFileError(_refusal(f"up to {largest:.2g} of 255 from the reference"))
    return f"at most {largest:.1g} of 255 from the reference"


def _kind(asked: Request) -> str:
    return "int8" if asked.precision.startswith("int8") else "f32"


def _refusal(what: str) -> str:
    return f"the exported file is {what}; it is not written"


def _notes(asked: Request) -> tuple[str, ...]:
    if asked.precision == "int8":
        return ("the file has the codes of subpixel's int8, but is slower than f32; precision='int8-qdq' is for speed",)
    if asked.precision == "int8-qdq":
        return ("the file needs a processor with VNNI, and its codes are not subpixel's; precision='int8' has those",)
    return ()
