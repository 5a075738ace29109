"""What the system says when something fails, in words for a person."""

from __future__ import annotations

__all__ = ["said_by_system"]


def said_by_system(error: OSError) -> str:
    """What the system says of a file, as the end of a sentence.

    >>> said_by_system(OSError(28, "No space left on device"))
    'no space left on device'
    """
    return (error.strerror or str(error)).lower()
