"""Convolution, transposed convolution and sub-pixel convolution.

Weights have torch's layout, whatever the layout of the data: ``(C_out, C_in/groups, *kernel)``, for the transposed
convolution ``(C_in, C_out/groups, *kernel)``. As in all frameworks, "convolution" means cross-correlation: the kernel
is not flipped.

dtypes: the result of NumPy arrays has their common dtype (f32 stays f32; f16 is summed in f32). If all arrays are
integers, the result is int64 and exact, or an error if a sum could exceed int64. Torch computes on torch tensors, with
gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter
from subpixel.ops.axes import Layout, Padding, parse_layout
from subpixel.ops.convolution.compiled import conv_transpose_compiled, subpixel_conv_compiled
from subpixel.ops.convolution.numpy_conv import Operands, correlate, correlate_transpose, operands, run_numpy
from subpixel.ops.shuffle import Order, check_order, pixel_shuffle
from subpixel.ops.tracing import all_known, is_free, operator

__all__ = ["conv", "conv_transpose", "subpixel_conv"]

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _ConvolutionPlan:
    """The checked arguments of a convolution for each spatial axis, and the number of windows."""

    stride: tuple[int, ...]
    pads: Pairs
    dilation: tuple[int, ...]
    counts: tuple[int, ...]

    def run_compiled(self, given: Operands, sizes: Any, r: Any, crop: Any, order: str) -> Any:
        before = [pad for pad, _ in self.pads]
        return subpixel_conv_compiled(
            given, sizes, stride=self.stride, dilation=self.dilation, before=before, r=r, crop=crop, order=order
        )


@operator
def conv(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    layout: Layout = "NCHW",
) -> Any:
    """Convolution: sums of weighted neighbours.

    ``y[n, o, h, w] = bias[o] + sum_{c,i,j} weight[o, c, i, j] * x[n, c, h*s + i*d - before, w*s + j*d - before]``

    Args:
        x: ``(N, C_in, H, W)`` for ``layout="NCHW"``; see the module's text for dtypes.
        weight: ``(C_out, C_in/groups, kH, kW)``.
        bias: ``(C_out,)`` or None.
        stride: the distance between windows, one number or one for each spatial axis.
        padding: zeros before and after each axis: one number, one for each axis, pairs ``(before, after)``,
            ``"valid"`` (none), ``"same"`` (``ceil(H / stride)`` windows, an odd zero after; torch's ``same`` for
            stride 1, TensorFlow's for others) or ``"same_lower"`` (an odd zero before).
        dilation: the distance between the samples of a window.
        groups: the number of groups of channels; a group reads only its own input channels.
        layout: of ``x`` and the result: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these
            without ``N``.

    Returns:
        ``(N, C_out, H', W')`` with ``H' = floor((H + before + after - dilation*(kH - 1) - 1) / stride) + 1``.

    Raises:
        InvalidArgument: an argument is out of range, shapes do not fit, or a window is larger than the padded input.

    Source: torch ``conv2d``; the ONNX operator Conv.

    >>> import numpy as np
    >>> conv(np.arange(5).reshape(1, 5), np.array([[[1, 2, 3]]]), layout="CW").tolist()
    [[8, 14, 20]]
    """
    return _run_conv(*_plan_conv(x, weight, bias, stride, padding, dilation, groups, layout))


def _plan_conv(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any, layout: Any
) -> tuple[Operands, _ConvolutionPlan]:
    """Check the arguments of :func:`conv`."""
    axes = parse_layout("conv", layout)
    strides, dilations = axes.per_axis("stride", stride), axes.per_axis("dilation", dilation)
    given = operands(axes, x, weight, bias, groups, transposed=False)
    span = [d * (k - 1) + 1 for d, k in zip(dilations, given.kernel, strict=True)]
    pads = axes.padding(padding, given.sizes, span, strides)
    padded = [n + sum(pad) for n, pad in zip(given.sizes, pads, strict=True)]
    if any(n < k for n, k in zip(padded, span, strict=True) if not is_free(n)):
        raise InvalidArgument(
            f"conv: spatial sizes {given.sizes} with padding {pads} are smaller than the window {tuple(span)}; "
            f"more padding, a smaller kernel or less dilation is needed"
        )
    counts = tuple((n - k) // s + 1 for n, k, s in zip(padded, span, strides, strict=True))
    itemsize = _itemsize(given)
    axes.check_size((given.x.shape[0], given.weight.shape[0], *counts), itemsize)
    axes.check_size((*given.x.shape[:2], *padded), itemsize)
    return given, _ConvolutionPlan(strides, pads, dilations, counts)


def _run_conv(given: Operands, plan: _ConvolutionPlan) -> Any:
    if given.by_torch:
        return given.back(given.axes.restore(given.a, _torch_conv(given, plan.stride, plan.pads, plan.dilation)))
    nothing = (0,) * given.axes.dims
    compiled = plan.run_compiled(given, plan.counts, (1,) * given.axes.dims, nothing, "CRD")
    if compiled is not None:
        return given.back(compiled)
    y = run_numpy(given, lambda v, w: correlate(_pad(v, plan.pads), w, plan.stride, plan.dilation, given.groups))
    return given.back(given.axes.restore(given.a, y))


@operator
def conv_transpose(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int | tuple[int, int]] = 0,
    output_padding: int | Sequence[int] = 0,
    output_size: Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    layout: Layout = "NCHW",
) -> Any:
    """Transposed convolution ("deconvolution"), the gradient of :func:`conv`: each input sample adds a weighted kernel.

    ``y[n, o, h*s + i*d - before] += weight[c, o, i] * x[n, c, h]`` along each axis, ``bias[o]`` added once.

    Args:
        x: ``(N, C_in, H, W)`` for ``layout="NCHW"``; see the module's text for dtypes.
        weight: ``(C_in, C_out/groups, kH, kW)``.
        bias: ``(C_out,)`` or None.
        stride: the distance between the kernels in the result.
        padding: samples cut off the result: one number, one for each axis, or pairs ``(before, after)``.
        output_padding: samples added at the end of the result, fewer than the larger of stride and dilation.
        output_size: ``(H', W')`` or the whole shape of the result; it sets ``output_padding``.
        dilation: the distance between the samples of a kernel.
        groups: the number of groups of channels, as for :func:`conv`.
        layout: of ``x`` and the result: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these
            without ``N``.

    Returns:
        ``(N, C_out, H', W')``, ``H' = (H - 1)*stride - before - after + dilation*(kH - 1) + output_padding + 1``.

    Raises:
        InvalidArgument: an argument is out of range, shapes do not fit, or the result would be empty.

    Source: torch ``conv_transpose2d``; the ONNX operator ConvTranspose.

    >>> import numpy as np
    >>> conv_transpose(np.array([[1, 10]]), np.array([[[1, 2, 3]]]), stride=2, layout="CW").tolist()
    [[1, 2, 13, 20, 30]]
    """
    axes = parse_layout("conv_transpose", layout)
    strides, dilations = axes.per_axis("stride", stride), axes.per_axis("dilation", dilation)
    pads = axes.pairs("padding", padding)
    given = operands(axes, x, weight, bias, groups, transposed=True)
    least = tuple(
        (n - 1) * s - sum(pad) + d * (k - 1) + 1
        for n, s, pad, d, k in zip(given.sizes, strides, pads, dilations, given.kernel, strict=True)
    )
    if output_size is None:
        extra = axes.per_axis("output_padding", output_padding, least=0)
    else:
        wanted = axes.spatial_sizes("output_size", output_size)
        extra = tuple(n - usual for n, usual in zip(wanted, least, strict=True))
    limits = tuple(max(s, d) for s, d in zip(strides, dilations, strict=True))
    if any(not 0 <= e < most for e, most in zip(extra, limits, strict=True) if not is_free(e)):
        values = f"output_padding {extra}" if output_size is None else f"output_size={output_size!r}"
        top = tuple(n + most - 1 for n, most in zip(least, limits, strict=True))
        raise InvalidArgument(
            f"conv_transpose: {values}: for input {given.sizes}, kernel {given.kernel} and stride {strides} "
            f"sizes from {least} to {top} are possible"
        )
    sizes = tuple(n + e for n, e in zip(least, extra, strict=True))
    if any(n < 1 for n in (*sizes, *given.sizes) if not is_free(n)):
        raise InvalidArgument(
            f"conv_transpose: input {given.sizes}, kernel {given.kernel}, stride {strides} and padding {pads} "
            f"lead to size {sizes}; less padding is needed"
        )
    full = [n + sum(pad) for n, pad in zip(sizes, pads, strict=True)]
    axes.check_size((given.x.shape[0], given.weight.shape[1] * given.groups, *full), _itemsize(given))
    if given.by_torch:
        y = _torch_conv_transpose(given, strides, pads, extra, dilations)
    else:
        crop = [before for before, _ in pads]
        compiled = conv_transpose_compiled(given, sizes, stride=strides, crop=crop) if max(dilations) == 1 else None
        if compiled is not None:
            return given.back(compiled)
        y = run_numpy(given, lambda v, w: correlate_transpose(v, w, strides, dilations, given.groups, crop, sizes))
    return given.back(axes.restore(given.a, y))


@operator
def subpixel_conv(
    x: Any,
    weight: Any,
    bias: Any,
    r: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    crop: int | Sequence[int | tuple[int, int]] = 0,
    layout: Layout = "NCHW",
    order: Order = "CRD",
) -> Any:
    """Sub-pixel convolution: a convolution in low resolution to ``C*r*r`` channels, then a pixel shuffle.

    Args:
        x: ``(N, C_in, H, W)`` for ``layout="NCHW"``; see the module's text for dtypes.
        weight: ``(C*r*r, C_in/groups, kH, kW)``.
        bias: ``(C*r*r,)`` or None.
        r: the upscaling factor, at least 1, or one for each spatial axis.
        stride: of the convolution, as are ``padding``, ``dilation`` and ``groups``; see :func:`conv`.
        crop: samples cut off the shuffled result: one number, one for each axis, or pairs ``(before, after)``.
        layout: of ``x`` and the result: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these
            without ``N``.
        order: ``CRD`` or ``DCR``, see :mod:`subpixel.ops.shuffle`.

    Returns:
        ``(N, C, H'*r - before - after, W'*r - before - after)`` with the ``H'``, ``W'`` of :func:`conv`.

    Raises:
        InvalidArgument: as :func:`conv` and :func:`subpixel.ops.pixel_shuffle`, or ``crop`` leaves nothing.

    Source: Shi et al., arXiv 1609.05158, section 3.2.

    >>> import numpy as np
    >>> subpixel_conv(np.array([[1, 10]]), np.array([[[1]], [[2]]]), None, 2, layout="CW").tolist()
    [[1, 2, 10, 20]]
    """
    axes = parse_layout("subpixel_conv", layout)
    cut = axes.pairs("crop", crop)
    given, plan = _plan_conv(x, weight, bias, stride, padding, dilation, groups, layout)
    check_order("pixel_shuffle", order)
    factors = parse_layout("pixel_shuffle", layout).per_axis("r", r)
    if given.weight.shape[0] % math.prod(factors) == 0:
        grid = [n * f for n, f in zip(plan.counts, factors, strict=True)]
        if any(before + after >= n for n, (before, after) in zip(grid, cut, strict=True) if not is_free(n)):
            raise InvalidArgument(
                f"subpixel_conv: crop {cut} leaves nothing of a result of {tuple(grid)}; a smaller crop is needed"
            )
        sizes = [n - sum(pair) for n, pair in zip(grid, cut, strict=True)]
        compiled = plan.run_compiled(given, sizes, factors, [before for before, _ in cut], order)
        if compiled is not None:
            return given.back(compiled)
    y = pixel_shuffle(_run_conv(given, plan), r, layout=layout, order=order)
    if not any(any(pair) for pair in cut):
        return y
    inside = [slice(before, n - after) for n, (before, after) in zip(axes.sizes(y)[2], cut, strict=True)]
    _, (y,), back = enter("subpixel_conv", y)
    return back(y[(..., *inside) if axes.first else (..., *inside, slice(None))])


def _itemsize(given: Operands) -> int:
    """The smallest number of bytes of a sample of the result; integers become int64."""
    size = given.x.element_size() if given.a.name == "torch" else given.x.dtype.itemsize
    return int(size) if given.a.dtype(given.x).startswith(("float", "bfloat", "complex")) else 8


def _pad(x: Any, pads: Pairs) -> Any:
    import numpy as np

    return np.pad(x, [(0, 0), (0, 0), *pads]) if any(any(pad) for pad in pads) else x


def _torch_conv(given: Operands, stride: tuple[int, ...], pads: Pairs, dilation: tuple[int, ...]) -> Any:
    from torch.nn import functional

    run = (functional.conv1d, functional.conv2d, functional.conv3d)[given.axes.dims - 1]
    x, padding = given.x, [before for before, _ in pads]
    if not all(all_known(pair) and pair[0] == pair[1] for pair in pads):
        x, padding = given.a.pad(x, [(0, 0), (0, 0), *pads], 0), [0] * len(pads)
    return run(x, given.weight, given.bias, stride, padding, dilation, given.groups)


def _torch_conv_transpose(
    given: Operands, stride: tuple[int, ...], pads: Pairs, extra: tuple[int, ...], dilation: tuple[int, ...]
) -> Any:
    from torch.nn import functional

    run = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[given.axes.dims - 1]
    common = [min(pad) for pad in pads]
    y = run(given.x, given.weight, given.bias, stride, common, extra, given.groups, dilation)
    for axis, ((before, after), less) in enumerate(zip(pads, common, strict=True), start=2):
        y = y.narrow(axis, before - less, y.shape[axis] - (before - less) - (after - less))
    return y
