"""Errors of the parser about values of options, in the words of the other errors: what was given and what is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["parser_error_text"]


def parser_error_text(error: Any, arguments: Sequence[str]) -> str:
    """The text for a value that the parser refuses.

    Args:
        error: of the parser.
        arguments: all words of the command line.
    """
    param = getattr(error, "param", None)
    if param is None or param.param_type_name != "option":
        name = getattr(error, "option_name", None)
        return f"{name}: a value is needed after it." if name else str(error.format_message())
    name = max(param.opts, key=len)
    given = _given(param.opts, arguments)
    message = str(error.message)
    if given is not None and given in message:  # from a parser of ours
        return f"{name}: {message}"
    what = "an integer" if "integer" in message or _is_integer(param) else "a number"
    return f"{name} {given or ''}".rstrip() + f": {what}{_range(param)} is needed"


def _given(names: Sequence[str], arguments: Sequence[str]) -> str | None:
    """The last value of an option among the words of a command line."""
    value = None
    for number, word in enumerate(arguments):
        for name in names:
            if word == name:
                value = next(iter(arguments[number + 1 : number + 2]), None)
            elif name.startswith("--") and word.startswith(f"{name}="):
                value = word[len(name) + 1 :]
            elif not name.startswith("--") and word.startswith(name) and not word.startswith("--"):
                value = word[len(name) :]
    return value


def _bound(param: Any, name: str) -> Any:
    """A bound of a number, which the parameter holds or its type does, depending on the version of typer."""
    value = getattr(param, name, None)
    return getattr(param.type, name, None) if value is None and hasattr(param, "type") else value


def _is_integer(param: Any) -> bool:
    return any(isinstance(_bound(param, name), int) for name in ("min", "max"))


def _range(param: Any) -> str:
    low, high = _bound(param, "min"), _bound(param, "max")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return "" if low is None else f" of at least {low:g}"
