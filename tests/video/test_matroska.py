"""What is edited into a Matroska file; whole files are in test_muxing and test_clocks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from subpixel.video.matroska import TrackFacts, edit_tracks, pad_name
from video.clips import make_clip


def named(path: Path, name: str) -> Path:
    def set_up(stream: Any) -> None:
        stream.metadata["title"] = name

    return make_clip(path, set_up=set_up, times=range(3), format_name="matroska", codec="ffv1")


@pytest.mark.parametrize("name", ["", "An image"])
@pytest.mark.parametrize(
    "aspect", [Fraction(4, 3), Fraction(12, 11), Fraction(2, 3), Fraction((1 << 31) - 1, (1 << 31) - 5)]
)
def test_the_padding_becomes_the_aspect(tmp_path: Path, name: str, aspect: Fraction) -> None:
    path = named(tmp_path / "a.mkv", pad_name(name))
    size = path.stat().st_size
    edit_tracks(path, {0: TrackFacts(aspect)})
    assert path.stat().st_size == size
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert abs(stream.sample_aspect_ratio / aspect - 1) < Fraction(1, 1000)
        assert stream.metadata.get("title", "") == name
        assert len(list(container.decode(stream))) == 3


@pytest.mark.parametrize(
    ("content", "text"), [(b"", "element 18538067 is missing"), (bytes(20), "there is no element at this position")]
)
def test_a_file_of_another_structure_is_an_error(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=text):
        edit_tracks(path, {0: TrackFacts(Fraction(4, 3))})


def test_a_name_without_padding_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the track's name has no padding"):
        edit_tracks(named(tmp_path / "a.mkv", "An image"), {0: TrackFacts(Fraction(4, 3))})
