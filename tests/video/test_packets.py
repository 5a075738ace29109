"""Packets are read as they lie in the file, and no further than needed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from subpixel.video.packets import read_packets
from subpixel.video.time_range import Span
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
        found = list(read_packets(container, {2}, Span(Fraction(90), Fraction(93), Fraction(90))))
        assert [packet.pts * packet.time_base for packet in found] == [0, 1, 2]
        assert seen[0].pts * seen[0].time_base > 10
        assert seen[-1].pts * seen[-1].time_base < 155
