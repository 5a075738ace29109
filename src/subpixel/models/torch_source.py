"""A Spec as a plain torch module: Python that needs torch alone, for people to read and to change.

The graph runs with kernels that write lines instead of computing.
"""

from __future__ import annotations

import keyword
import re
from types import EllipsisType
from typing import Any, get_args

from subpixel.errors import Unsupported, unknown
from subpixel.models.graph import run
from subpixel.models.onnx_export import require_exportable
from subpixel.models.spec import Activation, Conv, ConvTranspose, Spec
from subpixel.ops.resizing.taps import SUPPORT, Mode
from subpixel.ops.shuffle import Order

__all__ = ["torch_source"]

# Names that a module has already, so no layer can have them. They are written out since this needs no torch.
_RESERVED = frozenset(
    (
        *keyword.kwlist,
        *("T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile"),
        *("cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "half"),
        *("get_extra_state", "get_parameter", "get_submodule", "ipu", "load", "load_state_dict", "modules", "mtia"),
        *("named_buffers", "named_children", "named_modules", "named_parameters", "parameters", "register_buffer"),
        *("register_module", "register_parameter", "requires_grad_", "set_extra_state", "set_submodule"),
        *("share_memory", "state_dict", "to", "to_empty", "train", "training", "type", "xpu", "zero_grad"),
    )
)


def torch_source(spec: Spec, about: str, load: str) -> tuple[str, dict[str, str]]:
    """Write a network as a torch module.

    Args:
        spec: the network.
        about: the text of the file's docstring.
        load: the expression that reads the state dict of a file ``path``.

    Returns:
        The text of a Python file with a class ``Network`` and a function ``load``, and the name of each weight of the
        Spec in the module's state dict.

    Raises:
        Unsupported: the network is for videos, or has strides or warps.

    >>> from subpixel.models.espcn import espcn
    >>> text, names = torch_source(espcn(2), "ESPCN.", "torch.load(path)")
    >>> print("\\n".join(line for line in text.splitlines() if "self.conv1" in line))
            self.conv1 = nn.Conv2d(1, 64, (5, 5))
            conv1 = torch.tanh(self.conv1(padded))
    """
    require_exportable(spec)
    writer = _Writer(spec)
    x = _Expression(writer, "x")
    result = run(spec, {name: _Expression(writer, name) for name in spec.weight_shapes}, x, writer)
    quoted = about.replace("\\", "\\\\").replace('"', '\\"')
    indent = "\n        "
    text = f'''"""{quoted}"""

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        {indent.join(writer.modules) or "pass"}

    def forward(self, x):
        {indent.join([*writer.lines, f"return {result.text}"])}


def load(path):
    network = Network()
    network.load_state_dict({load})
    return network.eval()
'''
    return text, writer.names


class _Expression:
    """A value of the network as Python, which can be cropped like an array."""

    def __init__(self, writer: _Writer, text: str) -> None:
        self.writer, self.text = writer, text

    def __getitem__(self, key: tuple[EllipsisType, slice, slice]) -> _Expression:
        parts = (f"{part.start or ''}:{'' if part.stop is None else part.stop}" for part in key[1:])
        return _Expression(self.writer, f"{self.text}[..., {', '.join(parts)}]")


class _Writer:
    """The layers as lines of Python, see :mod:`subpixel.models.graph`."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.modules: list[str] = []
        self.lines: list[str] = []
        self.names: dict[str, str] = {}
        self._used = {"x", "self", "torch", "nn", "F"}
        self._attributes: dict[str, str] = {}
        for layer in spec.layers:
            if isinstance(layer, (Conv, ConvTranspose)) and not getattr(layer, "shared", ""):
                self._add_module(layer)

    def _add_module(self, layer: Conv | ConvTranspose) -> None:
        name = self._attributes[layer.name] = self._identifier(layer.name)
        for part in ("weight", "bias"):
            if f"{layer.name}.{part}" in self.spec.weight_shapes:
                self.names[f"{layer.name}.{part}"] = f"{name}.{part}"
        sizes = f"{layer.in_channels}, {layer.out_channels}, {layer.kernel}"
        options = "" if layer.bias else ", bias=False"
        if isinstance(layer, Conv):
            if self.spec.border == "zero" and layer.kernel != (1, 1):
                options = f", padding={tuple(side // 2 for side in layer.kernel)}{options}"
            self.modules.append(f"self.{name} = nn.Conv2d({sizes}{options})")
            if layer.activation == "prelu":
                self.modules.append(f"self.{name}_slope = nn.PReLU({layer.out_channels})")
                self.names[f"{layer.name}.slope"] = f"{name}_slope.weight"
            return
        # The result must be stride times as large after it is cut; a short kernel needs samples added.
        extra = tuple(max(0, layer.stride - k + p) for k, p in zip(layer.kernel, layer.padding, strict=True))
        options = (f", output_padding={extra}" if any(extra) else "") + options
        self.modules.append(f"self.{name} = nn.ConvTranspose2d({sizes}, {layer.stride}{options})")

    def _identifier(self, name: str) -> str:
        text = re.sub(r"\W", "_", name, flags=re.ASCII)
        text = text if text[:1].isalpha() and text not in _RESERVED else f"layer_{text}"
        while text in self._used:
            text += "_"
        self._used |= {text, f"{text}_slope"}
        return text

    def _assign(self, name: str, text: str) -> _Expression:
        self.lines.append(f"{name} = {text}")
        return _Expression(self, name)

    def _new(self, kind: str, text: str) -> _Expression:
        return self._assign(self._identifier(kind), text)

    def replicate(self, x: _Expression, halo: int) -> _Expression:
        """Repeat the edges of height and width."""
        return self._new("padded", f"F.pad({x.text}, ({halo},) * 4, mode='replicate')") if halo else x

    def extend(self, x: _Expression, rows: int, columns: int) -> _Expression:
        """Networks with strides alone need it, and they are refused."""
        raise NotImplementedError

    def conv(
        self, x: _Expression, weight: _Expression, bias: Any, padding: tuple[int, int], stride: int = 1
    ) -> _Expression:
        """A convolution."""
        name = self._attributes[weight.text.removesuffix(".weight")]
        return self._assign(name, f"self.{name}({x.text})")

    def conv_transpose(
        self, x: _Expression, weight: _Expression, bias: Any, stride: int, padding: tuple[int, int]
    ) -> _Expression:
        """A transposed convolution to exactly ``stride`` times the size."""
        name = self._attributes[weight.text.removesuffix(".weight")]
        cuts = []
        for axis, before in zip((-2, -1), padding, strict=True):
            side = f"{x.text}.shape[{axis}] * {stride}"
            cuts.append(f"{before} : {before} + {side}" if before else f": {side}")
        return self._assign(name, f"self.{name}({x.text})[..., {', '.join(cuts)}]")

    def activate(self, x: _Expression, kind: str, slope: _Expression | None) -> _Expression:
        """An activation, in the line of the value if that has one."""
        if kind == "prelu":
            assert slope is not None
            around = f"self.{self.names[slope.text].removesuffix('.weight')}(%s)"
        elif kind in ("relu", "tanh", "clip"):
            around = {"relu": "torch.relu(%s)", "tanh": "torch.tanh(%s)", "clip": "torch.clamp(%s, 0, 1)"}[kind]
        else:
            raise unknown("activation", kind, get_args(Activation))
        name, _, text = self.lines[-1].partition(" = ")
        if x.text.partition("[")[0] != name:
            return self._new("value", around % x.text)
        self.lines[-1] = f"{name} = {around % (text + x.text[len(name) :])}"
        return _Expression(self, name)

    def add(self, values: list[_Expression]) -> _Expression:
        """The sum of values."""
        return self._new("total", " + ".join(value.text for value in values))

    def concat(self, values: list[_Expression]) -> _Expression:
        """Values joined along the channels."""
        return self._new("joined", f"torch.cat([{', '.join(value.text for value in values)}], 1)")

    def resize(self, x: _Expression, factor: int, mode: Mode) -> _Expression:
        """Height and width interpolated."""
        if mode == "nearest":
            return self._new("resized", f"F.interpolate({x.text}, scale_factor={factor})")
        if mode == "linear":
            return self._new("resized", f"F.interpolate({x.text}, scale_factor={factor}, mode='bilinear')")
        # torch's cubic has a = -0.75, except with antialias, which then drops what lies outside: hence the padding.
        margin = SUPPORT[mode]
        padded = f"F.pad({x.text}, ({margin},) * 4, mode='replicate')"
        self.lines.append("# antialias, which changes nothing else here, makes the cubic that of Keys, a = -0.5")
        cut = f"{margin * factor}:-{margin * factor}"
        wide = f"F.interpolate({padded}, scale_factor={factor}, mode='bicubic', antialias=True)"
        return self._new("resized", f"{wide}[..., {cut}, {cut}]")

    def pixel_shuffle(self, x: _Expression, factor: int, order: Order) -> _Expression:
        """Channels into space."""
        text = x.text
        if order == "DCR":
            text = f"{text}.unflatten(1, ({factor**2}, -1)).transpose(1, 2).flatten(1, 2)"
        return self._new("shuffled", f"F.pixel_shuffle({text}, {factor})")

    def warp(self, x: _Expression, flow: _Expression, reach: float) -> _Expression:
        """Networks for videos alone have it."""
        raise Unsupported("networks with warps cannot be exported as a plain module")
