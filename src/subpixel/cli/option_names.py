"""Translation of messages: the library names parameters, the command line names options."""

from __future__ import annotations

import re

__all__ = ["with_option_names"]

# Parameters of the library that have an option. Most options are the parameter's name with hyphens.
_PARAMETERS = (
    *("scale", "width", "height", "fit", "tile", "model", "format", "quality", "threads", "backend", "precision"),
    *("ensemble", "strength", "overwrite", "compare", "processes", "limit", "provenance"),
    *("encoder", "crf", "preset", "pix_fmt", "encoder_options", "start", "end", "preview", "side_by_side"),
    *("deinterlace", "realtime", "target_fps", "rate"),
)
# Those whose option has another name.
_OTHER_NAMES = {"rate": "--target-fps"}
# Options that switch something off.
_OFF = {"provenance": "--no-provenance"}

_VALUE = r"True|False|'[^']*'|\(\d+, \d+\)|\d+x\d+|-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|nan|inf)"
# A parameter is a word of its own. Parts of paths and of longer words are left alone.
_ASSIGNMENT = re.compile(rf"(?<![^\s(])({'|'.join(_PARAMETERS)})=({_VALUE})(?=[\s,;:)]|\.?$|\.\s)")


def with_option_names(message: str) -> str:
    """A message of the library with options in place of parameters: ``name=value`` becomes ``--name value``.

    Only parameters that have an option are replaced, and only before a literal value: ``True`` (for a switch), a
    number, a quoted text, ``3840x2160`` or ``(3840, 2160)``. Translating a message twice changes nothing.

    >>> with_option_names("a.png exists already; overwrite=True replaces it")
    'a.png exists already; --overwrite replaces it'
    >>> with_option_names("format='nut' keeps both; fit=(3840, 2160) or limit=1200 would do")
    '--format nut keeps both; --fit 3840x2160 or --limit 1200 would do'
    """
    return _ASSIGNMENT.sub(lambda found: _option(found[1], found[2]), message)


def _option(name: str, value: str) -> str:
    option = _OTHER_NAMES.get(name, "--" + name.replace("_", "-"))
    if value == "True":
        return option
    if value == "False":
        return _OFF.get(name, f"{name}={value}")
    if value.startswith("("):
        value = value.strip("()").replace(", ", "x")
    return f"{option} {value.strip(chr(39))}"
