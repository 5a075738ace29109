import json
import os
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from subpixel.errors import ModelFileError, SubpixelError
from subpixel.models import Model, bicubic, load, save
from subpixel.models.files import _digest
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec

SPEC = Spec((Conv("a", INPUT, 1, 4, (1, 3), "prelu"), PixelShuffle("u", "a", 2)), 2)


def small_model(**changes):
    rng = np.random.default_rng(5)
    weights = {k: rng.standard_normal(s).astype(np.float32) for k, s in SPEC.weight_shapes.items()}
    parts = {
        "name": "small",
        "spec": SPEC,
        "weights": weights,
        "training": {"data": "none", "seed": 7, "rate": 1e-3},
        "figures": {"Set5": {"psnr": 33.5}},
        "licence": "CC0-1.0",
    }
    return Model(**(parts | changes))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "small.safetensors"
    save(small_model(), file)
    return file


def write_with(path, document, weights):
    """A file whose checksum is right, whatever it says: what somebody who means harm would write."""
    save_file(weights, path, {"subpixel": json.dumps(document | {"sha256": _digest(document, weights)})})


def document_of(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    document = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["subpixel"])
    del document["sha256"]
    return document


def assert_same(model, expected):
    assert (model.name, model.spec, model.licence) == (expected.name, expected.spec, expected.licence)
    assert (model.training, model.figures, model.quantisation) == (
        expected.training,
        expected.figures,
        expected.quantisation,
    )
    assert set(model.weights) == set(expected.weights)
    for name, tensor in model.weights.items():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, expected.weights[name])


@pytest.mark.parametrize(
    "model",
    [
        small_model(),
        small_model(name="ü \N{SNOWMAN}", training={"command": 'a "quoted" ×2\n'}, figures={"psnr": [1.5, None, True]}),
        small_model(quantisation={"scales": [0.5, 0.25]}),
        small_model(weights={k: np.asfortranarray(v) for k, v in small_model().weights.items()}),
        Model("bicubic", bicubic(3), {}),
    ],
)
def test_what_is_saved_is_loaded(tmp_path, model):
    save(model, tmp_path / "m.safetensors")
    assert_same(load(tmp_path / "m.safetensors"), model)
    assert_same(load(str(tmp_path / "m.safetensors")), model)


def test_figures_by_number_can_be_loaded(tmp_path):
    # JSON has text keys alone, and sorts "16" before "2".
    save(small_model(figures={2: 33.1, 16: 20.5}), tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").figures == {"2": 33.1, "16": 20.5}


def test_same_model_same_bytes(tmp_path):
    model = small_model()
    turned = small_model(
        weights=dict(reversed(list(model.weights.items()))), training=dict(reversed(list(model.training.items())))
    )
    files = [tmp_path / f"{k}.safetensors" for k in range(3)]
    for file, one in zip(files, (model, turned, model), strict=True):
        save(one, file)
    save(load(files[0]), files[2])
    assert files[0].read_bytes() == files[1].read_bytes() == files[2].read_bytes()


def test_the_file_can_be_read_by_others(path):
    if os.name == "posix":
        umask = os.umask(0)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_every_damaged_byte_is_found(path, change):
    content = path.read_bytes()
    header = 8 + struct.unpack("<Q", content[:8])[0]
    positions = {*range(header), *np.linspace(header, len(content) - 1, 300).astype(int).tolist()}
    for position in sorted(positions):
        damaged = bytearray(content)
        damaged[position] ^= change
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load(path)


def test_every_truncation_is_found(path):
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError):
            load(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ModelFileError):
        load(path)


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        (lambda w: w.pop("a.bias"), "missing or unexpected weights: a.bias"),
        (lambda w: w.update(b=np.zeros(3, np.float32)), "missing or unexpected weights: b"),
        (lambda w: w.update({"a.bias": np.zeros(5, np.float32)}), "a.bias is float32 of shape (5,)"),
        (lambda w: w.update({"a.weight": np.zeros((4, 1, 3, 1), np.float32)}), "float32 of shape (4, 1, 1, 3)"),
        (
            lambda w: w["a.weight"].__setitem__((0, 0, 0, 1), np.nan),
            "a.weight holds NaN or infinity",
        ),
        (lambda w: w["a.slope"].__setitem__(2, -np.inf), "a.slope holds NaN or infinity"),
    ],
)
def test_weights_that_do_not_fit(path, change, fragment):
    weights = {k: v.copy() for k, v in small_model().weights.items()}
    change(weights)
    with pytest.raises(ModelFileError) as caught:
        small_model(weights=weights)
    assert fragment in str(caught.value)
    # The same in a file whose checksum is right.
    write_with(path, document_of(path), weights)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert fragment in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "fragment"),
    [(np.float16, "a.bias is F16; f32 is needed"), (np.float64, "a.bias is F64"), (np.int32, "a.bias is I32")],
)
def test_other_dtypes(path, dtype, fragment):
    weights = dict(small_model().weights)
    weights["a.bias"] = weights["a.bias"].astype(dtype)
    with pytest.raises(ModelFileError, match="float32 of shape"):
        small_model(weights=weights)
    write_with(path, document_of(path), weights)
    with pytest.raises(ModelFileError, match=fragment):
        load(path)


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"format": 2}, "format 1 is needed"),
        ({"format": None}, "format 1 is needed"),
        ({"spec": None}, "the network description"),
        ({"spec": {}}, "unknown or missing fields: border, colour, layers, scale"),
        ({"spec": []}, "the network description: an object is needed"),
        ({"training": "much"}, "'training' in its description is not an object"),
        ({"figures": [1]}, "'figures' in its description is not an object"),
        ({"quantisation": 8}, "'quantisation' in its description is not an object"),
    ],
)
def test_descriptions_that_do_not_hold(path, changes, fragment):
    write_with(path, document_of(path) | changes, dict(small_model().weights))
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("part", ["format", "name", "spec", "training", "figures", "licence", "quantisation"])
def test_descriptions_that_lack_a_part(path, part):
    document = document_of(path)
    del document[part]
    weights = dict(small_model().weights)
    if part == "quantisation":
        document["quantization"] = None
    write_with(path, document, weights)
    with pytest.raises(ModelFileError, match=part):
        load(path)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "null", "1", "[" * 100_000, "[" * 900 + "]" * 900])
def test_descriptions_that_are_no_objects(path, text):
    save_file({"a": np.zeros(2, np.float32)}, path, {"subpixel": text})
    with pytest.raises(ModelFileError, match=r"description is not JSON|format 1 is needed"):
        load(path)


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_deeply_nested_description(path, depth):
    save_file({}, path, {"subpixel": '{"format":1,"x":' + "[" * depth + "]" * depth + "}"})
    with pytest.raises(ModelFileError):
        load(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_somebody_elses_safetensors(path, metadata):
    save_file({"a.weight": np.zeros(2, np.float32)}, path, metadata)
    with pytest.raises(ModelFileError, match="a safetensors file, but not a model of subpixel"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 64, b"PK\x03\x04" + b"\0" * 100, b"{}" * 50])
def test_files_that_are_something_else(tmp_path, content):
    file = tmp_path / "other.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert isinstance(caught.value, SubpixelError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"<!DOCTYPE html>", "not a safetensors file: this is an HTML page, not a model (a failed download?)"),
        (b"PK\x03\x04" + bytes(90), "not a safetensors file: this is a zip archive, as torch.save writes"),
        (b"", "not a safetensors file: this is an empty file"),
        (b"\x00" * 40, "not a safetensors file: this is a file of zeros"),
        (struct.pack("<Q", 1 << 40) + b"{}", "not a safetensors file, or a truncated one"),
    ],
)
def test_what_it_is_instead_is_said(tmp_path, content, fragment):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load(tmp_path / "m.safetensors")
    assert fragment in str(caught.value)


ODD_VALUES = (None, True, -1, 0, 2**63, 10**40, float("nan"), float("inf"), 1.5, "", "x\ny", [], [[1]], {}, "x" * 9999)


def every_change(value, put):
    """Each part of a description replaced or left out: ``put`` makes the whole from a new value of the part."""
    if isinstance(value, dict):
        for key in value:
            yield put({k: v for k, v in value.items() if k != key})
            yield from every_change(value[key], lambda new, key=key: put({**value, key: new}))
        yield put({**value, "more": 1})
    if isinstance(value, list):
        for k in range(len(value)):
            yield put(value[:k] + value[k + 1 :])
            yield from every_change(value[k], lambda new, k=k: put([*value[:k], new, *value[k + 1 :]]))
    for new in ODD_VALUES:
        yield put(new)


def test_every_change_of_a_description_is_one_sentence_or_a_network(path):
    layers = (
        Conv("a", INPUT, 1, 4, (3, 3), "prelu"),
        Resize("r", "a", 2, "linear"),
        ConvTranspose("t", "a", 4, 4, (4, 4), 2, (1, 1)),
        Add("s", ("r", "t")),
        Concat("c", ("s", "t")),
        Conv("e", "c", 8, 1, (1, 1)),
    )
    spec = Spec(layers, 2)
    weights = {k: np.ones(s, np.float32) for k, s in spec.weight_shapes.items()}
    save(Model("m", spec, weights), path)
    document = document_of(path)
    tried = loaded = 0
    for changed in every_change(document, lambda new: new):
        if not isinstance(changed, dict):
            continue
        tried += 1
        write_with(path, changed, weights)
        try:
            load(path)
            loaded += 1
        except ModelFileError as error:
            text = str(error)
            assert text.isprintable()
            assert len(text) < 600
    assert tried > 1000
    assert loaded < 60
    # A layer of another kind has a default of that name.
    lacking = json.loads(json.dumps(document))
    del lacking["spec"]["layers"][2]["stride"]
    write_with(path, lacking, weights)
    with pytest.raises(ModelFileError, match="layer 2: unknown or missing fields: stride"):
        load(path)


def test_a_transposed_convolution_of_stride_1_is_read_back(path):
    spec = Spec((ConvTranspose("t", INPUT, 1, 1, (3, 3), 1, (1, 1)),), 1)
    save(Model("m", spec, {k: np.ones(s, np.float32) for k, s in spec.weight_shapes.items()}), path)
    assert load(path).spec == spec


def test_nothing_there(tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        load(tmp_path / "absent.safetensors")
    with pytest.raises(ModelFileError, match="not a file"):
        load(tmp_path)


def test_a_file_too_large_is_not_opened(tmp_path):
    file = tmp_path / "huge.safetensors"
    with open(file, "wb") as handle:
        handle.truncate(2 * 1024**3 + 1)  # sparse: takes no space
    with pytest.raises(ModelFileError, match="2147483649 bytes; at most 2147483648 are allowed"):
        load(file)


@pytest.mark.parametrize("when", ["replace", "chmod", "fdopen"])
def test_a_failed_save_leaves_the_old_file_and_no_litter(path, monkeypatch, when):
    before = path.read_bytes()

    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, when, fails)
    with pytest.raises(OSError, match="No space left"):
        save(small_model(name="new"), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_what_json_cannot_hold_is_not_saved(path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save(small_model(training={"data": object()}), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_saving_into_no_folder_or_onto_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        save(small_model(), tmp_path / "absent" / "m.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        save(small_model(), tmp_path / "folder")
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({}, {}),
        ({"sets": None}, {}),
        ({"sets": [1]}, {}),
        ({"int8": 3.0}, {}),
        ({"int8": {"sets": {"A": 1, "B": {"psnr_y": "high", "ssim_y": 1}, 3: {}}}}, {"B": {"ssim_y": 1.0}, "3": {}}),
    ],
)
def test_figures_of_any_kind_can_be_asked_for(figures, expected):
    model = Model("m", bicubic(2), {}, figures=figures)
    assert {**model.scores(), **model.scores("int8")} == expected
