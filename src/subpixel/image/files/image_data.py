"""An image in memory, with its metadata."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["ImageData"]


@dataclass(frozen=True)
class ImageData:
    """An image in memory.

    Args:
        pixels: ``(H, W, C)``, C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA); u8, u16 or f32. The frames of an animation
            lie below each other.
        header: the metadata of the source file, as a libvips header; None for an image without a file.
        notes: what was converted when the file was read, one sentence each.
        pages: the number of frames, of H / pages rows each.

    Raises:
        InvalidArgument: ``pages`` does not divide H.
    """

    pixels: NDArray[Any]
    header: pyvips.Image | None = None
    notes: tuple[str, ...] = ()
    pages: int = 1

    def __post_init__(self) -> None:
        if self.pages < 1 or self.pixels.shape[0] % self.pages:
            raise InvalidArgument(
                f"pages={self.pages}: {self.pixels.shape[0]} rows cannot be divided into that many frames"
            )

    @property
    def frames(self) -> list[NDArray[Any]]:
        """Each frame, ``(H / pages, W, C)``: views of the pixels."""
        return list(self.pixels.reshape(self.pages, -1, *self.pixels.shape[1:]))

    def with_frames(self, frames: list[NDArray[Any]]) -> ImageData:
        """The same image with other frames, all of one shape."""
        pixels = frames[0] if len(frames) == 1 else np.concatenate(frames)
        return replace(self, pixels=pixels, pages=len(frames))
