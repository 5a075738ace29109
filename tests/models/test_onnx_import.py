"""ONNX files of plain networks as models: round trips, files of torch, and what is refused by name."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subpixel
from models.test_onnx_export import MODELS
from subpixel.backends import BACKENDS
from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError
from subpixel.export import export_model
from subpixel.models import Model, find
from subpixel.models.onnx_export import to_onnx
from subpixel.models.onnx_import import load_onnx
from subpixel.models.zoo import scales_of

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def run(model: Model, x: Any) -> Any:
    return BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)(x)


SHIPPED = {f"{name} x{scale}": find(name, scale) for name, scale in (("fast", 2), ("fsrcnn", 3), ("srcnn-915", 4))}


@pytest.mark.parametrize("name", [*MODELS, *SHIPPED])
def test_an_exported_network_comes_back(name: str, tmp_path: Path) -> None:
    model = {**MODELS, **SHIPPED}[name]
    path = tmp_path / "net.onnx"
    onnx.save(to_onnx(model.spec, model.weights), path)
    back = load_onnx(path, model.spec.scale)
    assert (back.spec.colour, back.spec.scale) == (model.spec.colour, model.spec.scale)
    for size in [(1, 1), (7, 5), (17, 33)]:
        x = np.random.default_rng(0).random((model.spec.channels, *size), np.float32)
        np.testing.assert_allclose(run(back, x), run(model, x), rtol=0, atol=1e-6)


def test_it_is_a_model_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    export_model("fast", 2, path)
    back = load_onnx(path)
    assert (back.name, back.licence) == ("fast", find("fast", 2).licence)
    assert scales_of(str(path)) == (2,)
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    expected = subpixel.upscale(pixels, 2, model="fast", precision="f32", exact=True)
    np.testing.assert_array_equal(subpixel.upscale(pixels, 2, model=str(path)), expected)
    with pytest.raises(InvalidArgument, match=r"scale=3: .*mine.onnx is a ×2 model"):
        load_onnx(path, 3)


def test_a_network_that_torch_exported(tmp_path: Path) -> None:
    """As people write it: zeros at the border, leaky and parametric ReLU, a residual, order CRD."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.last, self.leaky, self.slopes = nn.Conv2d(8, 12, 5, padding=2), nn.LeakyReLU(0.1), nn.PReLU(8)

        def forward(self, x: Any) -> Any:
            first = self.leaky(self.first(x))
            y = torch.relu(self.slopes(self.second(first)) + first)  # an activation of a sum
            return nn.functional.pixel_shuffle(self.last(y), 2) + nn.functional.interpolate(x, scale_factor=2)

    torch.manual_seed(0)
    network = Network().eval()
    x = torch.rand(1, 3, 9, 7)
    path = tmp_path / "theirs.onnx"
    free = ({0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter itself
        torch.onnx.export(network, (x,), path, dynamo=True, dynamic_shapes=free, external_data=False, verbose=False)
    back = load_onnx(path)
    assert (back.name, back.spec.border, back.spec.colour, back.spec.scale) == ("theirs", "zero", "rgb", 2)
    np.testing.assert_allclose(run(back, x[0].numpy()), network(x)[0].detach().numpy(), rtol=0, atol=1e-5)


def write(path: Path, nodes: list[Any], weights: dict[str, Any], channels: int = 1, **options: Any) -> Path:
    sides = ["N", channels, "H", "W"]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", options.get("kind", TensorProto.FLOAT), sides)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


CONV = np.full((4, 1, 3, 3), 0.1, np.float32)
SHUFFLE = helper.make_node("DepthToSpace", ["c"], ["y"], blocksize=2, mode="CRD")


def conv(**options: Any) -> Any:
    return helper.make_node("Conv", ["x", "w"], ["c"], name="first", **{"pads": [1, 1, 1, 1], **options})


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([conv(dilations=[2, 2]), SHUFFLE], "Conv 'first': dilations=[2, 2]; (1, 1) is needed"),
        ([conv(strides=[2, 2]), SHUFFLE], "Conv 'first': strides="),
        ([conv(pads=[0, 1, 2, 1]), SHUFFLE], "Conv 'first': pads=(0, 1, 2, 1); none, or (1, 1, 1, 1), are needed"),
        ([conv(pads=[0, 0, 0, 0]), SHUFFLE], "its output is 2 rows and 2 columns smaller"),
        (
            [conv(), helper.make_node("Erf", ["c"], ["e"], name="odd"), helper.make_node("Sin", ["e"], ["y"])],
            "nodes without a counterpart here: Erf 'odd': this kind of node is not known",
        ),
        (
            [conv(), helper.make_node("Clip", ["c", "zero", "six"], ["d"], name="six"), SHUFFLE],
            "Clip 'six': from 0.0 to 6.0; 0 to 1 is needed",
        ),
        (
            [helper.make_node("Resize", ["x", "", "two"], ["y"], name="r", mode="cubic")],
            "Resize 'r': a cubic with a=-0.75; -0.5 is needed",
        ),
        (
            [helper.make_node("Pad", ["x", "pads"], ["p"], name="p", mode="reflect"), conv(), SHUFFLE],
            "Pad 'p': only edges of the input itself can be repeated",
        ),
        (
            [
                conv(),
                helper.make_node("Conv", ["c", "v"], ["d"], name="second", pads=[0, 0, 0, 0]),
                helper.make_node("DepthToSpace", ["d"], ["y"], blocksize=2),
            ],
            "Conv 'second': it pads with zeros, and other nodes repeat edges",
        ),
        ([helper.make_node("Add", ["x", "six"], ["y"], name="plus")], "Add 'plus': it reads 'six', which is no image"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_named(nodes: list[Any], text: str, tmp_path: Path) -> None:
    weights = {
        "w": CONV,
        "v": np.full((4, 4, 3, 3), 0.1, np.float32),
        "zero": np.float32(0),
        "six": np.float32(6),
        "two": np.array([1, 1, 2, 2], np.float32),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    }
    used = {name for node in nodes for name in node.input}
    path = write(tmp_path / "net.onnx", nodes, {name: value for name, value in weights.items() if name in used})
    with pytest.raises(ModelFileError) as found:
        load_onnx(path)
    assert text in str(found.value)
    assert str(found.value).startswith(f"{path}: ")
    assert "\n" not in str(found.value)


def test_a_margin_that_is_too_small_is_found(tmp_path: Path) -> None:
    """The resize of a feature near its end would differ, so the same network cannot be told by a Spec."""
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["p"], mode="edge"),
        helper.make_node("Conv", ["p", "w"], ["c"], pads=[0, 0, 0, 0]),
        helper.make_node("Resize", ["c", "", "two"], ["y"], mode="linear"),
    ]
    weights = {
        "w": np.full((1, 1, 3, 3), 0.1, np.float32),
        "two": np.array([1, 1, 2, 2], np.float32),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    }
    with pytest.raises(ModelFileError, match="repeats the edges of its input by less than its layers reach"):
        load_onnx(write(tmp_path / "net.onnx", nodes, weights))


def test_an_activation_is_not_taken_from_other_readers(tmp_path: Path) -> None:
    """Through an Identity too: the sum reads the convolution before the ReLU."""
    nodes = [
        conv(),
        helper.make_node("Identity", ["c"], ["same"]),
        helper.make_node("Relu", ["same"], ["r"]),
        helper.make_node("Add", ["r", "c"], ["s"]),
        helper.make_node("DepthToSpace", ["s"], ["y"], blocksize=2, mode="CRD"),
    ]
    model = load_onnx(write(tmp_path / "net.onnx", nodes, {"w": CONV - 0.12}))
    x = np.random.default_rng(0).random((1, 5, 6), np.float32)
    (plain,) = onnx.reference.ReferenceEvaluator(onnx.load(tmp_path / "net.onnx")).run(None, {"x": x[None]})
    np.testing.assert_allclose(run(model, x), plain[0], atol=1e-6)


def test_a_hostile_width_takes_no_memory(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Concat", ["x"] * 60_000, ["c"], axis=1),
        helper.make_node("Relu", ["c"], ["y"], name="r"),
    ]
    with pytest.raises(ModelFileError, match="Relu 'r': too many activations of wide values"):
        load_onnx(write(tmp_path / "net.onnx", nodes, {}))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"<!doctype html><html>", "an HTML page"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x08\x08\x12\x05torch" * 3, "not a valid ONNX file"),
    ],
)
def test_what_is_no_onnx_file_is_said(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ModelFileError) as found:
        load_onnx(tmp_path / "net.onnx")
    assert text in str(found.value)
    assert "\n" not in str(found.value)


def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    good = to_onnx(find("fast", 2).spec, find("fast", 2).weights).SerializeToString()
    rng = np.random.default_rng(0)
    for number in range(60):
        bad = bytearray(good[: int(rng.integers(1, len(good)))] if number % 2 else good)
        for _ in range(3):
            bad[int(rng.integers(0, min(len(bad), 4000)))] = int(rng.integers(0, 256))
        (tmp_path / "net.onnx").write_bytes(bad)
        try:
            load_onnx(tmp_path / "net.onnx")
        except ModelFileError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_weights_in_another_file_and_other_inputs_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", [conv(), SHUFFLE], {"w": CONV}, kind=TensorProto.FLOAT16)
    with pytest.raises(ModelFileError, match=r"its input 'x' is no f32 of \(N, 1, H, W\), luma"):
        load_onnx(path)
    path = write(tmp_path / "net.onnx", [conv(), SHUFFLE], {"w": CONV})
    file = onnx.load(path)
    onnx.save(file, path, save_as_external_data=True, size_threshold=0)
    with pytest.raises(ModelFileError, match="weights lie in another file"):
        load_onnx(path)


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.onnx").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"reading ONNX needs the package onnx: pip install 'subpixel\[onnx\]'"):
        load_onnx(tmp_path / "net.onnx")
