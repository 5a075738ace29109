"""Frame rates as people write them."""

from __future__ import annotations

import re
from fractions import Fraction

from subpixel.errors import InvalidArgument

__all__ = ["exact_rate", "parse_rate", "rate_text"]

# Beyond these, times are not what a video has: a frame in an hour, and more than any camera takes.
_LEAST, _MOST = Fraction(1, 3600), 100_000
# Decimals of the rates N·1000/1001, which are written short: 23.976, 29.97, 59.94.
_SHORT = re.compile(r"\d+\.\d{2,3}")


def parse_rate(text: str) -> Fraction:
    """Frames a second from ``24``, ``23.976`` or ``24000/1001``.

    A rate of two or three decimals that is short for N·1000/1001 means that.

    Raises:
        InvalidArgument: it is not written so, or is not a possible rate.

    >>> parse_rate("24"), parse_rate("23.976"), parse_rate("24000/1001"), parse_rate("12.5")
    (Fraction(24, 1), Fraction(24000, 1001), Fraction(24000, 1001), Fraction(25, 2))
    """
    try:
        if not text.isascii():
            raise ValueError
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InvalidArgument(f"{text!r} is not a rate. Use for example 24, 23.976 or 24000/1001.") from None
    if not _LEAST <= rate <= _MOST or max(rate.numerator, rate.denominator) >= 1 << 31:
        raise InvalidArgument(f"{text!r} is not a possible rate; 1/3600 to 100000 frames a second are")
    whole = Fraction(-(-rate // 1) * 1000, 1001)
    decimals = len(text.partition(".")[2])
    if _SHORT.fullmatch(text) and round(whole, decimals) == rate:
        return whole
    return rate


def exact_rate(rate: float | Fraction | str) -> Fraction:
    """A rate as a fraction; a number is read as it is written.

    Raises:
        InvalidArgument: it is not a possible rate.

    >>> exact_rate(23.976), exact_rate(30), exact_rate("24000/1001")
    (Fraction(24000, 1001), Fraction(30, 1), Fraction(24000, 1001))
    """
    try:
        return parse_rate(str(rate))
    except InvalidArgument as error:
        raise InvalidArgument(f"frame_rate={rate}: {error}") from None


def rate_text(rate: Fraction) -> str:
    """A rate as :func:`parse_rate` takes it.

    >>> rate_text(Fraction(24)), rate_text(Fraction(24000, 1001)), rate_text(Fraction(25, 2))
    ('24', '23.976', '12.5')
    """
    if rate.denominator == 1:
        return str(rate.numerator)
    text = f"{float(rate):.3f}".rstrip("0")
    if parse_rate(text) == rate:
        return text
    return f"{rate.numerator}/{rate.denominator}"
