"""FrameStream, the protocol for upscaling a video frame by frame, and its form for networks of single images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from subpixel.backends import FrameFormat
from subpixel.backends.base import Planes
from subpixel.errors import InvalidArgument

if TYPE_CHECKING:
    from subpixel.upscaler.network import Network

__all__ = ["FrameStream", "StillFrames"]

Plane = NDArray[Any]


class FrameStream(Protocol):
    """Upscales the frames of one video, in order. Not thread-safe."""

    @property
    def latency(self) -> int:
        """How many frames later the result of a frame comes."""

    def push(self, planes: Sequence[Plane]) -> list[Plane] | None:
        """Push the next frame: planes of codes, luma first.

        Returns:
            The planes of the result of the frame :attr:`latency` frames ago; None while there is no such frame.

        Raises:
            InvalidArgument: planes that do not fit the format.
        """

    def flush(self) -> list[list[Plane]]:
        """The remaining results, at the end of a video. The next frame is then the first of another video."""

    def push_luma(self, y: Planes) -> Planes | None:
        """Push the next frame: a plane of studio luma, ``(H, W)`` f32 (16/255 … 235/255); the result is not rounded."""

    def flush_luma(self) -> list[Planes]:
        """The same as :meth:`flush`, for planes of luma."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that later results depend on, as arrays; empty if frames are independent."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what :meth:`state` returned, to the same bytes.

        Raises:
            InvalidArgument: the state of another network.
        """


class StillFrames:
    """Upscales each frame on its own.

    Args:
        network: a luma network for single images.
        form: the format of the frames; None if only luma is pushed.
    """

    latency = 0

    def __init__(self, network: Network, form: FrameFormat | None) -> None:
        self._network, self._form = network, form

    def push(self, planes: Sequence[Plane]) -> list[Plane] | None:
        if self._form is None:
            raise InvalidArgument("frames: no format was given, so only planes of luma can be pushed")
        return self._network.frame(planes, self._form)

    def flush(self) -> list[list[Plane]]:
        return []

    def push_luma(self, y: Planes) -> Planes | None:
        return self._network.plane(y)

    def flush_luma(self) -> list[Planes]:
        return []

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        if state:
            raise InvalidArgument(f"frames: model '{self._network.model.name}' has no state to restore")
