"""What an image is as an array: kinds, dtypes, alpha, and the way to f32 and back."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Alpha
from subpixel.errors import InvalidArgument

__all__ = [
    "alpha_of",
    "as_pil",
    "check_image",
    "check_pixels",
    "is_pil",
    "opaque",
    "pil_pixels",
    "store",
    "to_f32",
    "uncarried",
]

F32 = NDArray[np.float32]

# Below this alpha there is no colour to divide out.
_VISIBLE = 1 / 1024


def alpha_of(image: NDArray[Any]) -> Alpha:
    """What the last of ``(H, W, C)`` is: no alpha, one that is opaque everywhere, or one to carry along."""
    if image.shape[2] not in (2, 4):
        return "none"
    return "carried" if bool((image[..., -1] != opaque(image.dtype)).any()) else "opaque"


def is_pil(image: object) -> bool:
    """Whether it is an image of Pillow, which need not be installed."""
    return type(image).__module__.split(".")[0] == "PIL"


def pil_pixels(image: Any) -> NDArray[Any]:
    """The pixels of an image of Pillow.

    Raises:
        InvalidArgument: a mode that networks do not work on.
    """
    modes = {"L", "LA", "RGB", "RGBA", "I;16"}
    if image.mode not in modes:
        raise InvalidArgument(f"image: PIL mode {image.mode}: one of {', '.join(sorted(modes))} is needed")
    return np.asarray(image)


def as_pil(pixels: NDArray[Any], image: Any) -> Any:
    """Pixels as an image of Pillow with what another one carried."""
    from PIL import Image

    result = Image.fromarray(pixels)
    result.info.update(image.info)
    return result


def check_image(image: Any) -> None:
    """Raises InvalidArgument for what is no array of an image."""
    if not isinstance(image, np.ndarray):
        raise InvalidArgument(f"image: {type(image).__name__}: a NumPy array or a PIL image is needed")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise InvalidArgument(
            f"image: shape {image.shape}: (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4) is needed"
        )
    check_pixels(image)


def check_pixels(image: NDArray[Any]) -> None:
    """Raises InvalidArgument for a dtype that images do not have, or no pixel at all."""
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise InvalidArgument(f"image: dtype {image.dtype}: uint8, uint16 or float32 is needed")
    if 0 in image.shape:
        raise InvalidArgument(f"image: shape {image.shape} holds no pixel")


def opaque(dtype: np.dtype[Any]) -> Any:
    """The alpha of what hides everything behind it."""
    return np.float32(1) if dtype == np.float32 else np.iinfo(dtype).max


def uncarried(colour: F32, alpha: F32, hidden: F32) -> F32:
    """Colour that was interpolated premultiplied, with that divided out again.

    Args:
        colour: premultiplied.
        alpha: interpolated likewise, not clipped yet: beside an edge it swings beyond 1 as the colour carried with it
            does, and divided by what it swings to, colour stays.
        hidden: what was stored, interpolated as it is: where nothing shows there is no colour to divide out.
    """
    visible = alpha > _VISIBLE
    result: F32 = np.where(visible, colour / np.where(visible, alpha, 1), hidden)
    return result


def to_f32(x: NDArray[Any]) -> F32:
    """0 … 1; floats as they are."""
    if x.dtype == np.float32:
        return cast(F32, x)
    return x.astype(np.float32) * np.float32(1 / np.iinfo(x.dtype).max)


def store(x: F32, out: NDArray[Any]) -> None:
    """Write planes into an array of the same shape: f32 as it is, others rounded half up and clipped."""
    if out.dtype == np.float32:
        out[...] = x
        return
    top = np.float32(np.iinfo(out.dtype).max)
    x = x * top
    x += np.float32(0.5)
    np.clip(x, 0, top, out=x)
    out[...] = x  # towards zero, and so half up
