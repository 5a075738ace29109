"""Kinds of images: arrays, tensors and PIL images in; dtypes and alpha checked; f32 and back."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter
from subpixel.upscaler.pil_images import is_pil_image, pil_pixels

__all__ = [
    "Alpha",
    "alpha_of",
    "check_image",
    "check_pixels",
    "opaque",
    "pixels_of",
    "store",
    "to_f32",
    "unpremultiply",
    "warn_of_range",
]

F32 = NDArray[np.float32]

# No alpha; opaque everywhere; or not opaque somewhere.
Alpha = Literal["none", "opaque", "transparent"]

# Below this alpha a pixel is invisible, and colour cannot be divided by it.
_VISIBLE = 1 / 1024

# Floating-point images of 0 … 1 overshoot a little where they were sharpened or upscaled before.
_BRIGHTEST = 1.5


def alpha_of(image: NDArray[Any]) -> Alpha:
    """The kind of alpha of an image ``(H, W, C)``: none, opaque everywhere, or transparent somewhere."""
    if image.shape[2] not in (2, 4):
        return "none"
    return "transparent" if bool((image[..., -1] != opaque(image.dtype)).any()) else "opaque"


def pixels_of(image: Any) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]]:
    """The pixels of any kind of image, and a function that converts back to that kind.

    Args:
        image: a NumPy array, a torch tensor, another array that speaks DLPack, or a PIL image; see
            :meth:`subpixel.Upscaler.__call__`.

    Returns:
        ``(H, W)`` or ``(H, W, C)`` of u8, u16 or f32, and a function from such an array to the kind of ``image``.

    Raises:
        InvalidArgument: anything else, such as a path.
    """
    if isinstance(image, (str, os.PathLike)):
        raise InvalidArgument(
            f"image: {os.fspath(image)!r} is a path, not pixels; subpixel.image.upscale_file takes paths of images, "
            "and subpixel.video.upscale_file takes those of videos"
        )
    pixels: NDArray[Any]
    back: Callable[[NDArray[Any]], Any] = _unchanged
    if is_pil_image(image):
        pixels, back = pil_pixels(image)
    elif isinstance(image, np.ndarray):
        pixels = image
    elif (tensor := _tensor(image)) is not None:
        pixels, back = tensor
    elif hasattr(image, "__dlpack__") or hasattr(image, "__array_namespace__"):
        _, (pixels,), back = enter("image", image)
    else:
        raise InvalidArgument(f"image: {type(image).__name__}: a NumPy array, a torch tensor or a PIL image is needed")
    check_image(pixels)
    if pixels.dtype == np.float64:
        return pixels.astype(np.float32), lambda result: back(result.astype(np.float64))
    return pixels, back


def _unchanged(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels


def _tensor(image: Any) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]] | None:
    """A torch tensor's values, and a function that converts back to its device; None if it is no tensor."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(image, torch.Tensor):
        return None
    if image.requires_grad:
        raise InvalidArgument(
            "image: a tensor that requires a gradient, which upscaling an image does not have; image.detach() is "
            "needed, or the operators of subpixel.ops, which are differentiable"
        )
    if image.dtype not in (torch.uint8, torch.uint16, torch.float32, torch.float64):
        raise InvalidArgument(f"image: dtype {image.dtype}: uint8, uint16, float32 or float64 is needed")
    return image.cpu().numpy(), lambda pixels: torch.from_numpy(pixels).to(image.device)


def warn_of_range(pixels: NDArray[Any]) -> None:
    """Warn of floating-point pixels that are probably codes of 0 … 255: large, and never negative.

    Args:
        pixels: ``(H, W)`` or ``(H, W, C)``.
    """
    if pixels.dtype == np.float32 and (most := float(pixels.max())) > _BRIGHTEST and pixels.min() >= 0:
        warnings.warn(
            f"image: its largest value is {most:g}, and floating point is taken as 0 … 1: values of 0 … 255 must be "
            "divided by 255, or given as uint8",
            stacklevel=3,
        )


def check_image(image: NDArray[Any]) -> None:
    """Raise InvalidArgument for a shape or a dtype that no image has."""
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        hint = ""
        if image.ndim == 3 and image.shape[0] in (1, 2, 3, 4):
            hint = "; channels come last: image.transpose(1, 2, 0) of NumPy, or image.permute(1, 2, 0) of torch"
        elif image.ndim == 4:
            hint = "; one image at a time"
        raise InvalidArgument(
            f"image: shape {tuple(image.shape)}: (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4) is needed{hint}"
        )
    check_pixels(image, doubles=True)


def check_pixels(image: NDArray[Any], *, doubles: bool = False) -> None:
    """Raise InvalidArgument for a dtype that images do not have (``doubles`` allows f64), or for an empty image."""
    if image.dtype not in (np.uint8, np.uint16, np.float32, *((np.float64,) if doubles else ())):
        either = "uint8, uint16, float32 or float64" if doubles else "uint8, uint16 or float32"
        raise InvalidArgument(f"image: dtype {image.dtype}: {either} is needed")
    if 0 in image.shape:
        raise InvalidArgument(f"image: shape {image.shape} holds no pixel")


def opaque(dtype: np.dtype[Any]) -> Any:
    """The alpha of an opaque pixel."""
    return np.float32(1) if dtype == np.float32 else np.iinfo(dtype).max


def unpremultiply(colour: F32, alpha: F32, hidden: F32) -> F32:
    """Divide alpha out of colour that was interpolated premultiplied.

    Args:
        colour: premultiplied and interpolated.
        alpha: interpolated and not clipped. Beside an edge it overshoots 1 as the colour does, so the quotient is
            right.
        hidden: the stored colour, interpolated without alpha. It is used where a pixel is invisible.
    """
    visible = alpha > _VISIBLE
    result: F32 = np.where(visible, colour / np.where(visible, alpha, 1), hidden)
    return result


def to_f32(x: NDArray[Any]) -> F32:
    """Codes as f32 of 0 … 1; f32 is returned unchanged."""
    if x.dtype == np.float32:
        return cast(F32, x)
    return x.astype(np.float32) * np.float32(1 / np.iinfo(x.dtype).max)


def store(x: F32, out: NDArray[Any]) -> None:
    """Write f32 planes into an array of the same shape; integers are rounded half up and clipped."""
    if out.dtype == np.float32:
        out[...] = x
        return
    top = np.float32(np.iinfo(out.dtype).max)
    x = x * top
    x += np.float32(0.5)
    np.clip(x, 0, top, out=x)
    out[...] = x  # casting rounds towards zero, so this rounds half up
