"""An error for arguments that are given by their place and must be named."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from subpixel.errors import InvalidArgument

__all__ = ["keywords_after"]

P = ParamSpec("P")
R = TypeVar("R")


def keywords_after(count: int, right: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function whose later arguments must be named: others raise an error that shows how to write it.

    Args:
        count: the arguments that may be given by their place, without ``self``.
        right: a right call.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        most = count + (function.__name__ == "__init__")

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if len(args) > most:
                raise InvalidArgument(f"{args[most]!r}: after the scale, arguments are named, as in {right}")
            return function(*args, **kwargs)

        return call

    return decorate
