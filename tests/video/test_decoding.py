"""Frames come with the times that libavformat gives them, from any frame on, and damage moves none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from subpixel.errors import Unsupported, VideoReadError
from subpixel.video.decoding import Damage, progressive_frames, read_frames
from subpixel.video.formats import array_of, layout_of, planes_of
from subpixel.video.video_file import open_video, probe
from video.clips import CLIPS, NOT_VIDEOS, frame, make_clip

WHOLE = [name for name in CLIPS if name not in ("interlaced.mp4", "garbage.mp4", "truncated.mkv")]


def build(tmp_path: Path, name: str) -> Path:
    return CLIPS[name](tmp_path / name)


def pixels(frame: Any) -> bytes:
    return b"".join(plane.tobytes() for plane in planes_of(frame, layout_of(frame.format.name, "test")))


def read(path: Path, damage: Damage | None = None, **asked: Any) -> list[tuple[int, bytes]]:
    video = probe(path)
    found = read_frames(video, damage or Damage(), **asked)
    if not asked.get("deinterlace"):
        found = progressive_frames(found, video)  # type: ignore[assignment]
    return [(frame.time, pixels(frame.source)) for frame in found]


def decoded(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path), metadata_errors="replace") as container:
        main = next(s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
        return [(frame.pts, pixels(frame)) for frame in container.decode(main)]


@pytest.mark.parametrize("name", WHOLE)
def test_all_frames_at_their_times(tmp_path: Path, name: str) -> None:
    path, damage = build(tmp_path, name), Damage()
    found, wanted = read(path, damage), decoded(path)
    assert [data for _, data in found] == [data for _, data in wanted]
    if all(time is not None for time, _ in wanted):
        assert [time for time, _ in found] == [time for time, _ in wanted]
        assert list(damage.notes()) == []
    assert [time for time, _ in found] == sorted({time for time, _ in found})


@pytest.mark.parametrize("name", WHOLE)
def test_from_any_frame_on_the_rest_is_the_same(tmp_path: Path, name: str) -> None:
    path = build(tmp_path, name)
    whole = read(path)
    for first in range(0, len(whole), 5):
        assert read(path, start=whole[first][0]) == whole[first:]
    assert read(path, start=whole[-1][0] + 1) == []


def test_a_damaged_packet_is_noted_and_other_frames_keep_their_times(tmp_path: Path) -> None:
    damage = Damage()
    times = [time for time, _ in read(build(tmp_path, "garbage.mp4"), damage)]
    whole = make_clip(tmp_path / "whole.mp4", times=range(30), options={"g": "5", "preset": "veryfast"})
    assert set(times) <= {time for time, _ in read(whole)}
    assert 25 <= len(times) <= 30
    notes = list(damage.notes())
    assert len(notes) == 1
    assert "damaged" in notes[0]


def test_a_video_that_breaks_off_gives_what_there_is(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mkv", times=range(30), options={"g": "5"})
    times = [time for time, _ in read(build(tmp_path, "truncated.mkv"))]
    assert 5 < len(times) < 30
    assert times == [time for time, _ in read(whole)][: len(times)]


def test_interlaced_frames_are_refused_unless_asked_for(tmp_path: Path) -> None:
    path = build(tmp_path, "interlaced.mp4")
    with pytest.raises(Unsupported, match=r"the frame at 0\.00 s is interlaced; deinterlace=True makes"):
        read(path)
    whole = read(path, deinterlace=True)
    assert [time for time, _ in whole] == [time for time, _ in decoded(path)]
    assert [data for _, data in whole] != [data for _, data in decoded(path)]
    assert read(path, deinterlace=True, start=whole[4][0]) == whole[4:]


def test_deinterlaced_frames_are_the_same_from_any_frame_on(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", options={"x264-params": "tff=1:keyint=4"}, times=range(12))
    whole = read(path, deinterlace=True)
    for first in range(12):
        assert read(path, deinterlace=True, start=whole[first][0]) == whole[first:]


def test_deinterlacing_leaves_whole_frames_alone(tmp_path: Path) -> None:
    path = build(tmp_path, "b_frames.mp4")
    assert read(path, deinterlace=True) == read(path)


@pytest.mark.parametrize("name", NOT_VIDEOS)
def test_what_is_no_video_is_one_sentence(tmp_path: Path, name: str) -> None:
    path = NOT_VIDEOS[name](tmp_path / name)
    with pytest.raises(VideoReadError, match=str(path)) as caught:
        probe(path)
    assert "\n" not in str(caught.value)


def test_frames_of_another_size_are_fitted_to_the_first(tmp_path: Path) -> None:
    path = tmp_path / "sizes.mkv"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        for number, size in enumerate([(48, 32), (48, 32), (32, 32)]):
            context: Any = av.CodecContext.create("mjpeg", "w")
            context.width, context.height, context.pix_fmt = *size, "yuvj420p"
            context.time_base = Fraction(1, 24)
            each = frame(number, size, "yuvj420p")
            each.pts = number
            for packet in [*context.encode(each), *context.encode(None)]:
                packet.stream = stream
                out.mux(packet)
    damage = Damage()
    frames = list(read_frames(probe(path), damage))
    assert [(each.source.width, each.source.height) for each in frames] == [(48, 32)] * 3
    assert list(damage.notes()) == [
        "from 0.08 s on, frames are 32×32 yuvj420p; they are fitted to the first frame, 48×32 yuvj420p"
    ]


def test_columns_cut_off_at_the_left_are_cut_off(tmp_path: Path) -> None:
    """Without a flag, libavcodec leaves some of them, so that rows begin at round addresses."""
    whole = make_clip(tmp_path / "whole.mp4", options={"bf": "0"}, times=range(3))
    path, crop = tmp_path / "crop.mp4", "h264_metadata=crop_left=2:crop_top=2:crop_right=4"
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        cut = av.bitstream.BitStreamFilterContext(crop, stream, copy)
        for packet in source.demux(stream):
            for each in cut.filter(packet if packet.size else None):
                each.stream = copy
                out.mux(each)
    for one, other in zip(luma(whole), luma(path), strict=True):
        assert np.array_equal(one[2:, 2:-4], other)
    video = probe(path)
    assert video.stream.size == (42, 30)
    first = next(iter(read_frames(video, Damage()))).source
    assert (first.width, first.height) == (42, 30)


def luma(path: Path) -> list[Any]:
    with open_video(path) as container:
        return [np.array(array_of(each.planes[0], np.dtype(np.uint8))) for each in container.decode(video=0)]
