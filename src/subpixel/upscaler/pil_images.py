"""PIL images as arrays and back. Pillow is imported only for the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["is_pil_image", "pil_pixels"]

# Modes whose values are those of an image, and what they are as arrays.
_PLAIN = ("L", "LA", "RGB", "RGBA", "I;16", "F")
# Modes of the same values in another form, and the modes that their results have. Upscaled edges need the grays and
# colours between, so a palette ends, and black and white become gray. Premultiplied colours are divided: they are
# premultiplied for the interpolation, in full precision.
_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB"}
# Gray of 16 bits in a stated byte order.
_WIDE = ("I;16L", "I;16B", "I;16N")
# Modes of other colour spaces, which are not converted behind the caller's back.
_OTHER_SPACES = ("CMYK", "YCbCr", "HSV", "LAB")


def is_pil_image(image: Any) -> bool:
    """Whether an object is one of Pillow's images, without importing Pillow."""
    return type(image).__module__.split(".")[0] == "PIL" and hasattr(image, "mode")


def pil_pixels(image: Any) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]]:
    """The pixels of a PIL image, and a function from pixels to a PIL image with the same ``info``.

    A palette becomes RGB, or RGBA if it has transparency. The transparent colour of an RGB image or of a gray one
    becomes alpha: interpolated as a colour, it would shine through at every edge.

    Args:
        image: of mode L, LA, RGB, RGBA, I;16, F, 1, P, PA, La, RGBa or RGBX.

    Raises:
        InvalidArgument: any other mode.
    """
    mode, info = image.mode, dict(image.info)
    if mode in _OTHER_SPACES:
        raise InvalidArgument(
            f"image: PIL mode {mode}: RGB is needed; image.convert('RGB') converts it, ImageCms does so with a profile"
        )
    if mode not in (*_PLAIN, *_CONVERTED, *_WIDE):
        known = ", ".join((*_PLAIN, *_CONVERTED))
        raise InvalidArgument(f"image: PIL mode {mode}: one of {known} is needed")
    key = info.pop("transparency", None)
    wanted = _CONVERTED.get(mode, mode)
    if mode == "P" and (key is not None or getattr(image.palette, "mode", "RGB") == "RGBA"):
        wanted = "RGBA"
    if wanted != mode:
        image = image.convert(wanted)
        key = None if mode in ("P", "PA") else key
    pixels = np.asarray(image)
    if pixels.dtype.kind == "u":
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if key is not None and wanted in ("L", "RGB"):
        pixels = _with_alpha(pixels, key)
    elif key is not None and wanted not in ("LA", "RGBA"):
        raise InvalidArgument(
            f"image: PIL mode {mode} with a transparent gray, for which Pillow has no alpha; without "
            "image.info['transparency'] it is upscaled as opaque"
        )

    def back(result: NDArray[Any]) -> Any:
        from PIL import Image

        made = Image.fromarray(result)
        made.info.update(info)
        return made

    return pixels, back


def _with_alpha(pixels: NDArray[Any], key: Any) -> NDArray[Any]:
    """Pixels with alpha that is 0 where they have one colour.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)`` of u8.
        key: the colour: a number or three. Of a PNG of 16 bits they have 16, and Pillow keeps the upper 8 of pixels.
    """
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    colour = np.atleast_1d(np.asarray(key, np.int64))
    if len(colour) != planes.shape[2]:
        raise InvalidArgument(f"image: the transparent colour {key!r} does not fit the image's channels")
    colour = colour >> 8 if colour.max() > 255 else colour
    alpha = np.where((planes == colour).all(axis=2), 0, 255).astype(np.uint8)
    return np.concatenate([planes, alpha[..., None]], axis=2)
