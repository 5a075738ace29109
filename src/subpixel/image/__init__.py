"""Picture files: read, enlarge, write, with all that belongs to them."""

from subpixel.image.files.picture import Picture
from subpixel.image.files.reading import read
from subpixel.image.files.writing import write
from subpixel.image.job import Job, Result

__all__ = ["Job", "Picture", "Result", "read", "write"]
