"""Thumbnails, their difference, and the detector of cuts: by hand-made frames on both sides of its thresholds."""

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.ops.scenes import CutDetector, difference, thumbnail


def gray(code, size=(48, 64)):
    return np.full(size, code, np.uint8)


def starts(codes, detector=None):
    detector = detector or CutDetector()
    return [detector.begins_scene(gray(code)) for code in codes]


@pytest.mark.parametrize(
    ("size", "shape"),
    [((48, 96), (24, 48)), ((71, 50), (35, 25)), ((72, 50), (24, 16)), ((5, 7), (5, 7)), ((30, 0), (30, 0))],
)
def test_a_thumbnail_has_about_24_rows_of_square_blocks(size, shape):
    assert thumbnail(np.zeros(size, np.uint8)).shape == shape


def test_a_thumbnail_holds_means_of_blocks():
    luma = np.arange(48 * 50, dtype=np.uint16).reshape(48, 50).astype(np.uint8)
    assert thumbnail(luma)[1, 2] == luma[2:4, 4:6].astype(float).mean()
    assert thumbnail(luma).dtype == np.float32


def test_motion_before_a_still_background_is_no_difference():
    a = np.zeros((24, 32), np.float32)
    b = a.copy()
    b[:, :15] = 200
    assert difference(a, b) == 0
    b[:, :17] = 200
    assert difference(a, b) == 200


def test_a_cut_differs_by_more_than_ten_codes():
    assert starts([20, 30]) == [True, False]
    assert starts([20, 31]) == [True, True]


def test_a_cut_differs_by_more_than_three_times_what_is_usual():
    assert starts([0, 5, 10, 15, 30]) == [True, False, False, False, False]
    assert starts([0, 5, 10, 15, 31]) == [True, False, False, False, True]


def test_only_the_last_twelve_differences_are_usual():
    still = [100] * 7
    lively = [100 + 8 * (k % 2) for k in range(1, 13)]
    assert starts([*still, *lively, lively[-1] + 20])[-1] is False  # 12 differences of 8
    assert starts([*lively, *[lively[-1]] * 7, lively[-1] + 20])[-1] is True  # 7 of the last 12 are 0


def test_another_size_begins_a_scene_and_what_was_usual_is_forgotten():
    detector = CutDetector()
    assert starts([0, 8, 16], detector) == [True, False, False]
    assert detector.begins_scene(gray(0, (96, 64)))
    assert detector.begins_scene(gray(11, (96, 64)))


def test_a_restored_detector_decides_alike():
    first, second = CutDetector(), CutDetector()
    starts([0, 5, 10, 15], first)
    second.restore(first.state())
    for code in (30, 31, 90):
        assert first.begins_scene(gray(code)) == second.begins_scene(gray(code))
    fresh = CutDetector()
    fresh.restore(CutDetector().state())
    assert fresh.begins_scene(gray(0))


@pytest.mark.parametrize("state", [{}, {"thumbnail": np.zeros((2, 2)), "steps": np.zeros(1)}])
def test_something_else_is_no_state(state):
    with pytest.raises(InvalidArgument, match="not a state of a CutDetector"):
        CutDetector().restore(state)
