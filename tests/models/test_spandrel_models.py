"""Networks that spandrel loads: by a stand-in of the few things that are called, and by itself where it is here."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="checkpoints are torch's")

import torch
from torch import Tensor

from subpixel import Upscaler
from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError, SubpixelError, Unsupported
from subpixel.image import ImageData, write
from subpixel.metrics import evaluate
from subpixel.models import find


class UnsupportedModelError(Exception):
    pass


class Descriptor:
    """Upscales ×2, each sample repeated, less the mean of the whole image: a network that must see all of it."""

    scale, input_channels, output_channels = 2, 3, 3
    architecture = SimpleNamespace(name="Whole")

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.gain, self.calls = float(state["gain"]), 0

    def eval(self) -> Descriptor:
        return self

    def __call__(self, image: Tensor) -> Tensor:
        assert image.dtype == torch.float32
        assert image.ndim == 4
        self.calls += 1
        large = image.repeat_interleave(2, -1).repeat_interleave(2, -2)
        return (self.gain * large - 0.25 * image.mean()).clamp(0, 1)


class Loader:
    made: Any = Descriptor

    def __init__(self, device: str) -> None:
        assert device == "cpu"

    def load_from_state_dict(self, state: dict[str, Tensor]) -> Descriptor:
        if "gain" not in state:
            raise UnsupportedModelError
        if state["gain"].numel() != 1:
            raise RuntimeError("size mismatch\nfor gain")
        return self.made(state)


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("spandrel")
    module.__dict__.update(
        ModelLoader=type("Own", (Loader,), {}),
        ImageModelDescriptor=Descriptor,
        UnsupportedModelError=UnsupportedModelError,
    )
    monkeypatch.setitem(sys.modules, "spandrel", module)
    return module


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "whole.pth"
    torch.save({"params": {"module.gain": torch.tensor(0.9)}}, file)
    return str(file)


def expected(rgb: np.ndarray) -> np.ndarray:
    large = rgb.repeat(2, 0).repeat(2, 1)
    return (0.9 * large - 0.25 * rgb.mean()).clip(0, 1)


@pytest.mark.usefixtures("spandrel")
@pytest.mark.parametrize("size", [(7, 9), (700, 900)])
def test_an_image_is_upscaled_as_a_whole(path: str, size: tuple[int, int]) -> None:
    upscaler = Upscaler(2, model=path)
    assert (upscaler.backend, upscaler.precision) == ("torch", "f32")
    rgb = np.random.default_rng(0).random((*size, 3), np.float32)
    np.testing.assert_allclose(upscaler(rgb), expected(rgb), atol=1e-4)
    assert upscaler.clean_model.run.calls == 1  # type: ignore[union-attr]
    u8 = (rgb * 255).astype(np.uint8)
    np.testing.assert_allclose(upscaler(u8), expected(u8 / 255) * 255, atol=0.6)


@pytest.mark.usefixtures("spandrel")
def test_gray_and_alpha(path: str) -> None:
    upscaler = Upscaler(2, model=path)
    gray = np.random.default_rng(0).random((6, 8), np.float32)
    np.testing.assert_allclose(upscaler(gray), expected(gray), atol=1e-5)
    opaque = np.dstack([gray, gray, gray, np.ones_like(gray)])
    np.testing.assert_allclose(upscaler(opaque)[..., 1], expected(gray), atol=1e-5)
    assert upscaler(np.zeros((4, 5, 4), np.uint8)).shape == (8, 10, 4)


@pytest.mark.usefixtures("spandrel")
def test_what_it_does_not_do(path: str) -> None:
    upscaler = Upscaler(2, model=path)
    with pytest.raises(InvalidArgument, match="model 'whole' works on RGB"):
        upscaler.plane(np.zeros((4, 4), np.float32))
    for options in ({"backend": "native"}, {"backend": "reference"}, {"precision": "int8"}, {"precision": "bf16"}):
        with pytest.raises(Unsupported, match=r"model 'whole' \(Whole, by spandrel\) needs backend 'torch' and"):
            Upscaler(2, model=path, **options)
    with pytest.raises(InvalidArgument, match=r"scale=3: .* is a ×2 model, Whole by spandrel"):
        find(path, 3)
    with pytest.raises(Unsupported, match="Whole, which spandrel runs, has no Spec"):
        find(path, 2)


@pytest.mark.usefixtures("spandrel")
def test_it_is_measured_like_any_other(path: str, tmp_path: Path) -> None:
    (tmp_path / "set" / "HR").mkdir(parents=True)
    write(ImageData(np.full((16, 20, 3), 90, np.uint8)), tmp_path / "set" / "HR" / "a.png")
    report = evaluate(Upscaler(2, model=path), tmp_path / "set")
    assert report["model"] == "whole"
    assert 5 < report["sets"]["set"]["psnr_y"] < 30  # 0.35 of the image is taken away


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"input_channels": 1}, Unsupported, "Whole from 1 to 3 channels; RGB to RGB is needed"),
        ({"output_channels": 4}, Unsupported, "Whole from 3 to 4 channels"),
    ],
)
def test_other_kinds_of_networks(
    spandrel: ModuleType, path: str, changes: dict[str, int], error: type[Exception], text: str
) -> None:
    spandrel.ModelLoader.made = type("Other", (Descriptor,), changes)
    with pytest.raises(error, match=text):
        Upscaler(2, model=path)


def test_a_network_that_wants_a_mask(spandrel: ModuleType, path: str) -> None:
    spandrel.ImageModelDescriptor = int
    with pytest.raises(Unsupported, match="RGB to RGB is needed"):
        Upscaler(2, model=path)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (lambda image: image, r"has shape \(1, 3, 4, 5\); \(1, 3, 8, 10\) is needed"),
        (lambda image: image.view(7), r"fails on an image of \(4, 5\): shape .* is invalid"),
    ],
)
def test_a_network_whose_result_has_another_size(spandrel: ModuleType, path: str, result: Any, text: str) -> None:
    spandrel.ModelLoader.made = type("Wrong", (Descriptor,), {"__call__": lambda _, image: result(image)})
    with pytest.raises(SubpixelError, match=text):
        Upscaler(2, model=path)(np.zeros((4, 5, 3), np.uint8))


@pytest.mark.usefixtures("spandrel")
def test_what_spandrel_does_not_know_either(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "net.pth")
    with pytest.raises(
        ModelFileError, match=r"net\.pth: .* none of SRCNN, .*; spandrel does not know the network either$"
    ):
        Upscaler(2, model=str(tmp_path / "net.pth"))
    torch.save({"gain": torch.zeros(2)}, tmp_path / "net.pth")
    with pytest.raises(ModelFileError, match=r"spandrel cannot load it \(size mismatch\)$"):
        Upscaler(2, model=str(tmp_path / "net.pth"))


@pytest.mark.parametrize("error", [RuntimeError("operator torchvision::nms is not there"), ImportError("no libcudart")])
def test_a_torchvision_that_cannot_be_imported(path: str, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "spandrel":
                raise error

    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(MissingExtra) as caught:
        Upscaler(2, model=path)
    assert (
        f"spandrel, which loads other networks, cannot be imported ({error}): pip install 'subpixel[spandrel]'"
        in str(caught.value)
    )


def test_spandrel_itself(tmp_path: Path) -> None:
    try:
        import spandrel
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"spandrel cannot be imported here: {error}")
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    network = Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=2, act_type="prelu")
    torch.save({"params": network.state_dict()}, tmp_path / "compact.pth")
    upscaler = Upscaler(2, model=str(tmp_path / "compact.pth"))
    assert upscaler.model.architecture == "RealESRGAN Compact"  # type: ignore[union-attr]
    rgb = np.random.default_rng(0).random((9, 12, 3), np.float32)
    with torch.inference_mode():
        whole = network(torch.from_numpy(rgb.transpose(2, 0, 1))[None])[0].clamp(0, 1).numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(upscaler(rgb), whole, atol=1e-5)
    assert isinstance(spandrel.__version__, str)
