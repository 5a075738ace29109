"""The report of the laboratory: one HTML file that needs no other, its charts, and the images that were compared."""

from subpixel.compare.report.image_files import write_images
from subpixel.compare.report.writing import write_report

__all__ = ["write_images", "write_report"]
