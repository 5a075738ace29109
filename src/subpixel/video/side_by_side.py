"""The bicubic resize and the network's result in one frame, left and right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from subpixel.video.formats import chroma_steps, new_frame, planes_of
from subpixel.video.frame import Frame, FrameUpscaler, State
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.resized import ResizedUpscaler

__all__ = ["SideBySide"]


class SideBySide:
    """A frame upscaler that puts another result on the left of each result.

    Each half is as wide as a result, less the last column if the two halves would share a chroma sample there.

    Args:
        left: upscales the left half, usually by bicubic interpolation.
        right: any frame upscaler, whose results have the same size.
    """

    def __init__(self, left: IncrementalUpscaler | ResizedUpscaler, right: FrameUpscaler) -> None:
        self._left, self._right = left, right
        self._layout = left.layout
        width, height = left.result_size
        across, _ = chroma_steps([self._layout.name])
        half = width // across * across
        self.result_size = 2 * half, height

    def push(self, frame: Frame) -> list[Frame]:
        return [self._join(each) for each in self._right.push(frame)]

    def flush(self) -> list[Frame]:
        return [self._join(each) for each in self._right.flush()]

    def state(self) -> State:
        return self._right.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._right.restore(state)

    def notes(self) -> Iterator[str]:
        yield from self._right.notes()

    def _join(self, frame: Frame) -> Frame:
        output, planes = new_frame(self.result_size, self._layout)
        for number, half_frame in enumerate((self._left.upscale(frame.source), frame.result)):
            for half_plane, plane in zip(planes_of(half_frame, self._layout), planes, strict=True):
                width = plane.shape[1] // 2
                plane[:, number * width : (number + 1) * width] = half_plane[:, :width]
        frame.result = output
        return frame
