"""Exported models in other projects' runtimes, against this package: every shipped model at awkward sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backends.test_agreement import SPECS, weights_for
from subpixel import Upscaler
from subpixel.backends import BACKENDS
from subpixel.models import ZOO, Model, find
from subpixel.models.integer import quantise
from subpixel.models.onnx_export import to_onnx

pytest.importorskip("onnx")

Array = NDArray[Any]

ALL = [(name, scale) for name, entry in ZOO.items() if not entry.video for scale in entry.scales]
# One of each kind for every run; the rest is long.
FEW = [("fast", 2), ("balanced", 4), ("espcn", 3), ("fsrcnn", 4), ("srcnn-915", 3), ("bicubic", 2)]
MODELS = [pytest.param(*one, marks=[] if one in FEW else [pytest.mark.long], id=f"{one[0]} x{one[1]}") for one in ALL]
INT8 = [param for param in MODELS if find(*param.values).quantisation is not None]
SIZES = [(1, 1), (7, 5), (33, 17), (97, 61)]


def image(height: int, width: int) -> NDArray[np.uint8]:
    """Slopes, edges and noise, ``(H, W, 3)``."""
    y, x = np.mgrid[:height, :width]
    planes = [128 + 70 * np.sin(x / 4 + k) + 40 * np.sign(np.cos(y / 6 - k)) for k in range(3)]
    noise = np.random.default_rng(height).normal(0, 6, (height, width, 3))
    return np.clip(np.dstack(planes) + noise, 0, 255).astype(np.uint8)


def planes_of(model: Model, height: int, width: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image(height, width).transpose(2, 0, 1)[: model.spec.channels])


def in_onnxruntime(model: bytes) -> Callable[[Array], Array]:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda x: np.asarray(session.run(None, {"input": x})[0])


def in_openvino(model: bytes) -> Callable[[Array], Array]:
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda x: np.array(compiled([x])[0])


def in_opencv(model: bytes) -> Callable[[Array], Array]:
    cv2 = pytest.importorskip("cv2")
    network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))

    def run(x: Array) -> Array:
        network.setInput(x)
        return np.asarray(network.forward())

    return run


RUNTIMES = {"onnxruntime": in_onnxruntime, "openvino": in_openvino, "opencv": in_opencv}


@lru_cache(maxsize=4)
def exported(name: str, scale: int, precision: str, rgb: bool) -> bytes:
    model = find(name, scale)
    graph = to_onnx(
        model.spec,
        model.weights,
        precision=precision,  # type: ignore[arg-type]
        quantisation=model.quantisation,
        image=rgb,
    )
    content: bytes = graph.SerializeToString()
    return content


@pytest.mark.parametrize(("name", "scale"), MODELS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_f32_equals_the_reference(name: str, scale: int, runtime: str) -> None:
    """OpenCV too takes any size: its new engine, of version 5, infers shapes when it runs."""
    model = find(name, scale)
    run = RUNTIMES[runtime](exported(name, scale, "f32", False))
    session = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)
    for size in SIZES:
        x = planes_of(model, *size).astype(np.float32) / 255
        result = run(x[None])
        assert result.shape == (1, model.spec.channels, size[0] * scale, size[1] * scale)
        np.testing.assert_allclose(result[0], session(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "scale"), MODELS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_images_equal_those_of_upscale(name: str, scale: int, runtime: str) -> None:
    run = RUNTIMES[runtime](exported(name, scale, "f32", True))
    upscaler = Upscaler(scale, model=name, precision="f32", exact=True, threads=1)
    for size in SIZES:
        pixels = image(*size)
        result = run(pixels[None])
        assert (result.shape, result.dtype) == ((1, size[0] * scale, size[1] * scale, 3), np.uint8)
        assert np.abs(result[0].astype(int) - upscaler(pixels)).max() <= 1


@pytest.mark.parametrize(("name", "scale"), INT8)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_int8_equals_ours(name: str, scale: int, runtime: str) -> None:
    model = find(name, scale)
    run = RUNTIMES[runtime](exported(name, scale, "int8", False))
    session = BACKENDS["reference"].prepare(model.spec, model.weights, "int8", 1, model.quantisation)
    for size in SIZES:
        codes = planes_of(model, *size)
        result = np.clip(np.floor(run(codes[None].astype(np.float32) / 255)[0] * 255 + 0.5), 0, 255)
        difference = np.abs(result - session(codes))
        assert (difference > 1).mean() <= 0.001
        assert difference.max() <= 3


@pytest.mark.parametrize(("name", "scale"), INT8)
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_int8_that_a_runtime_rounds_is_as_good_as_ours(name: str, scale: int, runtime: str) -> None:
    """It rounds otherwise, so its samples are others; they are as close to those of f32 as ours.

    The integers of espcn and fsrcnn make up for much more of our rounding, and not for that of others.
    """
    model = find(name, scale)
    run = RUNTIMES[runtime](exported(name, scale, "int8-qdq", False))
    backend = BACKENDS["reference"]
    x = planes_of(model, 97, 61).astype(np.float32) / 255
    truth = backend.prepare(model.spec, model.weights, "f32", 1)(x)
    ours = backend.prepare(model.spec, model.weights, "int8", 1, model.quantisation)(x)
    theirs, usual = (float(np.sqrt(((one - truth) ** 2).mean())) * 255 for one in (run(x[None])[0], ours))
    assert theirs <= (1.9 if name in ("espcn", "fsrcnn") else 1.1) * usual


def test_qdq_is_for_integers() -> None:
    """Each convolution but the last stands between nodes that a runtime can join to one in integers."""
    import onnx

    graph = onnx.load_from_string(exported("fast", 2, "int8-qdq", False)).graph
    made = {node.output[0]: node for node in graph.node}
    used: dict[str, list[str]] = {}
    for node in graph.node:
        for name in node.input:
            used.setdefault(name, []).append(node.op_type)
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 7
    stored = {one.name: one.data_type for one in graph.initializer}
    for number, node in enumerate(convolutions):
        kinds = {"DequantizeLinear"} if number else {"DequantizeLinear", "Pad"}
        assert {made[name].op_type for name in node.input} <= kinds
        assert stored[made[node.input[1]].input[0]] == onnx.TensorProto.INT8
        assert stored[made[node.input[2]].input[0]] == onnx.TensorProto.INT32
        if number < 6:
            assert used[node.output[0]] == ["Relu"]


def test_f16_computes_in_f16() -> None:
    import onnx

    model = find("fast", 2)
    content = exported("fast", 2, "f16", False)
    kinds = {one.data_type for one in onnx.load_from_string(content).graph.initializer if "weight" in one.name}
    assert kinds == {onnx.TensorProto.FLOAT16}
    x = planes_of(model, 33, 17).astype(np.float32) / 255
    expected = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)(x)
    difference = np.abs(in_onnxruntime(content)(x[None])[0] - expected).max()
    assert 1e-5 < difference < 1 / 255


def test_a_batch_and_named_axes() -> None:
    import onnx

    content = exported("fast", 2, "f32", False)
    graph = onnx.load_from_string(content).graph
    names = [
        [d.dim_param or d.dim_value for d in one.type.tensor_type.shape.dim] for one in (*graph.input, *graph.output)
    ]
    assert names == [["N", 1, "H", "W"], ["N", 1, "H_out", "W_out"]]
    run = in_onnxruntime(content)
    x = np.random.default_rng(0).random((3, 1, 9, 11), np.float32)
    np.testing.assert_array_equal(run(x), np.concatenate([run(one[None]) for one in x]))


@pytest.mark.parametrize("border", ["replicate", "zero"])
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_int8_of_a_chain_with_skips(border: str, runtime: str) -> None:
    """Kernels that are not square, all activations, a skip that must be cropped, the order DCR."""
    spec = SPECS[f"chain {border} luma"]
    weights = {name: value / 2 for name, value in weights_for(spec).items()}
    ranges = {"b": (-1.0, 2.0), "d": (0.0, 2.0), "s": (-1.0, 3.0)}
    quantisation = quantise(spec, weights, ranges)
    graph = to_onnx(spec, weights, precision="int8", quantisation=quantisation)
    run = RUNTIMES[runtime](graph.SerializeToString())
    session = BACKENDS["reference"].prepare(spec, weights, "int8", 1, quantisation)
    for size in SIZES:
        codes = image(*size).transpose(2, 0, 1)[:1].copy()
        result = np.clip(np.floor(run(codes[None].astype(np.float32) / 255)[0] * 255 + 0.5), 0, 255)
        assert np.abs(result - session(codes)).max() <= 1
