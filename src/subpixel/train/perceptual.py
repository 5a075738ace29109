"""What a result must share with the truth when it need not be the same sample by sample.

Two contents besides the pixels: a Laplacian pyramid, which needs no file, and the features of a VGG19 whose weights the
user brings. Nothing is downloaded.
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

# Convolutions in front of each pooling of VGG19.
_BLOCKS = (2, 2, 4, 4, 4)

# Of ImageNet's images in RGB of 0 … 1, as every published VGG19 wants them taken away and divided by.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# SRGAN divides features by 12.75 to bring their distance near to that of pixels (arXiv 1609.04802, section 3.2).
_FEATURES_RELATIVE = 1 / 12.75**2


def pyramid_distance(result: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of Laplacian pyramids, every level counting alike.

    Args:
        result: ``(N, C, H, W)``.
        wanted: of the same shape.

    Returns:
        A scalar: the mean over the levels of what each level differs by; the last level is the image that is left,
        less than 8 samples on a side.

    Against an adversary this is a better content than the pixels: sample by sample the finest detail is most of the
    error, and what makes it small is blur. Here it is one level of several; colour, shading and edges are held by the
    coarse ones, and the texture is left to the adversary.

    Source: the Lap1 loss of Bojanowski et al., arXiv 1707.05776: the sum over levels j of ``4**j |L_j|_1``, which is
    the sum of their means; pyramids of Burt & Adelson 1983 with 5 binomial taps.

    >>> import torch
    >>> x = torch.rand(1, 1, 16, 16)
    >>> round(float(pyramid_distance(x + 0.25, x)), 4)  # a shift of all is seen by the last of three levels alone
    0.0833
    """
    error, levels = result - wanted, []
    taps = torch.tensor([1, 4, 6, 4, 1], dtype=error.dtype, device=error.device) / 16
    kernel = (taps[:, None] * taps).expand(error.shape[1], 1, 5, 5)
    # A pyramid is linear, so that of the difference is the difference of pyramids.
    while min(error.shape[-2:]) >= 8:
        padded = F.pad(error, (2, 2, 2, 2), mode="replicate")
        smaller = F.conv2d(padded, kernel, stride=2, groups=error.shape[1])
        larger = F.interpolate(smaller, size=error.shape[-2:], mode="bilinear", align_corners=False)
        levels.append((error - larger).abs().mean())
        error = smaller
    levels.append(error.abs().mean())
    return torch.stack(levels).mean()


def read_features(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file with the weights of VGG19: ``.safetensors``, or ``.pth`` as torchvision's.

    Raises:
        ModelFileError: a file that cannot be used.
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
    """The part of VGG19 up to one of its convolutions, before its activation; not trained.

    Args:
        tensors: ``features.N.weight`` and ``.bias`` as torchvision numbers them; any number of channels. Others, the
            classifier's, are not read.
        layer: ``i.j``, the j-th convolution in front of the i-th pooling: ``1.1`` … ``5.4``.

    Raises:
        InvalidArgument: no such layer.
        ModelFileError: tensors that are missing or do not fit together.

    Source: Simonyan & Zisserman, arXiv 1409.1556, configuration E; Ledig et al., arXiv 1609.04802, section 2.2.1, who
    take 5.4 and 2.2. Before the activation, as Wang et al., arXiv 1809.00219, section 3.3, found better: after it
    most of 5.4 is zero.
    """

    def __init__(self, tensors: Mapping[str, Tensor], layer: str) -> None:
        super().__init__()
        number = re.fullmatch(r"([1-5])\.([1-4])", layer)
        if number is None or int(number[2]) > _BLOCKS[int(number[1]) - 1]:
            raise InvalidArgument(f"train: layer={layer!r}: i.j from 1.1 to 5.4, as 5.4, is needed")
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
        # Without what follows the last convolution.
        self.steps: nn.Sequential = nn.Sequential(*steps[:-2])
        self.mean = nn.Parameter(torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.deviation = nn.Parameter(torch.tensor(_DEVIATION).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, rgb: Tensor) -> Tensor:
        """``(N, 3, H, W)`` of 0 … 1 to features."""
        result: Tensor = self.steps((rgb - self.mean) / self.deviation)
        return result

    def distance(self, result: Tensor, wanted: Tensor) -> Tensor:
        """Mean squared difference of features, divided by 12.75² as in the paper."""
        with torch.no_grad():
            truth = self(wanted)
        error: Tensor = self(result) - truth
        return (error * error).mean() * _FEATURES_RELATIVE


def _conv(tensors: Mapping[str, Tensor], name: str, channels: int) -> nn.Conv2d:
    try:
        weight, bias = tensors[f"{name}.weight"].float(), tensors[f"{name}.bias"].float()
    except KeyError as error:
        raise ModelFileError(f"features: {error} is missing; the weights of a VGG19 are needed") from None
    if weight.ndim != 4 or weight.shape[1:] != (channels, 3, 3) or bias.shape != weight.shape[:1]:
        raise ModelFileError(
            f"features: '{name}' is of shape {tuple(weight.shape)}, a VGG19 has (out, {channels}, 3, 3) there"
        )
    conv = nn.Conv2d(channels, len(weight), 3, padding=1)
    conv.weight.data, conv.bias.data = weight, bias  # type: ignore[union-attr]
    return conv
