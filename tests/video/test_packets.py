"""Packets are read as they lie in the file, and no further than needed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from subpixel.video.packets import may_be_repacked, read_packets, without_adts_header
from subpixel.video.time_range import TimeRange
from subpixel.video.video_file import open_video

Clip = Callable[[str], Path]


def test_packets_of_the_streams_that_are_named(clip: Clip) -> None:
    with open_video(clip("rich.mkv")) as container:
        found = {packet.stream_index for packet in read_packets(container, {1, 3})}
    assert found == {1, 3}


def test_only_the_surroundings_of_a_range_are_read(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("subpixel.video.packets.demux", lambda source: (seen.append(p) or p for p in source.demux()))
    with open_video(clip("long.mkv")) as container:
        found = list(read_packets(container, {2}, TimeRange(Fraction(90), Fraction(93))))
        assert [packet.pts * packet.time_base for packet in found] == [0, 1, 2]
        assert seen[0].pts * seen[0].time_base > 10
        assert seen[-1].pts * seen[-1].time_base < 155


@pytest.mark.parametrize(
    ("codec", "content", "bare"),
    [
        ("aac", b"\xff\xf1" + bytes(8), bytes(3)),  # without a checksum: 7 bytes
        ("aac", b"\xff\xf0" + bytes(8), bytes(1)),  # with one: 9 bytes
        ("aac", b"\xff\xf9" + bytes(8), bytes(3)),  # MPEG-2
        ("aac", b"\x21\xf1" + bytes(8), b"\x21\xf1" + bytes(8)),
        ("mp3", b"\xff\xf1" + bytes(8), b"\xff\xf1" + bytes(8)),
    ],
)
def test_headers_of_aac_in_transport_streams(codec: str, content: bytes, bare: bytes) -> None:
    assert without_adts_header(codec, content) == bare


def test_only_packets_of_pcm_are_split_elsewhere() -> None:
    assert may_be_repacked("pcm_s16le")
    assert not may_be_repacked("aac")
