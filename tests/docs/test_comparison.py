"""The image of the README is what its script makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts import docs_script
from subpixel.image import read


def test_the_script_makes_the_image(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    docs_script("make_comparison").main(tmp_path / "comparison.webp")
    there = Path(__file__).parents[2] / "docs" / "images" / "comparison.webp"
    assert there.stat().st_size < 300_000
    expected, found = read(there).pixels.astype(int), read(tmp_path / "comparison.webp").pixels
    assert found.shape == expected.shape
    # How letters are smoothed is for the machine's settings.
    assert np.abs(expected - found).mean() < 0.5
