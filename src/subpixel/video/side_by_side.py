"""The plain resize and the network's result in one frame, left and right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from subpixel.video.formats import new_frame, planes_of
from subpixel.video.incremental import IncrementalUpscaler

__all__ = ["Beside"]


class Beside:
    """Upscales each frame twice and puts the results side by side.

    Args:
        left: what stands on the left, usually the plain resize.
        right: what stands on the right, of the same frames and scale.

    A half is as wide as a result, less the last column where chroma would have to be shared between the halves.
    """

    def __init__(self, left: IncrementalUpscaler, right: Callable[[Any], Any]) -> None:
        self.left, self.right = left, right
        self.layout = left.layout
        width, height = left.result_size
        across = left.across
        self._half = width // across * across
        self.result_size = 2 * self._half, height

    def __call__(self, frame: Any) -> Any:
        """A new frame of both; its time is not set."""
        return self.joined(frame, self.right(frame))

    def joined(self, frame: Any, upscaled: Any) -> Any:
        """The same, where what stands on the right is there already."""
        output, results = new_frame(self.result_size, self.layout)
        for number, half_made in enumerate((self.left(frame), upscaled)):
            for plane, result in zip(planes_of(half_made, self.layout), results, strict=True):
                half = result.shape[1] // 2
                result[:, number * half : (number + 1) * half] = plane[:, :half]
        return output
