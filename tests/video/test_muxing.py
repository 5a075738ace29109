"""A video written anew around its image: compared with the source by PyAV alone."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from subpixel.errors import VideoReadError, VideoWriteError
from subpixel.video.muxing import _separate, cut_chapters, mux_video
from subpixel.video.time_range import Span, TimeRange
from subpixel.video.verification import find_differences
from subpixel.video.video_file import Chapter, VideoFile, probe
from video import clips
from video.tracks import Encoded, select, times_of

Clip = Callable[[str], Path]


def written(
    source: Path,
    destination: Path,
    time_range: TimeRange | None = None,
    codec: str = "libx264",
    **more: Any,
) -> tuple[VideoFile, Encoded, Any]:
    """The video, its track, and what was kept of it, written to a destination."""
    video = probe(source)
    times = times_of(source)
    what = select(video, destination, codec, time_range)
    times = [time for time in times if what.span.contains(time * video.stream.time_base)]
    track = Encoded(video, times, codec, **more)
    mux_video(video, track, destination, what)
    return video, track, what


def packets(path: Path) -> dict[int, list[tuple[bytes, Fraction | None]]]:
    """By stream: content and time of every packet."""
    found: dict[int, list[tuple[bytes, Fraction | None]]] = {}
    with av.open(str(path), metadata_errors="replace") as container:
        for stream in container.streams:
            found[stream.index] = []
        for packet in container.demux():
            if packet.size:
                time = None if packet.pts is None else packet.pts * packet.time_base
                found[packet.stream_index].append((bytes(packet), time))
    return found


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "nut"])
@pytest.mark.parametrize("name", clips.CLIPS)
def test_every_video_into_every_container(clip: Clip, tmp_path: Path, name: str, suffix: str) -> None:
    destination = tmp_path / f"out.{suffix}"
    hdr = {}
    if name.startswith("hdr"):
        hdr = {"options": {"x264-params": f"mastering-display={clips.MASTERING}:cll=800,200"}, "pix_fmt": "yuv420p10le"}
    video, track, what = written(clip(name), destination, **hdr)
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, destination, track.times, expected, what) == []


def test_streams_are_copied_bit_for_bit(clip: Clip, tmp_path: Path) -> None:
    written(clip("rich.mkv"), tmp_path / "out.mkv")
    before, after = packets(clip("rich.mkv")), packets(tmp_path / "out.mkv")
    assert list(after) == [0, 1, 2, 3, 4, 5]
    for index in (1, 2, 3, 4):
        assert before[index], index
        assert after[index] == before[index]
    with av.open(str(tmp_path / "out.mkv")) as container:
        streams = tuple(container.streams)
        assert [stream.language for stream in streams[1:5]] == ["eng", "jpn", "eng", "deu"]
        assert [int(stream.disposition) for stream in streams[1:5]] == [1, 0, 1, 64]
        assert streams[1].metadata["title"] == "Talk"
        assert streams[5].data == bytes(range(256)) * 3
        assert (streams[5].name, streams[5].mimetype) == ("letters.ttf", "font/ttf")
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["Begin", "End"]
        assert container.metadata["title"] == "Everything"


@pytest.mark.parametrize(("source", "suffix"), [("sound.mp4", "mkv"), ("sound.mkv", "mp4"), ("sound.mp4", "mp4")])
def test_sound_that_begins_below_0_stays_in_time(clip: Clip, tmp_path: Path, source: str, suffix: str) -> None:
    destination = tmp_path / f"out.{suffix}"
    written(clip(source), destination)
    before, after = packets(clip(source))[1], packets(destination)[1]
    assert before[0][1] < 0
    assert [content for content, _ in after] == [content for content, _ in before]
    assert max(abs(a[1] - b[1]) for a, b in zip(after, before, strict=True)) <= Fraction(1, 2000)
    assert min(time for _, time in packets(destination)[0]) == 0


def test_from_matroska_to_mp4_and_back(clip: Clip, tmp_path: Path) -> None:
    written(clip("variable.mkv"), tmp_path / "one.mp4")
    written(tmp_path / "one.mp4", tmp_path / "two.mkv")
    for path in (tmp_path / "one.mp4", tmp_path / "two.mkv"):
        times = sorted(time for _, time in packets(path)[0])
        assert times == [Fraction(t, 1000) for t in (0, 40, 73, 120, 121, 640, 700, 733, 1000)]


@pytest.mark.parametrize(("source", "suffix"), [("rotated.mp4", "mkv"), ("rotated.mkv", "mp4")])
def test_it_is_turned_as_the_source(clip: Clip, tmp_path: Path, source: str, suffix: str) -> None:
    written(clip(source), tmp_path / f"out.{suffix}")
    with av.open(str(tmp_path / f"out.{suffix}")) as container, av.open(str(clip(source))) as other:
        assert next(container.decode(video=0)).rotation == next(other.decode(video=0)).rotation != 0


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx264", "mp4"),
        ("libx264", "mkv"),
        ("libvpx-vp9", "webm"),
        ("libvpx-vp9", "mkv"),
        ("libvpx-vp9", "mp4"),
        ("ffv1", "mkv"),
    ],
)
@pytest.mark.parametrize("aspect", [Fraction(16, 11), Fraction(8, 9), Fraction(33, 31)])
@pytest.mark.parametrize("title", [{}, {"title": "An image"}, {"title": "long " * 40}])
def test_pixels_keep_their_shape(
    tmp_path: Path, codec: str, suffix: str, aspect: Fraction, title: dict[str, str]
) -> None:
    def set_up(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = aspect
        stream.metadata.update(title)

    source = clips.make_clip(tmp_path / "in.mp4", set_up=set_up, times=range(3))
    destination = tmp_path / f"out.{suffix}"
    video, track, what = written(source, destination, codec=codec)
    with av.open(str(destination)) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == aspect
        if suffix == "mkv":
            assert stream.metadata.get("title") == title.get("title")
        assert len(list(container.decode(stream))) == 3
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, destination, track.times, expected, what) == []


@pytest.mark.parametrize(("source", "suffix"), [("cover.mp4", "mkv"), ("cover.mkv", "mp4"), ("cover.mkv", "mkv")])
def test_a_cover_stays_one(clip: Clip, tmp_path: Path, source: str, suffix: str) -> None:
    written(clip(source), tmp_path / f"out.{suffix}")
    with av.open(str(tmp_path / f"out.{suffix}")) as container:
        cover = container.streams[2]
        assert cover.disposition == av.stream.Disposition.attached_pic
        assert bytes(next(container.demux(cover))) == clips.jpeg()


def test_a_late_subtitle_and_an_empty_track(clip: Clip, tmp_path: Path) -> None:
    written(clip("sparse.mkv"), tmp_path / "out.mkv")
    after = packets(tmp_path / "out.mkv")
    assert after[2] == [(b"Fin", Fraction(480, 1000))]
    assert after[3] == []


def test_a_timecode_is_written_anew(clip: Clip, tmp_path: Path) -> None:
    written(clip("timecode.mov"), tmp_path / "out.mov")
    assert packets(tmp_path / "out.mov")[2][0] == packets(clip("timecode.mov"))[2][0]


def test_what_is_false_of_the_new_file_is_not_copied(clip: Clip, tmp_path: Path) -> None:
    source = clips.make_clip(
        tmp_path / "in.mkv",
        metadata={"title": "T", "_STATISTICS_TAGS": "BPS", "BPS": "9", "NUMBER_OF_FRAMES-eng": "99"},
        set_up=lambda stream: stream.metadata.update({"BPS-eng": "1", "title": "Image", "ENCODER": "Old"}),
    )
    written(source, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert set(container.metadata) == {"title", "ENCODER"}
        assert container.streams[0].metadata["title"] == "Image"
        assert not {"BPS-eng", "ENCODER"} & set(container.streams[0].metadata) or (
            container.streams[0].metadata.get("ENCODER") != "Old"
        )


def test_metadata_that_mp4_has_no_list_for(clip: Clip, tmp_path: Path) -> None:
    source = clips.make_clip(tmp_path / "in.mkv", metadata={"title": "T", "director": "D"})
    written(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert (container.metadata["title"], container.metadata["DIRECTOR"]) == ("T", "D")


def test_a_window(clip: Clip, tmp_path: Path) -> None:
    part = TimeRange(Fraction(1, 4), Fraction(5, 12))
    video, track, what = written(clip("rich.mkv"), tmp_path / "out.mkv", part)
    assert len(track.times) == 4
    before, after = packets(clip("rich.mkv")), packets(tmp_path / "out.mkv")
    assert [time for _, time in after[0]] == [Fraction(time - 250, 1000) for time in track.times]
    inside = [(content, time - part.start) for content, time in before[1] if what.span.contains(time)]
    assert inside
    assert after[1] == inside
    assert after[3] == [(b"again", Fraction(50, 1000))]
    assert after[4] == []
    with av.open(str(tmp_path / "out.mkv")) as container:
        chapters = container.chapters()
        assert [(c["start"] * c["time_base"], c["metadata"]["title"]) for c in chapters] == [(0, "End")]
        assert container.streams[5].data == bytes(range(256)) * 3
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, tmp_path / "out.mkv", track.times, expected, what) == []


@pytest.mark.parametrize("start", [Fraction(1, 10), Fraction(1, 7), Fraction(1, 4), Fraction(1, 3)])
def test_sound_of_a_window_in_mp4_begins_where_it_did(clip: Clip, tmp_path: Path, start: Fraction) -> None:
    part = TimeRange(start, Fraction(1))
    video, track, what = written(clip("sound.mp4"), tmp_path / "out.mp4", part)
    before = [time - start for _, time in packets(clip("sound.mp4"))[1] if start <= time < 1]
    after = [time for _, time in packets(tmp_path / "out.mp4")[1]]
    assert len(after) == len(before)
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < Fraction(1, 5000)
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, tmp_path / "out.mp4", track.times, expected, what) == []


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_window_far_inside(clip: Clip, tmp_path: Path, suffix: str) -> None:
    """Where it is worth it, what lies before is not read."""
    part = TimeRange(Fraction(90), Fraction(93))
    video, track, what = written(clip("long.mkv"), tmp_path / f"out.{suffix}", part)
    after = packets(tmp_path / f"out.{suffix}")
    assert sorted(time for _, time in after[0]) == [0, 1, 2]
    before = [(content, time - 90) for content, time in packets(clip("long.mkv"))[1] if 90 <= time < 93]
    assert after[1] == before
    if suffix == "mkv":
        assert after[2] == [(b"90", 0), (b"91", 1), (b"92", 2)]
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, tmp_path / f"out.{suffix}", track.times, expected, what) == []


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_aac_of_a_transport_stream_loses_its_headers_only(clip: Clip, tmp_path: Path, suffix: str) -> None:
    written(clip("transport_aac.ts"), tmp_path / f"out.{suffix}")
    before, after = packets(clip("transport_aac.ts"))[1], packets(tmp_path / f"out.{suffix}")[1]
    assert before[0][0][:1] == b"\xff"
    assert [content[7:] for content, _ in before] == [content for content, _ in after]


def test_subtitles_at_one_time_stay_separate(clip: Clip, tmp_path: Path) -> None:
    written(clip("together.mkv"), tmp_path / "out.mkv")
    after = packets(tmp_path / "out.mkv")[1]
    assert [content for content, _ in after] == [b"one", b"two", b"three", b"four"]
    assert [time for _, time in after] == [Fraction(t, 1000) for t in (100, 100, 100, 300)]


def test_packets_at_one_time_follow_each_other_where_they_must() -> None:
    def moved(times: list[int], distance: int) -> list[Fraction]:
        clocks: dict[int, int] = {}
        target = SimpleNamespace(index=1, time_base=Fraction(1, 48000))
        found = []
        for time in times:
            packet = av.Packet(b"x")
            packet.pts = packet.dts = time
            packet.time_base = Fraction(1, 1000)
            _separate(packet, target, clocks, distance)
            found.append(packet.pts * packet.time_base * 48000)
        return found

    assert moved([0, 1, 1, 1, 2], 1) == [0, 48, 49, 50, 96]
    assert moved([0, 1, 1, 0, 2], 0) == [0, 48, 48, 48, 96]
    assert moved([-21, 0, 21], 1) == [-21 * 48, 0, 21 * 48]


def test_chapters_are_cut() -> None:
    one = Chapter(0, 1000, Fraction(1, 1000), {"title": "A"})
    two = Chapter(1000, 3000, Fraction(1, 1000), {"title": "B"})
    assert cut_chapters((one, two), Span()) == (one, two)
    assert [(c.start, c.end) for c in cut_chapters((one, two), Span(Fraction(1, 2), Fraction(2), Fraction(1, 2)))] == [
        (0, 500),
        (500, 1500),
    ]
    assert cut_chapters((one, two), Span(Fraction(1), Fraction(2), Fraction(1))) == (replace(two, start=0, end=1000),)


def test_the_rest_of_a_damaged_file(clip: Clip, tmp_path: Path) -> None:
    written(clip("truncated.mkv"), tmp_path / "out.mkv")
    assert packets(tmp_path / "out.mkv")[1] == packets(clip("truncated.mkv"))[1] != []


def test_a_destination_that_cannot_be_written(clip: Clip, tmp_path: Path) -> None:
    with pytest.raises(VideoWriteError, match="no such file or directory") as caught:
        written(clip("plain.mp4"), tmp_path / "none" / "out.mkv")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk(clip: Clip, tmp_path: Path) -> None:
    for suffix in ("mkv", "mp4"):
        (tmp_path / f"out.{suffix}").symlink_to("/dev/full")
        with pytest.raises(VideoWriteError, match="no space left on device"):
            written(clip("sound.mp4"), tmp_path / f"out.{suffix}")


def test_what_the_track_raises_is_passed_on(clip: Clip, tmp_path: Path) -> None:
    class Broken(Encoded):
        def packets(self) -> Iterator[Any]:
            yield next(super().packets())
            raise VideoReadError("a segment is missing")

    video = probe(clip("plain.mp4"))
    track = Broken(video, times_of(clip("plain.mp4")))
    with pytest.raises(VideoReadError, match="a segment is missing"):
        mux_video(video, track, tmp_path / "out.mkv", select(video, "x.mkv", "libx264"))


def test_an_error_of_the_system_on_the_way(clip: Clip, tmp_path: Path) -> None:
    class Broken(Encoded):
        def packets(self) -> Iterator[Any]:
            yield next(super().packets())
            raise OSError(errno.EIO, "Input/output error")

    video = probe(clip("plain.mp4"))
    track = Broken(video, times_of(clip("plain.mp4")))
    with pytest.raises(VideoWriteError, match="input/output error"):
        mux_video(video, track, tmp_path / "out.mkv", select(video, "x.mkv", "libx264"))


def test_a_source_that_is_gone(clip: Clip, tmp_path: Path) -> None:
    source = clips.plain(tmp_path / "in.mp4")
    video = probe(source)
    track = Encoded(video, times_of(source))
    what = select(video, "x.mkv", "libx264")
    source.unlink()
    with pytest.raises(VideoReadError, match="no such file"):
        mux_video(video, track, tmp_path / "out.mkv", what)
