"""Checkpoints of other people's code: each loaded by the Upscaler, against the module that wrote it."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="checkpoints are torch's")

import torch

from models import ports
from subpixel import Upscaler
from subpixel.cli import main
from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError
from subpixel.models import Model, find
from subpixel.models.checkpoints import FAMILIES, load_checkpoint, reading
from subpixel.ops import resize

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")

PORTS: dict[str, tuple[Callable[[int], ports.Port], tuple[int, ...]]] = {
    "srcnn": (ports.Srcnn, (2, 3)),
    "srcnn, 1x1, later names": (partial(ports.Srcnn, middle=1, later=True), (3,)),
    "srcnn, rgb": (partial(ports.Srcnn, channels=3), (2,)),
    "espcn": (ports.Espcn, (2, 3)),
    "espcn, later names": (partial(ports.Espcn, later=True), (4,)),
    "espcn, rgb, 1x1": (partial(ports.Espcn, channels=3, side=1), (2,)),
    "fsrcnn": (ports.Fsrcnn, (2, 3, 4)),
    "fsrcnn, later names, one slope": (partial(ports.Fsrcnn, mappings=1, later=True, one_slope=True), (3,)),
    "srresnet": (ports.Srresnet, (2, 3, 4)),
    "srresnet, early names": (partial(ports.Srresnet, early=True, slopes=5), (4,)),
    "msrresnet": (ports.Msrresnet, (2, 3, 4)),
    "edsr": (ports.Edsr, (2, 3, 4, 8)),
    "edsr, 0 … 1": (partial(ports.Edsr, bound=1.0), (2,)),
    "edsr, 256 features": (partial(ports.Edsr, n=256, blocks=1), (2,)),
    "edsr, basicsr": (ports.BasicEdsr, (2, 3, 4)),
    "edsr, basicsr, 256 features": (partial(ports.BasicEdsr, n=256, blocks=1), (2,)),
    "wdsr-a": (ports.Wdsr, (2, 3)),
    "wdsr-b": (partial(ports.Wdsr, low_rank=3), (2, 4)),
    "wdsr-a, torch's new names": (partial(ports.Wdsr, modern=True), (2,)),
    "wdsr-a, later code": (ports.LaterWdsr, (2, 3)),
    "rdn": (ports.Rdn, (2, 3, 4)),
    "rdn, later names": (ports.LaterRdn, (2, 3, 4)),
}


def random_port(name: str, scale: int) -> ports.Port:
    """A network as training leaves it: no tensor at a value that would hide a mistake."""
    torch.manual_seed(scale)
    network = PORTS[name][0](scale)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if "mean" in key and "running" not in key:
                continue  # the mean shift is a constant
            if key.endswith("running_var"):
                value.uniform_(0.5, 2.0)
            elif value.ndim == 1 and value.is_floating_point():
                value.uniform_(0.05, 0.4)
    return network.eval()


def results(network: ports.Port, scale: int, x: np.ndarray) -> np.ndarray:
    """What the port makes of planes of 0 … 1."""
    if isinstance(network, ports.Srcnn):
        x = resize(x, scale=scale, mode="cubic", layout="CHW")
    with torch.inference_mode():
        return (network(torch.from_numpy(x * np.float32(network.bound))[None])[0] / network.bound).numpy()


def planes(channels: int) -> np.ndarray:
    return np.random.default_rng(1).random((channels, 11, 14), np.float32)


@pytest.mark.parametrize(("name", "scale"), [(name, scale) for name in PORTS for scale in PORTS[name][1]])
def test_it_computes_what_the_port_computes(tmp_path: Path, name: str, scale: int) -> None:
    network = random_port(name, scale)
    path = tmp_path / "net.pth"
    torch.save(network.state_dict(), path)
    x = planes(network.channels)
    expected = results(network, scale, x)
    model = find(str(path), scale)
    assert (model.name, model.spec.scale, model.spec.channels) == ("net", scale, network.channels)
    assert model.training["checkpoint"] == "net.pth"
    for backend in ("reference", "torch", "native"):
        if backend == "native":
            pytest.importorskip("subpixel._native")
        upscaler = Upscaler(scale, model=str(path), backend=backend)
        if network.channels == 1:
            result = upscaler.plane(x[0])[None]
        else:
            result = upscaler(np.ascontiguousarray(x.transpose(1, 2, 0))).transpose(2, 0, 1)
        if network.clamps:
            result = result.clip(0, 1)
        assert np.ptp(expected) > 0.02
        np.testing.assert_allclose(result, expected, atol=3e-5, rtol=1e-5)


def test_every_family_is_tested(tmp_path: Path) -> None:
    named = set()
    for name in PORTS:
        path = tmp_path / "net.pth"
        torch.save(random_port(name, 2).state_dict(), path)
        named.add(find(str(path), 2).training["names"])
    assert named == {family.name for family in FAMILIES}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"params": state},
        lambda state: {"params": {k: v * 0 for k, v in state.items()}, "params_ema": state},
        lambda state: {"epoch": 3, "best_psnr": 31.5, "state_dict": state, "optimizer": {"lr": [0.1]}},
        lambda state: OrderedDict((f"module.{k}", v) for k, v in state.items()),
        lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {k: v.double() for k, v in state.items()},
        lambda state: {k: torch.nn.Parameter(v) for k, v in state.items()},
    ],
)
def test_what_is_wrapped_around_it(tmp_path: Path, wrap: Callable[[dict[str, object]], object]) -> None:
    state = random_port("espcn", 2).state_dict()
    plain, wrapped = tmp_path / "plain.pth", tmp_path / "wrapped.pt"
    torch.save(state, plain)
    torch.save(wrap(state), wrapped)
    one, other = (find(str(path), 2) for path in (plain, wrapped))
    assert one.spec == other.spec
    for name, weight in one.weights.items():
        np.testing.assert_array_equal(weight, other.weights[name])


def test_half_precision_and_the_format_of_old_torch(tmp_path: Path) -> None:
    state = {name: value.half() for name, value in random_port("espcn", 2).state_dict().items()}
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    weight = find(str(tmp_path / "old.pth"), 2).weights["conv1.weight"]
    np.testing.assert_array_equal(weight, state["first_part.0.weight"].float().numpy())


def test_the_command_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from subpixel.image import ImageData, read, write

    torch.save(random_port("fsrcnn", 2).state_dict(), tmp_path / "net.pth")
    write(ImageData(np.full((9, 12, 3), 128, np.uint8)), tmp_path / "in.png")
    arguments = ["upscale", str(tmp_path / "in.png"), "-n", str(tmp_path / "net.pth"), "-o", str(tmp_path / "out.png")]
    assert main(arguments) == 0, capsys.readouterr().err
    assert read(tmp_path / "out.png").pixels.shape == (18, 24, 3)
    assert main(["quantise", str(tmp_path / "net.pth"), "--data", str(tmp_path)]) == 1
    assert "net.pth: not a safetensors file" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "right"), [("edsr", 2), ("espcn", 3), ("wdsr-a", 2), ("rdn", 4), ("srresnet", 4)])
def test_another_scale_is_refused(tmp_path: Path, name: str, right: int) -> None:
    torch.save(random_port(name, right).state_dict(), tmp_path / "net.pth")
    with pytest.raises(InvalidArgument, match=rf"scale=8: .*net\.pth is a ×{right} model, "):
        find(str(tmp_path / "net.pth"), 8)


# What is no checkpoint


def refused(path: Path, error: type[Exception] | tuple[type[Exception], ...] = ModelFileError) -> str:
    with pytest.raises(error) as caught:
        load_checkpoint(path, 2)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < 600
    return text


@pytest.mark.parametrize("content", [b"", b"\x80", b"PK\x03\x04" + b"\0" * 100, b"nonsense\n" * 50, b"\x80\x02K\x01."])
def test_files_that_are_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    refused(path)


SAFETENSORS = b"\x40" + bytes(7) + b'{"a":{"dtype":"F32"'
NOT_CHECKPOINTS = [
    (b"<!DOCTYPE html>\n<html><title>404</title>", "this is an HTML page, not a checkpoint (a failed download?)"),
    (b"\xef\xbb\xbf\r\n  <HTML lang=en>", "this is an HTML page, not a checkpoint (a failed download?)"),
    (b'{"error": "access denied"}', "this is JSON"),
    (b"<?xml version='1.0'?><Error/>", "this is XML"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "this is a Git LFS pointer, not the file itself"),
    (b"", "this is an empty file"),
    (bytes(5000), "this is a file of zeros"),
    (b"not found\n", "this is a text file"),
    (b"174812789", "this is a text file"),
    (b"\x1f\x8b\x08" + bytes(50), "this is a gzip archive; unpack it"),
    (b"\x89PNG\r\n\x1a\n" + bytes(50), "this is a PNG image"),
    (SAFETENSORS, "this is a safetensors file; it has the suffix .safetensors"),
    (b"\x08\x07\x12\x07pytorch" + bytes(range(200)), "it is not a checkpoint, which torch.save writes"),
    (pickle.dumps({"a": [1.0, 2.0]}, 2), "not a checkpoint that torch.save wrote, or a damaged one"),
    (b"\x80\x02K\x01.", "not a checkpoint that torch.save wrote, or a damaged one"),
    (b"PK\x03\x04" + bytes(100), "the checkpoint is damaged or truncated"),
]


@pytest.mark.parametrize(("content", "sentence"), NOT_CHECKPOINTS)
def test_what_it_is_instead_is_said(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    text = refused(path)
    assert sentence in text
    assert "weights_only" not in text


def test_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert refused(path).endswith("a zip archive, but not one that torch.save wrote")
    # A way of compression that Python does not know, and a member that is encrypted.
    for place, value in ((8, 93), (6, 1)):
        torch.save({"a": torch.zeros(3)}, path)
        content = bytearray(path.read_bytes())
        for mark, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
            at = -1
            while (at := content.find(mark, at + 1)) >= 0:
                content[at + place + shift] = value
        path.write_bytes(content)
        assert "damaged or truncated" in refused(path)


@pytest.mark.parametrize("name", ["builtins\nbytearray", "os\nmkdir", "torch\nload", "numpy\nload"])
@pytest.mark.parametrize("inside", [False, True])
def test_no_advice_to_run_the_code(tmp_path: Path, name: str, inside: bool) -> None:
    path = tmp_path / "net.pth"
    content = b"\x80\x02c" + name.encode() + b"\n(K\x05tR."
    if inside:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", content)
            archive.writestr("net/version", "3\n")
    else:
        path.write_bytes(content)
    text = refused(path)
    assert "weights_only" not in text
    assert "trust" not in text.lower()
    if inside:
        wanted = name.replace("\n", ".")
        assert f"holds more than tensors ({wanted}), and reading that would run code; save only its state dict" in text


def test_names_of_tensors_stay_on_one_line(tmp_path: Path) -> None:
    state = dict(random_port("espcn", 2).state_dict())
    for more in ("a\nb", "x" * 5000, "\x1b[31m"):
        torch.save({**state, more: torch.zeros(1)}, tmp_path / "net.pth")
        assert refused(tmp_path / "net.pth", (MissingExtra, ModelFileError)).isprintable()


@pytest.mark.parametrize("name", PORTS)
def test_shapes_that_make_no_sense(tmp_path: Path, name: str) -> None:
    state = random_port(name, 2).state_dict()
    for key, value in list(state.items())[::3]:
        for shape in ((0,) * value.ndim, (1,) * value.ndim, (), (0, 3, 3, 3), (2, 0, 3, 3)):
            torch.save({**state, key: torch.zeros(shape)}, tmp_path / "net.pth")
            with contextlib.suppress(MissingExtra, ModelFileError, InvalidArgument):
                load_checkpoint(tmp_path / "net.pth", 2)


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.pth").endswith("no such file")
    (tmp_path / "folder.pth").mkdir()
    assert refused(tmp_path / "folder.pth").endswith("not a file")


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("was_here",)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("where", ["alone", "beside"])
def test_a_pickle_that_would_run_code_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, old: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    state = random_port("espcn", 2).state_dict()
    content = Hostile() if where == "alone" else {"state_dict": state, "extra": Hostile()}
    torch.save(content, tmp_path / "net.pth", _use_new_zipfile_serialization=not old)
    text = refused(tmp_path / "net.pth")
    assert "holds more than tensors (" in text
    assert ".mkdir)" in text
    (tmp_path / "net.pth").write_bytes(pickle.dumps(content))
    refused(tmp_path / "net.pth")
    assert not (tmp_path / "was_here").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Conv2d(1, 1, 3)), tmp_path / "net.pt")
    assert refused(tmp_path / "net.pt").endswith("a TorchScript archive, which holds code; save only its state dict")


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(random_port("espcn", 2), tmp_path / "net.pth")
    text = refused(tmp_path / "net.pth")
    assert "models.ports.Espcn" in text
    assert "save only its state dict" in text


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ([1, 2], "holds list; a state dict"),
        (torch.zeros(3), "holds Tensor; a state dict"),
        ({}, "holds dict; a state dict"),
        ({"conv1.weight": 3}, "'conv1.weight' is int; a tensor"),
        ({1: torch.zeros(3)}, "1 is Tensor; a tensor by name"),
        ({"state_dict": {"a": None}}, "'a' is NoneType; a tensor"),
        ({"a": torch.zeros(3).to_sparse()}, "'a' is not a dense tensor"),
        ({"a": torch.zeros(1).expand(2**30)}, "4294967296 bytes of weights; at most"),
    ],
)
def test_contents_that_are_no_state_dict(tmp_path: Path, content: object, fragment: str) -> None:
    torch.save(content, tmp_path / "net.pth")
    assert fragment in refused(tmp_path / "net.pth")


def test_what_unpacks_to_more_than_any_checkpoint_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MAX_BYTES", 1 << 22)
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data/0", bytes((1 << 22) + 1))
    assert path.stat().st_size < 1 << 16
    assert "at most 4194304 are allowed for a checkpoint" in refused(path)


def test_every_truncation_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(3)}, path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        refused(path)


# Networks that are nearly known


@pytest.fixture
def no_spandrel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)


@pytest.mark.usefixtures("no_spandrel")
@pytest.mark.parametrize(
    ("name", "change", "fragment"),
    [
        (
            "espcn",
            lambda s: s.pop("last_part.0.bias"),
            "looks like ESPCN (first_part.0, first_part.2, last_part.0), but",
        ),
        ("espcn", lambda s: s.pop("last_part.0.bias"), "'last_part.0.bias' is missing"),
        ("espcn", lambda s: s.update(more=torch.zeros(1)), "it has further tensors: 'more'"),
        ("srcnn", lambda s: s.update({"conv1.weight": torch.zeros(6, 1, 7, 7)}), "the network needs float32 of shape"),
        ("srcnn", lambda s: s.update({"conv1.weight": torch.zeros(6, 2, 9, 9)}), "it reads 2 channels"),
        ("srcnn", lambda s: s.update({"conv1.weight": torch.zeros(6)}), "'conv1.weight' has shape (6,); four"),
        ("srcnn", lambda s: s["conv2.weight"].fill_(np.nan), "NaN or infinity; finite values are needed"),
        (
            "espcn",
            lambda s: s.update({"last_part.0.weight": torch.zeros(5, 4, 3, 3)}),
            "'last_part.0.bias' has shape",
        ),
        ("fsrcnn", lambda s: s.update({"mid_part.1.weight": torch.zeros(3)}), "1 or 4 slopes are needed"),
        ("srresnet", lambda s: s["trunk.0.rcb.1.running_var"].fill_(-1), "has a negative value"),
        ("srresnet", lambda s: s.pop("trunk.1.rcb.4.running_mean"), "'trunk.1.rcb.4.running_mean' is missing"),
        ("edsr", lambda s: s["sub_mean.bias"].fill_(-30), "so its range is unknown"),
        ("wdsr-a", lambda s: s["head.0.weight_v"].fill_(0), "is not normalised by the length"),
        ("rdn", lambda s: s.update({"UPNet.0.weight": torch.zeros(40, 5, 3, 3)}), "'UPNet.0.bias' has shape"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, name: str, change: Callable[[dict[str, torch.Tensor]], object], fragment: str
) -> None:
    state = dict(random_port(name, 2).state_dict())
    change(state)
    torch.save(state, tmp_path / "net.pth")
    text = refused(tmp_path / "net.pth", MissingExtra)
    assert fragment in text
    assert "spandrel, which loads other networks, is not installed: pip install 'subpixel[spandrel]'" in text


@pytest.mark.usefixtures("no_spandrel")
def test_an_unknown_network_says_what_was_looked_for(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(3)}, tmp_path / "net.pth")
    text = refused(tmp_path / "net.pth", MissingExtra)
    assert "the names of its tensors are of none of SRCNN, ESPCN, FSRCNN, SRResNet, MSRResNet, EDSR, WDSR, RDN" in text


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "net.pth")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'subpixel[train]'" in refused(tmp_path / "net.pth", MissingExtra)


def test_a_model_of_a_checkpoint_can_be_saved_as_one_of_ours(tmp_path: Path) -> None:
    from subpixel.models import load, save

    torch.save(random_port("edsr", 2).state_dict(), tmp_path / "net.pth")
    model = find(str(tmp_path / "net.pth"), 2)
    save(model, tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    assert isinstance(again, Model)
    assert again.spec == model.spec
