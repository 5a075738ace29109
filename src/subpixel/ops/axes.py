"""Layouts, and the checks of arguments with a number for each spatial axis, shared by all windowed operators.

Internally, operators work on planes: ``(N, C, *S)`` with one, two or three spatial axes ``S``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.arrays import Arithmetic
from subpixel.ops.tracing import all_known, is_free

__all__ = ["Axes", "Layout", "Padding", "known_integer", "parse_layout"]

Layout = Literal["NCHW", "NHWC", "CHW", "HWC", "NCW", "NWC", "CW", "WC", "NCDHW", "NDHWC", "CDHW", "DHWC"]
LAYOUTS = ("NCHW", "NHWC", "CHW", "HWC", "NCW", "NWC", "CW", "WC", "NCDHW", "NDHWC", "CDHW", "DHWC")

# One number, one for each axis, (before, after) for each axis, or the name of a rule.
Padding = int | Sequence[int | tuple[int, int]] | str

# 256 GiB, resize's limit of 2**36 samples in f32: a larger array is a mistake in an argument. On systems that
# overcommit memory, allocating it could end the process.
_MAX_BYTES = 2**38


@dataclass(frozen=True)
class Axes:
    """A layout by its parts, for one operator, which errors name."""

    op: str
    layout: str

    @functools.cached_property
    def spatial(self) -> str:
        """The letters of the spatial axes: ``W``, ``HW`` or ``DHW``."""
        return self.layout.replace("N", "").replace("C", "")

    @functools.cached_property
    def dims(self) -> int:
        return len(self.spatial)

    @functools.cached_property
    def first(self) -> bool:
        """Whether the channel axis stands before the spatial axes."""
        return not self.layout.endswith("C")

    def check_rank(self, x: Any, what: str = "shape") -> None:
        """Raise InvalidArgument if ``x`` has another number of axes than the layout."""
        self.check_rank_of(tuple(x.shape), what)

    def check_rank_of(self, shape: tuple[int, ...], what: str = "shape") -> None:
        """As :meth:`check_rank`, for a shape."""
        if len(shape) != len(self.layout):
            raise InvalidArgument(
                f"{self.op}: {what} {shape} has {len(shape)} axes, layout {self.layout} has {len(self.layout)}"
            )

    def sizes(self, x: Any) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
        """``(lead, channels, spatial)`` of an array in this layout."""
        return self.split(tuple(x.shape))

    def split(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
        """As :meth:`sizes`, of a shape."""
        lead, rest = shape[: len(shape) - self.dims - 1], shape[len(shape) - self.dims - 1 :]
        return (lead, rest[0], rest[1:]) if self.first else (lead, rest[-1], rest[:-1])

    def planes(self, a: Arithmetic, x: Any) -> Any:
        """Convert from this layout to ``(N, C, *S)``."""
        self.check_rank(x)
        if "N" not in self.layout:
            x = x[None]
        return x if self.first else a.transpose(x, (0, self.dims + 1, *range(1, self.dims + 1)))

    def restore(self, a: Arithmetic, y: Any) -> Any:
        """Convert from ``(N, C, *S)`` back to this layout, contiguous in memory."""
        if not self.first:
            y = a.transpose(y, (0, *range(2, self.dims + 2), 1))
        return a.contiguous(y if "N" in self.layout else y[0])

    def per_axis(self, name: str, value: Any, least: int = 1) -> tuple[int, ...]:
        """One integer for each spatial axis, from one number or a sequence."""
        given = _sequence(value)
        values = (value,) * self.dims if given is None else given
        if len(values) != self.dims or not all(is_integer(v) and v >= least for v in values):
            raise InvalidArgument(
                f"{self.op}: {name}={value!r}: an integer of at least {least} is needed, "
                f"or one for each spatial axis of {self.layout} ({', '.join(self.spatial)})"
            )
        return tuple(known_integer(v) for v in values)

    def pairs(self, name: str, value: Any) -> tuple[tuple[int, int], ...]:
        """``(before, after)`` for each spatial axis, from one number, one for each axis, or pairs."""
        given = _sequence(value)
        values = (value,) * self.dims if given is None else given
        both = [_sequence(v) or (v, v) for v in values]
        if len(both) != self.dims or not all(len(p) == 2 and all(is_integer(v) and v >= 0 for v in p) for p in both):
            raise InvalidArgument(
                f"{self.op}: {name}={value!r}: an integer of at least 0 is needed, or for each spatial axis of "
                f"{self.layout} ({', '.join(self.spatial)}) one number or one pair (before, after)"
            )
        return tuple((int(p[0]), int(p[1])) for p in both)

    def padding(
        self, value: Any, sizes: Sequence[int], span: Sequence[int], stride: Sequence[int]
    ) -> tuple[tuple[int, int], ...]:
        """As :meth:`pairs`, or by a rule: ``valid`` pads nothing; ``same`` gives ``ceil(size / stride)`` windows.

        If the number of padded samples is odd, the larger half comes after (``same``: torch, TensorFlow, ONNX
        SAME_UPPER) or before (``same_lower``: ONNX SAME_LOWER).
        """
        if not isinstance(value, str):
            return self.pairs("padding", value)
        if value == "valid":
            return ((0, 0),) * self.dims
        if value not in ("same", "same_lower"):
            known = ("valid", "same", "same_lower")
            raise unknown("padding", value, known, f"Choices: numbers, {', '.join(known)}.", where=self.op)
        pairs = []
        for n, k, s in zip(sizes, span, stride, strict=True):
            total = _at_least_0((-(-n // s) - 1) * s + k - n)
            less, more = total // 2, total - total // 2
            pairs.append((less, more) if value == "same" else (more, less))
        return tuple(pairs)

    def spatial_sizes(self, name: str, value: Any) -> tuple[int, ...]:
        """Sizes of the spatial axes, from these sizes or from a whole shape in this layout."""
        given = _sequence(value)
        if given is not None and len(given) == len(self.layout) and all(is_integer(v) and v >= 0 for v in given):
            value = [v for letter, v in zip(self.layout, given, strict=True) if letter in self.spatial]
        return self.per_axis(name, value)

    def check_size(self, shape: Sequence[int], itemsize: int) -> None:
        """Raise InvalidArgument for an array of more than 256 GiB, before it is allocated; not if a size is free."""
        if not all_known(shape):
            return
        if math.prod(shape) * itemsize > _MAX_BYTES:
            raise InvalidArgument(
                f"{self.op}: an array of shape {tuple(shape)} with {itemsize} bytes for each sample is larger than "
                f"2**38 bytes; smaller sizes, strides or paddings are needed"
            )


def parse_layout(op: str, layout: Any) -> Axes:
    """The axes of a layout, by its name.

    Raises:
        InvalidArgument: the layout is unknown.

    >>> parse_layout("resize", "NHWC").spatial
    'HW'
    """
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS, where=op)
    return _axes(op, layout)


@functools.cache
def _axes(op: str, layout: str) -> Axes:
    return Axes(op, layout)


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of Python or NumPy, or a free size of torch. True and 1.0 are not."""
    return (isinstance(value, (int, np.integer)) and not isinstance(value, bool)) or is_free(value)


def known_integer(value: Any) -> Any:
    """An integer as Python's own; a free size as it is."""
    return value if is_free(value) else int(value)


def _at_least_0(n: Any) -> Any:
    if not is_free(n):
        return max(0, n)
    import torch

    larger: Any = torch.sym_max
    return larger(0, n)


def _sequence(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, np.ndarray) and value.ndim > 0:
        value = value.tolist()
    return tuple(value) if isinstance(value, (tuple, list)) else None
