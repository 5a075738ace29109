"""A video goes in and the same video comes out, larger: both are decoded here, not by the job's own eyes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from subpixel.errors import InvalidArgument, Unsupported, VideoReadError, VideoWriteError
from subpixel.storage.locks import claim
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, TimeRange, probe
from subpixel.video.formats import layout_of
from video.clips import CLIPS, NOT_VIDEOS, make_clip
from video.tracks import decoded

WRITTEN = [name for name in CLIPS if Path(name).suffix not in (".avi", ".ts")]


@pytest.fixture(scope="module")
def fast() -> Upscaler:
    return Upscaler(2, model="fast", threads=2)


def expected(path: Path, upscaler: Upscaler) -> list[list[np.ndarray]]:
    video_stream = probe(path).stream
    layout = layout_of(video_stream.pix_fmt, path)
    siting = video_stream.tags.siting or "left"
    result = []
    for _, planes in decoded(path):
        y, u, v = (*planes, None, None)[:3]
        whole = upscaler.yuv(
            y,
            u,
            v,
            subsampling=layout.subsampling,  # type: ignore[arg-type]
            siting=siting,  # type: ignore[arg-type]
            bits=layout.bits,
            full_range=bool(video_stream.tags.full_range),
        )
        result.append([plane for plane in whole if plane is not None])
    return result


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in ("interlaced.mp4", "garbage.mp4")])
def test_lossless_frames_are_the_network_s_results_at_their_times(tmp_path: Path, fast: Upscaler, name: str) -> None:
    source, out = CLIPS[name](tmp_path / name), tmp_path / "out.mkv"
    result = Job(source, fast, out, Settings("ffv1")).run()
    before, after = decoded(source), decoded(out)
    assert result.frames == len(after) == len(before)
    start = before[0][0]
    for (was, _), (now, planes), wanted in zip(before, after, expected(source, fast), strict=True):
        assert abs((now - after[0][0]) - (was - start)) <= Fraction(1, 1000)
        assert all(map(np.array_equal, planes, wanted))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, "out.mkv"})


@pytest.mark.parametrize("name", WRITTEN)
def test_each_video_is_read_back_from_its_own_container(tmp_path: Path, fast: Upscaler, name: str) -> None:
    source = CLIPS[name](tmp_path / name)
    result = Job(source, fast, deinterlace=name == "interlaced.mp4").run()
    assert result.destination == source.with_stem(source.stem + "_x2")
    was, now = probe(source), probe(result.destination)
    assert now.stream.size == (was.stream.size[0] * 2, was.stream.size[1] * 2)
    assert (now.stream.aspect, now.stream.matrix) == (was.stream.aspect, was.stream.matrix)
    assert now.stream.tags.matrix == was.stream.tags.matrix
    assert len(now.streams) == len(was.streams)
    assert [s.metadata.get("language") for s in now.others] == [s.metadata.get("language") for s in was.others]
    if name == "garbage.mp4":
        assert any("damaged" in note for note in result.notes)


@pytest.mark.parametrize(("name", "suffix"), [("video.avi", ".mkv"), ("transport.ts", ".mkv")])
def test_a_container_that_is_not_written_becomes_matroska(
    tmp_path: Path, fast: Upscaler, name: str, suffix: str
) -> None:
    source = CLIPS[name](tmp_path / name)
    assert Job(source, fast).run().destination.suffix == suffix


@pytest.mark.parametrize("name", NOT_VIDEOS)
def test_what_is_no_video_is_refused_and_leaves_nothing(tmp_path: Path, fast: Upscaler, name: str) -> None:
    source = NOT_VIDEOS[name](tmp_path / name)
    with pytest.raises(VideoReadError, match=name):
        Job(source, fast, tmp_path / "out.mkv").run()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_interlaced_videos_are_refused_in_a_sentence(tmp_path: Path, fast: Upscaler) -> None:
    source = CLIPS["interlaced.mp4"](tmp_path / "interlaced.mp4")
    with pytest.raises(Unsupported, match="is interlaced; deinterlace=True"):
        Job(source, fast, tmp_path / "out.mkv").run()
    assert [path.name for path in tmp_path.iterdir()] == ["interlaced.mp4"]


def test_odd_sides_that_an_encoder_rejects_are_an_error_before_the_work(tmp_path: Path) -> None:
    source = CLIPS["odd_420.mkv"](tmp_path / "odd.mkv")
    plain = Upscaler(3, model="bicubic")
    with pytest.raises(
        Unsupported,
        match="does not accept 135×99 in yuv420p, which has an odd side; encoder='svt-av1' or encoder='vp9'",
    ):
        Job(source, plain, tmp_path / "out.mkv", Settings("x264")).run()
    assert Job(source, plain, tmp_path / "out.mkv", Settings("svt-av1")).run().size_out == (135, 99)


def test_obstacles_are_errors_before_the_work(tmp_path: Path, fast: Upscaler) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "plain.mp4")
    there = tmp_path / "there.mkv"
    there.write_text("mine")
    for destination, text in [
        (source, "the output is the input file"),
        (there, "exists already; overwrite=True replaces it"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "out.mkv", "there is no folder"),
    ]:
        with pytest.raises(VideoWriteError, match=text):
            Job(source, fast, destination).run()
    with pytest.raises(InvalidArgument, match="is not supported for videos"):
        Job(source, fast, tmp_path / "out.gif").run()
    assert there.read_text() == "mine"
    Job(source, fast, there, overwrite=True).run()
    assert probe(there).stream.size == (96, 64)


def test_two_runs_do_not_make_the_same_video(tmp_path: Path, fast: Upscaler) -> None:
    source, out = CLIPS["plain.mp4"](tmp_path / "plain.mp4"), tmp_path / "out.mkv"
    with claim(out), pytest.raises(VideoWriteError, match="another run is writing it"):
        Job(source, fast, out).run()


def test_a_part_of_a_video_begins_at_0_with_its_sound(tmp_path: Path, fast: Upscaler) -> None:
    source = CLIPS["sound.mp4"](tmp_path / "sound.mp4")
    out = tmp_path / "part.mkv"
    result = Job(source, fast, out, Settings("ffv1"), time_range=TimeRange(Fraction(1, 6), Fraction(1, 3))).run()
    frames = decoded(out)
    assert result.frames == len(frames) == 4
    assert frames[0][0] == 0
    wanted = expected(source, fast)[4:8]
    assert all(all(map(np.array_equal, f[1], w)) for f, w in zip(frames, wanted, strict=True))
    with av.open(str(out)) as container:
        times = [p.pts * p.time_base for p in container.demux(container.streams.audio[0]) if p.pts is not None]
    assert times
    assert all(-Fraction(1, 40) < t < Fraction(1, 6) + Fraction(1, 40) for t in times)


def test_an_empty_part_is_an_error(tmp_path: Path, fast: Upscaler) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "plain.mp4")
    with pytest.raises(VideoReadError, match="there is no frame in this part"):
        Job(source, fast, tmp_path / "out.mkv", time_range=TimeRange(Fraction(50), Fraction(60))).run()
    assert [path.name for path in tmp_path.iterdir()] == ["plain.mp4"]


def test_realtime_says_which_networks_it_used(tmp_path: Path, fast: Upscaler) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "plain.mp4")
    result = Job(source, fast, tmp_path / "out.mkv", realtime=True).run()
    assert result.resumed == 0
    assert any(note.startswith("upscaled ") for note in result.notes)


def test_x265_is_not_given_a_narrow_image(tmp_path: Path, fast: Upscaler) -> None:
    source = make_clip(tmp_path / "in.mp4", size=(24, 16), times=range(3))
    with pytest.raises(Unsupported, match="does not accept frames of less than 64×16, and these are 48×32"):
        Job(source, fast, tmp_path / "out.mp4", Settings("x265")).run()
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_pixels_that_are_not_square_stay_so_with_every_encoder(tmp_path: Path, fast: Upscaler) -> None:
    source = CLIPS["anamorphic.mp4"](tmp_path / "in.mp4")
    for encoder, suffix in (("ffv1", "mkv"), ("vp9", "webm"), ("svt-av1", "mkv"), ("vp9", "mp4"), ("x264", "mkv")):
        out = tmp_path / f"{encoder}.{suffix}"
        result = Job(source, fast, out, Settings(encoder)).run()
        assert not any("aspect" in note for note in result.notes)
        with av.open(str(out)) as container:
            assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
