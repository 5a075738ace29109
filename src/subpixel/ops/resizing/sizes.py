"""The axes and sizes of a resize, from its arguments, with all checks of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from subpixel.errors import InvalidArgument, Unsupported, unknown
from subpixel.ops.axes import LAYOUTS, is_integer, known_integer
from subpixel.ops.resizing.dialects import OWN, Dialect, Preset
from subpixel.ops.resizing.options import is_number
from subpixel.ops.resizing.scales import scaled_size
from subpixel.ops.resizing.taps import check_axis
from subpixel.ops.tracing import all_known, is_free

__all__ = ["Side", "alpha_axis", "axes_of", "check_size", "sides", "sort_sides"]

# Layouts without channels.
GRIDS = ("W", "HW", "DHW")
# 2**36 samples are 64 GiB in u8, or an image of 262144 x 262144. More is a mistake in an argument.
_MAX_SAMPLES = 2**36


class Side(NamedTuple):
    """One axis: its input and output samples, and the scale that sets the positions (None: from both numbers)."""

    axis: int
    n_in: int
    n_out: int
    scale: float | None
    roi: tuple[float, float] = (0.0, 1.0)

    @property
    def factor(self) -> float:
        return self.n_out / self.n_in if self.scale is None else self.scale


def axes_of(shape: tuple[int, ...], layout: Any, axes: Any, dialect: Dialect) -> tuple[int, ...]:
    """The resized axes, from a layout, from numbers, or by default from the dialect."""
    if axes is not None:
        if layout is not None:
            raise InvalidArgument(f"resize: layout={layout!r} and axes={axes!r} both set the axes; pass one of them")
        found = _from_numbers(shape, axes)
    else:
        if layout is None and dialect.layouts:
            layout = "HWC" if dialect is OWN else dialect.layouts.get(len(shape))
            if layout is None:
                raise InvalidArgument(
                    f"resize: shape {shape} has {len(shape)} axes; like='{dialect.name}' has "
                    f"{', '.join(dialect.layouts.values())}; pass layout or axes for other arrays"
                )
        found = tuple(range(len(shape))) if layout is None else _from_layout(shape, layout)
    if dialect.layouts and len(found) not in dialect.dims:
        raise InvalidArgument(
            f"resize: {len(found)} axes to resize in shape {shape}; "
            f"like='{dialect.name}' resizes {' or '.join(map(str, dialect.dims))}"
        )
    return found


def alpha_axis(
    shape: tuple[int, ...], layout: Any, axes: Any, dtype: str, alpha: str | None, dialect: Dialect, nearest: bool
) -> int | None:
    """The axis of the channels if colours are multiplied with alpha, the last of them; else None.

    Without an argument Pillow's rule holds: u8 with two channels is LA, and with four RGBA. Like Pillow, ``nearest``
    multiplies nothing.

    Raises:
        InvalidArgument: alpha was asked for where there is none.
    """
    if alpha == "plain" or "alpha" not in dialect.options:
        return None
    if layout is None and axes is None:
        layout = dialect.layouts.get(len(shape))
    channels = layout.find("C") if isinstance(layout, str) else -1
    if channels < 0 or is_free(shape[channels]) or shape[channels] not in (2, 4) or dtype != "uint8":
        if alpha is not None:
            raise InvalidArgument(
                f"resize: alpha={alpha!r}: u8 with 2 or 4 channels and a layout with C are needed, not {dtype} of "
                f"shape {shape}" + (f" ({layout})" if layout else "")
            )
        return None
    return None if nearest else channels


def _from_layout(shape: tuple[int, ...], layout: Any) -> tuple[int, ...]:
    if not isinstance(layout, str) or layout not in (*LAYOUTS, *GRIDS):
        raise unknown("layout", layout, (*GRIDS, *LAYOUTS), where="resize")
    if len(shape) != len(layout):
        raise InvalidArgument(f"resize: shape {shape} has {len(shape)} axes, layout {layout} has {len(layout)}")
    return tuple(k for k, letter in enumerate(layout) if letter in "DHW")


def _from_numbers(shape: tuple[int, ...], axes: Any) -> tuple[int, ...]:
    rank = len(shape)
    given = _sequence(axes)
    given = (axes,) if given is None else given
    if (
        not given
        or not all(is_integer(k) and -rank <= k < rank for k in given)
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
    """All resized axes, with their sizes before and after.

    Raises:
        InvalidArgument: neither size nor scale is given, or a value does not fit.
    """
    lengths = [shape[k] for k in axes]
    if size is None and scale is None:
        raise InvalidArgument("resize: neither size nor scale is given; pass one of them")
    if size is not None and scale is not None and dialect is not OWN:
        raise InvalidArgument(f"resize: size={size!r} and scale={scale!r}: pass one of them with like='{dialect.name}'")
    factors: Sequence[float | None] = [None] * len(axes) if scale is None else _factors(scale, lengths, dialect)
    if recompute_scale_factor not in (None, True, False) or (recompute_scale_factor and scale is None):
        raise InvalidArgument(
            f"resize: recompute_scale_factor={recompute_scale_factor!r}: pass True with a scale, else False or None"
        )
    if size is not None:
        sizes = _sizes(size, len(axes))
    else:
        rule = (dialect.size, dialect.product)
        sizes = [scaled_size(n, f, *rule) for n, f in zip(lengths, factors, strict=True) if f is not None]
        free = not all_known(lengths)
        if preset.sizes_only or recompute_scale_factor or (dialect.same_sizes_copy and not free and sizes == lengths):
            factors = [None] * len(axes)
    for n_in, n_out in zip(lengths, sizes, strict=True):
        if all_known((n_in, n_out)):
            check_axis(n_in, n_out)
    if keep_aspect not in (None, "stretch", "not_larger", "not_smaller"):
        raise unknown("keep_aspect", keep_aspect, ("stretch", "not_larger", "not_smaller"), where="resize")
    if keep_aspect in ("not_larger", "not_smaller"):
        if scale is not None:
            raise InvalidArgument(f"resize: keep_aspect={keep_aspect!r} needs a size; it has no effect on a scale")
        if not all_known((*lengths, *sizes)):
            raise Unsupported(f"resize: keep_aspect={keep_aspect!r} needs known sizes, not free ones")
        factors, sizes = _with_one_factor(lengths, sizes, keep_aspect, dialect)
        for n_in, n_out in zip(lengths, sizes, strict=True):
            check_axis(n_in, n_out)
    regions = _regions(roi, len(axes))
    return [Side(*each) for each in zip(axes, lengths, sizes, factors, regions, strict=True)]


def sort_sides(plan: list[Side], dialect: Dialect) -> list[Side]:
    """Sort the axes in the order in which the dialect resizes them; those of free sizes stay as they are."""
    if not all(all_known((side.n_in, side.n_out)) for side in plan):
        return plan
    if dialect.order == "shrink_first":
        return sorted(plan, key=lambda side: side.factor)
    if dialect.order == "pillow":
        rows, columns = (side.n_in - side.n_out for side in plan)
        if rows > 0 and rows > 2 * columns:
            return plan
    return plan[::-1]


def check_size(shape: tuple[int, ...], ordered: Sequence[Side]) -> None:
    """Raise InvalidArgument if the result, or an array between two axes, has more than 2**36 samples."""
    now = list(shape)
    for side in ordered:
        now[side.axis] = side.n_out
        if not all_known(now):
            return
        if math.prod(now) > _MAX_SAMPLES:
            raise InvalidArgument(f"resize: {shape} to {tuple(now)}: more than 2**36 samples; smaller sizes are needed")


def _sizes(size: Any, dims: int) -> list[int]:
    given = _sequence(size)
    values = (size,) * dims if given is None else given
    if len(values) != dims or not all(is_integer(v) for v in values):
        what = "(height, width)" if dims == 2 else f"{dims} numbers"
        raise InvalidArgument(f"resize: size={_display(size)}: {what} in integers, or one integer for all, is needed")
    return [known_integer(v) for v in values]


def _with_one_factor(
    lengths: Sequence[int], sizes: Sequence[int], keep_aspect: str, dialect: Dialect
) -> tuple[list[float], list[int]]:
    """The smallest or largest of the factors for all axes, and the sizes that follow, halves rounded up."""
    choose = min if keep_aspect == "not_larger" else max
    if dialect.product == "single":
        single = choose(np.float32(m) / np.float32(n) for n, m in zip(lengths, sizes, strict=True))
        return [float(single)] * len(lengths), [math.floor(float(single * np.float32(n)) + 0.5) for n in lengths]
    factor = choose(Fraction(m, n) for n, m in zip(lengths, sizes, strict=True))
    return [float(factor)] * len(lengths), [math.floor(factor * n + Fraction(1, 2)) for n in lengths]


def _factors(scale: Any, lengths: Sequence[int], dialect: Dialect) -> list[float]:
    given = _sequence(scale)
    values = tuple(int(v) if is_free(v) else v for v in ((scale,) * len(lengths) if given is None else given))
    if len(values) != len(lengths) or not all(is_number(v) for v in values):
        what = "(vertical, horizontal)" if len(lengths) == 2 else f"{len(lengths)} numbers"
        raise InvalidArgument(f"resize: scale={_display(scale)}: one number or {what} is needed")
    if dialect.product == "exact":
        # A float of single precision stands for its decimal, in the positions too.
        values = tuple(v if isinstance(v, (int, float)) else float(str(v)) for v in values)
    factors = [float(np.float32(v)) if dialect.product == "single" else float(v) for v in values]
    for n, f in zip(lengths, factors, strict=True):
        if not (math.isfinite(f) and f > 0):
            raise InvalidArgument(f"resize: scale={f}: a finite number above 0 is needed")
        if not is_free(n) and n * f >= 2**31:
            raise InvalidArgument(f"resize: scale={f}: {n} to {n * f:.3g} samples: both must be from 1 to {2**31 - 1}")
    return factors


def _regions(roi: Any, dims: int) -> list[tuple[float, float]]:
    if roi is None:
        return [(0.0, 1.0)] * dims
    values = _sequence(roi)
    if values is None or len(values) != 2 * dims or not all(is_number(v) and math.isfinite(v) for v in values):
        raise InvalidArgument(
            f"resize: roi={_display(roi)}: {2 * dims} finite numbers are needed: the start of each axis, then the end"
        )
    return [(float(a), float(b)) for a, b in zip(values[:dims], values[dims:], strict=True)]


def _sequence(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value)  # not as Python's numbers, which do not show a single precision
    return tuple(value) if isinstance(value, (tuple, list)) else None


def _display(value: Any) -> str:
    several = _sequence(value)
    if several is None:
        return repr(value)
    return repr(tuple(v.item() if isinstance(v, np.generic) else v for v in several))
