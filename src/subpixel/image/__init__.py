"""Image files: read, upscale, write, with all that belongs to them."""

from subpixel.image.comparison.sheet import compare
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.reading import read
from subpixel.image.files.writing import write
from subpixel.image.job import Job, Result

__all__ = ["ImageData", "Job", "Result", "compare", "read", "write"]
