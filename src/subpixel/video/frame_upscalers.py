"""How the frames of a video are upscaled: by one network, by several that hold a rate, with the plain resize beside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.models.zoo import scales_of
from subpixel.upscaler import MotionNetwork, Network, Upscaler
from subpixel.video.decoding import DecodedFrame
from subpixel.video.formats import Layout, new_frame, planes_of
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.realtime import Realtime
from subpixel.video.side_by_side import Beside
from subpixel.video.video_file import VideoFile

__all__ = ["Motion", "Still", "UpscaledFrame", "Way", "siting_of", "way_of"]

# What is cheaper than any other network, and what is cheaper than that.
_CHEAPER = ("fast", "bicubic")


@dataclass(frozen=True)
class UpscaledFrame:
    """A larger frame, whose time is not set, and the one it was made of."""

    source: DecodedFrame
    frame: Any


class Way(Protocol):
    """Upscales the frames of one video, in order; a result may come some frames after its own."""

    result_size: tuple[int, int]  # (width, height)
    siting: str  # where chroma lies, before and after

    def push(self, timed: DecodedFrame) -> list[UpscaledFrame]:
        """The next frame; results that are ready."""

    def flush(self) -> list[UpscaledFrame]:
        """What is still to come when there are no more frames."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that later results depend on besides their frames; empty where there is nothing."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from such a state. Frames of the video are pushed from the one behind the last result on."""

    def notes(self) -> Iterator[str]:
        """What there is to say of it at the end."""


class Still:
    """Each frame by itself.

    Args:
        upscale: a frame to a larger one, whose time is not set.
        result_size: of those.
        siting: where chroma lies.
        realtime: what chose networks, if anything did.
    """

    def __init__(
        self, upscale: Callable[[Any], Any], result_size: tuple[int, int], siting: str, realtime: Realtime | None
    ) -> None:
        self._upscale, self.result_size, self.siting, self._realtime = upscale, result_size, siting, realtime

    def push(self, timed: DecodedFrame) -> list[UpscaledFrame]:
        return [UpscaledFrame(timed, self._upscale(timed.frame))]

    def flush(self) -> list[UpscaledFrame]:
        return []

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        pass  # there is none: a frame depends on nothing but itself

    def notes(self) -> Iterator[str]:
        if self._realtime is not None:
            yield self._realtime.note()


class Motion:
    """By a network that reads several frames.

    Args:
        network: one that reads several frames.
        layout: of its frames.
        size: (width, height) of them.
        siting: where chroma lies.
        full_range: of the codes.
        left: the plain resize, if it is to stand on the left.
    """

    def __init__(
        self,
        network: MotionNetwork,
        layout: Layout,
        size: tuple[int, int],
        siting: str,
        full_range: bool,
        left: IncrementalUpscaler | None,
    ) -> None:
        self._layout, self.siting = layout, siting
        self._frames = network.frames(layout.form(siting, full_range))
        self._size = size[0] * network.scale, size[1] * network.scale
        self._beside = None if left is None else Beside(left, lambda result: result)
        self.result_size = self._size if self._beside is None else self._beside.result_size
        self._waiting: deque[DecodedFrame] = deque()
        self._known = 0

    def push(self, timed: DecodedFrame) -> list[UpscaledFrame]:
        self._waiting.append(timed)
        if self._known:  # the state has it already
            self._known -= 1
            return []
        planes = self._frames.push(planes_of(timed.frame, self._layout))
        return [] if planes is None else [self._made(planes)]

    def flush(self) -> list[UpscaledFrame]:
        return [self._made(planes) for planes in self._frames.flush()]

    def state(self) -> dict[str, NDArray[Any]]:
        return self._frames.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._frames.restore(state)
        self._known = self._frames.latency

    def notes(self) -> Iterator[str]:
        yield from ()

    def _made(self, planes: list[Any]) -> UpscaledFrame:
        timed = self._waiting.popleft()
        frame, results = new_frame(self._size, self._layout)
        for result, plane in zip(results, planes, strict=True):
            result[:] = plane
        if self._beside is not None:
            frame = self._beside.joined(timed.frame, frame)
        return UpscaledFrame(timed, frame)


def way_of(
    network: Network | MotionNetwork,
    video: VideoFile,
    layout: Layout,
    *,
    beside: bool = False,
    realtime: bool = False,
    rate: Fraction | None = None,
) -> Way:
    """The way of a video's frames.

    Args:
        network: the network of choice.
        video: the video.
        layout: of its frames.
        beside: the plain resize on the left.
        realtime: cheaper networks where the rate is not held.
        rate: frames a second to hold; None for the video's own.

    Raises:
        InvalidArgument: the network cannot upscale such frames.
    """
    siting, video_stream = siting_of(video), video.stream
    full_range = bool(video_stream.tags.full_range)

    def upscaling(by: Network) -> IncrementalUpscaler:
        return IncrementalUpscaler(by, layout, siting, full_range, video_stream.size)

    def other(name: str) -> IncrementalUpscaler:
        same = Upscaler(network.scale, model=name, backend=network.backend, threads=network.threads)
        return upscaling(cast(Network, same.network()))

    if isinstance(network, MotionNetwork):
        if layout.rgb or realtime:
            what = "videos of R, G, B" if layout.rgb else "--realtime"
            raise InvalidArgument(
                f"model '{network.model.name}' reads several frames, which {what} cannot do; fast can"
            )
        left = other("bicubic") if beside else None
        return Motion(network, layout, video_stream.size, siting, full_range, left)
    if network.colour != "luma" and network.model.name != "bicubic" and not layout.rgb:
        raise InvalidArgument(
            f"model '{network.model.name}' works on R, G, B, the video has Y, U, V; a luma model fits"
        )
    main = upscaling(network)
    at_pace = None
    upscale: Any = main
    if realtime:
        names = [n for n in _CHEAPER if n != network.model.name and network.scale in scales_of(n)]
        at_pace = upscale = Realtime([main, *map(other, names)], video_stream.time_base, rate)
    if beside:
        upscale = Beside(other("bicubic"), upscale)
    return Still(upscale, upscale.result_size, siting, at_pace)


def siting_of(video: VideoFile) -> str:
    """Where chroma lies: as the stream says, else as its codec has it (MPEG-1 and JPEG in the middle of its cell)."""
    return video.stream.tags.siting or ("center" if video.codec in ("mpeg1video", "mjpeg") else "left")
