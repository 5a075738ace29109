"""Parameters in the library's messages become options on the command line."""

import pytest

from subpixel.cli.option_names import with_option_names


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("a.png exists already; overwrite=True replaces it.", "a.png exists already; --overwrite replaces it."),
        ("limit=1201 reads it.", "--limit 1201 reads it."),
        ("scale=0.5: too small", "--scale 0.5: too small"),
        ("fit=(3840, 2160) or fit=3840x2160", "--fit 3840x2160 or --fit 3840x2160"),
        ("set model='fast-compressed'", "set --model fast-compressed"),
        ("(pix_fmt='yuv420p')", "(--pix-fmt yuv420p)"),
        ("rate=25: needs realtime=True", "--target-fps 25: needs --realtime"),
        ("provenance=False leaves it out", "--no-provenance leaves it out"),
        ("ensemble=False", "ensemble=False"),
        ("strength=nan: a number", "--strength nan: a number"),
        ("limit=1e+20 allows it", "--limit 1e+20 allows it"),
        # Paths, other words and values that are no literals stay.
        ("width=5.png: not found", "width=5.png: not found"),
        ("x/scale=2: not found", "x/scale=2: not found"),
        ("upscale=2, unlimited=1", "upscale=2, unlimited=1"),
        ("shape=3 and sizes=4", "shape=3 and sizes=4"),
    ],
)
def test_parameters_become_options(message: str, expected: str) -> None:
    assert with_option_names(message) == expected
    assert with_option_names(expected) == expected
