"""What may be asked of an image or a video: the options of the command line, from the text of a request.

Every value is checked for its kind here, before a body is read. What depends on the image is checked by the work.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from subpixel.errors import InvalidArgument, unknown
from subpixel.models.zoo import ZOO

__all__ = ["IMAGE_OPTIONS", "VIDEO_OPTIONS", "Kind", "Option", "canonical", "parse_options", "parse_seconds"]

Kind = Literal["image", "video"]
_LONGEST = 200  # characters of a value


@dataclass(frozen=True)
class Option:
    """One option.

    Args:
        name: as on the command line, with ``_`` for ``-``.
        kind: of its values: ``number``, ``integer``, ``text``, ``switch``, ``box`` (``3840x2160``) or ``time``.
        about: one line about it.
        default: what is used without it.
        choices: the values that are possible; empty if there are others.
        least: the smallest number.
        most: the largest number.
    """

    name: str
    kind: Literal["number", "integer", "text", "switch", "box", "time"]
    about: str
    default: Any = None
    choices: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None

    def parse(self, value: Any) -> Any:
        """A value from text or JSON.

        Raises:
            InvalidArgument: it is not one of this option's.
        """
        text = value if isinstance(value, str) else json.dumps(value)
        if len(text) > _LONGEST:
            raise InvalidArgument(f"{self.name}=: {len(text)} characters are too many")
        parsed = getattr(self, f"_{self.kind}")(text.strip(), value)
        if self.choices and parsed not in self.choices:
            raise unknown(self.name, parsed, map(str, self.choices))
        for bound, wrong, word in ((self.least, -1, "at least"), (self.most, 1, "at most")):
            if bound is not None and (parsed - bound) * wrong > 0:
                raise InvalidArgument(f"{self.name}={text}: a number of {word} {bound:g} is needed")
        return parsed

    def _refuse(self, text: str, needed: str) -> InvalidArgument:
        return InvalidArgument(f"{self.name}={text!r}: {needed} is needed")

    def _number(self, text: str, _: Any) -> float:
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self._refuse(text, "a number")
        return number

    def _integer(self, text: str, _: Any) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.0+)?", text):
            raise self._refuse(text, "an integer")
        return int(text.partition(".")[0])

    def _text(self, text: str, value: Any) -> str:
        if not isinstance(value, str) or not text.isprintable():
            raise self._refuse(text, "a text")
        return text

    def _switch(self, text: str, _: Any) -> bool:
        found = {"true": True, "1": True, "on": True, "yes": True}.get(text.lower())
        if found is None and text.lower() not in ("false", "0", "off", "no", ""):
            raise self._refuse(text, "true or false")
        return bool(found)

    def _box(self, text: str, value: Any) -> tuple[int, int]:
        if isinstance(value, list) and len(value) == 2:
            text = "x".join(map(str, value))
        match = re.fullmatch(r"([0-9]{1,9})[x×]([0-9]{1,9})", text.lower())
        if match is None:
            raise self._refuse(text, "a width and a height such as 3840x2160")
        return int(match[1]), int(match[2])

    def _time(self, text: str, _: Any) -> str:
        parse_seconds(self.name, text)
        return text

    def describe(self) -> dict[str, Any]:
        """The option as JSON, for a form."""
        return {
            "name": self.name,
            "kind": self.kind,
            "about": self.about,
            "default": self.default,
            "choices": list(self.choices),
            "min": self.least,
            "max": self.most,
        }


def parse_seconds(name: str, text: str) -> Fraction:
    """Seconds from ``90``, ``1:30`` or ``0:01:30.5``.

    Raises:
        InvalidArgument: it is not a time.

    >>> parse_seconds("start", "1:30")
    Fraction(90, 1)
    """
    if not re.fullmatch(r"(?:[0-9]{1,6}:){0,2}[0-9]{1,9}(?:\.[0-9]{1,9})?", text):
        raise InvalidArgument(f"{name}={text!r}: a time such as 90, 1:30 or 0:01:30.5 is needed")
    total = Fraction(0)
    for part in text.split(":"):
        total = total * 60 + Fraction(part)
    return total


def _models(*, video: bool) -> tuple[str, ...]:
    return ("auto", *(entry.name for entry in ZOO.values() if video or not entry.video))


_PRECISION = Option("precision", "text", "How numbers are computed", "auto", ("auto", "f32", "bf16", "int8"))
_STRENGTH = Option("strength", "number", "From the bicubic resize (0) to the network's result (1)", 1.0, (), 0, 1)
_EXACT = Option("exact", "switch", "Compute the network in flat parts too", False)

_SIZES = (
    Option("scale", "number", "How many times larger, up to 64", 2.0, (), 0, 64),
    Option("width", "integer", "Width of the result in pixels, instead of a scale", None, (), 1),
    Option("height", "integer", "Height of the result in pixels, instead of a scale", None, (), 1),
    Option("fit", "box", "The largest result that fits into this box, instead of a scale"),
)

IMAGE_OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        *_SIZES,
        Option("model", "text", "The network", "auto", _models(video=False)),
        _STRENGTH,
        _PRECISION,
        _EXACT,
        Option("ensemble", "switch", "Average over 8 flips and rotations, in 8 times the time", False),
        Option(
            "format",
            "text",
            "Format of the result; without one, a format that loses nothing",
            None,
            ("png", "jpg", "jpeg", "tif", "tiff", "webp", "avif", "gif", "apng"),
        ),
        Option("quality", "integer", "Quality of JPEG, WebP and AVIF", None, (), 1, 100),
        Option("background", "text", "Colour to lay transparent images on: a name, or #rrggbb"),
        Option("depth", "integer", "Round to 8 bits per sample", None, (8,)),
        Option("page", "integer", "Which image of a TIFF or HEIF that holds several", None, (), 1, 100_000),
        Option("compare", "switch", "Also make an image that shows bicubic beside the result", False),
    )
}
VIDEO_OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        *_SIZES,
        Option("model", "text", "The network", "auto", _models(video=True)),
        _STRENGTH,
        _PRECISION,
        _EXACT,
        Option(
            "container",
            "text",
            "Container of the result; without one, that of the video",
            None,
            ("mp4", "mkv", "webm", "mov"),
        ),
        Option(
            "encoder",
            "text",
            "The encoder; without one, what fits the video and its container",
            None,
            ("x264", "x265", "svt-av1", "vp9", "ffv1", "prores"),
        ),
        Option("crf", "integer", "Quality: lower is better and larger", None, (), 0, 63),
        Option("preset", "text", "Speed, by the encoder's own name"),
        Option("start", "time", "Begin at this time"),
        Option("end", "time", "End at this time"),
        Option("preview", "number", "Upscale only this many seconds, with bicubic on the left", None, (), 0.1, 600),
        Option("side_by_side", "switch", "Show bicubic on the left and the result on the right", False),
        Option("deinterlace", "switch", "Turn interlaced fields into whole frames first", False),
    )
}


def parse_options(kind: Kind, given: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The options of a request. Those that are empty or equal their default are left out, so equal requests are equal.

    Raises:
        InvalidArgument: an option is unknown, given twice, or its value is not possible.

    >>> parse_options("image", {"scale": "3", "strength": "1", "fit": ""})
    {'scale': 3.0}
    """
    table = IMAGE_OPTIONS if kind == "image" else VIDEO_OPTIONS
    found: dict[str, Any] = {}
    stated: dict[str, Any] = {}
    seen: set[str] = set()
    for name, value in given.items() if isinstance(given, Mapping) else given:
        option = table.get(name)
        if option is None:
            raise unknown("option", name[:_LONGEST], table)
        if name in seen:
            raise InvalidArgument(f"{name} is given more than once")
        seen.add(name)
        if value in ("", None):
            continue
        parsed = stated[name] = option.parse(value)
        if parsed != option.default:
            found[name] = parsed
    sizes = [name for name in ("scale", "width", "height", "fit") if name in stated]
    if len(sizes) > 1:
        raise InvalidArgument(f"{' and '.join(sizes)} contradict each other; only one of them is possible")
    if "end" in stated:
        start, end = (parse_seconds(name, stated.get(name, "0")) for name in ("start", "end"))
        if end <= start:
            raise InvalidArgument(f"end={stated['end']}: a time after start={stated.get('start', '0')} is needed")
    return dict(sorted(found.items()))


def canonical(options: Mapping[str, Any]) -> str:
    """Options as text: equal for equal options."""
    return json.dumps(dict(options), sort_keys=True)
