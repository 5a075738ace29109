"""What is asked of a result's pixels besides their size: a background instead of transparency, fewer bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["Colour", "OutputPixels", "parse_colour"]

# Red, green and blue, 0 … 255; or a name, or #rrggbb.
Colour = tuple[int, int, int] | str

# The names that HTML 4 defines, section 6.5.
_NAMES = {
    **{"black": "000000", "silver": "c0c0c0", "gray": "808080", "white": "ffffff", "maroon": "800000"},
    **{"red": "ff0000", "purple": "800080", "fuchsia": "ff00ff", "green": "008000", "lime": "00ff00"},
    **{"olive": "808000", "yellow": "ffff00", "navy": "000080", "blue": "0000ff", "teal": "008080", "aqua": "00ffff"},
}


def parse_colour(colour: Colour) -> tuple[int, int, int]:
    """Red, green and blue, 0 … 255.

    Args:
        colour: three numbers; or a name, ``#rrggbb`` or ``#rgb``.

    Raises:
        InvalidArgument: anything else.

    >>> parse_colour("#ff8000"), parse_colour("white"), parse_colour((1, 2, 3))
    ((255, 128, 0), (255, 255, 255), (1, 2, 3))
    """
    if isinstance(colour, str):
        digits = _NAMES.get(colour.lower().replace("grey", "gray"), colour.removeprefix("#"))
        digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
        try:
            values = tuple(bytes.fromhex(digits))
        except ValueError:
            values = ()
    else:
        values = tuple(colour)
    if len(values) != 3 or not all(type(value) is int and 0 <= value <= 255 for value in values):
        raise InvalidArgument(
            f"background={colour!r}: a name such as white, #rrggbb, or three numbers of 0 to 255 are needed"
        )
    return values[0], values[1], values[2]


@dataclass(frozen=True)
class OutputPixels:
    """How the pixels of a result are converted before they are written.

    Args:
        background: the colour that transparent pixels are laid on, in the image's own colour space; None to keep
            transparency.
        depth: 8 for 8 bits per sample; None for those of the image.

    Raises:
        InvalidArgument: no such colour, or another depth.
    """

    background: tuple[int, int, int] | None = None
    depth: int | None = None

    @classmethod
    def of(cls, background: Colour | None, depth: int | None) -> OutputPixels:
        """From the arguments of a job."""
        if depth not in (None, 8) or isinstance(depth, bool):
            raise InvalidArgument(f"depth={depth!r}: 8 is needed")
        return cls(None if background is None else parse_colour(background), depth)

    @property
    def settings(self) -> dict[str, str | int | None]:
        """What is asked for, as part of :func:`subpixel.image.batch.settings_fingerprint.settings_fingerprint`."""
        colour = None if self.background is None else "#" + bytes(self.background).hex()
        return {"background": colour, "depth": self.depth}

    def form(self, channels: int, dtype: np.dtype[Any]) -> tuple[int, np.dtype[Any]]:
        """Channels and dtype of the result of an image.

        Args:
            channels: 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
            dtype: u8, u16 or f32.

        >>> OutputPixels((255, 255, 255), 8).form(4, np.dtype(np.uint16))
        (3, dtype('uint8'))
        """
        if self.background is not None and channels in (2, 4):
            channels = 1 if channels == 2 and len(set(self.background)) == 1 else 3
        return channels, np.dtype(np.uint8) if self.depth == 8 else dtype

    def convert(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels ``(H, W, C)`` as they are written; the same array if nothing changes."""
        if self.background is not None and pixels.shape[2] in (2, 4):
            pixels = self._lay_on_background(pixels)
        if self.depth != 8 or pixels.dtype == np.uint8:
            return pixels
        if pixels.dtype == np.uint16:  # rounded to nearest: 257 codes are one
            return np.asarray((pixels.astype(np.uint32) + 128) // 257, np.uint8)
        return np.asarray(np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * np.float32(255)), np.uint8)

    def convert_all(self, blocks: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """The same for the blocks of an image."""
        return (self.convert(block) for block in blocks)

    def _lay_on_background(self, pixels: NDArray[Any]) -> NDArray[Any]:
        assert self.background is not None
        most = np.float32(1) if pixels.dtype == np.float32 else np.float32(np.iinfo(pixels.dtype).max)
        channels, _ = self.form(pixels.shape[2], pixels.dtype)
        alpha = np.clip(pixels[..., -1:].astype(np.float32) / most, 0, 1)
        colour = np.array(self.background[:channels], np.float32) * (most / np.float32(255))
        result = pixels[..., :-1].astype(np.float32) * alpha + colour * (1 - alpha)
        return np.asarray(result if pixels.dtype == np.float32 else np.rint(result), pixels.dtype)
