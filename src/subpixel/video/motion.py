"""Frames upscaled by a network that reads several frames of a video."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from subpixel.backends import FrameFormat
from subpixel.upscaler import MotionNetwork
from subpixel.video.formats import Layout, Plane, new_frame, planes_of
from subpixel.video.frame import Frame, State
from subpixel.video.resized import FrameResize

__all__ = ["MotionUpscaler"]


class MotionUpscaler:
    """A frame upscaler whose network uses motion; results may come some frames late.

    Args:
        network: the network.
        layout: of the frames.
        frame_format: likewise.
        size: (width, height) of the frames.
        resize: what follows to reach another size; the network then makes luma only.
    """

    def __init__(
        self,
        network: MotionNetwork,
        layout: Layout,
        frame_format: FrameFormat,
        size: tuple[int, int],
        resize: FrameResize | None = None,
    ) -> None:
        self._layout, self._resize = layout, resize
        self._stream = network.frames(frame_format if resize is None else frame_format.luma)
        self.result_size = size[0] * network.scale, size[1] * network.scale
        if resize is not None:
            self.result_size = resize.size
        self._waiting: deque[Frame] = deque()
        # After a restore: the frames pushed next that the stream's state already holds.
        self._in_state = 0

    def push(self, frame: Frame) -> list[Frame]:
        self._waiting.append(frame)
        if self._in_state:
            self._in_state -= 1
            return []
        given = planes_of(frame.source, self._layout)
        planes = self._stream.push(given if self._resize is None else given[:1])
        return [] if planes is None else [self._complete(planes)]

    def flush(self) -> list[Frame]:
        return [self._complete(planes) for planes in self._stream.flush()]

    def state(self) -> State:
        return self._stream.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._stream.restore(state)
        self._in_state = self._stream.latency

    def notes(self) -> Iterator[str]:
        yield from ()

    def _complete(self, planes: list[Plane]) -> Frame:
        """The first waiting frame, with its result."""
        frame = self._waiting.popleft()
        frame.result, results = new_frame(self.result_size, self._layout)
        if self._resize is not None:
            self._resize([*planes, *planes_of(frame.source, self._layout)[1:]], results)
            return frame
        for result, plane in zip(results, planes, strict=True):
            result[:] = plane
        return frame
