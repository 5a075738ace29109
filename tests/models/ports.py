"""Networks as widespread code builds them: the names of their tensors, the order of their sums, their value ranges.

Each ``forward`` takes and gives what that code does; ``bound`` says what its input of 1.0 is there.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="these are torch's modules")

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

MEAN = (0.4488, 0.4371, 0.4040)


def conv(cin: int, cout: int, side: int = 3, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, side, padding=side // 2, bias=bias)


class Port(nn.Module):
    """What a test needs to know beside the module itself."""

    channels, bound, clamps = 3, 1.0, False


class Srcnn(Port):
    """``names``: yjn870's, or Lornatang's with a middle of 1x1."""

    channels = 1

    def __init__(self, scale: int, middle: int = 5, later: bool = False, channels: int = 1) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        first, second, last = conv(channels, 6, 9), conv(6, 5, middle), conv(5, channels, 5)
        if later:
            self.features, self.map, self.reconstruction = nn.Sequential(first), nn.Sequential(second), last
        else:
            self.conv1, self.conv2, self.conv3 = first, second, last
        self.later = later

    def forward(self, upscaled: Tensor) -> Tensor:
        names = ("features", "map", "reconstruction") if self.later else ("conv1", "conv2", "conv3")
        first, second, last = (getattr(self, name) for name in names)
        return last(F.relu(second(F.relu(first(upscaled)))))


class Espcn(Port):
    def __init__(self, scale: int, channels: int = 1, later: bool = False, side: int = 3) -> None:
        super().__init__()
        self.channels, self.later, self.clamps = channels, later, later
        trunk = nn.Sequential(conv(channels, 8, 5), nn.Tanh(), conv(8, 4), nn.Tanh())
        end = nn.Sequential(conv(4, channels * scale**2, side), nn.PixelShuffle(scale))
        if later:
            self.feature_maps, self.sub_pixel = trunk, end
        else:
            self.first_part, self.last_part = trunk, end

    def forward(self, x: Tensor) -> Tensor:
        if self.later:
            return self.sub_pixel(self.feature_maps(x)).clamp(0, 1)
        return self.last_part(self.first_part(x))


class Fsrcnn(Port):
    channels = 1

    def __init__(self, scale: int, mappings: int = 2, later: bool = False, one_slope: bool = False) -> None:
        super().__init__()
        d, s = 7, 4

        def prelu(n: int) -> nn.PReLU:
            return nn.PReLU(1 if one_slope else n)

        first, shrink = [conv(1, d, 5), prelu(d)], [conv(d, s, 1), prelu(s)]
        maps = [layer for _ in range(mappings) for layer in (conv(s, s), prelu(s))]
        expand = [conv(s, d, 1), prelu(d)]
        up = nn.ConvTranspose2d(d, 1, 9, scale, padding=4, output_padding=scale - 1)
        if later:
            self.feature_extraction, self.shrink = nn.Sequential(*first), nn.Sequential(*shrink)
            self.map, self.expand, self.deconv = nn.Sequential(*maps), nn.Sequential(*expand), up
        else:
            self.first_part, self.mid_part = nn.Sequential(*first), nn.Sequential(*shrink, *maps, *expand)
            self.last_part = up
        self.parts = list(self.children())

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x


class _Rcb(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.rcb = nn.Sequential(
            conv(n, n, bias=False), nn.BatchNorm2d(n), nn.PReLU(), conv(n, n, bias=False), nn.BatchNorm2d(n)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.rcb(x)


class _Up(nn.Module):
    def __init__(self, n: int, factor: int, slopes: int) -> None:
        super().__init__()
        self.upsample_block = nn.Sequential(conv(n, n * factor**2), nn.PixelShuffle(factor), nn.PReLU(slopes))

    def forward(self, x: Tensor) -> Tensor:
        return self.upsample_block(x)


def factors(scale: int) -> list[int]:
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


class Srresnet(Port):
    """Lornatang's; ``early``: the older names."""

    clamps = True

    def __init__(self, scale: int, early: bool = False, slopes: int = 1) -> None:
        super().__init__()
        n = 5
        self.around = ["conv_block1", "conv_block2", "conv_block3"] if early else ["conv1", "conv2", "conv3"]
        setattr(self, self.around[0], nn.Sequential(conv(3, n, 9), nn.PReLU()))
        self.trunk = nn.Sequential(*(_Rcb(n) for _ in range(2)))
        setattr(self, self.around[1], nn.Sequential(conv(n, n, bias=False), nn.BatchNorm2d(n)))
        self.upsampling = nn.Sequential(*(_Up(n, f, slopes) for f in factors(scale)))
        setattr(self, self.around[2], conv(n, 3, 9))

    def forward(self, x: Tensor) -> Tensor:
        first, body, last = (getattr(self, name) for name in self.around)
        head = first(x)
        return last(self.upsampling(head + body(self.trunk(head)))).clamp(0, 1)


class _Shift(nn.Conv2d):
    def __init__(self, bound: float, sign: int, std: float) -> None:
        super().__init__(3, 3, 1)
        self.weight.data = torch.eye(3)[:, :, None, None] / std
        self.bias.data = sign * bound * torch.tensor(MEAN) / std


class _Block(nn.Module):
    def __init__(self, n: int, scaling: float) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(n, n), nn.ReLU(), conv(n, n))
        self.scaling = scaling

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scaling * self.body(x)


def _stages(n: int, scale: int, width: int | None = None) -> list[nn.Module]:
    width = width or n
    layers: list[nn.Module] = []
    for factor in factors(scale):
        layers += [conv(n, width * factor**2), nn.PixelShuffle(factor)]
        n = width
    return layers


class Edsr(Port):
    """The authors'."""

    def __init__(self, scale: int, n: int = 6, blocks: int = 2, bound: float = 255.0) -> None:
        super().__init__()
        self.bound = bound
        self.sub_mean, self.add_mean = _Shift(bound, -1, 1.0), _Shift(bound, 1, 1.0)
        self.head = nn.Sequential(conv(3, n))
        scaling = 0.1 if n == 256 else 1.0
        self.body = nn.Sequential(*(_Block(n, scaling) for _ in range(blocks)), conv(n, n))
        self.tail = nn.Sequential(nn.Sequential(*_stages(n, scale)), conv(n, 3))

    def forward(self, x: Tensor) -> Tensor:
        head = self.head(self.sub_mean(x))
        return self.add_mean(self.tail(head + self.body(head)))


class _BasicBlock(nn.Module):
    def __init__(self, n: int, scaling: float = 1.0) -> None:
        super().__init__()
        self.conv1, self.conv2, self.scaling = conv(n, n), conv(n, n), scaling

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scaling * self.conv2(F.relu(self.conv1(x)))


class BasicEdsr(Port):
    """BasicSR's: 0 … 1 outside, 255 times that inside; the mean is no part of the file."""

    def __init__(self, scale: int, n: int = 6, blocks: int = 2) -> None:
        super().__init__()
        self.conv_first = conv(3, n)
        self.body = nn.Sequential(*(_BasicBlock(n, 0.1 if n == 256 else 1.0) for _ in range(blocks)))
        self.conv_after_body = conv(n, n)
        self.upsample = nn.Sequential(*_stages(n, scale))
        self.conv_last = conv(n, 3)

    def forward(self, x: Tensor) -> Tensor:
        mean = torch.tensor(MEAN).view(1, 3, 1, 1)
        head = self.conv_first((x - mean) * 255)
        result = self.conv_last(self.upsample(head + self.conv_after_body(self.body(head))))
        return result / 255 + mean


class Msrresnet(Port):
    """BasicSR's."""

    def __init__(self, scale: int, n: int = 6) -> None:
        super().__init__()
        self.scale = scale
        self.conv_first = conv(3, n)
        self.body = nn.Sequential(*(_BasicBlock(n) for _ in range(2)))
        for number, factor in enumerate(factors(scale), 1):
            setattr(self, f"upconv{number}", conv(n, n * factor**2))
        self.conv_hr, self.conv_last = conv(n, n), conv(n, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(F.leaky_relu(self.conv_first(x), 0.1))
        for number, factor in enumerate(factors(self.scale), 1):
            y = F.leaky_relu(F.pixel_shuffle(getattr(self, f"upconv{number}")(y), factor), 0.1)
        y = self.conv_last(F.leaky_relu(self.conv_hr(y), 0.1))
        return y + F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)


class _Wide(nn.Module):
    def __init__(self, n: int, layers: list[nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x


def _normed(layer: nn.Conv2d, modern: bool = False) -> nn.Module:
    result = parametrizations.weight_norm(layer) if modern else nn.utils.weight_norm(layer)
    with torch.no_grad():
        for name, value in result.named_parameters():
            if name.endswith(("weight_g", "original0")):
                value.mul_(torch.rand_like(value) + 0.5)
    return result


class Wdsr(Port):
    """The code of the paper; ``low_rank`` makes it B."""

    bound = 255.0

    def __init__(self, scale: int, low_rank: int = 0, modern: bool = False) -> None:
        super().__init__()

        def wn(layer: nn.Conv2d) -> nn.Module:
            return _normed(layer, modern)

        n, wide = 5, 9

        def block() -> nn.Module:
            if low_rank:
                return _Wide(n, [wn(conv(n, wide, 1)), nn.ReLU(), wn(conv(wide, low_rank, 1)), wn(conv(low_rank, n))])
            return _Wide(n, [wn(conv(n, wide)), nn.ReLU(), wn(conv(wide, n))])

        self.head = nn.Sequential(wn(conv(3, n)))
        self.body = nn.Sequential(block(), block())
        self.tail = nn.Sequential(wn(conv(n, 3 * scale**2)), nn.PixelShuffle(scale))
        self.skip = nn.Sequential(wn(conv(3, 3 * scale**2, 5)), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        mean = torch.tensor(MEAN).view(1, 3, 1, 1) * 255
        x = (x - mean) / 127.5
        return (self.tail(self.body(self.head(x))) + self.skip(x)) * 127.5 + mean


class LaterWdsr(Port):
    """The authors' later code."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        n, wide = 5, 9
        blocks = [_Wide(n, [_normed(conv(n, wide)), nn.ReLU(), _normed(conv(wide, n))]) for _ in range(2)]
        self.body = nn.Sequential(_normed(conv(3, n)), *blocks, _normed(conv(n, 3 * scale**2)))
        self.skip = nn.Sequential(_normed(conv(3, 3 * scale**2, 5)))
        self.shuf = nn.Sequential(nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        x = x - 0.5
        return self.shuf(self.body(x) + self.skip(x)) + 0.5


class _Dense(nn.Module):
    def __init__(self, cin: int, growth: int, later: bool) -> None:
        super().__init__()
        self.conv = conv(cin, growth) if later else nn.Sequential(conv(cin, growth), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, F.relu(self.conv(x))], 1)


class _Rdb(nn.Module):
    def __init__(self, n: int, growth: int, convs: int, later: bool) -> None:
        super().__init__()
        layers = nn.Sequential(*(_Dense(n + k * growth, growth, later) for k in range(convs)))
        fuse = conv(n + convs * growth, n, 1)
        if later:
            self.layers, self.lff = layers, fuse
        else:
            self.convs, self.LFF = layers, fuse
        self.parts = layers, fuse

    def forward(self, x: Tensor) -> Tensor:
        layers, fuse = self.parts
        return fuse(layers(x)) + x


class Rdn(Port):
    """In the code of EDSR's authors, with ``growth`` features after the first stage."""

    bound = 255.0

    def __init__(self, scale: int, blocks: int = 2) -> None:
        super().__init__()
        n, growth = 5, 4
        self.SFENet1, self.SFENet2 = conv(3, n), conv(n, n)
        self.RDBs = nn.ModuleList(_Rdb(n, growth, 3, False) for _ in range(blocks))
        self.GFF = nn.Sequential(conv(n * blocks, n, 1), conv(n, n))
        self.UPNet = nn.Sequential(*_stages(n, scale, growth), conv(growth, 3))

    def forward(self, x: Tensor) -> Tensor:
        first = self.SFENet1(x)
        y, result = self.SFENet2(first), []
        for block in self.RDBs:
            y = block(y)
            result.append(y)
        return self.UPNet(self.GFF(torch.cat(result, 1)) + first)


class LaterRdn(Port):
    """yjn870's."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        n = 5
        self.sfe1, self.sfe2 = conv(3, n), conv(n, n)
        self.rdbs = nn.ModuleList(_Rdb(n, n, 2, True) for _ in range(2))
        self.gff = nn.Sequential(conv(2 * n, n, 1), conv(n, n))
        self.upscale, self.output = nn.Sequential(*_stages(n, scale)), conv(n, 3)

    def forward(self, x: Tensor) -> Tensor:
        first = self.sfe1(x)
        y, result = self.sfe2(first), []
        for block in self.rdbs:
            y = block(y)
            result.append(y)
        return self.output(self.upscale(self.gff(torch.cat(result, 1)) + first))
