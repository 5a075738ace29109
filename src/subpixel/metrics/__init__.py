"""Quality of images and videos: PSNR, SSIM, traces of compression, and the protocol of the published figures."""

from subpixel.metrics.protocol import evaluate
from subpixel.metrics.quality import psnr, ssim
from subpixel.metrics.record import record
from subpixel.ops.blockiness import blockiness
from subpixel.ops.jpeg_traces import jpeg_quality

__all__ = ["blockiness", "evaluate", "jpeg_quality", "psnr", "record", "ssim"]
