"""Files that are written: whole or not at all, run before they are in place, with what belongs to them inside."""

from __future__ import annotations

import copy
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subpixel
from networks import residual
from subpixel.backends import BACKENDS
from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError, Unsupported
from subpixel.export import FORMATS, export_model
from subpixel.models import Model, find, save
from subpixel.models.onnx_export import value_range

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_onnx_file_says_what_it_is(tmp_path: Path) -> None:
    import onnx

    done = export_model("fast", 3, tmp_path / "fast.onnx")
    assert done.paths == (tmp_path / "fast.onnx",)
    assert done.checked.startswith("run in ONNX Runtime ")
    assert done.notes == ()
    model = find("fast", 3)
    read = onnx.load(tmp_path / "fast.onnx")
    onnx.checker.check_model(read, full_check=True)
    assert {each.key: each.value for each in read.metadata_props} == {
        "subpixel.name": "fast",
        "subpixel.scale": "3",
        "subpixel.licence": model.licence,
        "subpixel.version": subpixel.__version__,
        "subpixel.halo": str(model.spec.halo),
        "subpixel.precision": "f32",
        "subpixel.range": value_range(model.spec),
    }
    assert set(content(tmp_path)) == {"fast.onnx"}


def test_openvino_files_run_and_say_what_they_are(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    done = export_model("espcn", 2, tmp_path / "espcn.xml")
    assert done.checked.startswith("run in OpenVINO ")
    assert set(content(tmp_path)) == {"espcn.xml", "espcn.bin"}
    core = openvino.Core()
    read = core.read_model(tmp_path / "espcn.xml")
    assert read.get_rt_info(["subpixel", "scale"]).astype(str) == "2"
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    x = np.random.default_rng(0).random((1, 9, 7), np.float32)
    model = find("espcn", 2)
    expected = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)(x)
    np.testing.assert_allclose(compiled([x[None]])[0][0], expected, rtol=0, atol=1e-5)


def module_of(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("exported", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NETWORKS = {
    "espcn": find("espcn", 3),
    "fsrcnn": find("fsrcnn", 2),
    "srcnn": find("srcnn-915", 2),
    "bicubic": find("bicubic", 3),
    "rgb, zeros at the border": residual(3, "rgb", "zero", 2),
    "luma, residual": residual(2, "luma", "replicate", 1),
}


@pytest.mark.parametrize("form", ["torch", "safetensors"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_plain_module_needs_torch_alone(tmp_path: Path, form: str, name: str) -> None:
    torch = pytest.importorskip("torch")
    model = NETWORKS[name]
    path = tmp_path / ("net.pt" if form == "torch" else "net.safetensors")
    done = export_model(model, output=path)
    assert done.paths == (path, tmp_path / "net.py")
    assert done.checked.startswith("run in torch ")
    text = (tmp_path / "net.py").read_text()
    assert "subpixel" not in text.partition('"""\n')[2]  # but in its docstring
    network = module_of(tmp_path / "net.py").load(path)
    for size in [(1, 1), (7, 5), (33, 17)]:
        x = np.random.default_rng(0).random((model.spec.channels, *size), np.float32)
        expected = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)(x)
        with torch.inference_mode():
            result = network(torch.from_numpy(x)[None])[0].numpy()
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


def test_names_from_a_file_are_only_text_in_the_module(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model = find("espcn", 2)
    layers = tuple(
        replace(one, name={"conv1": "import os", "conv2": "weight"}.get(one.name, one.name))
        for one in model.spec.layers
    )
    names = {"conv1": "import os", "conv2": "weight"}
    layers = tuple(replace(one, source=names.get(one.source, one.source)) for one in layers)  # type: ignore[call-arg]
    weights = {}
    for key, value in model.weights.items():
        layer, _, part = key.rpartition(".")
        weights[f"{names.get(layer, layer)}.{part}"] = value
    hostile = 'x"""\nraise SystemExit("ran")\n"""\\'
    odd = Model("espcn", replace(model.spec, layers=layers), weights, licence=hostile)
    done = export_model(odd, output=tmp_path / "odd.safetensors")
    assert done.checked
    assert module_of(tmp_path / "odd.py").__doc__.endswith(hostile)


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.py", "c.bin"):
        (tmp_path / name).write_bytes(b"mine")
    before = content(tmp_path)
    for name, taken in (("a.onnx", "a.onnx"), ("b.safetensors", "b.py"), ("c.xml", "c.bin")):
        with pytest.raises(ModelFileError, match=f"{taken}: exists already; overwrite=True replaces it"):
            export_model("espcn", 2, tmp_path / name)
    assert content(tmp_path) == before
    export_model("espcn", 2, tmp_path / "a.onnx", overwrite=True)
    assert set(content(tmp_path)) == set(before)
    assert content(tmp_path)["a.onnx"] != b"mine"


def test_a_file_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subpixel.export.exporting as exporting

    original = exporting.to_onnx

    def wrong(spec: Any, weights: Any, *, quantisation: Any, **options: Any) -> Any:
        weights = {name: value * np.float32(1.01) for name, value in weights.items()}
        quantisation = copy.deepcopy(quantisation)  # int8 reads its own integers and not the weights
        for layer in quantisation["layers"].values():
            layer["multiplier"] = [value + value // 20 for value in layer["multiplier"]]
        return original(spec, weights, quantisation=quantisation, **options)

    (tmp_path / "a.onnx").write_bytes(b"mine")
    monkeypatch.setattr(exporting, "to_onnx", wrong)
    for precision in ("f32", "f16", "int8"):
        with pytest.raises(ModelFileError, match="from the reference; it is not written"):
            export_model("espcn", 2, tmp_path / "a.onnx", precision=precision, overwrite=True)
    assert content(tmp_path) == {"a.onnx": b"mine"}


def test_a_runtime_that_fails_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("[ONNXRuntimeError] : no kernel\nand more")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(
        ModelFileError, match=r"its runtime cannot run it, so it is not written: \[ONNXRun.* no kernel$"
    ):
        export_model("espcn", 2, tmp_path / "a.onnx")
    assert content(tmp_path) == {}


def test_without_onnxruntime_a_note_says_that_nothing_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "onnxruntime" else found(name, *a)
    )
    done = export_model("espcn", 2, tmp_path / "a.onnx")
    assert (done.checked, len(done.notes)) == ("", 1)
    assert "was checked but not run: pip install 'subpixel[onnx]'" in done.notes[0]


@pytest.mark.parametrize(
    ("package", "name", "text"),
    [
        ("onnx", "a.onnx", r"ONNX needs the package onnx: pip install 'subpixel\[onnx\]'"),
        ("openvino", "a.xml", r"OpenVINO's files need openvino: pip install 'subpixel\[openvino\]'"),
        ("torch", "a.pt", r"a .pt file needs torch: .*; format='safetensors' needs nothing"),
    ],
)
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, text: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=text):
        export_model("espcn", 2, tmp_path / name)
    assert content(tmp_path) == {}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"model": "recurrent"}, Unsupported, "'recurrent' is for videos: it reads now, before, mean, state, previous"),
        ({"model": "vespcn", "scale": 3}, Unsupported, "'vespcn' is for videos"),
        ({"scale": 5}, InvalidArgument, "scale=5: model 'fast' has ×2, ×3, ×4, ×8"),
        ({"output": "a.foo"}, InvalidArgument, "a.foo: its suffix is of no format; .onnx, .xml, .pt, .safetensors are"),
        ({"output": "a.onnx", "format": "torch"}, InvalidArgument, "a file of format 'torch' has the suffix .pt"),
        ({"format": "onx"}, InvalidArgument, "Unknown format 'onx'. Did you mean 'onnx'?"),
        ({"precision": "bf16"}, InvalidArgument, "Unknown precision 'bf16'"),
        ({"precision": "int8", "format": "torch"}, Unsupported, "format='onnx' and format='openvino' hold int8"),
        (
            {"io": "rgb", "format": "safetensors"},
            Unsupported,
            "format='onnx' and format='openvino' hold what is around",
        ),
        ({"io": "yuv"}, InvalidArgument, "Unknown io 'yuv'"),
        ({"io": "luma", "model": "bicubic"}, InvalidArgument, "io='planes' or io='rgb' is needed"),
        ({"precision": "int8", "model": "srcnn-915"}, Unsupported, "use f32 for this network"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], error: type, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as found:
        export_model(**arguments)
    assert text in str(found.value)
    assert "\n" not in str(found.value)
    assert content(tmp_path) == {}


def test_own_models_and_default_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(replace(find("espcn", 3), name="mine"), tmp_path / "mine.safetensors")
    assert export_model("mine.safetensors").paths == (Path("mine_x3.onnx"),)
    assert export_model("mine.safetensors", precision="int8", io="rgb").paths == (Path("mine_x3_int8_rgb.onnx"),)
    assert list(FORMATS) == ["onnx", "openvino", "torch", "safetensors"]
