"""The tables of weights by themselves."""

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing.taps import axis_taps


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("centre", [0, 0.125, 0.25, 0.5, 0.875, 1])
@pytest.mark.parametrize("scale", [2, 3, 5, 2.5])
def test_a_centre_sets_where_samples_lie(mode, centre, scale):
    taps = axis_taps(20, 40, scale, mode=mode, centre=centre)
    places = (taps.weight * taps.index).sum(axis=1)  # both kernels give a ramp back as it is
    wanted = (np.arange(40) + centre) / scale - centre
    inside = (wanted > 1) & (wanted < 17)
    np.testing.assert_allclose(places[inside], wanted[inside], atol=1e-12)


@pytest.mark.parametrize("centre", [-0.1, 1.1, float("nan")])
def test_a_centre_outside_of_the_cell_is_refused(centre):
    with pytest.raises(InvalidArgument, match="centre="):
        axis_taps(4, 8, 2, centre=centre)
