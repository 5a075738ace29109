"""Which files a pattern or a folder names, in which order, and what is said of the rest."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from subpixel.errors import InvalidArgument, VideoReadError
from subpixel.video.images.folder_kind import folder_kind
from subpixel.video.images.frame_rate import parse_rate, rate_text
from subpixel.video.images.frame_times import constant_rate
from subpixel.video.images.number_pattern import NumberPattern
from subpixel.video.images.sequence import find_sequence


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("pattern", "number", "name"),
    [
        ("%d.png", 7, "7.png"),
        ("%04d.png", 7, "0007.png"),
        ("a_%05d_b.tif", 123456, "a_123456_b.tif"),
        ("100%%_%02d.jpg", 3, "100%_03.jpg"),
    ],
)
def test_patterns_name_files(tmp_path: Path, pattern: str, number: int, name: str) -> None:
    found = NumberPattern.of(tmp_path / pattern)
    assert found is not None
    assert found.path(number) == tmp_path / name
    assert found.number(name) == number


def test_only_numbers_that_printf_writes_are_of_a_pattern(tmp_path: Path) -> None:
    fill(tmp_path, "0009.png", "0010.png", "11.png", "00012.png", "0013.PNG", "x0014.png")
    pattern = NumberPattern.of(tmp_path / "%04d.png")
    assert pattern is not None
    assert list(pattern.existing()) == [9, 10]


@pytest.mark.parametrize("name", ["photo.png", "100%.png", "film%04d.mkv", "50%_off.png"])
def test_other_names_are_no_patterns(tmp_path: Path, name: str) -> None:
    assert NumberPattern.of(tmp_path / name) is None


def test_a_file_of_the_name_of_a_pattern_is_that_file(tmp_path: Path) -> None:
    fill(tmp_path, "%04d.png")
    assert NumberPattern.of(tmp_path / "%04d.png") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [("%d_%d.png", "one number is needed"), ("%s_%d.png", "%s is not a number"), ("%4d.png", "%4 is not a number")],
)
def test_wrong_patterns_are_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        NumberPattern.of(tmp_path / name)


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    fill(tmp_path, *(f"frame{n}.png" for n in (10, 9, 1, 2, 11, 3, 4, 5, 6, 7, 8)), ".hidden.png", "notes.txt")
    (tmp_path / "inside").mkdir()
    found = find_sequence(tmp_path)
    assert found is not None
    assert [path.name for path in found.paths] == [f"frame{n}.png" for n in range(1, 12)]
    assert "what is not an image is left out: inside, notes.txt" in found.notes
    assert not any("missing" in note for note in found.notes)


def test_numbers_that_are_missing_in_a_folder_are_named(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{n:03d}.png" for n in (1, 2, 4, 8, 9)))
    found = find_sequence(tmp_path)
    assert found is not None
    assert any(note.startswith("4 numbers are missing") and "(3, 5 to 7)" in note for note in found.notes)
    for path in tmp_path.iterdir():
        path.unlink()
    fill(tmp_path, *(f"{n:03d}.png" for n in (10, 20, 30)))  # every tenth frame
    found = find_sequence(tmp_path)
    assert found is not None
    assert not any("missing" in note for note in found.notes)


def test_a_pattern_with_gaps_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{n:03d}.png" for n in (5, 6, 8, 11)))
    with pytest.raises(VideoReadError, match=r"images 7, 9 to 10 of 5 to 11 are missing; .* name the folder"):
        find_sequence(tmp_path / "%03d.png")
    found = find_sequence(tmp_path)
    assert found is not None
    assert len(found.paths) == 4


def test_what_is_no_sequence(tmp_path: Path) -> None:
    assert find_sequence(tmp_path / "film.mkv") is None
    with pytest.raises(VideoReadError, match="neither images nor videos"):
        find_sequence(tmp_path)
    with pytest.raises(VideoReadError, match="no image has such a name"):
        find_sequence(tmp_path / "%d.png")
    with pytest.raises(VideoReadError, match="there is no folder"):
        find_sequence(tmp_path / "nowhere" / "%d.png")
    fill(tmp_path, "1.png", "1.jpg")
    with pytest.raises(VideoReadError, match=r"1\.jpg and 1\.png have one name"):
        find_sequence(tmp_path)
    fill(tmp_path, "film.mkv")
    assert folder_kind(tmp_path) == "videos"
    with pytest.raises(VideoReadError, match="holds videos"):
        find_sequence(tmp_path)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        *(("24", Fraction(24)), ("23.976", Fraction(24000, 1001)), ("23.98", Fraction(24000, 1001))),
        *(("29.97", Fraction(30000, 1001)), ("24000/1001", Fraction(24000, 1001)), ("12.5", Fraction(25, 2))),
        *(("0.5", Fraction(1, 2)), ("14.99", Fraction(15000, 1001))),
    ],
)
def test_rates(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate
    assert parse_rate(rate_text(rate)) == rate


@pytest.mark.parametrize("text", ["", "0", "-24", "24fps", "1e9", "1/0", "nan", "２４"])
def test_wrong_rates(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"is not a (possible )?rate"):
        parse_rate(text)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
def test_a_constant_rate_is_known_in_milliseconds(rate: Fraction) -> None:
    times = [round(1000 * n / rate) for n in range(400)]
    assert constant_rate(times, Fraction(1, 1000), None) == rate
    assert constant_rate([*times, times[-1] + 80], Fraction(1, 1000), rate) is None
