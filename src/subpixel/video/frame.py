"""A frame on its way through the stages, and the protocol of everything that upscales frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["Frame", "FrameUpscaler", "State", "StillUpscaler"]

# What an upscaler's next results depend on besides the next frames: arrays by name, none where frames are independent.
State = dict[str, NDArray[Any]]


@dataclass
class Frame:
    """One frame of a video, from the decoder to the encoder.

    Args:
        source: the frame as it was decoded.
        time: in units of the stream's time base. Times increase from frame to frame.
        interlaced: whether it consists of two fields, one after the other.
        result: the upscaled frame, once there is one.
        state: the upscaler's state after this frame, if the frame is the last one of a segment.
    """

    source: Any
    time: int
    interlaced: bool = False
    result: Any = None
    state: State | None = None


class FrameUpscaler(Protocol):
    """Upscales the frames of one video, in order. A result may come some frames after its own frame."""

    @property
    def result_size(self) -> tuple[int, int]:
        """(width, height) of the results."""

    def push(self, frame: Frame) -> list[Frame]:
        """Take the next frame; return the frames whose results are ready."""

    def flush(self) -> list[Frame]:
        """Return the remaining frames after the last push."""

    def state(self) -> State:
        """Everything that later results depend on besides the frames pushed later."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state. The next frame pushed must be the one after the last result at that state."""

    def notes(self) -> Iterator[str]:
        """Sentences about what was done, after the last frame."""


class StillUpscaler(ABC):
    """A frame upscaler whose results depend on their own frames only."""

    result_size: tuple[int, int]

    @abstractmethod
    def upscale(self, source: Any) -> Any:
        """A new, larger frame; its time is not set."""

    def push(self, frame: Frame) -> list[Frame]:
        frame.result = self.upscale(frame.source)
        return [frame]

    def flush(self) -> list[Frame]:
        return []

    def state(self) -> State:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        if state:
            raise InvalidArgument("frames: this upscaler has no state to restore")

    def notes(self) -> Iterator[str]:
        yield from ()
