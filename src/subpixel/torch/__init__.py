"""Networks and operators as torch modules: to train, to build decoders from, and to export. It needs torch.

>>> import torch
>>> network = Upsampler("fast", 2)
>>> network(torch.zeros(1, 1, 4, 6)).shape
torch.Size([1, 1, 8, 12])

Every module is differentiable and goes through ``torch.compile``, ``torch.export`` (with free sizes) and ``vmap``.
:class:`Upsampler`, :class:`PixelShuffle` and :class:`SubpixelConv` go through ``torch.onnx.export(dynamo=True)`` as
well; the others hold operators of this package that have no ONNX form there.
"""

from subpixel.errors import MissingExtra

try:
    import torch  # noqa: F401
except ImportError:
    raise MissingExtra("subpixel.torch needs torch: pip install 'subpixel[train]'") from None

from subpixel.torch.modules import MaxUnpool, PixelShuffle, PixelUnshuffle, Resize, SubpixelConv, Warp
from subpixel.torch.upsampler import Upsampler

__all__ = ["MaxUnpool", "PixelShuffle", "PixelUnshuffle", "Resize", "SubpixelConv", "Upsampler", "Warp"]
