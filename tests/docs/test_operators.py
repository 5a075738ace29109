"""docs/operators.md: every example runs, every image is there, every operator has its place."""

import doctest
import re
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel import ops

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "operators.md").read_text(encoding="utf-8")


def examples(text):
    """The text with everything but its Python blocks emptied, so that line numbers stay."""
    kept, inside = [], False
    for line in text.splitlines():
        fence = line.strip().startswith("```")
        inside = line.strip() == "```python" if fence else inside
        kept.append(line if inside and not fence else "")
    return doctest.DocTestParser().get_doctest(
        "\n".join(kept) + "\n", {}, "operators.md", str(DOCS / "operators.md"), 0
    )


def run(text):
    """(failed, tried, report) of the examples of a text."""
    values = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    failed, tried = runner.run(examples(text), out=values.append)
    return failed, tried, "".join(values)


def test_every_example_is_true():
    failed, tried, report = run(TEXT)
    assert not failed, report
    assert tried == len(re.findall(r"^ *>>> ", TEXT, re.M)) > 80


def test_a_wrong_example_would_be_found():
    failed, _, report = run(
        TEXT.replace("[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]", "[[[0, 2], [4, 6]], [[1, 3], [7, 5]]]")
    )
    assert failed == 1
    assert "[7, 5]" in report
    assert run(TEXT.replace("not divisible by r*r = 4;", "not divisible by r*r = 5;"))[0] == 1


def test_every_operator_is_in_it():
    for name in ops.__all__:
        if name.islower():
            assert f"`{name}`" in TEXT or f"`{name}(" in TEXT, name


@pytest.fixture(scope="module")
def script():
    spec = util.spec_from_file_location("make_images", DOCS / "make_images.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_images_are_those_of_the_script(script):
    shown = re.findall(r"!\[[^\]]+\]\(images/([^)]+)\.png\)", TEXT)
    assert sorted(shown) == sorted(script.IMAGES)
    there = {path.stem: path.stat().st_size for path in (DOCS / "images").glob("*.png")}
    pages = [(DOCS / name).read_text(encoding="utf-8") for name in ("performance.md", "reliability.md")]
    measured = re.findall(r"\(images/([^)]+)\.png\)", "".join(pages))
    assert set(there) == {*script.IMAGES, *measured}  # those of these pages are made from measurements
    assert max(there.values()) < 150_000
    assert sum(there.values()) < 1_000_000


def test_the_script_makes_the_images(script, tmp_path):
    for name in script.IMAGES:
        result = np.asarray(Image.open(script.save(name, tmp_path)).convert("RGB"))
        kept = np.asarray(Image.open(DOCS / "images" / f"{name}.png").convert("RGB"))
        # Fonts and the last bit of training differ between machines, what is shown does not.
        assert np.abs(np.subtract(result.shape, kept.shape)).max() < 40, name
        assert abs(float(result.mean()) - float(kept.mean())) < 5, name


def test_the_positions_that_are_drawn_are_those_that_are_used(script):
    n, scale = 4, float(np.float32(1.6))  # ONNX has scales in single precision
    for name, position in script.COORDINATES.items():
        how = {"roi": (0.4, 0.9)} if name == "tf_crop_and_resize" else {}
        got = ops.resize(np.arange(n) * 1.0, scale=scale, mode="linear", like="onnx", coordinates=name, **how)
        length = n * scale if name == "tf_crop_and_resize" or name == "align_corners" else len(got)
        places = position(np.arange(len(got)), n, length, scale)
        if name == "half_pixel_symmetric":
            places = position(np.arange(len(got)), n, len(got), scale)
        np.testing.assert_allclose(got, np.clip(places, 0, n - 1), rtol=0, atol=1e-12)


def checkerboard(x):
    """How far the four phases of an image are apart, in its flat upper left corner."""
    corner = x[:, 4:12, 4:12]
    return float(np.ptp([corner[:, i::2, j::2].mean() for i in (0, 1) for j in (0, 1)]))


def test_a_trained_transposed_convolution_shows_a_checkerboard_and_icnr_does_not_start_with_one(script):
    _, board, even = script.trained(0)
    assert checkerboard(board) > 0.02
    assert checkerboard(even) < 0.005
    _, board, even = script.trained(100)
    assert checkerboard(board) > 0.02
    assert checkerboard(even) < checkerboard(board) / 4


def test_one_image_of_32_brought_to_128_in_three_ways(script):
    """Bilinear, transposed convolution, pixel shuffle: the facts' sizes, drawn side by side as three_ways."""
    x = script.photo(32)
    assert x.shape == (3, 32, 32)
    linear = ops.resize(x, scale=4, mode="bilinear", layout="CHW")
    transposed = ops.conv_transpose(x, np.ones((3, 3, 6, 6), np.float32) / 36, stride=4, padding=1, layout="CHW")
    shuffled = ops.pixel_shuffle(np.repeat(x, 16, axis=0), 4, layout="CHW")
    assert linear.shape == transposed.shape == shuffled.shape == (3, 128, 128)
    figure = script.three_ways()
    drawn = [ax.images[0].get_array().shape for ax in figure.axes]
    script.plt.close(figure)
    assert drawn == [(32, 32, 3)] + [(128, 128, 3)] * 3
