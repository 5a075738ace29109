"""Unknown commands, options and models suggest the closest one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.outcomes import assert_one_error

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upscal"], "Unknown command 'upscal'. Did you mean 'upscale'? See `subpixel --help`."),
        (["Models"], "Unknown command 'Models'. Did you mean 'models'? See `subpixel --help`."),
        (["xyz"], "Unknown command 'xyz'. See `subpixel --help`."),
        (["photo.jpg"], "Unknown command 'photo.jpg'. To upscale this file, run `subpixel upscale photo.jpg`."),
        (["a b.MKV"], "Unknown command 'a b.MKV'. To upscale this file, run `subpixel video 'a b.MKV'`."),
        (["photos"], "Unknown command 'photos'. To upscale this folder, run `subpixel upscale photos`."),
        (
            ["upscale", "photo.jpg", "--overwrit"],
            "Unknown option '--overwrit'. Did you mean '--overwrite'? See `subpixel upscale --help`.",
        ),
        (["doctor", "--x"], "Unknown option '--x'. See `subpixel doctor --help`."),
        (["--versoin"], "Unknown option '--versoin'. Did you mean '--version'? See `subpixel --help`."),
        (["upscale"], "Missing argument 'INPUT...'. See `subpixel upscale --help`."),
        (["upscale", "photo.jpg", "-n", "fats"], "Unknown model 'fats'. Did you mean 'fast'? See `subpixel models`."),
    ],
    ids=" ".join,
)
def test_one_line_says_what_would_be_right(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert_one_error(done, 2)
    assert done.err == f"error: {message}\n"


def test_a_command_with_the_name_of_a_folder_is_the_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("models", "--help").code == 0
