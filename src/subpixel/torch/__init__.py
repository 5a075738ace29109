"""Networks and operators as torch modules: to train, to build decoders from, and to export. It needs torch.

>>> import torch
>>> network = Upsampler("fast", 2)
>>> network(torch.zeros(1, 1, 4, 6)).shape
torch.Size([1, 1, 8, 12])

Every module is differentiable and goes through ``torch.compile``, ``torch.export``, ``torch.onnx.export(dynamo=True)``
and ``vmap``. Sizes may be free, except in two cases: :class:`Resize` to ONNX, if it is not ``like="torch"``, and
``Resize(scale=…, like="onnx")``, since ONNX multiplies sizes in single precision.
"""

from subpixel.errors import MissingExtra

try:
    import torch  # noqa: F401
except ImportError:
    raise MissingExtra("subpixel.torch needs torch: pip install 'subpixel[train]'") from None

from subpixel.torch.modules import MaxUnpool, PixelShuffle, PixelUnshuffle, Resize, SubpixelConv, Warp
from subpixel.torch.upsampler import Upsampler

__all__ = ["MaxUnpool", "PixelShuffle", "PixelUnshuffle", "Resize", "SubpixelConv", "Upsampler", "Warp"]
