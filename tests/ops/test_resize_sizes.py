"""The size that a scale leads to: the own rule for every decimal and fraction, and each library's own."""

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from subpixel.ops import resize
from subpixel.ops.resizing.scales import exact_scale, scaled_size


def size_of(n, scale, **options):
    """The size of one axis by a call, with as little work as possible."""
    return resize(np.zeros(n, np.uint8), scale=scale, mode="nearest", layout="W", **options).size


def test_sizes_that_floating_point_gets_wrong():
    assert size_of(100, 1.1) == 110
    assert size_of(3, 5 / 3) == 5
    assert size_of(100, np.float32(1.1)) == 110
    assert resize(np.zeros((100, 100)), scale=np.float32([1.1, 0.7]), mode="linear", layout="HW").shape == (110, 70)


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_every_decimal(digits):
    step = 10**digits
    for k in range(1, 4 * step + 1):
        text, scale = f"{k // step}.{k % step:0{digits}}", Fraction(k, step)
        assert exact_scale(float(text)) == scale == exact_scale(np.float32(text)) == exact_scale(np.float64(text))
        for n in (1, 7, 10, 99, 100, 101, 640, 1000, 1999) if digits == 3 else range(1, 400, 3):
            assert scaled_size(n, float(text), "ceil", "exact") == math.ceil(n * scale), (n, text)


def test_every_fraction_of_small_integers():
    for n in range(1, 200):
        for m in range(1, 400, 3):
            assert exact_scale(m / n) == Fraction(m, n)
            assert scaled_size(n, m / n, "ceil", "exact") == m


def test_other_floats_are_their_shortest_decimal(rng):
    for scale in (*rng.uniform(0.01, 64, 500).tolist(), math.pi, math.sqrt(2), 1e-9, 2.0**-40, 1e7 / 3):
        assert float(exact_scale(scale)) == scale
        assert exact_scale(scale) > 0
    assert exact_scale(3) == 3


def test_sizes_of_torch(rng):
    for n, m in rng.integers(1, 2000, (2000, 2)).tolist():
        scale = m / n
        expected = math.floor(n * scale)
        if expected:
            assert size_of_torch(n, scale) == scaled_size(n, scale, "floor", "double") == expected


def size_of_torch(n, scale):
    return F.interpolate(torch.zeros(1, 1, n), scale_factor=scale, mode="nearest").shape[2]


@pytest.mark.parametrize("recompute", [False, True])
def test_calls_have_the_sizes_of_torch(rng, recompute):
    for n, m in rng.integers(1, 300, (150, 2)).tolist():
        for scale in (m / n, round(m / n, 1), round(m / n, 2)):
            if n * scale < 1:
                continue
            x = torch.zeros(1, 1, n)
            theirs = F.interpolate(x, scale_factor=scale, mode="linear", recompute_scale_factor=recompute)
            ours = resize(x, scale=scale, mode="linear", like="torch", recompute_scale_factor=recompute)
            assert ours.shape == theirs.shape


def test_calls_have_the_sizes_of_opencv(rng):
    for n, m in rng.integers(1, 300, (300, 2)).tolist():
        for scale in (m / n, (2 * m + 1) / (2 * n), round(m / n, 1)):
            if round(n * scale) < 1:
                continue
            x = np.zeros((1, n), np.uint8)
            theirs = cv2.resize(x, None, fx=scale, fy=1.0, interpolation=cv2.INTER_NEAREST)
            assert resize(x, scale=(1.0, scale), mode="nearest", like="opencv").shape == theirs.shape, (n, scale)
