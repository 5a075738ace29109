"""What the contents measure, against their definitions written out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from subpixel.errors import InvalidArgument, ModelFileError
from subpixel.train.perceptual import Vgg19, pyramid_distance, read_features

# torchvision's numbers of the convolutions of VGG19, poolings and activations being counted too.
INDICES = {"1.1": 0, "1.2": 2, "2.1": 5, "2.2": 7, "3.1": 10, "3.4": 16, "4.4": 25, "5.1": 28, "5.4": 34}
LAYOUT = [3, 3, "M", 4, 4, "M", 5, 5, 5, 5, "M", 6, 6, 6, 6, "M", 6, 6, 6, 6, "M"]


@pytest.fixture(scope="module")
def vgg() -> nn.Sequential:
    """VGG19 of a few channels."""
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    channels = 3
    for entry in LAYOUT:
        if isinstance(entry, int):
            layers += [nn.Conv2d(channels, entry, 3, padding=1), nn.ReLU()]
            channels = entry
        else:
            layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def tensors(vgg: nn.Sequential) -> dict[str, Tensor]:
    state = {f"features.{name}": value for name, value in vgg.state_dict().items()}
    return {**state, "classifier.0.weight": torch.zeros(2, 2)}


@pytest.mark.parametrize("layer", INDICES)
def test_features_are_those_in_front_of_the_activation(vgg: nn.Sequential, layer: str) -> None:
    x = torch.rand(2, 3, 40, 33)
    normalised = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    expected = vgg[: INDICES[layer] + 1](normalised)
    network = Vgg19(tensors(vgg), layer)
    torch.testing.assert_close(network(x), expected)
    assert not any(p.requires_grad for p in network.parameters())
    result = torch.rand(2, 3, 40, 33, requires_grad=True)
    distance = network.distance(result, x)
    torch.testing.assert_close(distance, F.mse_loss(network(result), expected) / 12.75**2)
    distance.backward()
    assert result.grad is not None
    assert result.grad.abs().sum() > 0
    assert network.distance(x, x) == 0


@pytest.mark.parametrize("layer", ["", "5", "5.5", "2.3", "0.1", "6.1", "5.4 ", "-1.2", "1.0"])
def test_layers_that_are_not_there(vgg: nn.Sequential, layer: str) -> None:
    with pytest.raises(InvalidArgument, match=r"i\.j from 1\.1 to 5\.4"):
        Vgg19(tensors(vgg), layer)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.pop("features.7.bias"), "'features.7.bias' is missing; weights of VGG19 are needed"),
        (lambda t: t.update({"features.5.weight": torch.zeros(4, 2, 3, 3)}), r"\(4, 2, 3, 3\); \(out, 3,"),
        (lambda t: t.update({"features.0.weight": torch.zeros(3)}), "'features.0' has shape"),
        (lambda t: t.update({"features.0.bias": torch.zeros(4)}), "'features.0' has shape"),
    ],
)
def test_tensors_that_are_no_vgg19(vgg: nn.Sequential, change: object, text: str) -> None:
    changed = tensors(vgg)
    change(changed)  # type: ignore[operator]
    with pytest.raises(ModelFileError, match=text):
        Vgg19(changed, "2.2")
    assert Vgg19(tensors(vgg), "1.1").least_side == 1


def test_files(vgg: nn.Sequential, tmp_path: Path) -> None:
    torch.save(tensors(vgg), tmp_path / "vgg.pth")
    save_file(tensors(vgg), tmp_path / "vgg.safetensors")
    for name in ("vgg.pth", "vgg.safetensors"):
        torch.testing.assert_close(read_features(tmp_path / name), tensors(vgg))
    for name in ("vgg.pth", "vgg.safetensors", "absent.safetensors"):
        if name[0] == "v":
            (tmp_path / name).write_bytes(b"nonsense")
        with pytest.raises(ModelFileError, match=name):
            read_features(tmp_path / name)


def pyramid(x: Tensor) -> list[Tensor]:
    """The levels of one plane, sample by sample as Burt and Adelson define them."""
    levels = []
    while min(x.shape) >= 8:
        height, width = x.shape
        small = torch.zeros((height + 1) // 2, (width + 1) // 2, dtype=x.dtype)
        for i in range(small.shape[0]):
            for j in range(small.shape[1]):
                for a, wa in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
                    for b, wb in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
                        row, column = min(max(2 * i + a, 0), height - 1), min(max(2 * j + b, 0), width - 1)
                        small[i, j] += wa * wb / 256 * x[row, column]
        large = F.interpolate(small[None, None], size=x.shape, mode="bilinear", align_corners=False)[0, 0]
        levels.append(x - large)
        x = small
    return [*levels, x]


@pytest.mark.parametrize("size", [(7, 30), (8, 8), (21, 34)])
def test_the_pyramid_is_that_of_its_definition(size: tuple[int, int]) -> None:
    output, wanted = torch.rand(2, *size, dtype=torch.float64), torch.rand(2, *size, dtype=torch.float64)
    expected = []
    for a, b in zip(output, wanted, strict=True):
        levels = zip(pyramid(a), pyramid(b), strict=True)
        expected.append(torch.stack([(p - q).abs().mean() for p, q in levels]).mean())
    result = pyramid_distance(output[None], wanted[None])
    torch.testing.assert_close(result, torch.stack(expected).mean())
    assert pyramid_distance(output[None], output[None]) == 0


def test_fine_noise_counts_less_in_the_pyramid_than_a_shift_of_colour() -> None:
    x = torch.rand(1, 3, 64, 64)
    noise = torch.randn_like(x)
    noise *= 0.1 / noise.abs().mean()
    shift = torch.full_like(x, 0.1)
    # Sample by sample both are alike.
    torch.testing.assert_close((x + noise - x).abs().mean(), (x + shift - x).abs().mean())
    coarse = F.interpolate(torch.randn(1, 3, 4, 4), size=(64, 64), mode="bicubic")
    coarse *= 0.1 / coarse.abs().mean()
    assert pyramid_distance(x + noise, x) < 0.6 * 0.1
    assert pyramid_distance(x + coarse, x) > 0.15 * 0.1
