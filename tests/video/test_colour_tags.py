"""What colours mean does not change with the size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from subpixel.errors import Unsupported
from subpixel.upscaler import Upscaler
from subpixel.video import ENCODERS, Job, Settings, probe
from subpixel.video.colour_tags import result_tags, stored_tags
from subpixel.video.containers import CONTAINERS, Container, container_of
from subpixel.video.stream_trials import holds_codec
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
        ((1920, 1080), (854, 480), 1, 1),  # which would become BT.601
    ],
)
def test_an_untagged_video_is_tagged_if_players_would_assume_another_matrix(
    before: tuple[int, int], after: tuple[int, int], matrix: int, primaries: int
) -> None:
    tags, notes = result_tags(Tags(), before, after, rgb_in=False, rgb_out=False)
    assert (tags.matrix, tags.primaries, tags.full_range) == (matrix, primaries, None)
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


@pytest.mark.parametrize(
    ("encoder", "container", "stored"),
    [
        ("x264", "x.nut", Tags(9, 16, 9, True)),
        ("vp9", "x.nut", Tags(2, 2, 9, True)),
        ("ffv1", "x.nut", Tags(2, 2, 2, None)),
        ("ffv1", "x.mkv", Tags(9, 16, 9, True)),
    ],
)
def test_tags_that_are_not_stored_are_named(encoder: str, container: str, stored: Tags) -> None:
    found, notes = stored_tags(Tags(9, 16, 9, True), ENCODERS[encoder], container_of(container), rgb=False)
    assert found == stored
    assert len(notes) == (stored != Tags(9, 16, 9, True))
    assert stored_tags(Tags(), ENCODERS[encoder], container_of(container), rgb=False) == (Tags(), [])


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("container", CONTAINERS, ids=str)
def test_tags_come_back_from_every_encoder(tmp_path: Path, name: str, container: Container) -> None:
    """What the source says is stored, or a note says that it is not, before the work."""

    def set_up(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, 16, 9, 1

    if not holds_codec(container, ENCODERS[name].codec):
        return
    source = make_clip(tmp_path / "in.mkv", size=(32, 32), times=range(2), set_up=set_up)
    preset = {"svt-av1": "12", "vp9": "8"}.get(name)
    settings = Settings(name, preset=preset, pix_fmt="yuv422p10le" if name == "prores" else None)
    result = Job(source, Upscaler(2, model="bicubic"), tmp_path / f"out{container.suffixes[0]}", settings).run()
    tags = probe(result.destination).stream.tags
    stored = {"vp9": (2, 2, 9), "ffv1": (2, 2, 2)}.get(name, (9, 16, 9)) if container.name == "NUT" else (9, 16, 9)
    assert (tags.primaries, tags.transfer, tags.matrix) == stored
    assert [note.startswith("NUT cannot store the ") for note in result.notes] == [True] * (stored != (9, 16, 9))


def test_a_range_that_prores_does_not_store_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", codec="mjpeg", pix_fmt="yuvj422p", times=range(2))
    settings = Settings("prores", pix_fmt="yuv422p10le")
    with pytest.raises(Unsupported, match="the video has full range, which this encoder does not store"):
        Job(source, Upscaler(2, model="bicubic"), tmp_path / "out.mov", settings).run()


def test_a_small_untagged_video_is_tagged_bt601(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "video.mp4", size=(352, 288), times=range(2))
    result = Job(source, Upscaler(3, model="bicubic"), tmp_path / "out.mp4").run()
    assert probe(result.destination).stream.tags.matrix == 6
    assert any("the result is tagged as BT.601" in note for note in result.notes)
