"""Conversion between transposed convolution and sub-pixel convolution, two forms of the same layer.

A transposed convolution of stride ``r`` writes its result at ``q = r*h + t`` for tap ``t`` of its kernel. Taps with the
same ``t % r`` write to the same phase ``q % r`` of the result, so each phase is an ordinary convolution with every
``r``-th tap: at ``r = 2``, kernel ``(1, 2, 3)`` has the phases ``(1, 3)`` and ``(2)``, and kernel ``(1, 2, 3, 4)`` has
``(1, 3)`` and ``(2, 4)``. The phases are the channels of a sub-pixel convolution. Each of them is flipped (a transposed
convolution flips the kernel, a convolution does not) and padded with zeros to ``ceil(k / r)`` taps.

Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009. The paper writes
the transposed kernel ``(C_out, C_in, kH, kW)``; here it is ``(C_in, C_out/groups, kH, kW)`` as in torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument, Unsupported
from subpixel.ops.axes import is_integer
from subpixel.ops.convolution.phases import dilate, enter_kernel, join_phases, merge_phases, repeat_phases, split_phases
from subpixel.ops.shuffle import Order, check_order
from subpixel.ops.tracing import constant, is_compiled, operator, shows_values

__all__ = ["ConvTransposeForm", "SubpixelForm", "conv_transpose_to_subpixel", "subpixel_to_conv_transpose"]

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class SubpixelForm:
    """The arguments of :func:`subpixel.ops.subpixel_conv`: its weight ``(C*prod(r), C_in/groups, *U)`` and the others.

    ``padding`` zeros are added around the input of the convolution, which has stride 1. ``crop`` samples are cut off
    the shuffled result.
    """

    weight: Any
    bias: Any
    r: tuple[int, ...]
    padding: Pairs
    crop: Pairs
    groups: int
    order: Order


@dataclass(frozen=True, eq=False)
class ConvTransposeForm:
    """The arguments of :func:`subpixel.ops.conv_transpose`: its weight ``(C_in, C/groups, *K)`` and the others."""

    weight: Any
    bias: Any
    stride: tuple[int, ...]
    padding: Pairs
    output_padding: tuple[int, ...]
    groups: int


def conv_transpose_to_subpixel(
    weight: Any,
    bias: Any = None,
    *,
    stride: int | Sequence[int],
    padding: int | Sequence[int | tuple[int, int]] = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    order: Order = "CRD",
) -> SubpixelForm:
    """Convert a transposed convolution to the sub-pixel convolution with equal results for inputs of any size.

    Args:
        weight: ``(C_in, C_out/groups, *kernel)`` with one to three kernel axes.
        bias: ``(C_out,)`` or None.
        stride: of the transposed convolution, as are the other arguments; see :func:`subpixel.ops.conv_transpose`.
        order: of the channels before the shuffle: ``CRD`` or ``DCR``. ``DCR`` needs ``groups=1``, since its channels
            are not sorted by group.

    Returns:
        A :class:`SubpixelForm` whose kernel has ``ceil(k / stride)`` taps along each axis (``k`` with dilation). Taps
        that a phase does not have are zero. If the kernel is shorter than the stride, whole phases are zero.

    Raises:
        InvalidArgument: an argument is out of range, or shapes do not fit.

    Source: arXiv 1609.07009, see the module's text.

    >>> import numpy as np
    >>> form = conv_transpose_to_subpixel(np.array([[[1, 2, 3]]]), stride=2)
    >>> form.weight[:, 0].tolist(), form.padding, form.crop
    ([[3, 1], [0, 2]], ((1, 1),), ((0, 1),))
    """
    given = (stride, padding, output_padding, dilation, groups, order)
    if is_compiled():
        return SubpixelForm(
            *_subpixel_tensors(weight, bias, *given), *_subpixel_numbers(*_shapes(weight, bias), *given)
        )
    return _to_subpixel(weight, bias, *given)


def _to_subpixel(
    weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int, order: Order
) -> SubpixelForm:
    op = "conv_transpose_to_subpixel"
    a, weight, bias, axes, send = enter_kernel(op, weight, bias)
    steps, dilations = axes.per_axis("stride", stride), axes.per_axis("dilation", dilation)
    pads, extra = axes.pairs("padding", padding), axes.per_axis("output_padding", output_padding, least=0)
    _check(op, groups, order, int(weight.shape[0]))
    _check_bias(op, bias, int(weight.shape[1]) * groups)
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, dilations, strict=True)):
        raise InvalidArgument(f"{op}: output_padding {extra} must be below the larger of stride and dilation")
    weight = dilate(axes, a, weight, dilations)
    taps = [math.ceil(k / s) for k, s in zip(weight.shape[2:], steps, strict=True)]
    axes.check_size((*weight.shape[:2], *(u * s for u, s in zip(taps, steps, strict=True))), 8)
    margins = [
        _padding_and_crop(int(k), s, u, pad, e)
        for k, s, u, pad, e in zip(weight.shape[2:], steps, taps, pads, extra, strict=True)
    ]
    return SubpixelForm(
        weight=send(split_phases(a, weight, steps, taps, groups, order)),
        bias=None if bias is None else send(repeat_phases(a, bias, math.prod(steps), order)),
        r=steps,
        padding=tuple(pad for pad, _ in margins),
        crop=tuple(cut for _, cut in margins),
        groups=groups,
        order=order,
    )


def subpixel_to_conv_transpose(
    weight: Any,
    r: int | Sequence[int],
    bias: Any = None,
    *,
    padding: int | Sequence[int | tuple[int, int]] = 0,
    crop: int | Sequence[int | tuple[int, int]] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    order: Order = "CRD",
    kernel: int | Sequence[int] | None = None,
) -> ConvTransposeForm:
    """Convert a sub-pixel convolution of stride 1 to the transposed convolution with equal results for any input size.

    Args:
        weight: ``(C*prod(r), C_in/groups, *U)`` with one to three kernel axes.
        r: the upscaling factor, or one for each axis.
        bias: ``(C*prod(r),)``, equal for all phases of a channel, since a transposed convolution has one bias for them;
            or None.
        padding: of the sub-pixel convolution, in numbers, as are the other arguments; see
            :func:`subpixel.ops.subpixel_conv`.
        crop: of the sub-pixel convolution.
        dilation: of the sub-pixel convolution.
        groups: of the sub-pixel convolution.
        order: of the channels before the shuffle: ``CRD`` or ``DCR``, the latter with ``groups=1`` only.
        kernel: the size of the kernel if it is shorter than ``U*r``. The taps left out must be zero.

    Returns:
        A :class:`ConvTransposeForm` of stride ``r`` and kernel ``U*r`` (``U`` with dilation). Padding beyond the reach
        of a kernel, where the result is only the bias, becomes zeros at the ends of the kernel.

    Raises:
        InvalidArgument: an argument is out of range, shapes do not fit, the bias differs between phases, or a tap left
            out is not zero.

    Source: arXiv 1609.07009, see the module's text.

    >>> import numpy as np
    >>> form = subpixel_to_conv_transpose(np.array([[[3, 1]], [[0, 2]]]), 2, padding=1, crop=[(0, 1)], kernel=3)
    >>> form.weight.tolist(), form.padding
    ([[[1, 2, 3]]], ((0, 0),))
    """
    given = (r, padding, crop, dilation, groups, order, kernel)
    if is_compiled():
        return ConvTransposeForm(
            *_transposed_tensors(weight, bias, *given), *_transposed_numbers(*_shapes(weight, bias), *given)
        )
    return _to_transposed(weight, bias, *given)


def _to_transposed(
    weight: Any, bias: Any, r: Any, padding: Any, crop: Any, dilation: Any, groups: int, order: Order, kernel: Any
) -> ConvTransposeForm:
    op = "subpixel_to_conv_transpose"
    a, weight, bias, axes, send = enter_kernel(op, weight, bias)
    steps, dilations = axes.per_axis("r", r), axes.per_axis("dilation", dilation)
    pads, cuts = axes.pairs("padding", padding), axes.pairs("crop", crop)
    cell = math.prod(steps)
    if weight.shape[0] % cell:
        raise InvalidArgument(
            f"{op}: weight of shape {tuple(weight.shape)}: a first size divisible by {cell} is needed"
        )
    _check(op, groups, order, int(weight.shape[0]) // cell)
    _check_bias(op, bias, int(weight.shape[0]))
    weight = dilate(axes, a, weight, dilations)
    whole = tuple(int(u) * s for u, s in zip(weight.shape[2:], steps, strict=True))
    axes.check_size((*weight.shape[:2], *(n + sum(p) * s for n, p, s in zip(whole, pads, steps, strict=True))), 8)
    full = join_phases(a, weight, steps, groups, order)
    size = whole if kernel is None else axes.per_axis("kernel", kernel)
    inside = full[(..., *(slice(0, k) for k in size))]
    if any(k > n for k, n in zip(size, whole, strict=True)):
        raise InvalidArgument(f"{op}: kernel={kernel!r}: at most the full kernel of {whole} is possible")
    if size == whole:
        pass
    elif not shows_values(full):
        raise Unsupported(
            f"{op}: kernel={kernel!r}: whether the taps beyond it are zero is not known while torch.compile, "
            "torch.export or vmap traces; convert the weights before"
        )
    elif bool((full != 0).sum() != (inside != 0).sum()):
        raise InvalidArgument(f"{op}: kernel={kernel!r}: the full kernel of {whole} has nonzero taps beyond it")
    front, back, final, extra = [], [], [], []
    for n, k, s, (before, after), (start, end) in zip(whole, size, steps, pads, cuts, strict=True):
        # How many samples the result starts and ends within the reach of all taps of the full kernel. A negative number
        # means beyond it: zeros at the start of the kernel make up for it, and output_padding or zeros at its end.
        low, high = n - s - s * before + start, n - s - s * after + end - (n - k)
        more = max(0, -high)
        front.append(max(0, -low))
        back.append(more if more >= s else 0)
        extra.append(more if more < s else 0)
        final.append((max(0, low), max(0, high)))
    ends = [(0, 0), (0, 0), *zip(front, back, strict=True)]
    return ConvTransposeForm(
        weight=send(a.contiguous(a.pad(inside, ends, 0))),
        bias=None if bias is None else send(merge_phases(op, a, bias, cell, order)),
        stride=steps,
        padding=tuple(final),
        output_padding=tuple(extra),
        groups=groups,
    )


def _shapes(weight: Any, bias: Any) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    return tuple(weight.shape), None if bias is None else tuple(bias.shape)


@operator
def _subpixel_tensors(weight: Any, bias: Any, *given: Any) -> tuple[Any, Any]:
    form = _to_subpixel(weight, bias, *given)
    return form.weight, form.bias


@constant
def _subpixel_numbers(weight: tuple[int, ...], bias: tuple[int, ...] | None, *given: Any) -> tuple[Any, ...]:
    """The values of a form besides its arrays, which follow from the shapes."""
    form = _to_subpixel(np.zeros(weight, np.uint8), None if bias is None else np.zeros(bias, np.uint8), *given)
    return form.r, form.padding, form.crop, form.groups, form.order


@operator
def _transposed_tensors(weight: Any, bias: Any, *given: Any) -> tuple[Any, Any]:
    form = _to_transposed(weight, bias, *given)
    return form.weight, form.bias


@constant
def _transposed_numbers(weight: tuple[int, ...], bias: tuple[int, ...] | None, *given: Any) -> tuple[Any, ...]:
    """As :func:`_subpixel_numbers`."""
    form = _to_transposed(np.zeros(weight, np.uint8), None if bias is None else np.zeros(bias, np.uint8), *given)
    return form.stride, form.padding, form.output_padding, form.groups


def _padding_and_crop(
    k: int, s: int, taps: int, pad: tuple[int, int], extra: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding and crop of one axis.

    Phases begin at multiples of ``s``. So each ``s`` samples of transposed padding become one sample less of padding,
    down to none, and the rest is cropped.
    """
    before, after = pad
    front = max(0, taps - 1 - before // s)
    back = max(0, (k - 1 + extra - after) // s)
    return (front, back), (before - s * (taps - 1 - front), s * (1 + back) - k - extra + after)


def _check(op: str, groups: Any, order: Any, divided: int) -> None:
    check_order(op, order)
    if not is_integer(groups) or groups < 1 or divided % groups:
        raise InvalidArgument(f"{op}: groups={groups!r}: an integer that divides {divided} channels is needed")
    if order == "DCR" and groups > 1:
        raise InvalidArgument(
            f"{op}: order='DCR' with groups={groups}: its channels are not sorted by group; use 'CRD'"
        )


def _check_bias(op: str, bias: Any, channels: int) -> None:
    if bias is not None and tuple(bias.shape) != (channels,):
        raise InvalidArgument(f"{op}: bias of shape {tuple(bias.shape)}: ({channels},) is needed, one for each channel")
