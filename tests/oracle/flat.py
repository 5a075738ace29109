"""Flat cells, sample by sample: which they are, and the plain resize by the formula of Keys."""

import numpy as np


def _at(x, row, column):
    """A sample; outside the plane its edge is repeated."""
    return int(x[min(max(row, 0), x.shape[0] - 1), min(max(column, 0), x.shape[1] - 1)])


def bend(x, row, column):
    pairs = [((0, -1), (0, 1)), ((-1, 0), (1, 0)), ((-1, -1), (1, 1)), ((-1, 1), (1, -1))]
    return max(
        abs(_at(x, row + a, column + b) - 2 * _at(x, row, column) + _at(x, row + c, column + d))
        for (a, b), (c, d) in pairs
    )


def is_busy(bends, cell_row, cell_column, threshold):
    """Whether a bend in a cell or less than a quarter's width beside it is large, or the mean of the cell's."""
    top, left = 8 * cell_row, 8 * cell_column
    if not (0 <= top < bends.shape[0] and 0 <= left < bends.shape[1]):
        return False
    around = bends[max(0, top - 4) : top + 12, max(0, left - 4) : left + 12]
    return around.max() > threshold or bends[top : top + 8, left : left + 8].sum() / 64 > threshold / 4


def flat_cells(x, threshold):
    """Those in some square of 3×3 cells without busy ones."""
    bends = np.array([[bend(x, row, column) for column in range(x.shape[1])] for row in range(x.shape[0])])
    rows, columns = (-(-n // 8) for n in x.shape)
    busy = np.array([[is_busy(bends, i, j, threshold) for j in range(-2, columns + 2)] for i in range(-2, rows + 2)])
    flat = np.zeros((rows, columns), bool)
    for i, j in np.ndindex(rows, columns):
        flat[i, j] = any(not busy[i + a : i + a + 3, j + b : j + b + 3].any() for a in range(3) for b in range(3))
    return flat


def chosen(x, threshold, scale, network, plain):
    """The network's result in busy places, the plain one in flat cells."""
    result = network.copy()
    for row, column in np.argwhere(flat_cells(x, threshold)):
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
