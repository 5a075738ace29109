"""How good a result is, and the protocol under which that is said."""

from subpixel.metrics.protocol import evaluate
from subpixel.metrics.quality import psnr, ssim
from subpixel.metrics.record import record

__all__ = ["evaluate", "psnr", "record", "ssim"]
