"""HDR10 metadata of a video, as data and as encoder options."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

__all__ = [
    "DisplayMetadata",
    "Light",
    "Mastering",
    "display_metadata",
    "display_options",
    "unwritten_display_metadata",
]

# Units of SMPTE ST 2086 in bitstreams (ITU-T H.265, D.3.28): 0.00002 of a coordinate, 0.0001 cd/m².
_XY = 50000
_CANDELA = 10000


@dataclass(frozen=True)
class Mastering:
    """The display on which a video was graded (SMPTE ST 2086): CIE 1931 x, y of its primaries and white, and cd/m²."""

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    darkest: Fraction
    brightest: Fraction

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """All ten numbers in a row."""
        return (*self.red, *self.green, *self.blue, *self.white, self.darkest, self.brightest)

    def near(self, other: object) -> bool:
        """Equal but for the rounding of bitstreams: AV1 counts in 1/65536, 1/256 cd/m², and 1/16384 for the darkest."""
        if not isinstance(other, Mastering):
            return False
        steps = (Fraction(1, _XY),) * 8 + (Fraction(1, _CANDELA), Fraction(1, 128))
        return all(abs(a - b) <= step for a, b, step in zip(self.numbers, other.numbers, steps, strict=True))

    def __str__(self) -> str:
        colours = " ".join(
            f"({float(x):.4f}, {float(y):.4f})" for x, y in (self.red, self.green, self.blue, self.white)
        )
        return f"{colours} from {float(self.darkest):.4f} to {float(self.brightest):.0f} cd/m²"


@dataclass(frozen=True)
class Light:
    """The brightest sample, and the largest mean of a frame, in cd/m² (CTA-861.3: MaxCLL, MaxFALL)."""

    content: int
    average: int

    def near(self, other: object) -> bool:
        """Equal: integers are not rounded."""
        return self == other

    def __str__(self) -> str:
        return f"{self.content} and {self.average} cd/m²"


DisplayMetadata = Mastering | Light


@dataclass(frozen=True)
class _Syntax:
    """How an encoder takes the metadata.

    Args:
        option: the option of libavcodec that holds the others.
        mastering: the name of the mastering display.
        light: the name of the light levels.
        extra: what else must be set.
        decimals: numbers are written with a decimal point; else in units of ST 2086.
    """

    option: str
    mastering: str
    light: str
    extra: tuple[str, ...] = ()
    decimals: bool = False


_SYNTAX = {
    "libx264": _Syntax("x264-params", "mastering-display", "cll"),
    "libx265": _Syntax("x265-params", "master-display", "max-cll", ("hdr10=1",)),
    "libsvtav1": _Syntax("svtav1-params", "mastering-display", "content-light", decimals=True),
}


def display_metadata(frame: Any) -> tuple[DisplayMetadata, ...]:
    """The HDR10 metadata in the side data of a frame, at most one of each kind. It is true of the whole video.

    Layout: ``AVMasteringDisplayMetadata`` (ten fractions of two 32-bit numbers: x and y of red, green, blue and white,
    then the darkest and the brightest; two flags, whether primaries and whether luminance are set) and
    ``AVContentLightMetadata`` (two numbers) of libavutil/mastering_display_metadata.h.
    """
    found: dict[type, DisplayMetadata] = {}
    for data in frame.side_data:
        content = bytes(data)
        if data.type.name == "MASTERING_DISPLAY_METADATA":
            mastering = _mastering(content)
            if mastering is not None:
                found[Mastering] = mastering
        elif data.type.name == "CONTENT_LIGHT_LEVEL":
            found[Light] = Light(*struct.unpack_from("=2I", content))
    return tuple(found.values())


def _mastering(content: bytes) -> Mastering | None:
    """The mastering display, if it is complete: bitstreams cannot hold half of it."""
    *numbers, has_primaries, has_luminance = struct.unpack_from("=22i", content)
    if not (has_primaries and has_luminance) or not all(numbers[1::2]):
        return None
    values = [Fraction(a, b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = zip(values[0:8:2], values[1:8:2], strict=True)
    return Mastering(red, green, blue, white, values[8], values[9])


def display_options(codec: str, values: Sequence[DisplayMetadata]) -> dict[str, str]:
    """libavcodec's options that make an encoder write the metadata; empty if there is none, or the encoder cannot.

    Args:
        codec: libavcodec's name of the encoder.
        values: the metadata.

    >>> display_options("libx265", [Light(800, 200)])
    {'x265-params': 'max-cll=800,200:hdr10=1'}
    """
    syntax = _SYNTAX.get(codec)
    if syntax is None or not values:
        return {}
    words = []
    for each in values:
        if isinstance(each, Mastering):
            words.append(f"{syntax.mastering}={_mastering_text(each, syntax.decimals)}")
        else:
            words.append(f"{syntax.light}={each.content},{each.average}")
    return {syntax.option: ":".join([*words, *syntax.extra])}


def unwritten_display_metadata(
    codec: str, values: Sequence[DisplayMetadata], able: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """A sentence, if there is metadata and the encoder cannot write it.

    Args:
        codec: libavcodec's name of the encoder.
        values: the metadata.
        able: encoders that the sentence may advise, by name, and libavcodec's names of them.
    """
    if not values or codec in _SYNTAX:
        return ()
    names = [f"encoder={name!r}" for name, other in (able or {}).items() if other in _SYNTAX]
    advice = f"; {' or '.join(names)} does" if names else ""
    return (f"{codec} does not write the video's HDR10 metadata{advice}",)


def _mastering_text(display: Mastering, decimals: bool) -> str:
    """Green, blue, red, white, brightest and darkest, as encoders expect them."""
    colours = (("G", display.green), ("B", display.blue), ("R", display.red), ("WP", display.white))
    words = [f"{name}({_number(x, _XY, decimals)},{_number(y, _XY, decimals)})" for name, (x, y) in colours]
    brightest, darkest = (_number(each, _CANDELA, decimals) for each in (display.brightest, display.darkest))
    return "".join(words) + f"L({brightest},{darkest})"


def _number(value: Fraction, units: int, decimals: bool) -> str:
    return f"{float(value):.6f}" if decimals else str(round(value * units))
