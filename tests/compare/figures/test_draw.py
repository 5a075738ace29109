"""Every figure is drawn of any image that is large enough, and the errors are single sentences."""

import re
import sys

import numpy as np
import pytest
from PIL import Image

from subpixel.compare.figures import FIGURES, draw
from subpixel.compare.figures.subject import LEAST, Subject
from subpixel.errors import InvalidArgument, MissingExtra
from subpixel.ops import resize

# By name, so that one that is lost is noticed.
NAMES = (
    "shuffle",
    "bilinear",
    "unpooling",
    "transposed-convolution",
    "grid-sample",
    "tiny",
    "identity-1d",
    "weights",
    "checkerboard",
)
NEED_TORCH = ("transposed-convolution", "tiny", "checkerboard")


def picture(height=40, width=52, channels=3):
    small = np.random.default_rng(3).integers(0, 256, (height // 4, width // 4, channels), np.uint8)
    return resize(small, (height, width), mode="cubic", layout="HWC")


def test_the_figures_are_those_of_the_list():
    assert tuple(FIGURES) == NAMES
    assert all(name == figure.name for name, figure in FIGURES.items())
    assert tuple(name for name, figure in FIGURES.items() if figure.extra == "train") == NEED_TORCH
    assert all(figure.title and figure.about.endswith(".") for figure in FIGURES.values())


@pytest.mark.parametrize("gray", [False, True], ids=["rgb", "gray"])
@pytest.mark.parametrize("name", NAMES)
def test_each_is_drawn_of_a_small_image(name, gray, tmp_path):
    image = picture()[..., 0] if gray else picture()
    path = draw(name, image, tmp_path / "made", threads=1)
    assert path == tmp_path / "made" / f"{name}.png"
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with Image.open(path) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width == 1440
        assert 600 < drawn.height < 2200
        assert drawn.text["Title"] == FIGURES[name].title
        pixels = np.asarray(drawn.convert("L"))
    assert pixels.std() > 10
    # Nothing reaches into the margin.
    for edge in (pixels[:20], pixels[-20:], pixels[:, :20], pixels[:, -20:]):
        assert np.ptp(edge) == 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    image = picture()
    first, again, other = (
        draw("tiny", image, tmp_path / str(number), seed=seed, threads=1).read_bytes()
        for number, seed in enumerate((1, 1, 2))
    )
    assert first == again
    assert first != other


def test_a_figure_that_is_there_is_replaced(tmp_path):
    (tmp_path / "bilinear.png").write_bytes(b"before")
    assert draw("bilinear", picture(), tmp_path).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("shape", [(LEAST, LEAST, 3), (17, 200, 3), (201, 33, 1)])
def test_any_shape_from_the_smallest(shape, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert draw("shuffle", image, tmp_path).stat().st_size > 10_000
    subject = Subject.of(image, 0, 1)
    # Those that train take their time, so of one shape only.
    for figure in (one for one in FIGURES.values() if not one.extra or shape[0] == LEAST):
        for section in figure.sheet(subject).sections:
            assert sum(panel.size[0] for panel in section.panels) <= 1368
            # Pictures are what their panels have room for.
            assert all(panel.pixels.shape[1::-1] == panel.size for panel in section.panels if panel.pixels is not None)


@pytest.mark.parametrize("value", [0, 255])
def test_an_image_of_one_value(value, tmp_path):
    image = np.full((20, 24, 3), value, np.uint8)
    # No contrast, no energy, no coloured point: nothing to divide by.
    for name in ("identity-1d", "checkerboard" if value == 0 else "unpooling"):
        assert draw(name, image, tmp_path, threads=1).stat().st_size > 10_000
    assert all(one.sheet(Subject.of(image, 0, 1)).sections for one in FIGURES.values() if not one.extra)


def test_what_is_shown_of_an_image():
    wide = Subject.of(picture(100, 400), 0, 1).picture
    assert wide.shape == (86, 128, 3)  # the middle, at 3:2
    assert Subject.of(picture(600, 500), 0, 1).picture.shape == (128, 106, 3)
    odd = picture(44, 56)[:41, :53]
    assert (Subject.of(odd, 0, 1).picture == odd[:40, :52]).all()


def sentence(error):
    text = str(error.value)
    assert "\n" not in text
    return text


def test_bad_input_gets_one_sentence(tmp_path):
    with pytest.raises(InvalidArgument) as error:
        draw("shufle", picture(), tmp_path)
    assert sentence(error).startswith("Unknown figure 'shufle'. Did you mean 'shuffle'? Choices: shuffle, bilinear, ")
    with pytest.raises(InvalidArgument) as error:
        draw("shuffle", np.zeros((1, 1, 3), np.uint8), tmp_path)
    assert sentence(error) == "an image of 1×1 is too small for the figures: 16×16 is needed"
    with pytest.raises(InvalidArgument, match=re.escape("shape (20, 20, 4), uint8; (H, W)")):
        draw("shuffle", np.zeros((20, 20, 4), np.uint8), tmp_path)
    with pytest.raises(InvalidArgument, match="float64"):
        draw("shuffle", np.zeros((20, 20, 3)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra) as error:
        draw("shuffle", picture(), tmp_path)
    assert sentence(error) == "figures need matplotlib: pip install 'subpixel[compare]'"
    assert not list(tmp_path.iterdir())


def test_without_torch_only_what_trains_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("tiny", "transposed-convolution", "checkerboard"):
        with pytest.raises(MissingExtra, match=re.escape("pip install 'subpixel[train]'")):
            draw(name, picture(), tmp_path)
    assert not list(tmp_path.iterdir())
    draw("identity-1d", picture(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["identity-1d.png"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = draw("identity-1d", picture(), tmp_path)
    before = path.read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError("the disk is full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="the disk is full"):
        draw("identity-1d", picture(32, 32), tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before
