"""Training of networks. It needs torch, from the extra ``train``."""

from subpixel.errors import MissingExtra

try:
    import torch  # noqa: F401
except ImportError:
    raise MissingExtra("training needs torch: pip install 'subpixel[train]'") from None

from subpixel.train.device import trains_faster_in_bf16
from subpixel.train.loop import train
from subpixel.train.settings import Settings

__all__ = ["Settings", "train", "trains_faster_in_bf16"]
