"""Over-parameterised weights for training, which collapse to those of the network; and their initial values."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from subpixel.models.spec import Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec
from subpixel.ops.resizing.taps import axis_taps
from subpixel.train.least_squares import linear_chain

__all__ = ["Trainable", "interpolating_start"]

# The scale of the carrier channel before tanh: small enough to be nearly linear (the cubic term of tanh(0.2 * 0.5) is
# 0.3 % of it), large enough that the last layer multiplies by no more than 5.
_CARRIER = 0.2

# The random part of a layer that also passes its input on, relative to a layer that preserves the variance. Measured on
# a chain of seven layers of 16 channels, ×2, 3,000 steps: 31.51 dB with it, 31.41 with the random part alone.
_RANDOM_PART = 0.5

# The largest sum of a first kernel that counts as 0.
_NO_SUM = 1e-3

# Norms of the first kernels before tanh, and the spread of their thresholds. With the initial values of a linear layer,
# tanh stays linear: after 30,000 steps the 64 features of such an ESPCN still spanned only the 25 dimensions of their
# patches. Kernels without a mean, of which some saturate at faint texture (30) and some only at strong edges (3), reach
# the same quality in a third of the steps.
_GAINS = (3.0, 30.0)
_THRESHOLDS = 0.7


class Trainable(nn.Module):
    """The weights of a Spec, each convolution over-parameterised as ``direct + mix @ wide``.

    In a chain that adds its result to a base, the first kernels have the sum 0: what is to be added does not depend on
    brightness. So the layers between carry detail alone, which they learn sooner, and of which int8 has finer steps.
    Weights from elsewhere that have other sums keep them, see ``even``.

    ``wide`` is a convolution of the same kernel to ``expand`` times the output channels and ``mix`` a 1x1
    convolution after it; their product has the shape of ``direct``, so nothing remains of them in the result.

    Source: collapsible linear blocks, Bhardwaj et al., arXiv 2103.09404.
    """

    def __init__(self, spec: Spec, expand: int, generator: torch.Generator) -> None:
        super().__init__()
        self.spec = spec
        self.direct = nn.ParameterDict()
        self.wide = nn.ParameterDict()
        self.mix = nn.ParameterDict()
        self.centres = nn.Module()
        self.even = _even_layer(spec)  # the layer whose kernels have the sum 0, or nothing
        for name, start in interpolating_start(spec, generator).items():
            self.direct[_key(name)] = nn.Parameter(start)
            if expand and start.ndim == 4:
                out, cin, kh, kw = start.shape
                hidden = expand * out
                wide = torch.randn(hidden, cin, kh, kw, generator=generator) * (cin * kh * kw) ** -0.5
                # The product is 0 at first, so that the network begins as the interpolation alone.
                self.wide[_key(name)] = nn.Parameter(wide)
                self.mix[_key(name)] = nn.Parameter(torch.zeros(out, hidden))
        for layer in spec.layers:
            if isinstance(layer, Conv) and layer.bias and not layer.shared:
                self.centres.register_buffer(_key(layer.name), torch.zeros(layer.in_channels))

    @torch.no_grad()
    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Copy the tensors of another network that have the same name and shape."""
        self.centre({_name(key): torch.zeros_like(centre) for key, centre in self.centres.named_buffers()})
        for name, shape in self.spec.weight_shapes.items():
            if name in weights and tuple(weights[name].shape) == shape:
                self.direct[_key(name)].copy_(weights[name])
                if _key(name) in self.mix:
                    self.mix[_key(name)].zero_()
                if name == f"{self.even}.weight" and bool((weights[name].sum(dim=(1, 2, 3)).abs() > _NO_SUM).any()):
                    self.even = ""

    @torch.no_grad()
    def add(self, differences: Mapping[str, Tensor]) -> None:
        """Add to the weights of the network by name. Moments of an optimiser stay valid."""
        for name, difference in differences.items():
            self.direct[_key(name)].add_(difference)
            layer, _, part = name.rpartition(".")
            if part == "weight" and hasattr(self.centres, _key(layer)):
                shift = difference.sum(dim=(2, 3)) @ self.centres.get_buffer(_key(layer))
                self.direct[_key(f"{layer}.bias")].add_(shift)

    def groups(self) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """The parameters in three groups: those that scale with the first layer's kernels, other matrices, vectors."""
        first = next((layer.name for layer in self.spec.layers if isinstance(layer, Conv)), "")
        of_first: list[Tensor] = []
        others: list[Tensor] = []
        vectors: list[Tensor] = []
        for name, parameter in self.named_parameters():
            part, _, key = name.partition(".")
            scales = part != "wide" and key.startswith(f"{first}/")
            (vectors if parameter.ndim == 1 else of_first if scales else others).append(parameter)
        return of_first, others, vectors

    def collapse(self) -> dict[str, Tensor]:
        """The weights of the Spec by name, differentiable. Always in f32: bf16 would lose small updates."""
        weights: dict[str, Tensor] = {}
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            for name in self.spec.weight_shapes:
                key = _key(name)
                weight: Tensor = self.direct[key]
                if key in self.wide:
                    wide = self.wide[key]
                    weight = weight + (self.mix[key] @ wide.flatten(1)).view_as(weight)
                if name == f"{self.even}.weight":
                    weight = weight - weight.mean(dim=(1, 2, 3), keepdim=True)
                weights[name] = weight
            for key, centre in self.centres.named_buffers():
                layer = _name(key)
                kernel = weights[f"{layer}.weight"]
                weights[f"{layer}.bias"] = weights[f"{layer}.bias"] - kernel.sum(dim=(2, 3)) @ centre
        return weights

    @torch.no_grad()
    def centre(self, means: Mapping[str, Tensor]) -> None:
        """Count the input channels of convolutions from these means on. The network computes what it did."""
        weights = self.collapse()
        for layer, mean in means.items():
            centre = self.centres.get_buffer(_key(layer))
            shift = weights[f"{layer}.weight"].sum(dim=(2, 3)) @ (mean - centre)
            self.direct[_key(f"{layer}.bias")].add_(shift)
            centre.copy_(mean)


def interpolating_start(spec: Spec, generator: torch.Generator) -> dict[str, Tensor]:
    """Initial weights with which a plain chain interpolates; everything else is small and random.

    The first channels of every layer carry the planes of the image. The last convolution has the taps of a cubic
    interpolation for each phase of the pixel shuffle, cropped to its kernel. A final transposed convolution likewise.

    Networks that add their result to a base begin as that base: their last convolution is small. If they are also a
    chain, a layer with as many channels as the previous one passes each channel on, in addition to its random part.
    The last layer of a residual block is small, and so is one that ends in a flow: at first nothing moves.
    """
    weights: dict[str, Tensor] = {}
    end = spec.layers[-1]
    for name, shape in spec.weight_shapes.items():
        if name.endswith(".weight"):
            fan_in = shape[1] * shape[2] * shape[3]
            if name == f"{end.name}.weight" and isinstance(end, ConvTranspose):
                fan_in = max(1, shape[0] * shape[2] * shape[3] // end.stride**2)
            weights[name] = torch.randn(shape, generator=generator) * fan_in**-0.5
        elif name.endswith(".slope"):
            weights[name] = torch.full(shape, 0.25)
        else:
            weights[name] = torch.zeros(shape)
    convs = [layer for layer in spec.layers if isinstance(layer, Conv) and not layer.shared]
    if not convs:
        return weights
    last = end if isinstance(end, ConvTranspose) else convs[-1]
    weights[f"{last.name}.weight"] *= 0.1
    _pass_input_on(spec, weights)
    if not spec.plain:
        _carry_frame(spec, weights)
    if not _plain(spec) or not all(layer.bias for layer in (*convs, last)):
        return weights
    first = convs[0]
    if first.activation == "tanh":
        kernels = weights[f"{first.name}.weight"]
        kernels -= kernels.mean(dim=(1, 2, 3), keepdim=True)
        norms = torch.linspace(math.log(_GAINS[0]), math.log(_GAINS[1]), first.out_channels).exp()
        kernels *= (norms / kernels.flatten(1).norm(dim=1))[:, None, None, None]
        thresholds = torch.rand(first.out_channels, generator=generator) * 2 - 1
        weights[f"{first.name}.bias"] = _THRESHOLDS * thresholds
    gain, offset = 1.0, 0.0
    for layer in convs if isinstance(last, ConvTranspose) else convs[:-1]:
        kernel, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
        step = 1.0
        if layer.activation == "tanh" and gain == 1.0:
            step = gain = _CARRIER
            offset = 0.5
        for channel in range(spec.channels):
            kernel[channel] = 0.0
            kernel[channel, channel, layer.kernel[0] // 2, layer.kernel[1] // 2] = step
            if step != 1.0:
                bias[channel] = -offset * gain
    weights[f"{last.name}.bias"] += offset
    if isinstance(last, ConvTranspose):
        weights[f"{last.name}.weight"][: spec.channels] = 0.0
        for channel in range(spec.channels):
            weights[f"{last.name}.weight"][channel, channel] = _spread_taps(last) / gain
        return weights
    phases = _phases(last.out_channels, spec.channels, last.kernel)
    for channel in range(spec.channels):
        rows = slice(channel * len(phases), (channel + 1) * len(phases))
        weights[f"{last.name}.weight"][rows, : spec.channels] = 0.0
        weights[f"{last.name}.weight"][rows, channel] = phases / gain
    return weights


def _even_layer(spec: Spec) -> str:
    """The first convolution of a chain on images that begins with a ReLU layer and adds its result to a base."""
    chain = linear_chain(spec) if spec.plain else None
    return chain.convs[0].name if chain and chain.base and chain.convs[0].activation == "relu" else ""


def _plain(spec: Spec) -> bool:
    """Whether the network is a sequence of convolutions with enough channels for the image, and one upscaling step."""
    layers = list(spec.layers)
    if isinstance(layers[0], Resize):
        del layers[0]
    shuffled = isinstance(layers[-1], PixelShuffle) and layers[-1].order == "CRD"
    if shuffled or isinstance(layers[-1], ConvTranspose):
        del layers[-1]
    return all(isinstance(layer, Conv) and layer.out_channels >= spec.channels for layer in layers)


def _pass_input_on(spec: Spec, weights: dict[str, Tensor]) -> None:
    """Make ends of residual blocks small. In a chain with a base, let layers pass their input on."""
    summands = {name for layer in spec.layers if isinstance(layer, Add) for name in layer.sources}
    convs = [layer for layer in spec.layers if isinstance(layer, Conv) and not layer.shared]
    for conv in convs[:-1]:
        if conv.name in summands:
            weights[f"{conv.name}.weight"] *= 0.1
        elif conv.activation == "tanh" and not spec.plain:
            weights[f"{conv.name}.weight"] *= 0.01
    if spec.plain and (len(summands) != 2 or any(conv.name in summands for conv in convs)):
        return
    for conv in convs[1:-1]:
        if conv.in_channels == conv.out_channels:
            kernel = weights[f"{conv.name}.weight"]
            kernel *= _RANDOM_PART
            each = torch.arange(conv.out_channels)
            kernel[each, each, conv.kernel[0] // 2, conv.kernel[1] // 2] += 1.0


def _carry_frame(spec: Spec, weights: dict[str, Tensor]) -> None:
    """Let a network for videos begin as cubic interpolation.

    The first channel of its layers carries the frame to the last convolution. The base repeats each sample, and the
    last convolution adds the difference to a cubic interpolation.
    """
    layers = {layer.name: layer for layer in spec.layers}
    (frame,) = (one.name for one in spec.frames if one.offset == 0)

    def frame_channel(name: str) -> tuple[int, list[Conv]] | None:
        """The channel of a value that is the frame, and the convolutions before it."""
        if name == frame:
            return 0, []
        layer = layers.get(name)
        if isinstance(layer, Concat):
            before = 0
            for source in layer.sources:
                path = frame_channel(source)
                if path is not None:
                    return before + path[0], path[1]
                before += spec.values[source].channels
        elif isinstance(layer, Conv) and layer.activation == "relu" and not layer.shared:
            path = frame_channel(layer.source)
            if path is not None:
                return 0, [*path[1], layer]
        return None

    ends = [layer for layer in spec.layers if isinstance(layer, PixelShuffle) and layer.factor == spec.scale]
    end = layers.get(ends[-1].source) if ends else None
    has_base = any(isinstance(layer, Resize) and layer.mode == "nearest" for layer in spec.layers)
    path = frame_channel(end.source) if isinstance(end, Conv) and has_base and spec.colour == "luma" else None
    if path is None or not isinstance(end, Conv):
        return
    channel, convs_to_end = path
    for conv in convs_to_end:
        source_path = frame_channel(conv.source)
        assert source_path is not None
        kernel = weights[f"{conv.name}.weight"]
        kernel[0] = 0.0
        kernel[0, source_path[0], conv.kernel[0] // 2, conv.kernel[1] // 2] = 1.0
    phases = _phases(end.out_channels, 1, end.kernel)
    phases[:, end.kernel[0] // 2, end.kernel[1] // 2] -= 1.0
    weights[f"{end.name}.weight"] *= 0.1
    weights[f"{end.name}.weight"][:, channel] = phases


def _phases(result: int, channels: int, kernel: tuple[int, int]) -> Tensor:
    """``(result / channels, kh, kw)``: the cubic taps of each phase, cropped to the kernel and scaled to the sum 1."""
    scale = math.isqrt(result // channels)
    rows = []
    for side in kernel:
        half = side // 2
        n = 2 * half + 5
        centre = n // 2
        taps = axis_taps(n, n * scale, scale, mode="cubic")
        table = torch.zeros(scale, side)
        for phase in range(scale):
            for index, weight in zip(
                taps.index[centre * scale + phase], taps.weight[centre * scale + phase], strict=True
            ):
                if abs(index - centre) <= half:
                    table[phase, index - centre + half] += weight
        rows.append(table / table.sum(1, keepdim=True))
    return torch.einsum("ay,bx->abyx", rows[0], rows[1]).reshape(scale * scale, *kernel)


def _spread_taps(layer: ConvTranspose) -> Tensor:
    """``(kh, kw)``: the transposed kernel of cubic interpolation, cropped; each phase has the sum 1."""
    sides = []
    for side, padding in zip(layer.kernel, layer.padding, strict=True):
        n = 2 * side + 5
        taps = axis_taps(n, n * layer.stride, layer.stride, mode="cubic")
        kernel = torch.zeros(side)
        for phase in range(layer.stride):
            position = n // 2 * layer.stride + phase
            for index, weight in zip(taps.index[position], taps.weight[position], strict=True):
                tap = position + padding - int(index) * layer.stride
                if 0 <= tap < side:
                    kernel[tap] += weight
        for first in range(min(layer.stride, side)):
            total = kernel[first :: layer.stride].sum()
            kernel[first :: layer.stride] /= total if total.abs() > 0.1 else 1.0
        sides.append(kernel)
    return sides[0][:, None] * sides[1]


def _key(name: str) -> str:
    return name.replace(".", "/")


def _name(key: str) -> str:
    return key.replace("/", ".")
