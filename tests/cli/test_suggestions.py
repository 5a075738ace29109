"""Unknown commands, options and models suggest the closest one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.outcomes import assert_one_error
from helpers import folder_content
from video.clips import make_clip

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upscal"], "Unknown command 'upscal'. Did you mean 'upscale'? See `subpixel --help`."),
        (["Models"], "Unknown command 'Models'. Did you mean 'models'? See `subpixel --help`."),
        (["xyz"], "Unknown command 'xyz'. See `subpixel --help`."),
        (
            ["upscale", "photo.jpg", "--overwrit"],
            "Unknown option '--overwrit'. Did you mean '--overwrite'? See `subpixel upscale --help`.",
        ),
        (["doctor", "--x"], "Unknown option '--x'. See `subpixel doctor --help`."),
        (["--versoin"], "Unknown option '--versoin'. Did you mean '--version'? See `subpixel --help`."),
        (["upscale"], "Missing argument 'INPUT...'. See `subpixel upscale --help`."),
        (["models", "fats"], "Got unexpected extra argument (fats). See `subpixel models --help`."),
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


def test_a_file_in_place_of_a_command_is_upscaled(
    run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    make_clip(photo.parent / "video.mkv", times=range(3))
    assert run("photo.png", "-n", "bicubic").code == 0
    assert run("video.mkv", "-n", "bicubic").code == 0
    assert sorted(path.name for path in photo.parent.iterdir()) == [
        "photo.png",
        "photo_x2.png",
        "video.mkv",
        "video_x2.mkv",
    ]
    assert run("*.png", "-n", "bicubic", "-s", 3).code == 0
    assert (photo.parent / "photo_x3.png").exists()
    monkeypatch.chdir(tmp_path)
    done = run("photos", "-n", "bicubic", "-o", "large")
    assert done.code == 0
    assert f"note: 2 videos were left out ({Path('photos/video.mkv')}); subpixel video upscales videos\n" in done.err
    done = run("none.jpg")
    assert (done.code, done.err) == (1, "error: none.jpg: no such file or directory\n")


@pytest.mark.parametrize("last", ["out.jpg", "out/"])
def test_a_last_input_that_is_meant_as_the_output(run: Run, photo: Path, tmp_path: Path, last: str) -> None:
    out = f"{tmp_path}/{last}"
    before = folder_content(tmp_path)
    done = run("upscale", photo, out, "-n", "bicubic")
    assert (done.code, done.out) == (2, "")
    command = f"subpixel upscale {photo} -o {out}"
    assert done.err == f"error: {out}: no such file or directory. To write there, use -o: `{command}`\n"
    assert folder_content(tmp_path) == before
    assert run(*command.split()[1:], "-n", "bicubic").code == 0


def test_missing_files_are_reported_before_the_work(run: Run, photo: Path, tmp_path: Path) -> None:
    done = run("upscale", photo, tmp_path / "none.jpg", "-n", "bicubic", "-o", tmp_path / "out", "--json")
    first, second = map(json.loads, done.out.splitlines())
    assert (first["source"], first["status"], second["status"]) == (str(tmp_path / "none.jpg"), "failed", "done")
    assert done.code == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("upscale a.png -j 0", "--threads 0: an integer from 1 to 1024 is needed"),
        ("upscale a.png -jx", "--threads x: an integer from 1 to 1024 is needed"),
        ("upscale a.png --threads=2.5", "--threads 2.5: an integer from 1 to 1024 is needed"),
        ("upscale a.png --processes 2000", "--processes 2000: an integer from 1 to 1024 is needed"),
        ("upscale a.png --limit x", "--limit x: a number is needed"),
        ("upscale a.png --limit nan", "--limit nan: a number of megapixels above 0 is needed"),
        ("upscale a.png --limit inf", "--limit inf: a number of megapixels above 0 is needed"),
        ("upscale a.png --limit 0", "--limit 0: a number of megapixels above 0 is needed"),
        ("upscale a.png --limit -1", "--limit -1: a number of megapixels above 0 is needed"),
        ("upscale a.png -q high", "--quality high: an integer is needed"),
        ("upscale a.png -q 0", "--quality 0: an integer from 1 to 100 is needed"),
        ("upscale a.png -q 80 -f png", "--quality 80: PNG is lossless and has no quality; jpg, webp and avif have one"),
        ("upscale a.png -s x", "--scale: 'x' is not a number. Use for example 2 or 2.5."),
        ("upscale a.png --depth 9", "--depth 9: 8 is needed"),
        ("upscale a.png --limit", "--limit: a value is needed after it."),
        ("bench --seconds -1", "--seconds -1: a number of at least 0 is needed"),
        ("bench --rounds 2", "--rounds 2: an integer from 3 to 10000 is needed"),
        ("video a.mkv --start 3 --end 2", "--end 2: a time after --start 3 is needed"),
        ("video a.mkv --preview 0", "--preview 0: a number of seconds above 0 is needed"),
        ("video a.mkv --preview nan", "--preview nan: a number of seconds above 0 is needed"),
        ("video a.mkv --crf x", "--crf x: an integer is needed"),
        (
            "evaluate -n fast --data . --degrade foo",
            "--degrade foo: a codec and a quality are needed, as in jpeg:75, jpeg:75:444, webp:80 or h264:23",
        ),
    ],
)
def test_values_that_are_refused(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    """One sentence with the option and what is needed, even if a result is in the way."""
    monkeypatch.chdir(photo.parent)
    photo.rename("a.png")
    assert run("upscale", "a.png", "-n", "bicubic").code == 0
    done = run(*arguments.split())
    assert_one_error(done, 2)
    assert done.err == f"error: {message}\n"
