"""The upsamplers that the decoder is built with, and the two budgets, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from subpixel.errors import InvalidArgument, unknown

__all__ = ["BUDGETS", "KINDS", "Kind", "names_of"]


@dataclass(frozen=True)
class Kind:
    """One way to enlarge features twofold.

    Args:
        name: in files and in Python.
        title: in tables and charts.
        about: how it is built, in one sentence.
    """

    name: str
    title: str
    about: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("nearest", "Nearest + conv", "Nearest neighbour ×2, then a 3×3 convolution on the large grid."),
        Kind("bilinear", "Bilinear + conv", "Bilinear ×2, then a 3×3 convolution on the large grid."),
        Kind("transposed", "Transposed conv", "A transposed convolution: 4×4, stride 2, padding 1, random start."),
        Kind("subpixel", "Sub-pixel conv", "A 3×3 convolution to four times the channels, ICNR start, pixel shuffle."),
        Kind("unpool", "Max unpooling", "A 3×3 convolution on the small grid, then the encoder's positions of maxima."),
        Kind("grid", "Grid sample", "Bilinear samples at learned offsets, which start at 0, then a 3×3 convolution."),
        Kind("shuffle", "Unshuffle and shuffle", "The encoder unshuffles; here pixel shuffle, then a 3×3 convolution."),
    )
}

BUDGETS = {"parameters": "equal parameters", "multiply-adds": "equal multiply-adds"}


def names_of(kind: str, given: Iterable[str] | None, known: Iterable[str]) -> tuple[str, ...]:
    """The chosen names in the order of the list.

    Args:
        kind: what the names stand for, for the error.
        given: the choice; None for all.
        known: the list.

    Raises:
        InvalidArgument: a name is unknown, or none is given.

    >>> names_of("budget", ["multiply-adds"], BUDGETS)
    ('multiply-adds',)
    """
    listed = tuple(known)
    if given is None:
        return listed
    chosen = [given] if isinstance(given, str) else list(given)
    for name in chosen:
        if name not in listed:
            raise unknown(kind, name, listed)
    if not chosen:
        raise InvalidArgument(f"no {kind} is given; at least one of {', '.join(listed)} is needed")
    return tuple(name for name in listed if name in chosen)
