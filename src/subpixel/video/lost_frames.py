"""Packets that gave no frame, found by their times: decoders leave out many damaged frames without an error."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

__all__ = ["LostFrames"]

# Codecs that give one frame for each packet. Packets of others repeat the frame before (MPEG-4), or give a frame that
# is not shown (VP8).
_ONE_EACH = {
    *("h264", "hevc", "vvc", "av1", "vp9", "mpeg1video", "mpeg2video", "prores", "dnxhd", "ffv1", "ffvhuff", "huffyuv"),
    *("utvideo", "magicyuv", "mjpeg", "jpeg2000", "cfhd", "dvvideo", "qtrle", "png", "rawvideo", "v210"),
}


class LostFrames:
    """The times of packets whose frames never came, as far as decoding has got.

    A decoder gives frames in the order of their times, so a packet of an earlier time than the frame that just came has
    given none. What lies before the first frame is left out: without the frames that it depends on, nothing can be
    decoded there.

    Args:
        codec: libavcodec's name of the format.
        reliable: whether packets have the times of their frames.
    """

    def __init__(self, codec: str, reliable: bool) -> None:
        self._counts = reliable and codec in _ONE_EACH
        self._waiting: list[int] = []
        self._last: int | None = None

    @property
    def counts(self) -> bool:
        """Whether frames are counted. Two fields of a frame may be two packets, so interlaced frames are not."""
        return self._counts

    def add(self, packet: Any) -> None:
        """Take a packet before it is decoded."""
        if self._counts and packet.pts is not None and not packet.is_discard:
            heappush(self._waiting, packet.pts)

    def before(self, frame: Any) -> list[int]:
        """The times of frames that were lost before a frame, in ticks."""
        self._counts = self._counts and frame.pts is not None and not frame.interlaced_frame
        if not self._counts:
            return []
        return self._take(frame.pts)

    def at_the_end(self) -> list[int]:
        """The times of frames that were lost after the last frame, in ticks."""
        return self._take(None) if self._counts else []

    def _take(self, until: int | None) -> list[int]:
        """The waiting times before one, which is taken as well; all of them if it is None."""
        lost = []
        while self._waiting and (until is None or self._waiting[0] < until):
            time = heappop(self._waiting)
            if self._last is not None and time > self._last:
                lost.append(time)
        if self._waiting and self._waiting[0] == until:
            heappop(self._waiting)
        self._last = until if self._last is None or until is None else max(self._last, until)
        return lost
