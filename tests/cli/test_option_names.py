"""Parameters in the library's messages become options on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import COMMANDS
from subpixel.cli import option_names
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
        ("bf16=False; bf16=True", "--no-bf16; --bf16"),
        ("fit=(width, height) takes a box", "--fit WxH takes a box"),
        ("model='a b.pth': no such file", "--model 'a b.pth': no such file"),
        ('model="it\'s"; retry', "--model 'it'\"'\"'s'; retry"),
        ("train: steps=-5: more than 0 is needed", "train: --steps -5: more than 0 is needed"),
        ("train: lr=1e-05, teacher_share=2", "train: --lr 1e-05, --teacher-share 2"),
        ("content=vgg19 and a file go together", "--content vgg19 and a file go together"),
        ("suite='x': one of engine, ops is needed", "--suite x: one of engine, ops is needed"),
        ("only one of scale=, width= and fit= is possible", "only one of --scale, --width and --fit is possible"),
        ("ensemble=False", "ensemble=False"),
        ("strength=nan: a number", "--strength nan: a number"),
        ("limit=1e+20 allows it", "--limit 1e+20 allows it"),
        # Paths, other words and values that are no literals stay.
        ("width=5.png: not found", "width=5.png: not found"),
        ("x/scale=2: not found", "x/scale=2: not found"),
        ("upscale=2, unlimited=1", "upscale=2, unlimited=1"),
        ("shape=3 and sized=4", "shape=3 and sized=4"),
    ],
)
def test_parameters_become_options(message: str, expected: str) -> None:
    assert with_option_names(message) == expected
    assert with_option_names(expected) == expected


def test_every_parameter_has_an_option() -> None:
    """A renamed option must not leave messages that name one that no longer exists."""
    options = {name for command in COMMANDS.values() for p in command.params for name in p.opts + p.secondary_opts}
    for parameter in option_names._PARAMETERS:
        assert {with_option_names(f"{parameter}={value}").split()[0] for value in ("1", "False")} & options, parameter
    assert set(option_names._OFF.values()) <= options


def test_errors_name_options_wherever_they_are_printed(run: Callable[..., Any], photo: Path) -> None:
    """One image, a batch, a dry run and JSON: the error is the same everywhere."""
    (photo.parent / "photo_x2.png").write_bytes(b"another file")
    (photo.parent / "b.png").write_bytes(photo.read_bytes())
    single, both = ["upscale", photo], ["upscale", photo, photo.parent / "b.png"]
    for arguments in (single, [*both, "--dry-run"], both):
        assert "--overwrite replaces it" in run(*arguments, "-n", "bicubic").err
    (photo.parent / "b_x2.png").unlink()
    for more in (["--dry-run"], []):
        lines = run(*both, "-n", "bicubic", "--json", "--overwrite", "--limit", 0.00001, *more).out.splitlines()
        objects = [json.loads(line) for line in lines]
        errors = [one.get("error") or one["errors"][0] for one in objects]
        assert all("--limit 1 allows it" in error for error in errors)
