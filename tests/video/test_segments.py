"""Packets on the disk are those of the encoder, and what was not finished does not count."""

from __future__ import annotations

import errno
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from subpixel.errors import VideoWriteError
from subpixel.video.encoders import choose_encoding
from subpixel.video.formats import layout_of, new_frame
from subpixel.video.segments import Journal, SegmentWriter, segment_packets
from subpixel.video.video_file import Tags, VideoStream

LAYOUT = layout_of("yuv420p", "test")
BASE = Fraction(1, 12288)
VIDEO = VideoStream((64, 48), "yuv420p", Fraction(24), BASE, Fraction(1), Tags(1, 1, 1, False), None)
ENCODING = choose_encoding("x264", LAYOUT, "x264", 1)
SETTINGS = {"model": "fast"}


def frame_of(seed: int) -> Any:
    frame, planes = new_frame(VIDEO.size, LAYOUT)
    rng = np.random.default_rng(seed // 4)
    for plane in planes:
        plane[:] = np.roll(rng.integers(16, 236, plane.shape), seed % 4, axis=1)
    return frame


def add(journal: Journal, times: list[int], *, final: bool = False, state: Any = None) -> None:
    with SegmentWriter(journal, ENCODING.context(VIDEO)) as writer:
        for time in times:
            frame = frame_of(time)
            frame.pts, frame.time_base = time, BASE
            writer.add(frame, time)
        writer.finish(700, "digest", ("a note",), state or {}, final=final)


def test_all_packets_come_back_in_order_with_times_and_durations(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "video", SETTINGS)
    parts = [[0, 512, 1024, 1300, 2048, 2560], [3072, 3584, 9000, 9512]]
    for part in parts:
        add(journal, part)
    packets = list(segment_packets(journal, BASE))
    times = [time for part in parts for time in part]
    assert sorted(packet.pts for packet in packets) == times
    decoding = [packet.dts for packet in packets]
    assert decoding == sorted(set(decoding))
    assert all(packet.dts <= packet.pts for packet in packets)
    durations = {packet.pts: packet.duration for packet in packets}
    assert [durations[time] for time in times] == [*np.diff(times).tolist(), 700]
    assert packets[0].is_keyframe
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.extradata = ENCODING.context(VIDEO).extradata
    shown = [frame.pts for packet in [*packets, None] for frame in decoder.decode(packet)]
    assert shown == times


def test_a_journal_resumes_after_its_complete_segments(tmp_path: Path) -> None:
    first = Journal(tmp_path / "video", SETTINGS)
    add(first, [0, 512])
    add(first, [1024, 1536])
    assert [s.times for s in Journal(tmp_path / "video", SETTINGS).segments] == [(0, 512), (1024, 1536)]
    again = Journal(tmp_path / "video", SETTINGS).segments[1]
    assert (again.digest, again.notes, again.last_duration, again.final) == ("digest", ("a note",), 700, False)

    with open(tmp_path / "video" / "journal.jsonl", "a") as file:
        file.write('{"times": [2048, 25')  # half a line, as a crash leaves it
    assert len(Journal(tmp_path / "video", SETTINGS).segments) == 2

    first.path(1).write_bytes(b"short")
    assert len(Journal(tmp_path / "video", SETTINGS).segments) == 1
    first.path(0).unlink()
    assert Journal(tmp_path / "video", SETTINGS).segments == []


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Otherwise another user of the folder could have files made elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "journal").symlink_to("elsewhere")
    with pytest.raises(VideoWriteError, match="journal beside it is a link, which this program does not make"):
        Journal(tmp_path / "journal", SETTINGS)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_was_begun_for_something_else_does_not_count(tmp_path: Path) -> None:
    add(Journal(tmp_path / "video", SETTINGS), [0, 512])
    assert Journal(tmp_path / "video", {"model": "high"}).segments == []
    assert [path.name for path in (tmp_path / "video").iterdir()] == ["journal.jsonl"]


def test_a_segment_that_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "video", SETTINGS)

    def interrupted() -> None:
        with SegmentWriter(journal, ENCODING.context(VIDEO)) as writer:
            writer.add(frame_of(0), 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in (tmp_path / "video").iterdir()] == ["journal.jsonl"]
    assert len((tmp_path / "video" / "journal.jsonl").read_text().splitlines()) == 1


def test_a_segment_that_is_not_all_there_would_be_noticed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "video", SETTINGS)
    add(journal, [0, 512], final=True)
    line = json.loads((tmp_path / "video" / "journal.jsonl").read_text().splitlines()[1])
    assert line["size"] == journal.path(0).stat().st_size
    assert line["final"] is True
    journal.remove()
    assert not (tmp_path / "video").exists()


def test_an_unwritable_disk_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoWriteError, match="cannot be written"):
        Journal(tmp_path / "file" / "video", SETTINGS)


def test_a_full_disk_names_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    journal = Journal(tmp_path / "video", SETTINGS, result=tmp_path / "out.mkv")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VideoWriteError) as error:
        add(journal, [0, 512])
    assert str(error.value) == f"{tmp_path / 'out.mkv'}: cannot be written: no space left on device"


def test_states_are_kept_with_the_last_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "video", SETTINGS)
    for number in range(4):
        add(journal, [1024 * number, 1024 * number + 512], state={"memory": np.full((2, 3), number, np.float32)})
    again = Journal(tmp_path / "video", SETTINGS)
    assert len(again.segments) == 4
    np.testing.assert_array_equal(again.state()["memory"], np.full((2, 3), 3, np.float32))
    assert len(list((tmp_path / "video").glob("*.state.npz"))) == 2
    again.state_path(3).write_bytes(b"")
    less = Journal(tmp_path / "video", SETTINGS)
    assert len(less.segments) == 3
    assert less.state()["memory"][0, 0] == 2
    less.state_path(2).unlink()
    assert Journal(tmp_path / "video", SETTINGS).segments == []


@pytest.mark.parametrize("count", [1, 2])
def test_decoding_times_of_few_frames_are_those_of_showing(tmp_path: Path, count: int) -> None:
    """x265 takes them from memory that it has not set, if there are fewer than three frames."""
    journal = Journal(tmp_path / "video", SETTINGS)
    with SegmentWriter(journal, choose_encoding("x265", LAYOUT, "x265", 1).context(VIDEO)) as writer:
        for number in range(count):
            frame = frame_of(number)
            frame.pts, frame.time_base = 512 * number, BASE
            writer.add(frame, 512 * number)
        writer.finish(512, "", (), {}, final=True)
    found = [(packet.pts, packet.dts) for packet in segment_packets(journal, BASE)]
    assert found == [(512 * number, 512 * number) for number in range(count)]
