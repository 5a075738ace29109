"""Convolutions in NumPy, and the check of their operands, which torch's convolutions share.

Integers are summed exactly: in f64 if no sum can reach 2**53 (so that BLAS can be used), else in i64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, Unsupported
from subpixel.ops.arrays import Arithmetic, Back, enter
from subpixel.ops.axes import Axes, is_integer
from subpixel.ops.tracing import shows_values

__all__ = ["Operands", "correlate", "correlate_transpose", "operands", "run_numpy"]

# Samples that are gathered at a time: 16 MiB of f32, which limits the memory and stays near the caches.
_BLOCK = 2**22


@dataclass(frozen=True)
class Operands:
    """The checked operands of a convolution: ``x`` as ``(N, C, *S)``, and ``weight`` in torch's layout.

    Each sample of the result is the sum of at most ``terms`` products.
    """

    axes: Axes
    a: Arithmetic
    back: Back
    x: Any
    weight: Any
    bias: Any
    groups: int
    terms: int

    @property
    def kernel(self) -> tuple[int, ...]:
        return tuple(self.weight.shape[2:])

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self.x.shape[2:])

    @property
    def by_torch(self) -> bool:
        """Whether torch computes it: its convolutions support no integers."""
        return self.a.name == "torch" and bool(self.x.is_floating_point() or self.x.is_complex())


def operands(axes: Axes, x: Any, weight: Any, bias: Any, groups: Any, transposed: bool) -> Operands:
    """Check the operands of a convolution.

    Raises:
        InvalidArgument: shapes do not fit, or ``groups`` is out of range.
    """
    op = axes.op
    if not is_integer(groups) or groups < 1:
        raise InvalidArgument(f"{op}: groups={groups!r}: an integer of at least 1 is needed")
    a, arrays, back = enter(op, *(v for v in (x, weight, bias) if v is not None))
    x, weight = axes.planes(a, arrays[0]), arrays[1]
    shape, meaning = tuple(weight.shape), "(C_in, C_out/groups" if transposed else "(C_out, C_in/groups"
    if len(shape) != axes.dims + 2 or min(shape) < 1:
        raise InvalidArgument(
            f"{op}: weight of shape {shape}: {meaning}, *kernel) with {axes.dims} kernel sizes of at least 1 is needed"
        )
    channels = x.shape[1]
    fit = shape[0] if transposed else shape[1] * groups
    if channels != fit or shape[0] % groups:
        raise InvalidArgument(
            f"{op}: input of {channels} channels, weight of shape {shape} = {meaning}, *kernel) and groups={groups}: "
            f"{fit} channels and a first size that is a multiple of groups are needed"
        )
    out = shape[1] * groups if transposed else shape[0]
    bias = None if bias is None else arrays[2]
    if bias is not None and tuple(bias.shape) != (out,):
        raise InvalidArgument(f"{op}: bias of shape {tuple(bias.shape)}: ({out},) is needed, one for each channel")
    if a.name == "torch":
        x, weight, bias = _promote(x, weight, bias)
    terms = (shape[0] // groups if transposed else shape[1]) * math.prod(shape[2:])
    return Operands(axes, a, back, x, weight, bias, int(groups), terms)


def _promote(*tensors: Any) -> list[Any]:
    import torch

    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = dtype if tensor is None else torch.promote_types(dtype, tensor.dtype)
    return [tensor if tensor is None else tensor.to(dtype) for tensor in tensors]


def run_numpy(given: Operands, core: Any) -> Any:
    """Run ``core(x, weight)`` on NumPy arrays of a suitable dtype, and add the bias; for torch's integers too."""
    x, weight, bias = given.x, given.weight, given.bias
    if given.a.name == "torch":
        if not all(shows_values(v) for v in (x, weight, bias)):
            raise Unsupported(
                f"{given.axes.op}: NumPy sums integers, so torch.compile, torch.export and vmap cannot trace them; "
                "floats are needed there"
            )
        x, weight, bias = (v if v is None else v.detach().cpu().numpy() for v in (x, weight, bias))
    work, result = _dtypes(given.axes.op, x, weight, bias, given.terms)
    y = core(x.astype(work, copy=False), weight.astype(work, copy=False))
    if bias is not None:
        y += bias.astype(work, copy=False).reshape(-1, *(1 for _ in given.kernel))
    y = y.astype(result, copy=False)
    return given.a.constant(y, given.x) if given.a.name == "torch" else y


def _dtypes(op: str, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any] | None, terms: int) -> tuple[Any, Any]:
    """The dtype of the sums, and the dtype of the result."""
    given = [v for v in (x, weight, bias) if v is not None]
    if all(v.dtype.kind in "biu" for v in given):
        bound = _magnitude(x) * _magnitude(weight) * terms
        bound += 0 if bias is None else _magnitude(bias)
        if bound >= 2**63:
            raise InvalidArgument(f"{op}: sums of these integers may exceed int64; use a floating dtype")
        largest = max(_magnitude(v) for v in given)
        return (np.float64 if max(bound, largest) <= 2**53 else np.int64), np.int64
    if any(v.dtype.kind not in "biufc" and v.dtype.name != "bfloat16" for v in given):
        raise InvalidArgument(f"{op}: dtypes {', '.join(str(v.dtype) for v in given)}: numbers are needed")
    result = np.result_type(*given)
    return (np.float32 if result.name in ("float16", "bfloat16") else result), result


def _magnitude(x: NDArray[Any]) -> int:
    return max(abs(int(x.max())), abs(int(x.min()))) if x.size else 0


def correlate(
    x: NDArray[Any], weight: NDArray[Any], stride: Sequence[int], dilation: Sequence[int], groups: int
) -> NDArray[Any]:
    """Correlate ``(N, C, *S)`` with ``(C_out, C/groups, *K)`` to ``(N, C_out, *S')``, without padding.

    Windows are gathered, a block of the first spatial axis at a time, and multiplied with the weights as a matrix.
    """
    dims = x.ndim - 2
    n, channels, *sizes = x.shape
    out, per, *kernel = weight.shape
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    steps: Any = (..., *(slice(None, None, s) for s in stride), *(slice(None, None, d) for d in dilation))
    grouped = x.reshape(n, groups, per, *sizes)
    view = sliding_window_view(grouped, span, axis=tuple(range(3, dims + 3)))[steps]  # (N, G, C/G, *S', *K)
    columns = view.transpose(0, 1, 2, *range(dims + 3, 2 * dims + 3), *range(3, dims + 3))
    counts = view.shape[3 : dims + 3]
    matrix = weight.reshape(groups, out // groups, -1)
    y = np.empty((n, groups, out // groups, *counts), np.result_type(x, weight))
    rows = max(1, _BLOCK // max(1, n * channels * math.prod(kernel) * math.prod(counts[1:])))
    for top in range(0, counts[0], rows):
        block: Any = (..., slice(top, top + rows), *(slice(None) for _ in counts[1:]))
        windows = columns[block]
        height = windows.shape[dims + 3]
        points = height * math.prod(counts[1:])
        part = matrix @ windows.reshape(n, groups, matrix.shape[2], points)
        y[block] = part.reshape(n, groups, out // groups, height, *counts[1:])
    return y.reshape(n, out, *counts)


def correlate_transpose(
    x: NDArray[Any],
    weight: NDArray[Any],
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    crop: Sequence[int],
    sizes: Sequence[int],
) -> NDArray[Any]:
    """Transposed correlation of ``(N, C, *S)`` with ``(C, C_out/groups, *K)`` to ``(N, C_out, *sizes)``.

    ``crop`` samples are cut off at the start. Each tap of the kernel adds one image to the sum, its samples ``stride``
    apart: the definition, tap by tap.
    """
    n, channels, *counts = x.shape
    _, per, *kernel = weight.shape
    grouped = np.ascontiguousarray(x).reshape(n, groups, channels // groups, math.prod(counts))
    taps = np.moveaxis(weight.reshape(groups, channels // groups, per, *kernel), 2, 1)  # (G, out, in, *K)
    y = np.zeros((n, groups, per, *sizes), np.result_type(x, weight))
    for tap in itertools.product(*(range(k) for k in kernel)):
        inputs: Any = (...,)
        outputs: Any = (...,)
        for i, s, d, t, b, size in zip(counts, stride, dilation, tap, crop, sizes, strict=True):
            shift = t * d - b  # input sample m lands on output sample m*s + shift
            low, high = max(0, -(shift // s)), min(i - 1, (size - 1 - shift) // s)
            inputs += (slice(low, max(low, high + 1)),)
            outputs += (slice(low * s + shift, high * s + shift + 1, s) if low <= high else slice(0, 0),)
        matrix = taps[(slice(None),) * 3 + tap]
        y[outputs] += (matrix @ grouped).reshape(n, groups, per, *counts)[inputs]
    return y.reshape(n, groups * per, *sizes)
