"""The size that a scale leads to, by the rule and in the precision of each library.

The product of a size and a scale is often an integer but for a rounding: 100 times 1.1 is 110.00000000000001 in double
precision, and ``ceil`` makes 111 of it. This package therefore counts a scale as the number that it stands for. Other
libraries round the product itself, some of them in single precision, and their sizes follow from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from subpixel.errors import Unsupported
from subpixel.ops.tracing import is_free

__all__ = ["Product", "exact_scale", "scaled_size"]

Product = Literal["exact", "double", "single"]

# Decimals with six digits after the point, and sizes of up to a million samples divided by each other.
_MOST_PARTS = 10**6

_ROUNDED: dict[str, Callable[[Any], int]] = {"floor": math.floor, "ceil": math.ceil, "round": round}


def exact_scale(scale: Any) -> Fraction:
    """The number that a floating-point scale stands for.

    It is the fraction of integers, with a denominator of up to a million, that is rounded to this float: 11/10 for 1.1,
    5/3 for 1.6666666666666667. If there is none, it is the shortest decimal that is rounded to this float. A float of
    single or half precision counts as the shortest decimal in its own precision.

    Args:
        scale: a finite number above 0, of Python or NumPy.

    >>> exact_scale(1.1), exact_scale(5 / 3), exact_scale(np.float32(1.1))
    (Fraction(11, 10), Fraction(5, 3), Fraction(11, 10))
    """
    value = float(scale) if isinstance(scale, (int, float, np.integer)) else float(str(scale))
    fraction = Fraction(value).limit_denominator(_MOST_PARTS)
    return fraction if fraction > 0 and float(fraction) == value else Fraction(str(value))


def scaled_size(n: int, scale: float, rule: Literal["floor", "ceil", "round"], product: Product) -> int:
    """The samples that an axis of ``n`` samples has after scaling; ``round`` rounds halves to even.

    Args:
        n: samples, at least 0.
        scale: a finite number above 0.
        rule: how the product is rounded.
        product: ``exact`` for :func:`exact_scale`, else the precision in which scale, size and product are rounded.

    >>> scaled_size(100, 1.1, "ceil", "exact"), scaled_size(100, 1.1, "ceil", "double")
    (110, 111)
    >>> scaled_size(706, 224 / 706, "floor", "double"), scaled_size(706, 224 / 706, "floor", "single")
    (224, 223)
    """
    if is_free(n):
        free: int = _free_size(n, scale, rule, product)
        return free
    if product == "exact":
        return _ROUNDED[rule](n * exact_scale(scale))
    return _ROUNDED[rule](float(np.float32(n) * np.float32(scale)) if product == "single" else n * scale)


def _free_size(n: Any, scale: float, rule: str, product: Product) -> Any:
    """The size as an expression of a free size."""
    if product == "single":
        raise Unsupported(
            f"resize: scale={scale}: like='onnx' multiplies in single precision, which a free size cannot be; give size"
        )
    if product == "exact" and rule == "ceil":
        exact = exact_scale(scale)
        return -(-n * exact.numerator // exact.denominator)
    return _ROUNDED[rule](n * scale)
