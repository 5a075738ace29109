"""Sizes of results and the networks that reach them."""

from __future__ import annotations

import itertools
import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.upscaler import SizePlan, Target
from subpixel.upscaler.sizes import MOST, plan_size

SHIPPED = (2, 3, 4, 8)
SIDES = (1, 2, 3, 7, 50, 641, 20000)
SCALES = (
    0.01,
    0.29,
    0.5,
    0.75,
    0.999,
    1.001,
    1.1,
    1.15,
    1.5,
    2,
    2.1,
    2.5,
    3,
    3.3,
    4,
    4.5,
    5,
    6,
    7,
    8,
    9,
    12,
    16,
    24.5,
    64,
)


def half_up(side: int, scale: object) -> int:
    """The decimal that is written, times the side, by the rules of decimal arithmetic."""
    return max(1, int((Decimal(str(scale)) * side).quantize(Decimal(1), ROUND_HALF_UP)))


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_times_a_side_is_rounded_half_up(scale: float) -> None:
    for height, width in itertools.product(SIDES, SIDES):
        assert Target(scale).size(width, height) == (half_up(width, scale), half_up(height, scale))


def test_fractions_that_binary_numbers_miss() -> None:
    for parts in range(1, 40):
        for whole in range(1, 40):
            for side in (parts, 2 * parts, 3 * parts, 5):
                exact = Fraction(whole, parts) * side
                assert Target(whole / parts).size(side, side)[0] == max(1, math.floor(exact + Fraction(1, 2)))


def test_decimals_that_binary_numbers_miss() -> None:
    assert 0.29 * 50 < 14.5
    assert Target(0.29).size(50, 50) == (15, 15)
    assert Target(1.1).size(5, 5) == (6, 6)
    assert Target(np.float64(2.5)).size(3, 1) == (8, 3)


@pytest.mark.parametrize("height", SIDES)
@pytest.mark.parametrize("width", SIDES)
def test_a_side_is_exact_and_the_other_follows(height: int, width: int) -> None:
    for wanted in (1, 7, 100, 641):
        for target, exact in ((Target(width=wanted), width), (Target(height=wanted), height)):
            if wanted > MOST * exact:
                continue
            result = target.size(width, height)
            other, side = (height, result[1]) if target.width else (width, result[0])
            assert result[0 if target.width else 1] == wanted
            assert abs(Fraction(other * wanted, exact) - side) <= Fraction(1, 2) or side == 1


@pytest.mark.parametrize("height", SIDES)
@pytest.mark.parametrize("width", SIDES)
def test_a_box_holds_the_result_and_nothing_larger(height: int, width: int) -> None:
    for box in ((1, 1), (100, 1), (99, 100), (3840, 2160)):
        if min(Fraction(box[0], width), Fraction(box[1], height)) > MOST:
            continue
        wide, high = Target(fit=box).size(width, height)
        assert high <= box[1]
        assert wide <= box[0]
        assert high == box[1] or wide == box[0]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "one of scale, width, height and fit"),
        ({"scale": 2.0, "width": 3}, "^scale=2, width=3: only one of scale=, width=, height= and fit= is possible$"),
        ({"width": 2, "height": 3}, r"fit=\(width, height\)"),
        ({"scale": 0.0}, "^scale=0: "),
        *[({"scale": scale}, "scale=") for scale in (0, -1, 64.5, math.nan, math.inf, True, "2", (2, 2), 10**6)],
        *[({"width": side}, "width=") for side in (0, -1, 2.0, True, "2", 2**31)],
        *[({"height": side}, "height=") for side in (0, -1, math.nan)],
        *[({"fit": box}, "fit=") for box in (3, (3,), (1, 2, 3), (0, 1), (1, 2.5), "12")],
    ],
    ids=str,
)
def test_other_targets_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        Target(**given)


def test_more_than_two_networks_can_do_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="width=1000: 100 times the 10×10 of the image; up to 64"):
        Target(width=1000).size(10, 10)
    with pytest.raises(InvalidArgument, match=r"scale=5: two networks in a row reach ×4 with this model"):
        plan_size(10, 10, Target(5), (2,))
    with pytest.raises(InvalidArgument, match="sides of up to"):
        Target(64).size(2**30, 1)
    with pytest.raises(InvalidArgument, match=r"^fit=640x1000: 100 times the 4×10 of the image"):
        Target(fit=(640, 1000)).size(4, 10)


def test_the_longest_possible_side() -> None:
    longest = 2**31 - 1
    assert Target(width=longest).size(longest, 1) == (longest, 1)
    assert Target(1).size(longest, 3) == (longest, 3)
    for name in ("width", "height"):
        with pytest.raises(InvalidArgument, match=f"^{name}="):
            Target(**{name: longest + 1})


def test_numbers_and_boxes_of_numpy_and_lists_are_accepted() -> None:
    assert Target(np.int64(2)).size(5, 3) == Target(np.float32(2)).size(5, 3) == (10, 6)
    assert Target(width=np.int64(10)).size(5, 3) == (10, 6)
    assert Target(height=np.int64(6)).size(5, 3) == (10, 6)
    box = Target(fit=[10, 60])  # type: ignore[arg-type]
    assert (box.fit, box.size(5, 3)) == ((10, 60), (10, 6))


def test_two_targets_are_refused_and_a_width_with_a_height_names_the_box() -> None:
    hint = "; fit=(width, height) takes a box"
    for given, has_hint in (({"width": 3, "height": 4}, True), ({"scale": 2, "width": 3}, False)):
        with pytest.raises(InvalidArgument) as caught:
            Target(**given)  # type: ignore[arg-type]
        assert str(caught.value).endswith(hint) == has_hint


@pytest.mark.parametrize("scale", [scale for scale in SCALES if scale > 1])
@pytest.mark.parametrize("first", [(2,), (3,), (4,), (2, 3, 4), SHIPPED])
@pytest.mark.parametrize("then", [None, SHIPPED])
def test_the_smallest_product_that_is_enough(
    scale: float, first: tuple[int, ...], then: tuple[int, ...] | None
) -> None:
    second = then or first
    products = sorted({*first, *(a * b for a in first for b in second)})
    enough = [product for product in products if product >= scale]
    for height, width in ((1, 1), (3, 5), (100, 77)):
        if not enough:
            with pytest.raises(InvalidArgument):
                plan_size(width, height, Target(scale), first, then)
            continue
        result = plan_size(width, height, Target(scale), first, then)
        assert math.prod(result.factors) == enough[0]
        assert result.size == Target(scale).size(width, height)
        # One network where there is one, and the smaller factor first where the order is free.
        if enough[0] in first:
            assert result.factors == (enough[0],)
        elif result.factors[::-1] in itertools.product(first, second):
            assert result.factors[0] <= result.factors[1]
        # No rounding asks for more than the networks make.
        assert all(side <= large for side, large in zip(result.size, result.network_size, strict=True))
        assert result.resizes == (result.size != result.network_size)
        assert result.note is None


@pytest.mark.parametrize(
    ("scale", "factors"),
    [
        *((1.5, (2,)), (2, (2,)), (2.5, (3,)), (5, (2, 3)), (6, (2, 3)), (7, (8,)), (8, (8,)), (9, (3, 3))),
        *((10, (3, 4)), (12, (3, 4)), (16, (2, 8)), (17, (3, 8)), (32, (4, 8)), (33, (8, 8)), (64, (8, 8))),
    ],
)
def test_the_shipped_factors(scale: float, factors: tuple[int, ...]) -> None:
    assert plan_size(10, 10, Target(scale), SHIPPED).factors == factors
    assert plan_size(10, 10, Target(scale), SHIPPED[::-1]).factors == factors


def test_smaller_and_equal_targets_need_no_network() -> None:
    small = plan_size(200, 100, Target(0.5), SHIPPED)
    assert (small.factors, small.size, small.resizes) == ((), (100, 50), True)
    assert small.note is not None
    assert "smaller than the image" in small.note
    same = plan_size(200, 100, Target(fit=(200, 300)), SHIPPED)
    assert (same.factors, same.size, same.resizes) == ((), (200, 100), False)
    assert same.note is not None
    assert "unchanged" in same.note
    assert plan_size(1, 1, Target(0.5), SHIPPED).size == (1, 1)


def test_a_scale_of_1_cleans_or_is_refused() -> None:
    result = plan_size(40, 30, Target(1), (2,), SHIPPED, cleans=True)
    assert (result.factors, result.size, str(result)) == ((2,), (40, 30), "×2, down to 40×30")
    assert plan_size(40, 30, Target(1), (3, 2, 4), SHIPPED, cleans=True).factors == (2,)
    assert plan_size(40, 30, Target(width=40), SHIPPED, cleans=True).factors == ()
    with pytest.raises(InvalidArgument, match=r"scale=1: .*fast-compressed"):
        plan_size(40, 30, Target(1), SHIPPED)


def test_names_and_texts() -> None:
    targets = (Target(2), Target(2.0), Target(2.5), Target(width=9), Target(height=8), Target(fit=(3, 4)))
    assert [target.label for target in targets] == ["x2", "x2", "x2.5", "w9", "h8", "fit3x4"]
    assert str(SizePlan((1, 1), (), (1, 1))) == "as it is"
