"""Random networks: the reference, torch and the engine agree in f32, and int8 gives the same bytes on every target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.test_native_graph import assert_agrees, inputs_for, run, specs, weights_for
from subpixel.backends import BACKENDS
from subpixel.models.integer import quantise
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

KERNELS = st.tuples(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 3, 5, 7, 9]))
ACTIVATIONS = ["none", "relu", "prelu", "tanh", "clip"]


@settings(max_examples=40)
@given(spec=specs(), height=st.integers(1, 13), width=st.integers(1, 19))
def test_torch_computes_any_graph_as_the_reference(spec: Spec, height: int, width: int) -> None:
    pytest.importorskip("torch")
    inputs = inputs_for(spec, height, width)
    assert_agrees(run("torch", spec, inputs), run("reference", spec, inputs))


@settings(max_examples=150)
@given(spec=specs())
def test_a_description_of_any_graph_gives_it_back(spec: Spec) -> None:
    text = spec.to_json()
    assert Spec.from_json(text) == spec
    assert Spec.from_json(text).to_json() == text
    assert spec.parameters == sum(int(np.prod(shape)) for shape in spec.weight_shapes.values())


@st.composite
def chains(draw: st.DrawFn) -> Spec:
    """Plain chains of all varieties: what int8 takes."""
    colour = draw(st.sampled_from(["luma", "rgb"]))
    channels, scale = (1 if colour == "luma" else 3), draw(st.integers(1, 4))
    layers: list[Any] = []
    last, width = INPUT, channels
    results: list[tuple[str, int]] = []
    for number in range(draw(st.integers(0, 3))):
        out = draw(st.sampled_from([1, 3, 4, 8, 9, 16, 17]))
        # After tanh nothing is added: a sum would leave the fixed range of its bytes.
        kind = draw(st.sampled_from(ACTIVATIONS))
        layers.append(Conv(f"c{number}", last, width, out, draw(KERNELS), kind, draw(st.booleans())))
        last, width = f"c{number}", out
        alike = [name for name, size in results if size == out]
        if alike and kind in ("none", "relu", "prelu") and draw(st.booleans()):
            layers.append(Add(f"s{number}", (last, draw(st.sampled_from(alike)))))
            last = f"s{number}"
        results.append((last, width))
    layers.append(Conv("end", last, width, channels * scale**2, draw(KERNELS)))
    layers.append(PixelShuffle("up", "end", scale, draw(st.sampled_from(["CRD", "DCR"]))))
    if draw(st.booleans()):
        layers += [Resize("base", INPUT, scale, "nearest"), Add("sum", ("base", "up"))]
    return Spec(tuple(layers), scale, colour, draw(st.sampled_from(["zero", "replicate"])))  # type: ignore[arg-type]


@settings(max_examples=60)
@given(
    spec=chains(), height=st.integers(1, 12), width=st.integers(1, 70), threads=st.integers(1, 4),
    dtype=st.sampled_from([np.uint8, np.float32]), seed=st.integers(0, 2**32 - 1), span=st.floats(0.1, 4),
)  # fmt: skip
def test_int8_is_the_same_on_every_target(
    spec: Spec, height: int, width: int, threads: int, dtype: Any, seed: int, span: float
) -> None:
    weights = weights_for(spec)
    quantisation = quantise(spec, weights, {layer.name: (-span, span) for layer in spec.layers})
    x = np.random.default_rng(seed).integers(0, 256, (spec.channels, height, width), np.uint8)
    x = x if dtype == np.uint8 else (x / np.float32(255)).astype(np.float32)
    expected = BACKENDS["reference"].prepare(spec, weights, "int8", 1, quantisation)(x)
    with pytest.MonkeyPatch.context() as patch:
        for target in native.targets():
            patch.setenv("SUBPIXEL_TARGET", target)
            result = BACKENDS["native"].prepare(spec, weights, "int8", threads, quantisation)(x)
            assert result.dtype == expected.dtype, target
            np.testing.assert_array_equal(result, expected, err_msg=target)


@settings(max_examples=40)
@given(spec=chains(), height=st.integers(1, 12), width=st.integers(1, 70), precision=st.sampled_from(["f32", "bf16"]))
def test_float_chains_agree_with_the_reference(spec: Spec, height: int, width: int, precision: Any) -> None:
    weights = weights_for(spec)
    x = np.random.default_rng(1).random((spec.channels, height, width), np.float32)
    expected = BACKENDS["reference"].prepare(spec, weights, precision, 1)(x)
    most = 1e-4 if precision == "f32" else 5e-2
    with pytest.MonkeyPatch.context() as patch:
        for target in native.targets():
            patch.setenv("SUBPIXEL_TARGET", target)
            results = [BACKENDS["native"].prepare(spec, weights, precision, threads)(x) for threads in (1, 3)]
            np.testing.assert_allclose(results[0], expected, rtol=0, atol=most, err_msg=target)
            np.testing.assert_array_equal(results[0], results[1], err_msg=target)
