"""The frames of one video through a network, in order: the protocol of all networks, and still networks' own."""

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
        """How many frames a result comes after its own."""

    def push(self, planes: Sequence[Plane]) -> list[Plane] | None:
        """The next frame as planes of codes, luma first.

        Returns:
            The planes of the larger frame for the one :attr:`latency` before; None while there is none.

        Raises:
            InvalidArgument: planes that do not fit the format.
        """

    def flush(self) -> list[list[Plane]]:
        """The larger frames still to come. Afterwards the next video may begin."""

    def push_luma(self, y: Planes) -> Planes | None:
        """The next frame as a plane of studio luma, ``(H, W)`` f32 (16/255 … 235/255); the result is not rounded."""

    def flush_luma(self) -> list[Planes]:
        """The same as :meth:`flush`, for planes of luma."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that the next results depend on, as arrays; empty where frames are independent."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`state` gave, to the same bytes.

        Raises:
            InvalidArgument: the state of another network.
        """


class StillFrames:
    """Each frame by itself.

    Args:
        network: a luma network for single images.
        form: the format of the frames; None where only luma is pushed.
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
