"""What grid_sample and warp share: their arguments checked, and the fastest way that means the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import Arithmetic, Back, enter
from subpixel.ops.axes import Axes, parse_layout
from subpixel.ops.warping.compiled import IMAGES, sample_native
from subpixel.ops.warping.sampling import Outside, Sampling, sample

__all__ = ["TORCH_A", "Call", "GridMode", "need_float", "sampling", "wide"]

GridMode = Literal["nearest", "bilinear", "bicubic", "linear", "trilinear", "cubic"]

_MODES = {"linear": "bilinear", "trilinear": "bilinear", "cubic": "bicubic"}
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_WHOLE = ("uint8", "uint16")
TORCH_A = -0.75  # what torch has built in


@dataclass(frozen=True)
class Call:
    """An image and the values that say where it is sampled (``what``: grid or flow), of one kind of array."""

    axes: Axes
    what: str
    arithmetic: Arithmetic
    x: Any
    planes: Any
    values: Any
    back: Back

    @classmethod
    def of(cls, op: str, x: Any, values: Any, what: str, layout: Any, offered: Sequence[str]) -> Call:
        """Raises InvalidArgument for arrays and layouts that cannot be."""
        if layout not in offered:
            raise InvalidArgument(f"{op}: layout={layout!r}: one of {', '.join(offered)} is needed")
        axes = parse_layout(op, layout)
        arithmetic, (x, values), back = enter(op, x, values)
        return cls(axes, what, arithmetic, x, _planes(op, arithmetic, axes, x), values, back)

    def need_values(self, *wanted: int | str) -> str:
        """The dtype of the values, or InvalidArgument if they have another shape; a name stands for any side."""
        op, shape = self.axes.op, tuple(self.values.shape)
        fits = len(shape) == len(wanted) and all(
            isinstance(w, str) or w == s for w, s in zip(wanted, shape, strict=True)
        )
        if not fits:
            raise InvalidArgument(
                f"{op}: {self.what} of shape {shape} does not fit x of shape {tuple(self.x.shape)} "
                f"({self.axes.layout}): ({', '.join(map(str, wanted))}) is needed"
            )
        return need_float(op, self.what, self.arithmetic, self.values)

    def sampled(self, values: Any, how: Sampling, *, flow: bool) -> Any:
        """By the compiled module, by torch's function where its meaning is the same, else plain.

        The values are a grid's or, with ``flow``, displacements in samples ``(N, 2, H, W)``.
        """
        a, planes = self.arithmetic, self.planes
        dtype = a.dtype(planes)
        work = wide(dtype)
        # Views can be larger than any memory; what is made of them cannot.
        places = values.shape[2:] if flow else values.shape[1:-1]
        self.axes.fits((*planes.shape[:2], *places), 8 if work == "float64" else 4)
        values = _as(a, values, work)
        y = None
        if a.name == "numpy":
            direct = planes.ndim == 4 and planes.dtype in IMAGES
            x = planes if direct else _as(a, planes, work)
            y = sample_native(x, values, how, flow=flow, channels_last=not self.axes.first)
        elif how.mode != "bicubic" or how.a == TORCH_A:
            y = _sample_torch(_as(a, planes, work), values, how, flow=flow)
        if y is None:
            grid = a.transpose(values, (0, 2, 3, 1)) if flow else values
            y = sample(a, _as(a, planes, work), grid, how, flow=flow)
        if dtype in _WHOLE and a.dtype(y) == work:
            y = a.floor(a.clip(y, 0.0, float(np.iinfo(dtype).max)) + 0.5)
        return self.back(self.axes.restore(a, _as(a, y, dtype)))


def _as(a: Arithmetic, x: Any, dtype: str) -> Any:
    # NumPy copies even where there is nothing to change.
    return x if a.dtype(x) == dtype else a.astype(x, dtype)


def _sample_torch(x: Any, values: Any, how: Sampling, *, flow: bool) -> Any:
    import torch
    import torch.nn.functional as F

    if flow:
        places = []
        for k, side in ((0, x.shape[3]), (1, x.shape[2])):
            own = torch.arange(side, dtype=values.dtype, device=values.device)
            own = own if k == 0 else own[:, None]
            places.append((2 * (own + values[:, k]) + 1) / side - 1)
        values = torch.stack(places, dim=-1)
    return F.grid_sample(x, values, mode=how.mode, padding_mode=how.outside, align_corners=how.align_corners)


def sampling(op: str, mode: Any, padding_mode: Any, align_corners: Any, a: Any, dims: int) -> Sampling:
    """How to sample, or InvalidArgument."""
    name = _MODES.get(mode, mode) if isinstance(mode, str) else mode
    if name not in ("nearest", "bilinear", "bicubic"):
        raise InvalidArgument(f"{op}: mode={mode!r}: one of {', '.join(get_args(GridMode))} is needed")
    if name == "bicubic" and dims == 3:
        raise InvalidArgument(f"{op}: mode={mode!r} is for images only; for volumes there are nearest and linear")
    if padding_mode not in get_args(Outside):
        raise InvalidArgument(f"{op}: padding_mode={padding_mode!r}: zeros, border or reflection is needed")
    if not isinstance(a, (int, float, np.number)) or not math.isfinite(a):
        raise InvalidArgument(f"{op}: a={a!r}: a finite number is needed")
    return Sampling(name, padding_mode, bool(align_corners), float(a))


def _planes(op: str, a: Arithmetic, axes: Axes, x: Any) -> Any:
    """Of the image, checked, channels first."""
    axes.rank(x)
    if a.dtype(x) not in (*_FLOATS, *_WHOLE):
        raise InvalidArgument(f"{op}: dtype {a.dtype(x)}: u8, u16, f16, f32 or f64 is needed")
    planes = axes.planes(a, x)
    if 0 in tuple(planes.shape[2:]):
        raise InvalidArgument(
            f"{op}: x of shape {tuple(x.shape)} ({axes.layout}) has no samples: sides of at least 1 are needed"
        )
    return planes


def need_float(op: str, what: str, a: Arithmetic, x: Any) -> str:
    """The dtype of ``x``, or InvalidArgument."""
    dtype = a.dtype(x)
    if dtype not in _FLOATS:
        raise InvalidArgument(f"{op}: {what} of dtype {dtype}: f16, f32 or f64 is needed")
    return dtype


def wide(dtype: str) -> str:
    """What a float dtype is computed in."""
    return "float64" if dtype == "float64" else "float32"
