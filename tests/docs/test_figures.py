"""The figures of the laboratory in the documentation: all there, of the right size, and small files."""

from __future__ import annotations

from PIL import Image

from docs.pages import ROOT
from subpixel.compare.figures import FIGURES

FOLDER = ROOT / "docs" / "images" / "laboratory"


def test_every_figure_is_there_and_small() -> None:
    found = {path.stem: path for path in FOLDER.glob("*.png")}
    assert set(found) >= set(FIGURES)
    for name in FIGURES:
        assert found[name].stat().st_size <= 250_000, name
        with Image.open(found[name]) as image:
            assert image.format == "PNG"
            assert image.width == 1440
            assert 800 < image.height < 1800
