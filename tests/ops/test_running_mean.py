"""The running mean of a scene: sample by sample what the text says, where nothing changes and where something does."""

import numpy as np
import pytest

from subpixel.ops.running_mean import BOX, HOLD, NOISE, REACH, noise_of, running_mean

SETTINGS = {"frames": 16, "still": 2.0, "changed": 5.0}


def expected(frame, before, frames, still, changed):
    """The definition, one sample after another, in f64."""
    planes, height, width = frame.shape
    means, shares, held = before.astype(np.float64).reshape(3, planes, height, width)
    difference, change = frame - means, np.zeros((planes, height, width))
    for c, h, w in np.ndindex(planes, height, width):
        around = [
            difference[c, min(max(h + i, 0), height - 1), min(max(w + j, 0), width - 1)]
            for i in range(-(BOX // 2), BOX // 2 + 1)
            for j in range(-(BOX // 2), BOX // 2 + 1)
        ]
        above = abs(sum(around) / len(around)) * 255 - still - NOISE / BOX * noise(frame[c], difference[c])
        change[c, h, w] = min(max(above / (changed - still), 0.0), 1.0)
    result, half = np.zeros((3, planes, height, width)), REACH // 2
    for c, h, w in np.ndindex(planes, height, width):
        near = change[c, max(0, h - half) : h + half + 1, max(0, w - half) : w + half + 1].max()
        near = max(near, HOLD * held[c, h, w])
        count = shares[c, h, w] * frames * (1 - near) + 1
        result[:, c, h, w] = means[c, h, w] + difference[c, h, w] / count, min(count, frames) / frames, near
    return result.reshape(3 * planes, height, width)


def noise(plane, difference):
    height, width = plane.shape
    if height < 3 or width < 3:
        return 0.0
    signs = np.outer([1, -2, 1], [1, -2, 1])
    corners = [(h, w) for h in range(height - 2)[::3] for w in range(width - 2)[::3]]
    spatial = [abs((plane[h : h + 3, w : w + 3] * signs).sum()) for h, w in corners]
    temporal = np.abs(difference[::3, ::3]).ravel()
    medians = [sorted(values)[(len(values) - 1) // 2] for values in (spatial, temporal)]
    return min(medians[0] / 6, medians[1]) / 0.6745 * 255


@pytest.mark.parametrize("shape", [(1, 14, 17), (3, 4, 6), (1, 1, 1), (2, 1, 7), (1, 9, 9)])
def test_it_is_what_the_definition_says(shape):
    rng = np.random.default_rng(shape[1])
    scene = running_mean(rng.random(shape, np.float32), None, **SETTINGS)
    for step in (0.0, 1.0, 2.5, 4.0, 90.0):  # codes by which the frame is another
        frame = scene[: shape[0]] + ((rng.random(shape) - 0.5 + step) / 255).astype(np.float32)
        frame[:, : shape[1] // 3] += np.float32(step / 255)
        result = running_mean(frame, scene, **SETTINGS)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected(frame, scene, **SETTINGS), rtol=0, atol=2e-5)
        scene = result


@pytest.mark.parametrize("deviation", [1, 3, 5])
def test_noise_is_averaged_and_a_change_forgets_it(deviation):
    rng = np.random.default_rng(0)
    truth = np.full((1, 60, 60), 100 / 255, np.float32)
    noisy = [truth + (rng.standard_normal(truth.shape) * deviation / 255).astype(np.float32) for _ in range(31)]
    scene = None
    for frame in noisy[:30]:
        scene = running_mean(frame, scene, frames=64, still=3.5, changed=6.5)
    assert float(np.median(scene[1])) * 64 > 28
    assert float(np.median(np.abs(scene[0] - truth))) * 255 == pytest.approx(0.6745 * deviation / 30**0.5, rel=0.2)
    # An object comes: there the mean is the frame at once, and far from it nothing changes.
    frame = noisy[30].copy()
    frame[:, :8, :8] += 60 / 255
    after = running_mean(frame, scene, frames=64, still=3.5, changed=6.5)
    np.testing.assert_allclose(after[0, :10, :10], frame[0, :10, :10], atol=1e-6)
    np.testing.assert_allclose(after[1, :10, :10] * 64, 1, atol=1e-4)
    assert float(np.median(after[1, 20:, 20:])) * 64 > 28
    # For some frames, it weighs few of them.
    again = running_mean(noisy[30], running_mean(frame, after, **SETTINGS), **SETTINGS)
    assert (again[1, :8, :8] * SETTINGS["frames"] <= 1.5).all()


def test_noise_is_neither_texture_nor_motion():
    rng = np.random.default_rng(2)
    flat, texture = np.full((90, 120), 0.4, np.float32), rng.random((90, 120), np.float32)
    grain = (rng.standard_normal((2, 90, 120)) * 4 / 255).astype(np.float32)
    assert noise_of(flat + grain[0], grain[0] - grain[1] * 0.1) == pytest.approx(4, rel=0.1)
    assert noise_of(texture, np.zeros_like(texture)) == 0  # still texture
    y, x = np.mgrid[:90, :120]
    smooth = (0.5 + 0.3 * np.sin(x / 30) * np.cos(y / 25)).astype(np.float32)
    assert noise_of(smooth, smooth - np.roll(smooth, 20, axis=1)) < 0.2  # a smooth scene that moves
    assert noise_of(texture[:2], texture[:2]) == 0


def test_its_weight_is_bounded_so_that_it_follows_slow_changes():
    scene = None
    for k in range(400):  # a tenth of a code a frame: never a change by itself
        frame = np.full((1, 6, 6), (40 + 0.1 * k) / 255, np.float32)
        scene = running_mean(frame, scene, **SETTINGS)
    assert float(scene[1].max()) == 1
    assert float(np.abs(scene[0] - frame[0]).max()) * 255 < 0.1 * SETTINGS["frames"]
