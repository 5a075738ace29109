"""Picture files: read, enlarge, write, with all that belongs to them."""

from subpixel.image.files import Picture, read, write
from subpixel.image.job import Job, Result

__all__ = ["Job", "Picture", "Result", "read", "write"]
