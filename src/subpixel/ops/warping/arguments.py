"""The arguments of grid_sample and warp, their checks, and the choice of the fastest equal implementation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.arrays import Arithmetic, Back, enter
from subpixel.ops.axes import Axes, parse_layout
from subpixel.ops.tracing import is_free
from subpixel.ops.warping.compiled import IMAGES, sample_compiled
from subpixel.ops.warping.sampling import PaddingMode, Sampling, sample

__all__ = ["TORCH_A", "GridMode", "SamplingCall", "check_float", "check_sampling", "work_dtype"]

GridMode = Literal["nearest", "bilinear", "bicubic", "linear", "trilinear", "cubic"]

_MODES = {"linear": "bilinear", "trilinear": "bilinear", "cubic": "bicubic"}
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("uint8", "uint16")
TORCH_A = -0.75  # the cubic's parameter in torch


@dataclass(frozen=True)
class SamplingCall:
    """An image, and a grid or a flow (``what``) that sets where it is sampled, as arrays of one kind."""

    axes: Axes
    what: str
    arithmetic: Arithmetic
    x: Any
    planes: Any
    values: Any
    back: Back

    @classmethod
    def check(cls, op: str, x: Any, values: Any, what: str, layout: Any, layouts: Sequence[str]) -> SamplingCall:
        """Check arrays and layout.

        Raises:
            InvalidArgument: a layout is unknown, or an array does not fit.
        """
        if layout not in layouts:
            raise unknown("layout", layout, layouts, where=op)
        axes = parse_layout(op, layout)
        arithmetic, (x, values), back = enter(op, x, values)
        return cls(axes, what, arithmetic, x, _planes(op, arithmetic, axes, x), values, back)

    def check_values(self, *expected: int | str) -> str:
        """Check the shape of the values, in which a name stands for any size, and return their dtype."""
        op, shape = self.axes.op, tuple(self.values.shape)
        fits = len(shape) == len(expected) and all(
            isinstance(w, str) or w == s for w, s in zip(expected, shape, strict=True)
        )
        if not fits:
            raise InvalidArgument(
                f"{op}: {self.what} of shape {shape} does not fit x of shape {tuple(self.x.shape)} "
                f"({self.axes.layout}): ({', '.join(map(str, expected))}) is needed"
            )
        return check_float(op, self.what, self.arithmetic, self.values)

    def sample(self, values: Any, options: Sampling, *, flow: bool) -> Any:
        """Sample by the compiled module, by torch's function if it is equal, or by the plain implementation.

        The values are those of a grid or, with ``flow``, displacements in samples ``(N, 2, H, W)``.
        """
        a, planes = self.arithmetic, self.planes
        dtype = a.dtype(planes)
        work = work_dtype(dtype)
        # A view can be larger than the memory, its copy cannot.
        coordinates = values.shape[2:] if flow else values.shape[1:-1]
        self.axes.check_size((*planes.shape[:2], *coordinates), 8 if work == "float64" else 4)
        values = _cast(a, values, work)
        y = None
        if a.name == "numpy":
            direct = planes.ndim == 4 and planes.dtype in IMAGES
            x = planes if direct else _cast(a, planes, work)
            y = sample_compiled(x, values, options, flow=flow, channels_last=not self.axes.first)
        elif (options.mode != "bicubic" or options.a == TORCH_A) and not _forward_gradients():
            y = _sample_torch(_cast(a, planes, work), values, options, flow=flow)
        if y is None:
            grid = a.transpose(values, (0, 2, 3, 1)) if flow else values
            y = sample(a, _cast(a, planes, work), grid, options, flow=flow)
        if dtype in _INTEGERS and a.dtype(y) == work:
            y = a.floor(a.clip(y, 0.0, float(np.iinfo(dtype).max)) + 0.5)
        return self.back(self.axes.restore(a, _cast(a, y, dtype)))


def _forward_gradients() -> bool:
    """Whether torch computes derivatives forwards, which its grid_sample does not support."""
    from torch.autograd import forward_ad

    return getattr(forward_ad, "_current_level", -1) >= 0


def _cast(a: Arithmetic, x: Any, dtype: str) -> Any:
    # NumPy would copy even if the dtype is the same.
    return x if a.dtype(x) == dtype else a.astype(x, dtype)


def _sample_torch(x: Any, values: Any, options: Sampling, *, flow: bool) -> Any:
    import torch
    import torch.nn.functional as F

    if flow:
        coordinates = []
        for k, side in ((0, x.shape[3]), (1, x.shape[2])):
            own = torch.arange(side, dtype=values.dtype, device=values.device)
            own = own if k == 0 else own[:, None]
            coordinates.append((2 * (own + values[:, k]) + 1) / side - 1)
        values = torch.stack(coordinates, dim=-1)
    return F.grid_sample(
        x, values, mode=options.mode, padding_mode=options.padding_mode, align_corners=options.align_corners
    )


def check_sampling(op: str, mode: Any, padding_mode: Any, align_corners: Any, a: Any, dims: int) -> Sampling:
    """Check the options of sampling."""
    name = _MODES.get(mode, mode) if isinstance(mode, str) else mode
    if name not in ("nearest", "bilinear", "bicubic"):
        raise unknown("mode", mode, get_args(GridMode), where=op)
    if name == "bicubic" and dims == 3:
        raise InvalidArgument(f"{op}: mode={mode!r} is for images only; use 'nearest' or 'linear' for volumes")
    if padding_mode not in get_args(PaddingMode):
        raise unknown("padding_mode", padding_mode, get_args(PaddingMode), where=op)
    if not isinstance(a, (int, float, np.number)) or not math.isfinite(a):
        raise InvalidArgument(f"{op}: a={a!r}: a finite number is needed")
    return Sampling(name, padding_mode, bool(align_corners), float(a))


def _planes(op: str, a: Arithmetic, axes: Axes, x: Any) -> Any:
    """Check an image, and return its planes, channels first."""
    axes.check_rank(x)
    if a.dtype(x) not in (*_FLOATS, *_INTEGERS):
        raise InvalidArgument(f"{op}: dtype {a.dtype(x)}: u8, u16, f16, f32 or f64 is needed")
    planes = axes.planes(a, x)
    if any(n == 0 for n in planes.shape[2:] if not is_free(n)):
        raise InvalidArgument(
            f"{op}: x of shape {tuple(x.shape)} ({axes.layout}) has no samples; sides of at least 1 are needed"
        )
    return planes


def check_float(op: str, what: str, a: Arithmetic, x: Any) -> str:
    """The dtype of ``x``. InvalidArgument unless it is a float."""
    dtype = a.dtype(x)
    if dtype not in _FLOATS:
        raise InvalidArgument(f"{op}: {what} of dtype {dtype}: f16, f32 or f64 is needed")
    return dtype


def work_dtype(dtype: str) -> str:
    """The dtype in which a float dtype is computed."""
    return "float64" if dtype == "float64" else "float32"
