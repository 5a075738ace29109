"""Upscaling as a step of other libraries: Pillow, OpenCV, Albumentations and torchvision's v2 transforms.

python examples/pipelines.py PHOTO RESULT [SCALE]
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from subpixel import Upscaler, ops


def for_pillow(upscaler: Upscaler) -> Any:
    """A function from a PIL image to a larger one of the same mode."""
    return upscaler


def for_opencv(upscaler: Upscaler) -> Any:
    """A function on arrays as ``cv2.imread`` returns them: gray, B, G, R or B, G, R, alpha; u8, u16 or f32 of 0 … 1."""

    def upscale(image: np.ndarray) -> np.ndarray:
        if image.ndim == 2:
            return upscaler(image)
        order = [2, 1, 0, 3][: image.shape[2]]  # from B, G, R to R, G, B, and the same back
        return np.ascontiguousarray(upscaler(image[..., order])[..., order])

    return upscale


def for_albumentations(upscaler: Upscaler, scale: int) -> Any:
    """A transform for ``albumentations.Compose``. Images are R, G, B as everywhere there; masks are repeated."""
    import albumentations

    def larger(image: np.ndarray, **_: Any) -> np.ndarray:
        return upscaler(image)

    def repeated(mask: np.ndarray, **_: Any) -> np.ndarray:
        return ops.resize(mask, scale=scale, mode="nearest", axes=(0, 1))

    return albumentations.Lambda(image=larger, mask=repeated, name="subpixel", p=1)


def for_torchvision(upscaler: Upscaler, scale: int) -> Any:
    """A module for ``torchvision.transforms.v2.Compose``: images ``(…, C, H, W)``, PIL images, masks and boxes."""
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    class Upscale(v2.Transform):
        def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
            if not isinstance(inpt, torch.Tensor):
                return upscaler(inpt)
            plain = inpt.as_subclass(torch.Tensor)
            if isinstance(inpt, tv_tensors.BoundingBoxes):
                size = tuple(side * scale for side in inpt.canvas_size)
                return tv_tensors.BoundingBoxes(plain * scale, format=inpt.format, canvas_size=size)
            if isinstance(inpt, tv_tensors.Mask):
                return tv_tensors.Mask(plain.repeat_interleave(scale, -2).repeat_interleave(scale, -1))
            images = plain.reshape(-1, *plain.shape[-3:]).movedim(1, -1)
            done = torch.stack([upscaler(one) for one in images]).movedim(-1, 1)
            done = done.reshape(*plain.shape[:-2], *done.shape[-2:])
            return tv_tensors.wrap(done, like=inpt) if isinstance(inpt, tv_tensors.Image) else done

    return Upscale()


def main(source: str, destination: str, scale: str = "2") -> None:
    from PIL import Image

    with Image.open(source) as image:
        result = for_pillow(Upscaler(int(scale)))(image)
    result.save(destination)
    print(f"{destination}: {result.width}×{result.height}")


if __name__ == "__main__":
    if len(sys.argv) - 1 not in (2, 3):
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
