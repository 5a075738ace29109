"""Checking sounds that were encoded anew: their packets are others, so what decoders make of both is compared."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from subpixel.video.sound_encoding import TOLERANCE, SoundPlan, decode_sound
from subpixel.video.video_file import Stream

__all__ = ["SoundMeasure", "compare_sounds"]


class SoundMeasure:
    """When a sound begins and ends, how many channels it has and at which rate, once it is decoded.

    Args:
        stream: of an open file.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.tick: Fraction = stream.time_base
        self.first: Fraction | None = None
        self.end = Fraction(0)
        self.rate = self.channels = 0

    def add(self, packet: Any) -> None:
        """Decode the next packet."""
        self._see(decode_sound(packet, self._stream)[0])

    def finish(self) -> None:
        """Decode what is left."""
        self._see(decode_sound(None, self._stream)[0])

    def _see(self, frames: list[Any]) -> None:
        for frame in frames:
            if not frame.samples or not frame.sample_rate:
                continue
            start = self.end if frame.pts is None else frame.pts * (frame.time_base or self.tick)
            self.first = start if self.first is None else self.first
            self.end = max(self.end, start + Fraction(frame.samples, frame.sample_rate))
            self.rate, self.channels = frame.sample_rate, frame.layout.nb_channels


def compare_sounds(
    stream: Stream, plan: SoundPlan, before: SoundMeasure, after: SoundMeasure, unit: Fraction, shift: Fraction
) -> Iterator[str]:
    """A sentence for each way in which an encoded sound differs from what was meant.

    Args:
        stream: the source's.
        plan: how it was encoded.
        before: of the source, on the result's clock.
        after: of the result.
        unit: in which the container stores where a track begins, in seconds; 0 if it is the track's own.
        shift: how far the container shifted everything, in seconds.
    """
    if before.first is None or after.first is None:
        if (before.first is None) != (after.first is None):
            yield f"{stream} has {'no sound' if after.first is None else 'sound that the source does not have'}"
        return
    channels = av.AudioLayout(plan.layout).nb_channels
    if (after.channels, after.rate) != (channels, plan.rate):
        yield f"{stream} has {after.channels} channels at {after.rate} Hz, not {channels} at {plan.rate} Hz"
    exact, frame = before.tick + after.tick + unit, plan.frame_length
    # What decoders skip before the first sample is heard where the container cannot say so: less than a frame.
    if not before.first - frame - exact <= after.first - shift <= before.first + exact:
        yield f"{stream} begins at {float(after.first - shift):.6f} s, not at {float(before.first):.6f} s"
    # Codecs fill their last frame.
    if not before.end - TOLERANCE - exact <= after.end - shift <= before.end + TOLERANCE + 2 * frame + exact:
        yield f"{stream} ends at {float(after.end - shift):.6f} s, not at {float(before.end):.6f} s"
