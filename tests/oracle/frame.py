"""Frames of video one sample at a time, in f64: codes, and chroma by where its samples lie in the image.

Lengths are counted in luma samples of the input, from the image's left (or upper) edge, so that input and output have
one ruler: a luma sample of the input covers a length of 1 and lies in its middle, one of the output covers 1 / scale.
"""

import math
from fractions import Fraction

import numpy as np

from oracle.resize import sample

HALF = Fraction(1, 2)
FACTORS = {"420": (2, 2), "422": (1, 2), "444": (1, 1), "440": (2, 1), "411": (1, 4)}
# Beside which luma sample of its cell chroma lies: down, across. The middle is between the first and the last.
FIRST, MIDDLE, LAST = (lambda f: Fraction(0)), (lambda f: Fraction(f - 1, 2)), (lambda f: Fraction(f - 1))
SITINGS = {
    "left": (MIDDLE, FIRST),
    "center": (MIDDLE, MIDDLE),
    "topleft": (FIRST, FIRST),
    "top": (FIRST, MIDDLE),
    "bottomleft": (LAST, FIRST),
    "bottom": (LAST, MIDDLE),
}


def value(code, bits, full_range):
    """A luma code as networks take it: black 16/255, white 235/255."""
    if full_range:
        return (16 + 219 * (code / (2**bits - 1))) / 255
    return code / 2 ** (bits - 8) / 255


def code(v, bits, full_range):
    """The same back, neither rounded nor clipped."""
    if full_range:
        return (v * 255 - 16) / 219 * (2**bits - 1)
    return v * 255 * 2 ** (bits - 8)


def rounded(x, bits):
    return np.clip(np.floor(np.asarray(x) + 0.5), 0, 2**bits - 1).astype(int)


def position(index, factor, offset, size):
    """Where a chroma sample lies on the ruler, luma samples being so long."""
    return (factor * index + offset + HALF) * size


def axis_positions(count, factor, offset, scale):
    """For each output sample of chroma the place between the input's."""
    places = [position(j, factor, offset, Fraction(1, scale)) for j in range(count)]
    # Solved for the index of an input sample at this place, broken as it may be.
    return [float((p - HALF - offset) / factor) for p in places]


def chroma(x, luma, subsampling, siting, scale):
    """(h, w) beside luma (H, W) to (ceil(H*scale/f), ceil(W*scale/g)), rows first, neither rounded nor clipped."""
    for axis in (0, 1):
        f = FACTORS[subsampling][axis]
        offset = SITINGS[siting][axis](f)
        positions = axis_positions(math.ceil(luma[axis] * scale / f), f, offset, scale)
        lines = np.moveaxis(np.asarray(x, float), axis, -1)
        result = np.array([[sample(line, q, "cubic") for q in positions] for line in lines])
        x = np.moveaxis(result, -1, axis)
    return x
