"""The layout of the figures: pixels stay as they are, and texts stay in their columns."""

import numpy as np
from PIL import Image

from subpixel.compare.figures.sheet import Section, Sheet, drawing, enlarge, fitted, picture, save

PAPER = (0xF4,) * 3


def noise(height, width):
    return np.random.default_rng(0).integers(0, 200, (height, width, 3), np.uint8)


def drawn(sheet, tmp_path):
    save(sheet, tmp_path / "sheet.png")
    return np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))


def test_each_pixel_of_a_picture_becomes_a_square(tmp_path):
    image = noise(9, 14)
    sheet = drawn(Sheet("Title", "About.", [Section([picture(image, "Noise", box=(300, 300))])]), tmp_path)
    side = 300 // 14
    large = image.repeat(side, axis=0).repeat(side, axis=1)
    rows = np.flatnonzero((sheet[:, 36 : 36 + large.shape[1]] == large[0]).all(axis=(1, 2)))
    top = rows[0]
    assert (sheet[top : top + large.shape[0], 36 : 36 + large.shape[1]] == large).all()


def test_a_half_is_shown_as_large_as_the_whole():
    whole = fitted(noise(40, 52), (432, 432))
    assert whole == (416, 320)
    assert enlarge(noise(20, 26), whole)[0].shape == (320, 416, 3)
    assert enlarge(noise(500, 600), (100, 100))[1] == 1


def test_an_outline_covers_only_the_edge_of_its_part():
    image = np.full((20, 20, 3), 90, np.uint8)
    panel = picture(image, "Marked", box=(200, 200), mark=(2, 3, 8, 6))
    assert panel.title == "Marked, 20×20"
    changed = (panel.pixels != 90).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 89, 20, 99)
    assert not changed[33:87, 23:97].any()


def test_long_texts_are_broken_within_their_columns(tmp_path):
    words = "a note of many words that has to be broken " * 6
    panels = [picture(noise(20, 20), f"{number} {words}", words, box=(200, 200)) for number in range(3)]
    sheet = drawn(Sheet(words, words, [Section(panels, words, words)]), tmp_path)
    text = (sheet != PAPER).any(axis=2)
    assert not text[:, :30].any()
    assert not text[:, -30:].any()
    # The gaps between three columns, below the texts over the full width.
    below = text[-sheet.shape[0] // 3 :]
    room = (1440 - 72 - 2 * 22) / 3
    for number in (1, 2):
        end = round(36 + number * (room + 22))
        assert not below[:, end - 16 : end - 4].any()


def test_a_drawing_has_the_coordinates_of_its_pixels(tmp_path):
    def square(axes):
        axes.fill_between((10, 30), 20, 50, color="#ff0000", linewidth=0)

    sheet = drawn(Sheet("Title", "About.", [Section([drawing(square, size=(100, 80))])]), tmp_path)
    rows, columns = np.nonzero((sheet == (255, 0, 0)).all(axis=2))
    assert (columns.min(), columns.max()) == (46, 65)
    assert rows.max() - rows.min() == 29


def test_settings_of_the_user_change_nothing(tmp_path):
    import matplotlib

    sheet = Sheet("Title", "About.", [Section([picture(noise(20, 20), "Noise", "A note.", box=(200, 200))])])
    plain = drawn(sheet, tmp_path)
    with matplotlib.rc_context({"font.size": 30, "font.family": "monospace", "figure.facecolor": "black"}):
        assert (drawn(sheet, tmp_path) == plain).all()
        assert matplotlib.rcParams["font.size"] == 30
