"""The ONNX form of a Spec, run by ONNX's own reference, against ours."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from networks import residual
from subpixel.backends import BACKENDS
from subpixel.errors import MissingExtra
from subpixel.models import Model, bicubic, espcn, find
from subpixel.models.onnx_export import to_onnx, value_range
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec

reference = pytest.importorskip("onnx.reference")


def joined(border: str) -> Model:
    """Every layer, activation and join; kernels that are not square, values that must be cropped to meet."""
    layers = (
        Conv("wide", INPUT, 1, 4, (1, 5), "prelu"),
        Conv("high", "wide", 4, 4, (3, 1), "relu", bias=False),
        Concat("both", ("wide", "high")),
        Conv("third", "both", 8, 4, (3, 3), "clip"),
        PixelShuffle("dcr", "third", 2, "DCR"),
        Resize("linear", INPUT, 2, "linear"),
        Resize("nearest", INPUT, 2, "nearest"),
        Add("sum", ("dcr", "linear", "nearest")),
    )
    spec = Spec(layers, 2, "luma", border)  # type: ignore[arg-type]
    rng = np.random.default_rng(5)
    return Model("joined", spec, {n: rng.normal(0, 0.4, s).astype(np.float32) for n, s in spec.weight_shapes.items()})


def shipped_like() -> Model:
    rng = np.random.default_rng(6)
    spec = espcn(3)
    return Model("espcn", spec, {n: rng.normal(0, 0.1, s).astype(np.float32) for n, s in spec.weight_shapes.items()})


def transposed(border: str) -> Model:
    """Transposed convolutions that are cut after, lengthened after, and have holes."""
    layers = (
        ConvTranspose("cut", INPUT, 1, 3, (9, 4), 2, (4, 0)),
        Conv("conv", "cut", 3, 2, (3, 3), "relu"),
        ConvTranspose("long", "conv", 2, 1, (3, 2), 2, (2, 1), bias=False),
    )
    spec = Spec(layers, 4, "luma", border)  # type: ignore[arg-type]
    rng = np.random.default_rng(7)
    return Model("joined", spec, {n: rng.normal(0, 0.3, s).astype(np.float32) for n, s in spec.weight_shapes.items()})


MODELS = {
    "joined replicate": joined("replicate"),
    "joined zero": joined("zero"),
    "residual luma": residual(2, "luma", "replicate", 1),
    "residual rgb": residual(3, "rgb", "replicate", 2),
    "espcn": shipped_like(),
    "transposed replicate": transposed("replicate"),
    "transposed zero": transposed("zero"),
    "bicubic": Model("bicubic", bicubic(2), {}),
}


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_model_computes_the_same(name: str, fixed: bool) -> None:
    model = MODELS[name]
    x = np.random.default_rng(0).random((1, model.spec.channels, 9, 11), np.float32)
    expected = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)(x[0])
    output = to_onnx(model.spec, model.weights, (9, 11) if fixed else None)
    (result,) = reference.ReferenceEvaluator(output).run(None, {"input": x})
    np.testing.assert_allclose(result[0], expected, atol=2e-5)


def test_sizes_are_fixed_only_where_asked() -> None:
    model = MODELS["espcn"]

    def sides(result, which: str) -> list[object]:
        value = getattr(result.graph, which)[0]
        return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]

    result = to_onnx(model.spec, model.weights)
    assert (sides(result, "input"), sides(result, "output")) == (["N", 1, "H", "W"], ["N", 1, "H_out", "W_out"])
    result = to_onnx(replace(model.spec, border="zero"), model.weights, (5, 7))
    assert (sides(result, "input"), sides(result, "output")) == ([1, 1, 5, 7], [1, 1, 15, 21])


def test_without_onnx_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"needs the package onnx: pip install 'subpixel\[onnx\]'"):
        to_onnx(bicubic(2), {})


@pytest.mark.parametrize("name", ["shipped", "residual rgb"])
def test_the_model_says_the_range_that_it_takes(name: str) -> None:
    model = find("fast", 2) if name == "shipped" else MODELS[name]
    exported = to_onnx(model.spec, model.weights)
    text = value_range(model.spec)
    assert {each.key: each.value for each in exported.metadata_props} == {
        "subpixel.scale": str(model.spec.scale),
        "subpixel.range": text,
    }
    assert exported.graph.input[0].doc_string == exported.graph.output[0].doc_string == text
    assert text in exported.doc_string
    assert ("studio range" in text) == (model.spec.colour == "luma")


def test_studio_luma_keeps_its_black_and_white() -> None:
    """What the sentence says is what the network was trained for: flat black and white stay what they are."""
    model = find("fast", 2)
    session = reference.ReferenceEvaluator(to_onnx(model.spec, model.weights))
    for code in (16, 128, 235):
        plane = np.full((1, 1, 24, 24), code / 255, np.float32)
        (result,) = session.run(None, {"input": plane})
        assert np.abs(result * 255 - code).max() < 0.5
