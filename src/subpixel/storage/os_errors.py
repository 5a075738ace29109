"""What the system says when something fails, in words for a person."""

from __future__ import annotations

__all__ = ["said_by_system"]


def said_by_system(error: Exception) -> str:
    """What the system, or a library that speaks as it does, says of a file, as the end of a sentence.

    >>> said_by_system(OSError(28, "No space left on device"))
    'no space left on device'
    """
    return (getattr(error, "strerror", None) or str(error)).lower()
