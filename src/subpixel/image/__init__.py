"""Image files: read, upscale and write them with all their metadata."""

from subpixel.image.comparison.sheet import compare
from subpixel.image.estimate import Estimate, estimate_job
from subpixel.image.file_upscaling import upscale_file
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.reading import read
from subpixel.image.files.writing import write
from subpixel.image.job import Job, Result

__all__ = ["Estimate", "ImageData", "Job", "Result", "compare", "estimate_job", "read", "upscale_file", "write"]
