"""Videos whose clock starts again, jumps, or is wrong for a packet: small videos, joined or rewritten."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from video.clips import RATE, make_clip

__all__ = ["B_FRAMES", "Change", "join", "rewritten", "timed_clip"]

# Encoder options for frames that are stored in another order than they are shown.
B_FRAMES = {"preset": "medium", "bf": "3", "g": "12", "x264-params": "b-adapt=0:scenecut=0"}

# The new time of a packet, in seconds: from the number of its stream, its own number, and its time.
Change = Callable[[int, int, Fraction], Fraction]

_CLOCK = Fraction(1, 90000)


def timed_clip(
    path: Path,
    *,
    start: Fraction = Fraction(0),
    frames: int = 12,
    sound: str | None = "mp2",
    gap: Fraction = Fraction(0),
    format_name: str = "mpegts",
    codec: str = "libx264",
    **how: Any,
) -> Path:
    """A video of 24 frames a second, with silence beside it.

    Args:
        path: where to.
        start: of both, in seconds.
        frames: how many.
        sound: the codec of the silence; None for none.
        gap: seconds without anything, after half of the frames.
        format_name, codec, how: as in make_clip.
    """
    # MPEG-2 knows a few rates only.
    unit = RATE if codec == "mpeg2video" else _CLOCK
    late = [gap if number >= frames // 2 else Fraction(0) for number in range(frames)]
    times = [round((start + number * RATE + late[number]) / unit) for number in range(frames)]

    def others(out: Any) -> Callable[[Any], None]:
        stream = out.add_stream(sound, rate=48000)
        stream.codec_context.layout = "mono"

        def write(_out: Any) -> None:
            context = stream.codec_context
            kind, half = context.format.name, frames * 1000
            samples = np.zeros((1, 1152), np.int16 if kind.startswith("s16") else np.float32)
            for place in range(0, 2 * half, 1152):
                each = av.AudioFrame.from_ndarray(samples, format=kind, layout="mono")
                each.sample_rate, each.time_base = 48000, Fraction(1, 48000)
                each.pts = place + round((start + (gap if place >= half else 0)) * 48000)
                out.mux(stream.encode(each))
            out.mux(stream.encode(None))

        return write

    return make_clip(
        path,
        codec=codec,
        times=times,
        time_base=unit,
        others=others if sound else None,
        format_name=format_name,
        container_options={"max_interleave_delta": "0"},
        **how,
    )


def join(path: Path, *parts: Path) -> Path:
    """Files one after another, as ``cat`` joins them."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def rewritten(source: Path, path: Path, change: Change) -> Path:
    """A copy in Matroska with other times. Packets are stored in the order of their old ones."""
    with (
        av.open(str(source)) as container,
        av.open(str(path), "w", container_options={"avoid_negative_ts": "disabled"}) as out,
    ):
        targets = [out.add_stream_from_template(stream) for stream in container.streams]
        numbers = [0] * len(targets)
        packets = [packet for packet in container.demux() if packet.size]
        for place, packet in enumerate(sorted(packets, key=lambda each: each.dts * each.time_base)):
            index = packet.stream_index
            time = change(index, numbers[index], packet.pts * packet.time_base)
            numbers[index] += 1
            # Matroska stores times of presentation only, and its writer wants those of decoding to increase.
            packet.dts = place - round(5 / packet.time_base)
            packet.pts = round(time / packet.time_base)
            packet.stream = targets[index]
            out.mux(packet)
    return path
