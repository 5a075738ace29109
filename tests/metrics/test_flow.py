"""Optical flow: the motion found is the motion there is."""

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.metrics.flow import flow_between


@pytest.mark.parametrize("shift", [(3.0, 0.0), (-1.5, 2.25), (0.0, -6.0)])
def test_motion_is_found(shift):
    y, x = np.mgrid[:96, :128].astype(np.float64)

    def frame(t):
        u, v = x - t * shift[0], y - t * shift[1]
        return 128 + 40 * np.sin(u / 7 + v / 11) + 40 * np.cos(v / 6 - u / 13) + 20 * np.sin(u / 3)

    flow = flow_between(frame(0), frame(1))
    assert flow.shape == (2, 96, 128)
    inner = flow[:, 16:-16, 16:-16]
    for found, true in zip(inner, shift, strict=True):
        # Where a sample was is against where it goes.
        assert abs(np.median(found) + true) < 0.05
        assert np.mean(np.abs(found + true) > 0.5) < 0.05


def test_no_contrast_no_motion():
    flat = np.full((40, 50), 90.0)
    assert not flow_between(flat, flat).any()
    assert np.abs(flow_between(flat, flat + 3)).max() < 0.01
    with pytest.raises(InvalidArgument, match=r"planes of one shape \(H, W\)"):
        flow_between(flat, flat[1:])
