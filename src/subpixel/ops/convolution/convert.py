"""Transposed convolution and sub-pixel convolution are one layer written in two ways; here are both ways of rewriting.

A transposed convolution of stride ``r`` writes its result at ``q = r*h + t`` for tap ``t`` of its kernel. Taps with the
same ``t % r`` write to the same phase ``q % r`` of the result, so each phase is an ordinary convolution with every
``r``-th tap: kernel ``(1, 2, 3)`` at ``r = 2`` has the phases ``(1, 3)`` and ``(2)``, kernel ``(1, 2, 3, 4)`` has
``(1, 3)`` and ``(2, 4)``. The phases, each flipped (a transposed convolution flips, a convolution does not) and filled
with zeros to ``ceil(k / r)`` taps, are the channels of a sub-pixel convolution.

Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009. The paper writes
the transposed kernel ``(C_out, C_in, kH, kW)``; here it is ``(C_in, C_out/groups, kH, kW)`` as in torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.ops.axes import is_whole
from subpixel.ops.convolution.phases import dilated, each_phase, entered, joined, one_phase, split
from subpixel.ops.shuffle import Order, check_order

__all__ = ["ConvTransposeForm", "SubpixelForm", "conv_transpose_to_subpixel", "subpixel_to_conv_transpose"]

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class SubpixelForm:
    """Arguments of :func:`subpixel.ops.subpixel_conv`: of its weight ``(C*prod(r), C_in/groups, *U)`` and the rest.

    ``padding`` zeros go around the input of the stride-1 convolution, ``crop`` samples off the shuffled result.
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
    """Arguments of :func:`subpixel.ops.conv_transpose`, of its weight ``(C_in, C/groups, *K)`` and the rest."""

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
    """The sub-pixel convolution that computes what a transposed convolution computes, for inputs of every size.

    Args:
        weight: ``(C_in, C_out/groups, *kernel)`` with one to three kernel axes.
        bias: ``(C_out,)`` or None.
        stride: of the transposed convolution; so are the others, see :func:`subpixel.ops.conv_transpose`.
        order: of the channels before the shuffle; ``DCR`` takes ``groups=1``, its channels belong to no one group.

    Returns:
        A :class:`SubpixelForm` whose kernel has ``ceil(k / stride)`` taps along each axis (``k`` with dilation); taps
        that a phase does not have are zero, and so is a whole phase where the kernel is shorter than the stride.

    Raises:
        InvalidArgument: arguments out of range, shapes that do not fit.

    Source: arXiv 1609.07009, see the module's text.

    >>> import numpy as np
    >>> form = conv_transpose_to_subpixel(np.array([[[1, 2, 3]]]), stride=2)
    >>> form.weight[:, 0].tolist(), form.padding, form.crop
    ([[3, 1], [0, 2]], ((1, 1),), ((0, 1),))
    """
    op = "conv_transpose_to_subpixel"
    a, weight, bias, axes, send = entered(op, weight, bias)
    steps, dilations = axes.each("stride", stride), axes.each("dilation", dilation)
    pads, extra = axes.pairs("padding", padding), axes.each("output_padding", output_padding, least=0)
    _check(op, groups, order, int(weight.shape[0]))
    _check_bias(op, bias, int(weight.shape[1]) * groups)
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, dilations, strict=True)):
        raise InvalidArgument(f"{op}: output_padding {extra} must be below the larger of stride and dilation")
    weight = dilated(axes, a, weight, dilations)
    taps = [math.ceil(k / s) for k, s in zip(weight.shape[2:], steps, strict=True)]
    axes.fits((*weight.shape[:2], *(u * s for u, s in zip(taps, steps, strict=True))), 8)
    placed = [
        _placed(int(k), s, u, pad, e)
        for k, s, u, pad, e in zip(weight.shape[2:], steps, taps, pads, extra, strict=True)
    ]
    return SubpixelForm(
        weight=send(split(a, weight, steps, taps, groups, order)),
        bias=None if bias is None else send(each_phase(a, bias, math.prod(steps), order)),
        r=steps,
        padding=tuple(pad for pad, _ in placed),
        crop=tuple(cut for _, cut in placed),
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
    """The transposed convolution that computes what a stride-1 sub-pixel convolution computes, for every input size.

    Args:
        weight: ``(C*prod(r), C_in/groups, *U)`` with one to three kernel axes.
        r: upscaling factor, or one for each axis.
        bias: ``(C*prod(r),)``, equal within each channel's phases (a transposed convolution has no other), or None.
        padding: of the sub-pixel convolution, in numbers; so are the others, see :func:`subpixel.ops.subpixel_conv`.
        kernel: the kernel's size where it is shorter than ``U*r``; the taps it leaves out must be zero.

    Returns:
        A :class:`ConvTransposeForm`, of stride ``r`` and kernel ``U*r`` (``U`` with dilation). Padding beyond a
        kernel's reach, which gives the bias alone, becomes zeros at the kernel's ends.

    Raises:
        InvalidArgument: arguments out of range, shapes that do not fit, a bias or left-out taps as above.

    Source: arXiv 1609.07009, see the module's text.

    >>> import numpy as np
    >>> form = subpixel_to_conv_transpose(np.array([[[3, 1]], [[0, 2]]]), 2, padding=1, crop=[(0, 1)], kernel=3)
    >>> form.weight.tolist(), form.padding
    ([[[1, 2, 3]]], ((0, 0),))
    """
    op = "subpixel_to_conv_transpose"
    a, weight, bias, axes, send = entered(op, weight, bias)
    steps, dilations = axes.each("r", r), axes.each("dilation", dilation)
    pads, cuts = axes.pairs("padding", padding), axes.pairs("crop", crop)
    cell = math.prod(steps)
    if weight.shape[0] % cell:
        raise InvalidArgument(f"{op}: weight of shape {tuple(weight.shape)}: its first size must divide by {cell}")
    _check(op, groups, order, int(weight.shape[0]) // cell)
    _check_bias(op, bias, int(weight.shape[0]))
    weight = dilated(axes, a, weight, dilations)
    whole = tuple(int(u) * s for u, s in zip(weight.shape[2:], steps, strict=True))
    axes.fits((*weight.shape[:2], *(n + sum(p) * s for n, p, s in zip(whole, pads, steps, strict=True))), 8)
    full = joined(a, weight, steps, groups, order)
    kept = whole if kernel is None else axes.each("kernel", kernel)
    inside = full[(..., *(slice(0, k) for k in kept))]
    if any(k > n for k, n in zip(kept, whole, strict=True)) or bool((full != 0).sum() != (inside != 0).sum()):
        raise InvalidArgument(f"{op}: kernel={kernel!r}: the full kernel is {whole} and has other than zeros beyond it")
    front, back, final, extra = [], [], [], []
    for n, k, s, (before, after), (start, end) in zip(whole, kept, steps, pads, cuts, strict=True):
        # The result begins and ends so many samples within what all taps of the full kernel reach; less than
        # nothing means beyond it, made good by zeros at the kernel's start and by output_padding or zeros at its end.
        low, high = n - s - s * before + start, n - s - s * after + end - (n - k)
        more = max(0, -high)
        front.append(max(0, -low))
        back.append(more if more >= s else 0)
        extra.append(more if more < s else 0)
        final.append((max(0, low), max(0, high)))
    ends = [(0, 0), (0, 0), *zip(front, back, strict=True)]
    return ConvTransposeForm(
        weight=send(a.contiguous(a.pad(inside, ends, 0))),
        bias=None if bias is None else send(one_phase(op, a, bias, cell, order)),
        stride=steps,
        padding=tuple(final),
        output_padding=tuple(extra),
        groups=groups,
    )


def _placed(k: int, s: int, taps: int, pad: tuple[int, int], extra: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding and crop of one axis: phases begin at multiples of ``s``, so the transposed padding is split by it.

    Whole steps become less padding of the convolution, down to none; what is left over is cropped.
    """
    before, after = pad
    front = max(0, taps - 1 - before // s)
    back = max(0, (k - 1 + extra - after) // s)
    return (front, back), (before - s * (taps - 1 - front), s * (1 + back) - k - extra + after)


def _check(op: str, groups: Any, order: Any, divided: int) -> None:
    check_order(op, order)
    if not is_whole(groups) or groups < 1 or divided % groups:
        raise InvalidArgument(f"{op}: groups={groups!r}: an integer that divides {divided} channels is needed")
    if order == "DCR" and groups > 1:
        raise InvalidArgument(f"{op}: order='DCR' with groups={groups}: its channels belong to no one group; use 'CRD'")


def _check_bias(op: str, bias: Any, channels: int) -> None:
    if bias is not None and tuple(bias.shape) != (channels,):
        raise InvalidArgument(f"{op}: bias of shape {tuple(bias.shape)}: ({channels},) is needed, one for each channel")
