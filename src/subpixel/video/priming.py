"""Samples at the beginning of a sound that a decoder skips: they prepare it for those that are heard.

MP4 says so in an edit list, and its packets lie before 0. Matroska has an element for it, CodecDelay, and its packets
begin at 0. libavformat writes that element only if the source has one too.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = ["Priming"]


class Priming:
    """What decoders skip of the sounds of a file that is being written; packets are moved behind it.

    Args:
        tick: the unit of times in the file, in seconds. Readers subtract the delay in whole ticks.
    """

    def __init__(self, tick: Fraction) -> None:
        self._tick = tick
        self.delays: dict[int, Fraction] = {}

    def move(self, index: int, packet: Any) -> None:
        """Move a packet of a stream behind its samples to skip; the first packet says how many there are."""
        if index not in self.delays:
            self.delays[index] = _skipped(packet)
        ticks = round(round(self.delays[index] / self._tick) * self._tick / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks


def _skipped(packet: Any) -> Fraction:
    """The seconds that a decoder skips, beginning with a packet.

    Layout: ``AV_PKT_DATA_SKIP_SAMPLES`` of libavcodec/packet.h, which begins with their number in 32 bits.
    """
    if not packet.has_sidedata("skip_samples"):
        return Fraction(0)
    samples = int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
    return Fraction(samples, packet.stream.codec_context.sample_rate or 1)
