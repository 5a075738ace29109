"""The mean of a scene's frames where nothing changes, for networks that average noise away.

What tells a change from noise: noise has no mean over a square of samples, at least none that is large beside its own
deviation. Around a change, and for some frames after it, everything counts as changed: moving texture has squares and
frames without a difference, too.

The deviation of noise is estimated in two ways, of which the smaller counts. The frame differs from the mean by it, but
also where something moves. Neighbouring samples differ by it, but also where there is texture.
Source of the second: Immerkær, "Fast noise variance estimation", CVIU 64(2), 1996; here with a median.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BOX", "HOLD", "MEDIAN", "NOISE", "REACH", "STEP", "noise_of", "running_mean"]

BOX = 5  # the side of the square over which differences are averaged
REACH = 15  # the side of the square around a change that counts as changed
HOLD = 0.9  # of a change, so much counts in the next frame
NOISE = 2.5  # so many deviations of the noise's mean over a square are no change
STEP = 3  # of the rows and columns, every so many are used to estimate noise
MEDIAN = 0.6745  # of the absolute values of normal noise of deviation 1

Planes = NDArray[np.float32]


def running_mean(frame: Planes, before: Planes | None, *, frames: int, still: float, changed: float) -> Planes:
    """The mean of the frames so far, for each sample since it last changed.

    A sample has changed as far as the mean difference of a 5×5 square, somewhere within 7 samples, exceeds ``still``
    codes and approaches ``changed`` codes; noise raises both. Nine tenths of a change last to the next frame. The
    weight of the mean so far shrinks in proportion; a full change makes the frame the mean.

    Args:
        frame: ``(C, H, W)`` f32, codes of 8 bits divided by 255.
        before: the result for the frame before, or None if this is the first frame of a scene.
        frames: the most frames that a mean weighs; so a scene that changes slowly is followed.
        still: codes up to which a difference is noise.
        changed: codes from which on a difference is a change, above ``still``.

    Returns:
        ``(3 C, H, W)`` f32: the means, their weights as shares of ``frames``, and how far each sample has changed.

    >>> scene = None
    >>> for code in (100, 104, 101, 99):  # noise
    ...     scene = running_mean(np.full((1, 1, 1), code / 255, np.float32), scene, frames=64, still=8, changed=16)
    >>> round(float(scene[0, 0, 0] * 255), 3), float(scene[1, 0, 0] * 64)
    (101.0, 4.0)
    >>> scene = running_mean(np.full((1, 1, 1), 200 / 255, np.float32), scene, frames=64, still=8, changed=16)
    >>> round(float(scene[0, 0, 0] * 255), 3), float(scene[1, 0, 0] * 64)  # a change
    (200.0, 1.0)
    """
    if before is None:
        return np.concatenate([frame, np.full_like(frame, 1 / frames), np.zeros_like(frame)])
    mean, share, held = np.split(before, 3)
    difference = frame - mean
    change = np.abs(_box_mean(difference))
    change *= np.float32(255)
    noise = np.array([noise_of(*planes) for planes in zip(frame, difference, strict=True)], np.float32)
    change -= np.float32(still) + np.float32(NOISE / BOX) * noise[:, None, None]
    change /= np.float32(changed - still)
    np.clip(change, 0, 1, out=change)
    change = np.maximum(_around(change), held * np.float32(HOLD))
    count = share * (1 - change)
    count *= np.float32(frames)
    count += np.float32(1)
    difference /= count
    difference += mean
    np.minimum(count, np.float32(frames), out=count)
    count /= np.float32(frames)
    return np.concatenate([difference, count, change])


def noise_of(plane: Planes, difference: Planes) -> float:
    """The deviation of noise in a plane in codes of 255, 0 for planes below 3×3.

    Args:
        plane: ``(H, W)`` f32.
        difference: its difference from the mean, the same shape.
    """
    if min(plane.shape) < 3:
        return 0.0
    rows, columns = ([slice(k, n - 2 + k, STEP) for k in range(3)] for n in plane.shape)
    across = [plane[row, columns[0]] - 2 * plane[row, columns[1]] + plane[row, columns[2]] for row in rows]
    # The deviation of that sum is six times the noise's.
    spatial = _median(np.abs(across[0] - 2 * across[1] + across[2])) / 6
    return min(spatial, _median(np.abs(difference[::STEP, ::STEP]))) / MEDIAN * 255


def _median(values: Planes) -> float:
    """The median, of an even number the lower one of the middle."""
    middle = (values.size - 1) // 2
    return float(np.partition(values.ravel(), middle)[middle])


def _box_mean(planes: Planes) -> Planes:
    """The mean of the square around each sample, ``(C, H, W)``. Beyond the edges, samples repeat."""
    half = BOX // 2
    _, height, width = planes.shape
    padded = np.pad(planes, ((0, 0), (half, half), (half, half)), mode="edge")
    rows = padded[:, :height].copy()
    for k in range(1, BOX):
        rows += padded[:, k : k + height]
    result: Planes = rows[..., :width].copy()
    for k in range(1, BOX):
        result += rows[..., k : k + width]
    result *= np.float32(1 / BOX**2)
    return result


def _around(change: Planes) -> Planes:
    """The largest value of the square around each sample, ``(C, H, W)``."""
    half = REACH // 2
    result = np.pad(change, ((0, 0), (half, half), (half, half)))
    for axis in (1, 2):
        covered = 1
        while covered < REACH:  # twice as many each time
            step = min(covered, REACH - covered)
            length = result.shape[axis] - step
            parts = [[slice(None)] * 3 for _ in range(2)]
            parts[0][axis], parts[1][axis] = slice(0, length), slice(step, length + step)
            result = np.maximum(result[tuple(parts[0])], result[tuple(parts[1])])
            covered += step
    return result
