"""Quality of images and videos: PSNR, SSIM, blockiness, and the protocol of the published figures."""

from subpixel.metrics.protocol import evaluate
from subpixel.metrics.quality import psnr, ssim
from subpixel.metrics.record import record
from subpixel.ops.blockiness import blockiness

__all__ = ["blockiness", "evaluate", "psnr", "record", "ssim"]
