"""Which axes a resize works on, and how long each becomes: everything that is refused is refused here, first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.axes import LAYOUTS, is_whole
from subpixel.ops.resizing.dialects import HOUSE, Dialect, Preset
from subpixel.ops.resizing.options import is_number
from subpixel.ops.resizing.taps import check_axis

__all__ = ["Side", "axes_of", "check_room", "in_order", "sides"]

# Besides the layouts with channels, the bare grid.
GRIDS = ("W", "HW", "DHW")
# 2**36 samples are 64 GiB of bytes, an image of 262144 x 262144: more is a mistake in an argument.
_MAX_SAMPLES = 2**36
_ROUNDED: dict[str, Callable[[float], int]] = {"floor": math.floor, "ceil": math.ceil, "round": lambda n: round(n)}


class Side(NamedTuple):
    """One axis: input and output samples, and the factor that sets the positions (None: from the two)."""

    axis: int
    n_in: int
    n_out: int
    scale: float | None
    roi: tuple[float, float] = (0.0, 1.0)

    @property
    def factor(self) -> float:
        return self.n_out / self.n_in if self.scale is None else self.scale


def axes_of(shape: tuple[int, ...], layout: Any, axes: Any, dialect: Dialect) -> tuple[int, ...]:
    """The resized axes, from a layout or from numbers, else as the dialect has them."""
    if axes is not None:
        if layout is not None:
            raise InvalidArgument(f"resize: layout={layout!r} and axes={axes!r} both name the axes; give one of them")
        found = _numbered(shape, axes)
    else:
        if layout is None and dialect.layouts:
            layout = "HWC" if dialect is HOUSE else dialect.layouts.get(len(shape))
            if layout is None:
                raise InvalidArgument(
                    f"resize: shape {shape} has {len(shape)} axes; like='{dialect.name}' has "
                    f"{', '.join(dialect.layouts.values())}; layout= or axes= would name others"
                )
        found = tuple(range(len(shape))) if layout is None else _spatial(shape, layout)
    if dialect.layouts and len(found) not in dialect.dims:
        raise InvalidArgument(
            f"resize: {len(found)} axes to resize in shape {shape}; "
            f"like='{dialect.name}' resizes {' or '.join(map(str, dialect.dims))}"
        )
    return found


def _spatial(shape: tuple[int, ...], layout: Any) -> tuple[int, ...]:
    if not isinstance(layout, str) or layout not in (*LAYOUTS, *GRIDS):
        raise InvalidArgument(f"resize: layout={layout!r}: one of {', '.join((*GRIDS, *LAYOUTS))} is needed")
    if len(shape) != len(layout):
        raise InvalidArgument(f"resize: shape {shape} does not fit layout {layout}")
    return tuple(k for k, letter in enumerate(layout) if letter in "DHW")


def _numbered(shape: tuple[int, ...], axes: Any) -> tuple[int, ...]:
    rank = len(shape)
    given = _several(axes)
    given = (axes,) if given is None else given
    if (
        not given
        or not all(is_whole(k) and -rank <= k < rank for k in given)
        or len({k % rank for k in given}) < len(given)
    ):
        raise InvalidArgument(f"resize: axes={axes!r}: different integers from {-rank} to {rank - 1} are needed")
    return tuple(int(k) % rank for k in given)


def sides(
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    size: Any,
    scale: Any,
    dialect: Dialect,
    preset: Preset,
    *,
    roi: Any = None,
    keep_aspect: Any = None,
    recompute_scale_factor: Any = None,
) -> list[Side]:
    """Every resized axis with its length before and after.

    Raises:
        InvalidArgument: neither size nor scale, or values that no array can have.
    """
    lengths = [shape[k] for k in axes]
    if size is None and scale is None:
        raise InvalidArgument("resize: size or scale is needed")
    if size is not None and scale is not None and dialect is not HOUSE:
        raise InvalidArgument(f"resize: size={size!r} and scale={scale!r}: like='{dialect.name}' takes one of them")
    factors: Sequence[float | None] = [None] * len(axes) if scale is None else _factors(scale, lengths)
    if recompute_scale_factor not in (None, True, False) or (recompute_scale_factor and scale is None):
        raise InvalidArgument(
            f"resize: recompute_scale_factor={recompute_scale_factor!r}: True or False beside a scale is needed"
        )
    if size is not None:
        sizes = _sizes(size, len(axes))
    else:
        rounding = _ROUNDED[dialect.size]
        sizes = [rounding(n * f) for n, f in zip(lengths, factors, strict=True) if f is not None]
        if preset.sizes_only or recompute_scale_factor or (dialect.same_sizes_copy and sizes == lengths):
            factors = [None] * len(axes)
    for n_in, n_out in zip(lengths, sizes, strict=True):
        check_axis(n_in, n_out)
    if keep_aspect not in (None, "stretch", "not_larger", "not_smaller"):
        raise InvalidArgument(f"resize: keep_aspect={keep_aspect!r}: one of stretch, not_larger, not_smaller is needed")
    if keep_aspect in ("not_larger", "not_smaller"):
        if scale is not None:
            raise InvalidArgument(f"resize: keep_aspect={keep_aspect!r} is for a size, not for a scale")
        ratios = [m / n for n, m in zip(lengths, sizes, strict=True)]
        factor = min(ratios) if keep_aspect == "not_larger" else max(ratios)
        factors, sizes = [factor] * len(axes), [int(factor * n + 0.5) for n in lengths]
        for n_in, n_out in zip(lengths, sizes, strict=True):
            check_axis(n_in, n_out)
    regions = _regions(roi, len(axes))
    return [Side(*each) for each in zip(axes, lengths, sizes, factors, regions, strict=True)]


def in_order(plan: list[Side], dialect: Dialect) -> list[Side]:
    """The axes in the order in which the dialect resizes them."""
    if dialect.order == "shrink_first":
        return sorted(plan, key=lambda side: side.factor)
    if dialect.order == "pillow":
        rows, columns = (side.n_in - side.n_out for side in plan)
        if rows > 0 and rows > 2 * columns:
            return plan
    return plan[::-1]


def check_room(shape: tuple[int, ...], ordered: Sequence[Side]) -> None:
    """Raises InvalidArgument when the result, or what stands between two axes, has more samples than fit anywhere."""
    now = list(shape)
    for side in ordered:
        now[side.axis] = side.n_out
        if math.prod(now) > _MAX_SAMPLES:
            raise InvalidArgument(
                f"resize: {shape} to {tuple(now)} are more than 2**36 samples; smaller sizes would fit"
            )


def _sizes(size: Any, dims: int) -> list[int]:
    given = _several(size)
    values = (size,) * dims if given is None else given
    if len(values) != dims or not all(is_whole(v) for v in values):
        what = "(height, width)" if dims == 2 else f"{dims} of them"
        raise InvalidArgument(f"resize: size={_shown(size)}: {what} as integers is needed, or one number for all")
    return [int(v) for v in values]


def _factors(scale: Any, lengths: Sequence[int]) -> list[float]:
    given = _several(scale)
    values = (scale,) * len(lengths) if given is None else given
    if len(values) != len(lengths) or not all(is_number(v) for v in values):
        what = "(vertical, horizontal)" if len(lengths) == 2 else f"{len(lengths)} of them"
        raise InvalidArgument(f"resize: scale={_shown(scale)}: one number or {what} is needed")
    factors = [float(v) for v in values]
    for n, f in zip(lengths, factors, strict=True):
        if not (math.isfinite(f) and f > 0):
            raise InvalidArgument(f"resize: scale={f}: a finite number above 0 is needed")
        if n * f >= 2**31:
            raise InvalidArgument(f"resize: scale={f}: {n} to {n * f:.3g} samples: both must be 1 … {2**31 - 1}")
    return factors


def _regions(roi: Any, dims: int) -> list[tuple[float, float]]:
    if roi is None:
        return [(0.0, 1.0)] * dims
    values = _several(roi)
    if values is None or len(values) != 2 * dims or not all(is_number(v) and math.isfinite(v) for v in values):
        raise InvalidArgument(
            f"resize: roi={_shown(roi)}: {2 * dims} finite numbers are needed, the start of each axis and then the end"
        )
    return [(float(a), float(b)) for a, b in zip(values[:dims], values[dims:], strict=True)]


def _several(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value.tolist())
    return tuple(value) if isinstance(value, (tuple, list)) else None


def _shown(value: Any) -> str:
    several = _several(value)
    return repr(value if several is None else several)
