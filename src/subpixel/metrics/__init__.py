"""How good a result is, and the protocol under which that is said."""

from subpixel.metrics.protocol import evaluate
from subpixel.metrics.quality import psnr, ssim
from subpixel.metrics.record import record
from subpixel.ops.blockiness import blockiness

__all__ = ["blockiness", "evaluate", "psnr", "record", "ssim"]
