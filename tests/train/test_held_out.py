"""Which images are held out: by source, so that no photograph is on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.errors import InvalidArgument
from subpixel.train.held_out import split

from .test_loop import MakeSettings, Network, silent


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    names = ["house_0.png", "house_1.png", "rock_0.png", "sub/house_2.png", "sub/sea[1].png"]
    return [tmp_path / name for name in names]


def listed(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "held_out.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_patterns_and_paths_hold_out_what_they_name(images: list[Path], tmp_path: Path) -> None:
    trained, held_out = split(
        tmp_path, images, listed(tmp_path, "# all of one source\n\n  house_*  \nsub/house_2.png\n")
    )
    assert trained == [images[2], images[4]]
    assert held_out == [images[0], images[1], images[3]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("house_*\nHouse_9.png\n", "line 2: no image of .* fits 'House_9.png'"),
        ("# nothing\n", "names no image"),
        ("*\n", "holds out all 5 images"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(images: list[Path], tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        split(tmp_path, images, listed(tmp_path, text))


def test_a_list_that_cannot_be_read_is_refused(images: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="cannot be read"):
        split(tmp_path, images, tmp_path / "none.txt")
    path = tmp_path / "picture.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match="no text in UTF-8"):
        split(tmp_path, images, path)


def test_a_run_holds_out_what_the_list_names(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    from subpixel.train import train

    out = tmp_path / "m.safetensors"
    model = train(settings(steps=2), network(2), data, out, held_out=listed(tmp_path, "[24].png"), say=silent)
    assert (model.training["held_out"], model.training["images"]) == (["2.png", "4.png"], 4)
    video = tmp_path / "v.mp4"
    video.touch()
    with pytest.raises(InvalidArgument, match="a list of images does not fit a video"):
        train(settings(steps=2), network(2), video, out, held_out=tmp_path / "held_out.txt", say=silent)
