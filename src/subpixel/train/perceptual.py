"""Perceptual losses: a Laplacian pyramid, and features of VGG19.

The pyramid needs no file. The weights of VGG19 come from a file of the user; nothing is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from subpixel.errors import InvalidArgument, ModelFileError
from subpixel.models.checkpoints.reading import read_tensors

__all__ = ["Vgg19", "pyramid_distance", "read_features"]

# Convolutions before each pooling of VGG19.
_BLOCKS = (2, 2, 4, 4, 4)

# Mean and deviation of ImageNet's images in RGB of 0 … 1; every published VGG19 normalises by them.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# SRGAN divides features by 12.75, so that their distance is about that of pixels (arXiv 1609.04802, section 3.2).
_FEATURES_RELATIVE = 1 / 12.75**2


def pyramid_distance(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of Laplacian pyramids, with equal weight for each level.

    Args:
        result: ``(N, C, H, W)``.
        target: of the same shape.

    Returns:
        A scalar: the mean over the levels of their mean differences. The last level is the remaining image, with a side
        below 8 samples.

    With an adversary this is a better content loss than pixels. In pixels, most of the error is the finest detail, and
    blur makes it small. Here the finest detail is one level of several: the coarse levels fix colour, shading and
    edges, and the texture is left to the adversary.

    Source: the Lap1 loss of Bojanowski et al., arXiv 1707.05776: the sum over levels j of ``4**j |L_j|_1``, which is
    the sum of their means; pyramids of Burt & Adelson 1983 with 5 binomial taps.

    >>> import torch
    >>> x = torch.rand(1, 1, 16, 16)
    >>> round(float(pyramid_distance(x + 0.25, x)), 4)  # only the last of three levels sees a constant
    0.0833
    """
    error, levels = result - target, []
    taps = torch.tensor([1, 4, 6, 4, 1], dtype=error.dtype, device=error.device) / 16
    kernel = (taps[:, None] * taps).expand(error.shape[1], 1, 5, 5)
    # A pyramid is linear: the pyramid of the difference is the difference of the pyramids.
    while min(error.shape[-2:]) >= 8:
        padded = F.pad(error, (2, 2, 2, 2), mode="replicate")
        smaller = F.conv2d(padded, kernel, stride=2, groups=error.shape[1])
        larger = F.interpolate(smaller, size=error.shape[-2:], mode="bilinear", align_corners=False)
        levels.append((error - larger).abs().mean())
        error = smaller
    levels.append(error.abs().mean())
    return torch.stack(levels).mean()


def read_features(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file with the weights of VGG19: ``.safetensors``, or ``.pth`` like torchvision's.

    Raises:
        ModelFileError: the file cannot be read.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        return read_tensors(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path}: not a safetensors file that can be read ({error})") from None


class Vgg19(nn.Module):
    """VGG19 up to one of its convolutions, before that one's activation. It is not trained.

    Args:
        tensors: ``features.N.weight`` and ``.bias`` with torchvision's numbers and any number of channels. The tensors
            of the classifier are ignored.
        layer: ``i.j``, the j-th convolution before the i-th pooling: ``1.1`` … ``5.4``.

    Raises:
        InvalidArgument: there is no such layer.
        ModelFileError: tensors are missing or do not fit together.

    Source: Simonyan & Zisserman, arXiv 1409.1556, configuration E; Ledig et al., arXiv 1609.04802, section 2.2.1, who
    use 5.4 and 2.2. Features before the activation are better (Wang et al., arXiv 1809.00219, section 3.3): after it,
    most of 5.4 is zero.
    """

    def __init__(self, tensors: Mapping[str, Tensor], layer: str) -> None:
        super().__init__()
        number = re.fullmatch(r"([1-5])\.([1-4])", layer)
        if number is None or int(number[2]) > _BLOCKS[int(number[1]) - 1]:
            raise InvalidArgument(f"train: layer={layer!r}: i.j from 1.1 to 5.4 is needed, for example 5.4")
        last, within = int(number[1]), int(number[2])
        self.least_side = 2 ** (last - 1)
        steps: list[nn.Module] = []
        index, channels = 0, 3
        for block, convs in enumerate(_BLOCKS[:last], 1):
            for _ in range(within if block == last else convs):
                conv = _conv(tensors, f"features.{index}", channels)
                steps += [conv, nn.ReLU()]
                index, channels = index + 2, conv.out_channels
            steps.append(nn.MaxPool2d(2))
            index += 1
        # Without the activation of the last convolution, and the pooling.
        self.steps: nn.Sequential = nn.Sequential(*steps[:-2])
        self.mean = nn.Parameter(torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.deviation = nn.Parameter(torch.tensor(_DEVIATION).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, rgb: Tensor) -> Tensor:
        """``(N, 3, H, W)`` of 0 … 1 to features."""
        result: Tensor = self.steps((rgb - self.mean) / self.deviation)
        return result

    def distance(self, result: Tensor, target: Tensor) -> Tensor:
        """Mean squared difference of features, divided by 12.75² as in SRGAN."""
        with torch.no_grad():
            truth = self(target)
        error: Tensor = self(result) - truth
        return (error * error).mean() * _FEATURES_RELATIVE


def _conv(tensors: Mapping[str, Tensor], name: str, channels: int) -> nn.Conv2d:
    try:
        weight, bias = tensors[f"{name}.weight"].float(), tensors[f"{name}.bias"].float()
    except KeyError as error:
        raise ModelFileError(f"features: {error} is missing; weights of VGG19 are needed") from None
    if weight.ndim != 4 or weight.shape[1:] != (channels, 3, 3) or bias.shape != weight.shape[:1]:
        raise ModelFileError(f"features: '{name}' has shape {tuple(weight.shape)}; (out, {channels}, 3, 3) is needed")
    conv = nn.Conv2d(channels, len(weight), 3, padding=1)
    conv.weight.data, conv.bias.data = weight, bias  # type: ignore[union-attr]
    return conv
