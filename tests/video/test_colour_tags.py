"""What colours mean does not change with the size."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, probe
from subpixel.video.colour_tags import result_tags
from subpixel.video.video_file import Tags
from video.clips import make_clip

SMALL, LARGE = (854, 480), (1708, 960)


@pytest.mark.parametrize(
    ("before", "after", "matrix", "primaries"),
    [
        (SMALL, LARGE, 6, 6),
        ((720, 576), (1440, 1152), 6, 5),
        ((640, 400), (1280, 800), 6, 1),
        ((320, 240), (640, 480), 2, 2),  # players go on taking BT.601
        ((1280, 720), (2560, 1440), 2, 2),  # and here BT.709
    ],
)
def test_an_untagged_video_is_tagged_if_players_would_assume_another_matrix(
    before: tuple[int, int], after: tuple[int, int], matrix: int, primaries: int
) -> None:
    tags, notes = result_tags(Tags(), before, after, rgb_in=False, rgb_out=False)
    assert (tags.matrix, tags.primaries, tags.full_range) == (matrix, primaries, False)
    assert len(notes) == (matrix != 2)


def test_what_it_says_stays() -> None:
    values = Tags(9, 16, 9, True, "topleft")
    assert result_tags(values, SMALL, LARGE, rgb_in=False, rgb_out=False) == (values, [])
    assert result_tags(Tags(5, 1, 5, False), SMALL, LARGE, rgb_in=False, rgb_out=False)[0].primaries == 5


def test_rgb_has_no_matrix_and_yuv_made_of_it_is_tagged() -> None:
    assert result_tags(Tags(1, 1, 1, False), SMALL, LARGE, rgb_in=False, rgb_out=True)[0].matrix == 0
    assert result_tags(Tags(1, 13, 0, True), SMALL, LARGE, rgb_in=True, rgb_out=False)[0] == Tags(1, 13, 1, False)
    assert result_tags(Tags(1, 13, 0, True), SMALL, LARGE, rgb_in=True, rgb_out=True)[0].matrix == 0


@pytest.mark.parametrize("pix_fmt", ["yuv444p", None])
def test_a_video_of_red_green_and_blue_is_tagged_as_it_is_encoded(tmp_path: Path, pix_fmt: str | None) -> None:
    source = make_clip(tmp_path / "rgb.mkv", codec="ffv1", pix_fmt="bgr0", times=range(3), format_name="matroska")
    settings = Settings("x264" if pix_fmt else None, pix_fmt=pix_fmt)
    result = probe(Job(source, Upscaler(2, model="bicubic"), tmp_path / "out.mkv", settings).run().destination)
    assert result.stream.pix_fmt == (pix_fmt or "bgr0")
    if pix_fmt:
        assert (result.stream.tags.matrix, result.stream.tags.full_range) == (1, False)
    else:
        assert result.stream.tags.matrix in (0, 2)
        assert result.stream.tags.full_range is not False


def test_a_small_untagged_video_is_tagged_bt601(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "video.mp4", size=(352, 288), times=range(2))
    result = Job(source, Upscaler(3, model="bicubic"), tmp_path / "out.mp4").run()
    assert probe(result.destination).stream.tags.matrix == 6
    assert any("the result is tagged as BT.601" in note for note in result.notes)
