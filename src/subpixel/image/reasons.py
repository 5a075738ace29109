"""What libvips says when something fails, in words for a person."""

from __future__ import annotations

import pyvips

__all__ = ["reason"]


def reason(error: pyvips.Error) -> str:
    """What libvips says, without the names of its own parts."""
    lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    if not lines:
        return "its content is broken"
    if "is not a known file format" in lines[-1]:
        return "its content is of no known picture format"
    return lines[-1].split(": ", 1)[-1]
