"""Picture files: read, enlarge, write, with all that belongs to them."""

from subpixel.image.job import Job, Result
from subpixel.image.picture import Picture
from subpixel.image.reading import read
from subpixel.image.writing import write

__all__ = ["Job", "Picture", "Result", "read", "write"]
