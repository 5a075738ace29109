"""The times of frames that become images: one rate, or a list in a text file.

The list is in the format that mkvmerge takes (timestamp format v2): a line for each frame, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["constant_rate", "timestamps_text"]

# Times that a clock of milliseconds rounds are off by up to half a tick, and so is the first one.
_TICKS = 1
_HEAD = "# timestamp format v2\n"


def constant_rate(times: Sequence[int], time_base: Fraction, stated: Fraction | None) -> Fraction | None:
    """The rate of frames that follow each other evenly, to a tick of their clock; None if no rate fits.

    Args:
        times: of the frames, in units of ``time_base``.
        time_base: in seconds.
        stated: the rate that the file states; None if it states none.

    >>> constant_rate([0, 42, 83, 125], Fraction(1, 1000), None)
    Fraction(24, 1)
    >>> constant_rate([0, 42, 125], Fraction(1, 1000), Fraction(24))
    """
    if len(times) < 2:
        return None
    mean = (len(times) - 1) / ((times[-1] - times[0]) * time_base)
    whole = round(mean)
    usual = [Fraction(whole), Fraction(-(-mean // 1) * 1000, 1001), Fraction(round(mean * 2), 2)]
    others = [mean.limit_denominator(1001), mean]
    for rate in [*([stated] if stated else []), *usual, *others]:
        if rate > 0 and all(
            abs((time - times[0]) * time_base - number / rate) <= _TICKS * time_base
            for number, time in enumerate(times)
        ):
            return rate
    return None


def timestamps_text(times: Sequence[int], time_base: Fraction) -> str:
    """The list of times after the first frame.

    >>> print(timestamps_text([5, 6, 8], Fraction(1, 25)), end="")
    # timestamp format v2
    0
    40
    120
    """
    lines = (f"{float((time - times[0]) * time_base * 1000):.6f}".rstrip("0").rstrip(".") for time in times)
    return _HEAD + "".join(f"{line}\n" for line in lines)
