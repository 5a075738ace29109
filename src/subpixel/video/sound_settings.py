"""What becomes of sounds: copied, left out, or encoded by one of some encoders, which are data."""

from __future__ import annotations

import re
from dataclasses import dataclass

import av

from subpixel.errors import InvalidArgument, Unsupported, unknown

__all__ = ["COPIED", "SOUND_ENCODERS", "SoundEncoderKind", "SoundSetting", "parse_audio"]


@dataclass(frozen=True)
class SoundEncoderKind:
    """An encoder of sound.

    Args:
        name: the name that users give.
        codec: libavcodec's name.
        rates: (lowest, highest) bits a second; None if it is lossless.
        per_channel: bits a second for each channel, if no rate is given.
        samples: the only samples a second that decoders give back; None if they give back those that were encoded.
        most_per_channel: the most bits a second for each channel; None for any.
    """

    name: str
    codec: str
    rates: tuple[int, int] | None = None
    per_channel: int = 0
    samples: int | None = None
    most_per_channel: int | None = None


SOUND_ENCODERS = {
    each.name: each
    for each in (
        SoundEncoderKind("aac", "aac", (8_000, 1_024_000), 64_000),
        SoundEncoderKind("opus", "libopus", (6_000, 1_024_000), 48_000, 48_000, 256_000),
        SoundEncoderKind("mp3", "libmp3lame", (8_000, 320_000), 64_000),
        SoundEncoderKind("ac3", "ac3", (32_000, 640_000), 96_000),
        SoundEncoderKind("eac3", "eac3", (32_000, 1_024_000), 96_000),
        SoundEncoderKind("flac", "flac"),
        SoundEncoderKind("alac", "alac"),
    )
}

_RATE = re.compile(r"(\d{1,9})(k?)", re.IGNORECASE)


@dataclass(frozen=True)
class SoundSetting:
    """What becomes of all sounds of a video.

    Args:
        encoder: that encodes them; None to copy them.
        bit_rate: bits a second of each stream; None for the encoder's default.
        left_out: leave them out.
    """

    encoder: SoundEncoderKind | None = None
    bit_rate: int | None = None
    left_out: bool = False

    def bits(self, channels: int) -> int | None:
        """Bits a second of a stream of so many channels; None of a lossless one.

        >>> parse_audio("aac").bits(2), parse_audio("aac:96k").bits(6), parse_audio("flac").bits(2)
        (128000, 96000, None)
        """
        if self.encoder is None or self.encoder.rates is None:
            return None
        most = min(self.encoder.rates[1], channels * (self.encoder.most_per_channel or self.encoder.rates[1]))
        return min(self.bit_rate or self.encoder.per_channel * channels, most)

    def __str__(self) -> str:
        if self.encoder is None:
            return "none" if self.left_out else "copy"
        return self.encoder.name + (f":{self.bit_rate}" if self.bit_rate else "")


COPIED = SoundSetting()


def parse_audio(text: str) -> SoundSetting:
    """What becomes of sounds, from ``copy``, ``none``, or an encoder and its rate as in ``aac:128k``.

    Raises:
        InvalidArgument: no such encoder, or a rate that it does not have.
        Unsupported: the encoder is not available.

    >>> str(parse_audio("opus:96k"))
    'opus:96000'
    """
    name, colon, rate = text.partition(":")
    if text in ("copy", "none"):
        return SoundSetting(left_out=text == "none")
    if name.casefold() not in SOUND_ENCODERS:
        words = ("copy", "none", *SOUND_ENCODERS)
        hint = f"Choices: {', '.join(words)}; bits a second follow a colon, as in aac:128k."
        raise unknown("audio", text, words, hint=hint)
    encoder = SOUND_ENCODERS[name.casefold()]
    if encoder.codec not in av.codecs_available:
        raise Unsupported(f"audio={text!r}: the installed libavcodec has no {encoder.codec}")
    if not colon:
        return SoundSetting(encoder)
    if encoder.rates is None:
        advice = f"audio={encoder.name!r} would do"
        raise InvalidArgument(f"audio={text!r}: {encoder.name} is lossless and has no bit rate; {advice}")
    found, (lowest, highest) = _RATE.fullmatch(rate), encoder.rates
    bits = 0 if found is None else int(found[1]) * (1000 if found[2] else 1)
    if not lowest <= bits <= highest:
        raise InvalidArgument(
            f"audio={text!r}: {encoder.name} takes {lowest // 1000}k to {highest // 1000}k bits a second, as in "
            f"{encoder.name}:128k"
        )
    return SoundSetting(encoder, bits)
