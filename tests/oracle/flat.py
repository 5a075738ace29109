"""Flat cells, sample by sample: which they are, and the plain resize by the formula of Keys."""

import numpy as np


def _at(x, row, column):
    """A sample; outside the plane its edge is repeated."""
    return int(x[min(max(row, 0), x.shape[0] - 1), min(max(column, 0), x.shape[1] - 1)])


def is_busy(x, row, column, threshold):
    pairs = [((0, -1), (0, 1)), ((-1, 0), (1, 0)), ((-1, -1), (1, 1)), ((-1, 1), (1, -1))]
    return any(
        abs(_at(x, row + a, column + b) - 2 * _at(x, row, column) + _at(x, row + c, column + d)) > threshold
        for (a, b), (c, d) in pairs
    )


def is_flat(x, cell_row, cell_column, threshold):
    """Whether no sample of the 3×3 cells around is busy."""
    rows = range(max(0, 8 * (cell_row - 1)), min(x.shape[0], 8 * (cell_row + 2)))
    columns = range(max(0, 8 * (cell_column - 1)), min(x.shape[1], 8 * (cell_column + 2)))
    return not any(is_busy(x, row, column, threshold) for row in rows for column in columns)


def chosen(x, threshold, scale, network, plain):
    """The network's result in busy places, the plain one in flat cells."""
    result = network.copy()
    for row in range(-(-x.shape[0] // 8)):
        for column in range(-(-x.shape[1] // 8)):
            if is_flat(x, row, column, threshold):
                part = tuple(slice(8 * k * scale, 8 * (k + 1) * scale) for k in (row, column))
                result[part] = plain[part]
    return result


def keys(t):
    t = abs(t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def cubic(x, scale):
    """The cubic resize in float64."""

    def matrix(n):
        result = np.zeros((n * scale, n))
        for k in range(n * scale):
            place = (k + 0.5) / scale - 0.5
            for tap in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
                result[k, min(max(tap, 0), n - 1)] += keys(place - tap)
        return result

    return matrix(x.shape[0]) @ x.astype(np.float64) @ matrix(x.shape[1]).T
