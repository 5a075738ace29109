"""A picture in memory, with what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyvips
from numpy.typing import NDArray

__all__ = ["Picture"]


@dataclass(frozen=True)
class Picture:
    """A picture in memory.

    Args:
        pixels: ``(H, W, C)``, C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA); u8, u16 or f32.
        header: the opened file, for its metadata; None for a picture that came from no file.
        notes: what was converted on the way in, a sentence each.
    """

    pixels: NDArray[Any]
    header: pyvips.Image | None = None
    notes: tuple[str, ...] = ()
