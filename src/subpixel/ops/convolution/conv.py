"""Convolution, transposed convolution and sub-pixel convolution.

Weights lie as in torch whatever the layout of the data: ``(C_out, C_in/groups, *kernel)``, for the transposed one
``(C_in, C_out/groups, *kernel)``. As in every framework "convolution" is cross-correlation: the kernel is not flipped.

dtypes: NumPy arrays give NumPy's common dtype (f32 stays f32; f16 is summed in f32); integers alone give int64,
computed exactly, or an error where int64 might not hold a sum. torch tensors are worked on by torch, with gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter
from subpixel.ops.axes import Layout, Padding, parse_layout
from subpixel.ops.convolution.compiled import spread_compiled, subpixel_compiled
from subpixel.ops.convolution.sums import Operands, correlate, operands, spread, summed
from subpixel.ops.shuffle import Order, check_order, pixel_shuffle

__all__ = ["conv", "conv_transpose", "subpixel_conv"]

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Plan:
    """One number for each spatial axis, and how many windows there are."""

    stride: tuple[int, ...]
    pads: Pairs
    dilation: tuple[int, ...]
    counts: tuple[int, ...]

    def compiled(self, given: Operands, sizes: Any, r: Any, crop: Any, order: str) -> Any:
        before = [pad for pad, _ in self.pads]
        return subpixel_compiled(
            given, sizes, stride=self.stride, dilation=self.dilation, before=before, r=r, crop=crop, order=order
        )


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
    """Sums of weighted neighbours.

    ``y[n, o, h, w] = bias[o] + sum_{c,i,j} weight[o, c, i, j] * x[n, c, h*s + i*d - before, w*s + j*d - before]``

    Args:
        x: ``(N, C_in, H, W)`` for ``layout="NCHW"``, see the module's text for dtypes.
        weight: ``(C_out, C_in/groups, kH, kW)``.
        bias: ``(C_out,)`` or None.
        stride: from window to window, one number or one for each spatial axis.
        padding: zeros before and after each axis: one number, one for each axis, pairs ``(before, after)``,
            ``"valid"`` (none), ``"same"`` (``ceil(H / stride)`` windows, the odd zero after; for stride 1 torch's
            ``same``, for others TensorFlow's) or ``"same_lower"`` (the odd zero before).
        dilation: distance of a window's samples.
        groups: channels in so many groups that do not see each other.
        layout: of ``x`` and the result, as for :func:`subpixel.ops.pixel_shuffle`.

    Returns:
        ``(N, C_out, H', W')`` with ``H' = floor((H + before + after - dilation*(kH - 1) - 1) / stride) + 1``.

    Raises:
        InvalidArgument: arguments out of range, shapes that do not fit, a window larger than the padded input.

    Source: torch ``conv2d``; the ONNX operator Conv.

    >>> import numpy as np
    >>> conv(np.arange(5).reshape(1, 5), np.array([[[1, 2, 3]]]), layout="CW").tolist()
    [[8, 14, 20]]
    """
    return _convolved(*_planned(x, weight, bias, stride, padding, dilation, groups, layout))


def _planned(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any, layout: Any
) -> tuple[Operands, _Plan]:
    """Checked arguments of :func:`conv`."""
    axes = parse_layout("conv", layout)
    strides, dilations = axes.each("stride", stride), axes.each("dilation", dilation)
    given = operands(axes, x, weight, bias, groups, transposed=False)
    span = [d * (k - 1) + 1 for d, k in zip(dilations, given.kernel, strict=True)]
    pads = axes.padding(padding, given.sizes, span, strides)
    padded = [n + sum(pad) for n, pad in zip(given.sizes, pads, strict=True)]
    if any(n < k for n, k in zip(padded, span, strict=True)):
        raise InvalidArgument(
            f"conv: spatial sizes {given.sizes} with padding {pads} are smaller than the window {tuple(span)}; "
            f"more padding, a smaller kernel or less dilation would fit"
        )
    counts = tuple((n - k) // s + 1 for n, k, s in zip(padded, span, strides, strict=True))
    itemsize = _itemsize(given)
    axes.fits((given.x.shape[0], given.weight.shape[0], *counts), itemsize)
    axes.fits((*given.x.shape[:2], *padded), itemsize)
    return given, _Plan(strides, pads, dilations, counts)


def _convolved(given: Operands, plan: _Plan) -> Any:
    if given.by_torch:
        return given.back(given.axes.restore(given.a, _torch_conv(given, plan.stride, plan.pads, plan.dilation)))
    nothing = (0,) * given.axes.dims
    compiled = plan.compiled(given, plan.counts, (1,) * given.axes.dims, nothing, "CRD")
    if compiled is not None:
        return given.back(compiled)
    y = summed(given, lambda v, w: correlate(_pad(v, plan.pads), w, plan.stride, plan.dilation, given.groups))
    return given.back(given.axes.restore(given.a, y))


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
    """The gradient of :func:`conv` as a layer ("deconvolution"): every input sample adds its weighted kernel.

    ``y[n, o, h*s + i*d - before] += weight[c, o, i] * x[n, c, h]`` along each axis, ``bias[o]`` added once.

    Args:
        x: ``(N, C_in, H, W)`` for ``layout="NCHW"``, see the module's text for dtypes.
        weight: ``(C_in, C_out/groups, kH, kW)``.
        bias: ``(C_out,)`` or None.
        stride: distance of the kernels in the result.
        padding: samples cut from the result: one number, one for each axis, or pairs ``(before, after)``.
        output_padding: samples added to the result's end, below the larger of stride and dilation.
        output_size: ``(H', W')`` or the whole shape of the result, from which output_padding follows.
        dilation: distance of a kernel's samples.
        groups: as for :func:`conv`.
        layout: as for :func:`conv`.

    Returns:
        ``(N, C_out, H', W')``, ``H' = (H - 1)*stride - before - after + dilation*(kH - 1) + output_padding + 1``.

    Raises:
        InvalidArgument: arguments out of range, shapes that do not fit, an empty result.

    Source: torch ``conv_transpose2d``; the ONNX operator ConvTranspose.

    >>> import numpy as np
    >>> conv_transpose(np.array([[1, 10]]), np.array([[[1, 2, 3]]]), stride=2, layout="CW").tolist()
    [[1, 2, 13, 20, 30]]
    """
    axes = parse_layout("conv_transpose", layout)
    strides, dilations = axes.each("stride", stride), axes.each("dilation", dilation)
    pads = axes.pairs("padding", padding)
    given = operands(axes, x, weight, bias, groups, transposed=True)
    least = tuple(
        (n - 1) * s - sum(pad) + d * (k - 1) + 1
        for n, s, pad, d, k in zip(given.sizes, strides, pads, dilations, given.kernel, strict=True)
    )
    if output_size is None:
        extra = axes.each("output_padding", output_padding, least=0)
    else:
        wanted = axes.spatial_sizes("output_size", output_size)
        extra = tuple(n - usual for n, usual in zip(wanted, least, strict=True))
    room = tuple(max(s, d) for s, d in zip(strides, dilations, strict=True))
    if any(not 0 <= e < most for e, most in zip(extra, room, strict=True)):
        values = f"output_padding {extra}" if output_size is None else f"output_size={output_size!r}"
        top = tuple(n + most - 1 for n, most in zip(least, room, strict=True))
        raise InvalidArgument(
            f"conv_transpose: {values}: for input {given.sizes}, kernel {given.kernel} and stride {strides} "
            f"sizes from {least} to {top} would fit"
        )
    sizes = tuple(n + e for n, e in zip(least, extra, strict=True))
    if min(sizes) < 1 or min(given.sizes) < 1:
        raise InvalidArgument(
            f"conv_transpose: input {given.sizes}, kernel {given.kernel}, stride {strides} and padding {pads} "
            f"lead to size {sizes}; less padding would fit"
        )
    full = [n + sum(pad) for n, pad in zip(sizes, pads, strict=True)]
    axes.fits((given.x.shape[0], given.weight.shape[1] * given.groups, *full), _itemsize(given))
    if given.by_torch:
        y = _torch_conv_transpose(given, strides, pads, extra, dilations)
    else:
        crop = [before for before, _ in pads]
        compiled = spread_compiled(given, sizes, stride=strides, crop=crop) if max(dilations) == 1 else None
        if compiled is not None:
            return given.back(compiled)
        y = summed(given, lambda v, w: spread(v, w, strides, dilations, given.groups, crop, sizes))
    return given.back(axes.restore(given.a, y))


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
    """A convolution in low resolution that gives ``C*r*r`` channels, then their pixel shuffle.

    Args:
        x: ``(N, C_in, H, W)`` for ``layout="NCHW"``, see the module's text for dtypes.
        weight: ``(C*r*r, C_in/groups, kH, kW)``.
        bias: ``(C*r*r,)`` or None.
        r: upscaling factor, at least 1, or one for each spatial axis.
        stride: of the convolution; so are ``padding``, ``dilation`` and ``groups``, see :func:`conv`.
        crop: samples cut from the shuffled result: one number, one for each axis, or pairs ``(before, after)``.
        layout: as for :func:`conv`.
        order: ``CRD`` or ``DCR``, see :mod:`subpixel.ops.shuffle`.

    Returns:
        ``(N, C, H'*r - before - after, W'*r - before - after)`` with the ``H'``, ``W'`` of :func:`conv`.

    Raises:
        InvalidArgument: as :func:`conv` and :func:`subpixel.ops.pixel_shuffle`; a crop that leaves nothing.

    Source: Shi et al., arXiv 1609.05158, section 3.2.

    >>> import numpy as np
    >>> subpixel_conv(np.array([[1, 10]]), np.array([[[1]], [[2]]]), None, 2, layout="CW").tolist()
    [[1, 2, 10, 20]]
    """
    axes = parse_layout("subpixel_conv", layout)
    cut = axes.pairs("crop", crop)
    given, plan = _planned(x, weight, bias, stride, padding, dilation, groups, layout)
    check_order("pixel_shuffle", order)
    factors = parse_layout("pixel_shuffle", layout).each("r", r)
    if given.weight.shape[0] % math.prod(factors) == 0:
        grid = [n * f for n, f in zip(plan.counts, factors, strict=True)]
        if any(before + after >= n for n, (before, after) in zip(grid, cut, strict=True)):
            raise InvalidArgument(f"subpixel_conv: crop {cut} leaves nothing of the result's {tuple(grid)}")
        sizes = [n - sum(pair) for n, pair in zip(grid, cut, strict=True)]
        compiled = plan.compiled(given, sizes, factors, [before for before, _ in cut], order)
        if compiled is not None:
            return given.back(compiled)
    y = pixel_shuffle(_convolved(given, plan), r, layout=layout, order=order)
    if not any(any(pair) for pair in cut):
        return y
    inside = [slice(before, n - after) for n, (before, after) in zip(axes.sizes(y)[2], cut, strict=True)]
    _, (y,), back = enter("subpixel_conv", y)
    return back(y[(..., *inside) if axes.first else (..., *inside, slice(None))])


def _itemsize(given: Operands) -> int:
    """Bytes of a sample of the result, at least: integers become int64."""
    size = given.x.element_size() if given.a.name == "torch" else given.x.dtype.itemsize
    return int(size) if given.a.dtype(given.x).startswith(("float", "bfloat", "complex")) else 8


def _pad(x: Any, pads: Pairs) -> Any:
    import numpy as np

    return np.pad(x, [(0, 0), (0, 0), *pads]) if any(any(pad) for pad in pads) else x


def _torch_conv(given: Operands, stride: tuple[int, ...], pads: Pairs, dilation: tuple[int, ...]) -> Any:
    from torch.nn import functional

    run = (functional.conv1d, functional.conv2d, functional.conv3d)[given.axes.dims - 1]
    x, padding = given.x, [before for before, _ in pads]
    if any(before != after for before, after in pads):
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
        y = y.narrow(axis, before - less, int(y.shape[axis]) - (before - less) - (after - less))
    return y
