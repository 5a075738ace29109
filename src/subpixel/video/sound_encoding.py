"""Sounds encoded anew: decoded, brought to what the encoder takes, and encoded, with every sample at its time.

An encoder counts samples, so it knows nothing of pauses. Where a sound pauses, silence is encoded; where its packets
overlap, samples are left out; after a long pause, the encoder's times go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
from av.codec.context import Flags

from subpixel.errors import Unsupported
from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.video.sound_settings import SoundSetting
from subpixel.video.video_file import Stream

__all__ = ["TOLERANCE", "SoundEncoder", "SoundPlan", "decode_sound", "plan_sound"]

# Times of packets are rounded, and clocks of recordings drift. Less than this, in seconds, is no pause.
TOLERANCE = Fraction(3, 200)
# A pause of more seconds than this is not filled with silence but stays a gap between packets.
_LONGEST_PAUSE = 10
# Frames of silence on both sides of such a gap: encoders mix neighbouring frames.
_AROUND = 3
# Samples of a frame, for encoders that take any number.
_FRAME = 1024
# Frames that a trial encodes: more than encoders hold back.
_TRIAL = 8
# Samples of silence that are made at a time.
_SILENCE = 1 << 14

# Layouts of the same loudspeakers by other names, for encoders that know only one of them.
_SAME_LAYOUT = {
    "5.1(side)": "5.1",
    "5.0(side)": "5.0",
    "quad(side)": "quad",
    "5.1": "5.1(side)",
    "5.0": "5.0(side)",
    "1 channels": "mono",
    "2 channels": "stereo",
    "downmix": "stereo",
    "6 channels": "5.1",
    "8 channels": "7.1",
}
# Bits of a sample that matter, by libavutil's name of its packed format.
_BITS = {"u8": 8, "s16": 16, "s32": 32, "s64": 64, "flt": 24, "dbl": 53}


@dataclass(frozen=True)
class SoundPlan:
    """How a stream of sound is encoded.

    Args:
        name: of the encoder, as users give it.
        codec: libavcodec's name of the encoder.
        rate: samples a second.
        layout: of the channels, by libavutil's name.
        format: of the samples, likewise.
        bit_rate: bits a second; None if it is lossless.
        notes: what is not as in the source, one sentence each.
    """

    name: str
    codec: str
    rate: int
    layout: str
    format: str
    bit_rate: int | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name + ("" if self.bit_rate is None else f" {self.bit_rate / 1000:g}k")

    @property
    def canonical(self) -> str:
        """libavcodec's name of the format."""
        return str(av.Codec(self.codec, "w").canonical_name)

    def set_up(self, context: Any) -> None:
        """Set the parameters of an encoder that is not open yet."""
        context.sample_rate, context.layout, context.format = self.rate, self.layout, self.format
        context.time_base = Fraction(1, self.rate)
        if self.bit_rate is not None:
            context.bit_rate = self.bit_rate

    @property
    def opens(self) -> bool:
        """Whether the encoder takes these parameters."""
        try:
            self._open()
        except (ValueError, av.error.FFmpegError):
            return False
        return True

    @property
    def frame_length(self) -> Fraction:
        """How long a frame of the encoder lasts, in seconds."""
        return Fraction(self._open().frame_size or _FRAME, self.rate)

    def _open(self) -> Any:
        context: Any = av.CodecContext.create(self.codec, "w")
        self.set_up(context)
        context.open()
        return context


def plan_sound(template: Any, stream: Stream, setting: SoundSetting) -> SoundPlan | None:
    """How a stream is encoded; None if it cannot be decoded.

    Args:
        template: the stream in its open file; nothing is read from it.
        stream: the stream.
        setting: an encoder and its rate.

    Raises:
        Unsupported: the encoder does not take the stream's channels.
    """
    context, encoder = template.codec_context, setting.encoder
    if encoder is None or context is None or not context.sample_rate or not context.layout.nb_channels:
        return None
    codec: Any = av.Codec(encoder.codec, "w")
    name = context.layout.name
    rate = _nearest_rate(context.sample_rate, [encoder.samples] if encoder.samples else codec.audio_rates)
    form = _nearest_format(context.format, [each.name for each in codec.audio_formats or ()])
    layouts = [name, *([_SAME_LAYOUT[name]] if name in _SAME_LAYOUT else [])]
    plans = [
        SoundPlan(encoder.name, encoder.codec, rate, layout, form, setting.bits(context.layout.nb_channels))
        for layout in layouts
    ]
    able = [each for each in plans if each.opens]
    plan = next((each for each in able if _returns_layout(each)), able[0] if able else None)
    if plan is None:
        others = "" if encoder.name == "flac" else "; audio='flac' takes more layouts"
        raise Unsupported(
            f"audio={str(setting)!r}: encoder {encoder.name} does not take {stream} with its channels ({name}) at "
            f"{rate} Hz{others}"
        )
    notes = []
    if rate != context.sample_rate:
        notes.append(f"{stream}: {encoder.name} does not have {context.sample_rate} Hz; it becomes {rate} Hz")
    if plan.bit_rate is not None and setting.bit_rate not in (None, plan.bit_rate):
        notes.append(f"{stream}: {encoder.name} takes at most {plan.bit_rate // 1000}k for its channels ({name})")
    if not _returns_layout(plan):
        notes.append(f"{stream}: {encoder.name} does not store which loudspeakers its channels are for ({name})")
    elif plan.layout != name and name not in ("1 channels", "2 channels"):
        notes.append(
            f"{stream}: {encoder.name} does not have the layout {name}; its channels are stored as {plan.layout}"
        )
    return SoundPlan(plan.name, plan.codec, rate, plan.layout, form, plan.bit_rate, tuple(notes))


@cache
def _returns_layout(plan: SoundPlan) -> bool:
    """Whether a decoder gives the layout back, found by trial."""
    context: Any = av.CodecContext.create(plan.codec, "w")
    plan.set_up(context)
    context.flags |= Flags.global_header
    context.open()
    packets = []
    for number in range(_TRIAL):
        frame = _silence(context.frame_size or _FRAME, plan.format, plan.layout, plan.rate)
        frame.pts, frame.time_base = number * frame.samples, context.time_base
        packets += context.encode(frame)
    decoder: Any = av.CodecContext.create(plan.canonical, "r")
    decoder.extradata = context.extradata
    frames = (frame for packet in [*packets, *context.encode(None)] if packet.size for frame in decoder.decode(packet))
    frame = next(frames, None)
    return frame is not None and frame.layout.name in (plan.layout, _SAME_LAYOUT.get(plan.layout))


def decode_sound(packet: Any, stream: Any) -> tuple[list[Any], bool]:
    """The frames of a packet, or those that the decoder still holds (for None), and whether it can be decoded."""
    try:
        return list(stream.decode(packet)), True
    except av.error.FFmpegError as error:
        if is_memory_error(error) and is_memory_tight():  # a damaged file may ask for any amount
            raise
        return [], isinstance(error, av.error.EOFError)


class SoundEncoder:
    """Encodes the packets of one stream.

    Args:
        plan: how.
        stream: the source, in sentences.
        source: the stream in its open file.
        context: the encoder, set up by the plan; it is open when the first packet comes.
    """

    def __init__(self, plan: SoundPlan, stream: Stream, source: Any, context: Any) -> None:
        self._plan, self._stream, self._source, self._context = plan, stream, source, context
        self._resampler: Any = None
        self._fifo: Any = av.AudioFifo()
        self._given: tuple[str, str, int] | None = None  # format, layout and rate of the source's frames
        self._changed = False
        self._damaged = 0
        self._clock: Fraction | None = None  # where the source's next sample is expected, in seconds
        self._next = 0  # the time of the encoder's next sample, in samples

    def push(self, packet: Any) -> Iterator[Any]:
        """The packets that follow from the source's next packet."""
        time_base = packet.time_base
        frames, good = decode_sound(packet, self._source)
        self._damaged += not good
        for frame in frames:
            yield from self._add(frame, time_base)

    def flush(self) -> Iterator[Any]:
        """The last packets."""
        for frame in decode_sound(None, self._source)[0]:
            yield from self._add(frame, self._source.time_base)
        self._resample(None)
        yield from self._encode(whole=False)
        if self._given is not None:
            yield from self._encoded(None)

    def notes(self) -> Iterator[str]:
        """Sentences about what was found while it was decoded."""
        if self._damaged:
            many = self._damaged > 1
            yield (
                f"{self._damaged} packet{'s'[:many]} of {self._stream} {'are' if many else 'is'} damaged; there is "
                "silence instead"
            )
        if self._changed:
            yield (
                f"the channels or the sample rate of {self._stream} change on the way; all of it becomes "
                f"{self._plan.layout} at {self._plan.rate} Hz"
            )

    def _add(self, frame: Any, time_base: Fraction) -> Iterator[Any]:
        if not frame.samples or not frame.sample_rate:
            return
        given = (frame.format.name, frame.layout.name, frame.sample_rate)
        if given != self._given:
            self._changed = self._changed or self._given is not None
            self._resample(None)
            self._given = given
        base = frame.time_base or time_base
        if self._clock is None:
            self._clock = Fraction(0) if frame.pts is None else frame.pts * base
            self._next = round(self._clock * self._plan.rate)
        late = Fraction(0) if frame.pts is None else frame.pts * base - self._clock
        if late > _LONGEST_PAUSE:
            yield from self._leap(late)
        elif late > TOLERANCE:
            yield from self._pause(round(late * frame.sample_rate))
        elif late < -TOLERANCE:
            frame = _without_beginning(frame, round(-late * frame.sample_rate))
            if frame is None:
                return
        self._clock += Fraction(frame.samples, frame.sample_rate)
        self._resample(frame)
        yield from self._encode()

    def _pause(self, samples: int) -> Iterator[Any]:
        """Encode silence of so many samples of the source."""
        assert self._given is not None
        assert self._clock is not None
        form, layout, rate = self._given
        while samples > 0:
            count = min(samples, _SILENCE)
            self._resample(_silence(count, form, layout, rate))
            self._clock += Fraction(count, rate)
            samples -= count
            yield from self._encode()

    def _leap(self, late: Fraction) -> Iterator[Any]:
        """Let the encoder's times go on after a long pause, between some frames of silence."""
        assert self._given is not None
        assert self._clock is not None
        resume, rate = self._clock + late, self._given[2]
        size = self._context.frame_size or _FRAME
        around = -(-_AROUND * size * rate // self._plan.rate)
        yield from self._pause(around)
        self._resample(None)
        yield from self._encode()
        rest = self._fifo.samples
        if rest:
            self._fifo.write(_silence(size - rest, self._plan.format, self._plan.layout, self._plan.rate))
            yield from self._encode()
        self._clock = resume - Fraction(around, rate)
        self._next = round(self._clock * self._plan.rate)
        yield from self._pause(around)

    def _resample(self, frame: Any) -> None:
        """Put a frame into the queue as the encoder takes it; None for what the resampler still holds."""
        if frame is None and self._resampler is None:
            return
        if self._resampler is None:
            self._resampler = av.AudioResampler(self._plan.format, self._plan.layout, self._plan.rate)
        if frame is not None:
            frame.pts = None
        for each in self._resampler.resample(frame):
            each.pts = None
            self._fifo.write(each)
        if frame is None:
            self._resampler = None

    def _encode(self, *, whole: bool = True) -> Iterator[Any]:
        """Encode what is in the queue: whole frames, or all of it."""
        size = self._context.frame_size or _FRAME
        while self._fifo.samples >= (size if whole else 1):
            frame = self._fifo.read(min(size, self._fifo.samples))
            frame.pts, frame.time_base, frame.sample_rate = self._next, Fraction(1, self._plan.rate), self._plan.rate
            self._next += frame.samples
            yield from self._encoded(frame)

    def _encoded(self, frame: Any) -> Iterator[Any]:
        """The packets of the encoder; FLAC ends with an empty one, which NUT would store."""
        return (packet for packet in self._context.encode(frame) if packet.size)


def _nearest_rate(rate: int, rates: Any) -> int:
    """The lowest rate that loses nothing; the highest if there is none."""
    rates = sorted(rates or [rate])
    return int(rate if rate in rates else next((each for each in rates if each >= rate), rates[-1]))


def _nearest_format(form: Any, names: list[str]) -> str:
    """The format with the fewest bits that loses none."""
    wanted = _bits(form.name)
    return min(names, key=lambda each: (_bits(each) < wanted, abs(_bits(each) - wanted), each != form.name))


def _bits(name: str) -> int:
    return _BITS.get(name.removesuffix("p"), 32)


def _silence(samples: int, form: str, layout: str, rate: int) -> Any:
    frame: Any = av.AudioFrame(form.removesuffix("p"), layout, samples)
    plane = frame.planes[0]
    plane.update((b"\x80" if form.startswith("u8") else b"\0") * plane.buffer_size)
    frame.sample_rate = rate
    return _in_format(frame, form)


def _without_beginning(frame: Any, samples: int) -> Any:
    """A frame without its first samples; None if nothing is left."""
    if samples >= frame.samples:
        return None
    form, layout = frame.format.name, frame.layout.name
    values = _in_format(frame, form.removesuffix("p")).to_ndarray()[:, samples * frame.layout.nb_channels :]
    rest: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), form.removesuffix("p"), layout)
    rest.sample_rate = frame.sample_rate
    return _in_format(rest, form)


def _in_format(frame: Any, form: str) -> Any:
    """A frame whose samples are in one plane, or in planes of channels; PyAV cannot read the planes of 8 channels."""
    frame.pts = None
    return av.AudioResampler(form, frame.layout.name, frame.sample_rate).resample(frame)[0]
