"""What a video says of the display it was made for, as data and as encoders want it said; and what cannot be kept."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

__all__ = ["Light", "Mastering", "display_metadata", "display_options", "lost_side_data", "unwritten_display_metadata"]

# Units of SMPTE ST 2086 as bitstreams hold it (ITU-T H.265, D.3.28): 0.00002 of a coordinate, 0.0001 cd/m².
_XY = 50000
_CANDELA = 10000

# What may lie beside a frame and is true of the small image or of its code only, by its name in libavutil/frame.h.
_LOST = {
    "DOVI_RPU_BUFFER": "Dolby Vision's metadata of each frame, which are made for the image as it was coded",
    "DOVI_METADATA": "Dolby Vision's metadata of each frame, which are made for the image as it was coded",
    "DYNAMIC_HDR_PLUS": "HDR10+'s metadata of each frame, which the encoders here do not write",
    "DYNAMIC_HDR_VIVID": "HDR Vivid's metadata of each frame, which the encoders here do not write",
    "A53_CC": "closed captions in the image's code (CEA-608, CEA-708)",
    "AFD": "the active format description",
    "PANSCAN": "the rectangle for narrower screens (pan and scan)",
    "STEREO3D": "how the views of a stereoscopic image lie",
    "SPHERICAL": "how a spherical image is projected",
    "ICC_PROFILE": "the ICC profile in the image's code",
    "S12M_TIMECODE": "the timecode in the image's code (SMPTE ST 12-1)",
    "GOP_TIMECODE": "the timecode of groups of images",
    "VIDEO_GRAIN_PARAMS": "video grain that a player adds; the image is upscaled as it is decoded",
    "AMBIENT_VIEWING_ENVIRONMENT": "the light of the room it is to be seen in",
}


@dataclass(frozen=True)
class Mastering:
    """The display on which a video was graded (SMPTE ST 2086): CIE 1931 x, y of its colours, and cd/m²."""

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    darkest: Fraction
    brightest: Fraction

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """All of it in a row."""
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


def display_metadata(frame: Any) -> tuple[Mastering | Light, ...]:
    """What the side data of a frame say of the whole video: of each kind one at most.

    Layout: ``AVMasteringDisplayMetadata`` (ten fractions of two 32-bit numbers: x and y of red, green, blue and white,
    then the darkest and the brightest; two flags, whether colours and whether brightness are said) and
    ``AVContentLightMetadata`` (two numbers) of libavutil/mastering_display_metadata.h.
    """
    found: dict[type, Mastering | Light] = {}
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
    """All of it or nothing: bitstreams have no way to say half."""
    *numbers, has_colours, has_brightness = struct.unpack_from("=22i", content)
    if not (has_colours and has_brightness) or not all(numbers[1::2]):
        return None
    values = [Fraction(a, b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = zip(values[0:8:2], values[1:8:2], strict=True)
    return Mastering(red, green, blue, white, values[8], values[9])


def display_options(codec: str, values: Sequence[Mastering | Light]) -> dict[str, str]:
    """An encoder's options that say it again, by the name under which libavcodec takes them all.

    An empty dictionary, if nothing is to be said or the encoder has no way of its own.

    Example:
        >>> display_options("libx265", [Light(800, 200)])
        {'x265-params': 'max-cll=800,200:hdr10=1'}
    """
    form = _FORMS.get(codec)
    if form is None or not values:
        return {}
    name, mastering_key, light_key, more, decimals = form
    words = []
    for each in values:
        if isinstance(each, Mastering):
            words.append(f"{mastering_key}={_in_row(each, decimals)}")
        else:
            words.append(f"{light_key}={each.content},{each.average}")
    return {name: ":".join([*words, *more])}


def unwritten_display_metadata(codec: str, values: Sequence[Mastering | Light]) -> tuple[str, ...]:
    """A sentence, if an encoder has no way to say what is known of the display."""
    if not values or codec in _FORMS:
        return ()
    return (f"{codec} does not write what the video says of the display it was made for (HDR10); libx265 does",)


def lost_side_data(frame: Any) -> tuple[str, ...]:
    """What lies beside a frame of the source and cannot be kept, a sentence each."""
    names = dict.fromkeys(data.type.name for data in frame.side_data)
    texts = dict.fromkeys(_LOST[name] for name in names if name in _LOST)
    return tuple(f"{text} cannot be kept" for text in texts)


def _in_row(display: Mastering, decimals: bool) -> str:
    """Green, blue, red, white, brightest and darkest, as the encoders want them."""
    colours = (("G", display.green), ("B", display.blue), ("R", display.red), ("WP", display.white))
    words = [f"{name}({_number(x, _XY, decimals)},{_number(y, _XY, decimals)})" for name, (x, y) in colours]
    brightest, darkest = (_number(each, _CANDELA, decimals) for each in (display.brightest, display.darkest))
    return "".join(words) + f"L({brightest},{darkest})"


def _number(value: Fraction, units: int, decimals: bool) -> str:
    return f"{float(value):.6f}" if decimals else str(round(value * units))


# By encoder: the option that takes the others; what it calls the display and the light; what else must be said; whether
# numbers are written with a decimal point, else in units of ST 2086.
_FORMS: dict[str, tuple[str, str, str, tuple[str, ...], bool]] = {
    "libx264": ("x264-params", "mastering-display", "cll", (), False),
    "libx265": ("x265-params", "master-display", "max-cll", ("hdr10=1",), False),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light", (), True),
}
