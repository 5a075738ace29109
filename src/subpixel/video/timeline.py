"""One clock for a whole video, whose own clock may start again, jump, or stand on some packets wrongly.

Joined transport streams, recordings with faults and files of careless writers have such clocks. A pass over the packets
(:mod:`subpixel.video.packet_scan`) finds the places; a :class:`Timeline` is what it found, as data. Everyone who reads
packets corrects them by a clock of the timeline, so decoding, copying and verification see the same times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

__all__ = ["PacketClock", "StreamTimes", "Timeline", "is_packet"]


@dataclass(frozen=True)
class StreamTimes:
    """The corrections of one stream.

    Args:
        offsets: (number of a packet in the stream, seconds): what is added to the times from that packet on.
        wrong: numbers of the packets whose times are worth nothing. They follow the packet before.
        refused: numbers of the packets that the result's container does not take. They are left out.
        orderly: make decoding times never run back, fill those that are missing, and let no packet be shown before it
            is decoded. Writers need this of copied packets; the image is decoded and needs it not.
    """

    offsets: tuple[tuple[int, Fraction], ...] = ()
    wrong: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    orderly: bool = False

    def offset(self, number: int) -> Fraction:
        """What is added to the time of a packet, in seconds."""
        place = bisect_right(self.offsets, number, key=lambda each: each[0])
        return self.offsets[place - 1][1] if place else Fraction(0)


@dataclass(frozen=True)
class Timeline:
    """The corrections of a video's times; none for most videos.

    Args:
        streams: by the stream's index; streams that need no correction are missing.
        key_frames: (number of the packet, corrected time in ticks) of the image's key frames, if anything is corrected.
    """

    streams: Mapping[int, StreamTimes] = field(default_factory=dict)
    key_frames: tuple[tuple[int, int], ...] = ()

    @property
    def is_identity(self) -> bool:
        """Whether all times are right as they are. Only such a file may be read from anywhere but its beginning."""
        return not self.streams

    def clock(self) -> PacketClock:
        """A clock for one reading of the file, from its beginning."""
        return PacketClock(self)

    def key_frame_before(self, time: int) -> int:
        """The number of the image's last key frame at a time or before it; 0 if there is none.

        Args:
            time: corrected, in ticks of the image.
        """
        return max((number for number, key in self.key_frames if key <= time), default=0)


def is_packet(packet: Any) -> bool:
    """Whether a packet has any content. Empty ones are repeated frames, or carry what writers do not store.

    PyAV's demuxer also ends with an empty packet for each stream, without a time.
    """
    return bool(packet.size)


class PacketClock:
    """Corrects the times of packets, which must be all packets of their streams, from the first one on."""

    def __init__(self, timeline: Timeline) -> None:
        self._streams = {index: _StreamClock(times) for index, times in timeline.streams.items()}

    def correct(self, packet: Any) -> int | None:
        """Set the times of the next packet of any stream.

        Returns:
            The number of the packet if its stream needs corrections, else 0; None for a packet to be left out.
        """
        stream = self._streams.get(packet.stream_index)
        return stream.correct(packet) if stream is not None and is_packet(packet) else 0


class _StreamClock:
    def __init__(self, times: StreamTimes) -> None:
        self._times, self._count = times, 0
        self._last: int | None = None
        self._step = 0

    def correct(self, packet: Any) -> int | None:
        number = self._count
        self._count += 1
        if number in self._times.refused:
            return None
        if number in self._times.wrong:
            packet.pts = packet.dts = None
        offset = self._times.offset(number)
        if offset:
            shift = round(offset / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift
        if self._times.orderly:
            self._order(packet)
        return number

    def _order(self, packet: Any) -> None:
        time = packet.dts if packet.dts is not None else packet.pts
        if time is None:
            time = 0 if self._last is None else self._last + self._step
        elif self._last is not None and time < self._last:
            time = self._last
        packet.dts = time
        packet.pts = time if packet.pts is None else max(packet.pts, time)
        self._last, self._step = time, packet.duration or self._step
