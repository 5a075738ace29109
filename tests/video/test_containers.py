"""The containers that videos are written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.errors import InvalidArgument
from subpixel.video.containers import CONTAINERS, container_of, content_metadata


def test_a_suffix_chooses_the_container() -> None:
    assert container_of("a/b.MKV").format == "matroska"
    assert container_of(Path("video.mov")).format == "mov"
    assert len({suffix for each in CONTAINERS for suffix in each.suffixes}) == sum(len(e.suffixes) for e in CONTAINERS)
    with pytest.raises(InvalidArgument, match=r"the suffix \.gif is not supported for videos; use one of \.mp4"):
        container_of("video.gif")
    with pytest.raises(InvalidArgument, match="a file name without a suffix is not supported"):
        container_of("video")


def test_metadata_that_describe_the_file_are_left_out() -> None:
    values = {
        "title": "A",
        "ENCODER": "Lavf",
        "DURATION": "00:00:01",
        "BPS": "1",
        "BPS-eng": "1",
        "NUMBER_OF_FRAMES-eng": "3",
        "_STATISTICS_WRITING_APP": "x",
        "major_brand": "isom",
        "comment": "B",
    }
    assert content_metadata(values) == {"title": "A", "comment": "B"}
