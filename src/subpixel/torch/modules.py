"""The operators as torch modules, with the conventions that libraries disagree on as arguments.

They are :mod:`subpixel.ops` with arguments kept: each docstring there says the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from subpixel.errors import InvalidArgument
from subpixel.ops import icnr, max_unpool, pixel_shuffle, pixel_unshuffle, resize, subpixel_conv, warp
from subpixel.ops.pooling.pool import Counting
from subpixel.ops.resizing.dialects import Like
from subpixel.ops.shuffle import Order
from subpixel.ops.warping.warp import GridMode

__all__ = ["MaxUnpool", "PixelShuffle", "PixelUnshuffle", "Resize", "SubpixelConv", "Warp"]


class _Options(nn.Module):
    """A module whose representation shows its options."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._options = options

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self._options.items())


class PixelShuffle(_Options):
    """:func:`subpixel.ops.pixel_shuffle`: ``(N, C*r*r, H, W)`` to ``(N, C, H*r, W*r)``.

    Args:
        r: the factor, at least 1.
        order: of the channels: ``CRD`` (torch, Paddle) or ``DCR`` (TensorFlow, the default of ONNX).

    >>> import torch
    >>> x = torch.arange(8.0).reshape(1, 8, 1, 1)
    >>> PixelShuffle(2)(x)[0, 0].tolist(), PixelShuffle(2, order="DCR")(x)[0, 0].tolist()
    ([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [4.0, 6.0]])
    """

    def __init__(self, r: int, *, order: Order = "CRD") -> None:
        super().__init__(r=r, order=order)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C*r*r, H, W)`` to ``(N, C, H*r, W*r)``."""
        y: Tensor = pixel_shuffle(x, **self._options)
        return y


class PixelUnshuffle(_Options):
    """:func:`subpixel.ops.pixel_unshuffle`, the inverse of :class:`PixelShuffle`.

    Args:
        r: the factor, at least 1.
        order: of the channels: ``CRD`` or ``DCR``.

    >>> import torch
    >>> PixelUnshuffle(2)(torch.zeros(1, 1, 4, 6)).shape
    torch.Size([1, 4, 2, 3])
    """

    def __init__(self, r: int, *, order: Order = "CRD") -> None:
        super().__init__(r=r, order=order)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H*r, W*r)`` to ``(N, C*r*r, H, W)``."""
        y: Tensor = pixel_unshuffle(x, **self._options)
        return y


class Resize(_Options):
    """:func:`subpixel.ops.resize` on ``(N, C, H, W)``.

    Args:
        size: ``(height, width)`` of the result.
        scale: how many times larger, instead of a size.
        mode: ``nearest``, ``linear``, ``cubic`` …
        like: the library whose conventions are followed: ``torch``, ``onnx``, ``opencv``, ``pillow``, ``matlab``,
            ``tensorflow`` …; None for this package's own.
        options: further arguments of :func:`subpixel.ops.resize`, such as ``antialias`` or ``a``.

    >>> import torch
    >>> Resize(scale=2, mode="linear", like="torch")(torch.tensor([[[[1.0, 2.0]]]]))[0, 0, 0].tolist()
    [1.0, 1.25, 1.75, 2.0]
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        *,
        scale: float | Sequence[float] | None = None,
        mode: str | None = None,
        like: Like | None = None,
        **options: Any,
    ) -> None:
        if (size is None) == (scale is None):
            raise InvalidArgument(f"Resize: size={size!r}, scale={scale!r}: one of them is needed")
        given = {"size": size, "scale": scale, "mode": mode, "like": like, **options}
        super().__init__(**{name: value for name, value in given.items() if value is not None})
        # Four axes of which the last two are resized: the same for every library.
        self._axes = (2, 3)
        self._check()

    def _check(self) -> None:
        """Wrong options are errors now, not at the first call."""
        resize(torch.zeros(1, 1, 2, 2), **self._options, axes=self._axes)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, H', W')``."""
        y: Tensor = resize(x, **self._options, axes=self._axes)
        return y


class SubpixelConv(nn.Module):
    """:func:`subpixel.ops.subpixel_conv`: a convolution to ``C*r*r`` channels, then a pixel shuffle.

    Args:
        in_channels: of the input.
        out_channels: of the result, C.
        kernel: its odd side; the borders are padded with zeros to keep the size.
        r: the factor, at least 1.
        order: of the channels before the shuffle: ``CRD`` or ``DCR``.
        bias: whether each channel before the shuffle has one.

    The weight begins as :func:`subpixel.ops.icnr` makes it, from torch's generator: the first result has no
    checkerboard. The bias begins with 0.

    >>> import torch
    >>> up = SubpixelConv(8, 3, 3, 2)
    >>> up(torch.zeros(1, 8, 5, 7)).shape, up.weight.shape
    (torch.Size([1, 3, 10, 14]), torch.Size([12, 8, 3, 3]))
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, r: int, *, order: Order = "CRD", bias: bool = True
    ) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise InvalidArgument(f"SubpixelConv: kernel={kernel!r}: an odd number of at least 1 is needed")
        self.r, self.order, self.padding = r, order, kernel // 2

        def first(shape: tuple[int, ...]) -> Tensor:
            return nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu")

        shape = (out_channels * r * r, in_channels, kernel, kernel)
        self.weight = nn.Parameter(icnr(shape, r, init=first, order=order))
        self.bias = nn.Parameter(torch.zeros(out_channels * r * r)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H*r, W*r)``."""
        y: Tensor = subpixel_conv(x, self.weight, self.bias, self.r, padding=self.padding, order=self.order)
        return y

    def extra_repr(self) -> str:
        """The shape of the weight, the factor and the order."""
        return f"weight={tuple(self.weight.shape)}, r={self.r}, order={self.order!r}"


class MaxUnpool(_Options):
    """:func:`subpixel.ops.max_unpool`, the inverse of ``torch.nn.MaxPool2d(return_indices=True)``.

    Args:
        kernel: of the pooling.
        stride: of the pooling; the default is the kernel.
        padding: of the pooling.
        indices: how positions are counted: ``torch`` or ``onnx``.

    >>> import torch
    >>> x = torch.tensor([[[[1.0, 2.0], [4.0, 3.0]]]])
    >>> values, positions = torch.nn.MaxPool2d(2, return_indices=True)(x)
    >>> MaxUnpool(2)(values, positions)[0, 0].tolist()
    [[0.0, 0.0], [4.0, 0.0]]
    """

    def __init__(
        self,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        *,
        indices: Counting = "torch",
    ) -> None:
        super().__init__(kernel=kernel, stride=stride, padding=padding, indices=indices)

    def forward(self, values: Tensor, positions: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """``(N, C, H', W')`` and positions of the same shape to ``(N, C, H, W)``."""
        y: Tensor = max_unpool(values, positions, **self._options, output_size=output_size)
        return y


class Warp(_Options):
    """:func:`subpixel.ops.warp`: an image sampled along a flow, ``out(p) = x(p + flow(p))``.

    Args:
        mode: ``nearest``, ``bilinear`` or ``bicubic``.
        padding_mode: what lies outside: ``zeros``, ``border`` or ``reflection``.
        units: of the flow: ``pixels``, or ``halves`` of the width and of the height.

    >>> import torch
    >>> flow = torch.zeros(1, 2, 1, 4)
    >>> flow[:, 0] = 1
    >>> Warp()(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]), flow)[0, 0, 0].tolist()
    [2.0, 3.0, 4.0, 0.0]
    """

    def __init__(
        self,
        *,
        mode: GridMode = "bilinear",
        padding_mode: Literal["zeros", "border", "reflection"] = "zeros",
        units: Literal["pixels", "halves"] = "pixels",
    ) -> None:
        super().__init__(mode=mode, padding_mode=padding_mode, units=units)

    def forward(self, x: Tensor, flow: Tensor) -> Tensor:
        """``(N, C, H, W)`` and ``(N, 2, H, W)`` to ``(N, C, H, W)``."""
        y: Tensor = warp(x, flow, **self._options)
        return y
