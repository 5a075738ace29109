"""Translation of messages: the library names parameters, the command line names options."""

from __future__ import annotations

import re
import shlex

__all__ = ["with_option_names"]

# Parameters of the library that have an option. Most options are the parameter's name with hyphens.
_PARAMETERS = (
    # upscale
    *("scale", "width", "height", "fit", "tile", "model", "format", "quality", "threads", "backend", "precision"),
    *("ensemble", "strength", "exact", "overwrite", "compare", "processes", "limit", "page", "provenance"),
    *("background", "depth"),
    # video, play
    *("encoder", "crf", "preset", "pix_fmt", "encoder_options", "start", "end", "preview", "side_by_side"),
    *("deinterlace", "realtime", "target_fps", "rate", "frame_rate", "start_number", "player", "stream", "audio"),
    # export
    "io",
    # serve
    *("host", "port", "token", "keep", "quota", "queue", "memory", "workers"),
    # cluster
    *("address", "cores", "ship"),
    # train, quantise, evaluate, bench, compare
    *("arch", "steps", "minutes", "seed", "batch", "patch", "lr", "loss", "expand", "cycles", "rounded", "teacher"),
    *("teacher_share", "content", "features", "layer", "adversarial", "bf16", "device", "degradation", "variants"),
    *(
        "frames",
        "clip",
        "speed",
        "still",
        "warped",
        "smooth",
        "data",
        "fft",
        "average",
        "sizes",
        "held_out",
        "drawn",
        "candidates",
        "heatmap",
        "degrade",
        "suite",
        "only",
        "rounds",
        "seconds",
        "methods",
        "size",
        "masks",
        "seeds",
        "figure",
    ),
)
# Those whose option has another name.
_OTHER_NAMES = {"rate": "--target-fps", "frame_rate": "--rate"}
# Options that switch something off.
_OFF = {"provenance": "--no-provenance", "bf16": "--no-bf16"}

_NUMBER = r"-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|inf|nan)"
_VALUE = (
    rf"True|False|'[^']*'|\"[^\"]*\"|\(\d+, \d+\)|\(width, height\)|\d+x\d+|{_NUMBER}"
    # What `content` may be stands without quotes in messages.
    r"|pixel|pyramid|vgg19"
)
# A parameter stands by itself: what is part of a path or of a longer word is left alone.
_ASSIGNMENT = re.compile(rf"(?<![^\s(])({'|'.join(_PARAMETERS)})=({_VALUE}|)(?=[\s,;:)]|\.?$|\.\s)")


def with_option_names(message: str) -> str:
    """A message of the library with options in place of parameters: ``name=value`` becomes ``--name value``.

    Only parameters that have an option are replaced, and only before a literal value: ``True`` (for a switch), a
    number, a quoted text, ``3840x2160``, ``(3840, 2160)`` or ``(width, height)``; or before a space, as a mere name.
    Translating a message twice changes nothing.

    >>> with_option_names("a.png exists already; overwrite=True replaces it")
    'a.png exists already; --overwrite replaces it'
    >>> with_option_names("format='nut' keeps both; fit=(3840, 2160) or limit=1200 would do")
    '--format nut keeps both; --fit 3840x2160 or --limit 1200 would do'
    """
    return _ASSIGNMENT.sub(lambda found: _option(found[1], found[2]), message)


def _option(name: str, value: str) -> str:
    option = _OTHER_NAMES.get(name, "--" + name.replace("_", "-"))
    if value in ("True", ""):
        return option
    if value == "False":
        return _OFF.get(name, f"{name}={value}")
    if value == "(width, height)":
        return f"{option} WxH"
    if value.startswith("("):
        value = value.strip("()").replace(", ", "x")
    if value[0] in "'\"":
        value = shlex.quote(value[1:-1])
    return f"{option} {value}"
