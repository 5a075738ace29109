"""What is edited into a Matroska file; whole files are in test_muxing and test_clocks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from subpixel.video.matroska import TrackFacts, edit_tracks, pad_name
from subpixel.video.video_file import probe
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


def element(kind: str, *content: bytes) -> bytes:
    data = b"".join(content)
    return bytes.fromhex(kind) + (len(data) | 1 << 28).to_bytes(4, "big") + data


def chapter(*inner: bytes) -> bytes:
    return element("b6", element("73c4", b"\1"), element("91", b"\0"), *inner)


def with_elements(path: Path, *, cropped: bool, chapters: bytes) -> Path:
    """A file whose image has a crop in the place of its padded name, and with chapters before its first cluster."""
    named(path, " " * 40)
    content = path.read_bytes()
    if cropped:
        name = content.index(bytes.fromhex("536e"))
        end = name + 3 + (content[name + 2] & 0x7F)
        crop = element("54cc", b"\2") + element("54aa", b"\4")
        inside = element("e0", element("b0", b"\x30"), element("ba", b"\x20"), crop)
        video = content.index(b"\xe0", end)
        after = video + 2 + (content[video + 1] & 0x7F)
        filler = after - name - (video - end) - len(inside) - 2
        void = b"\xec" + bytes([0x80 | filler]) + bytes(filler)
        content = content[:name] + content[end:video] + inside + void + content[after:]
    cluster = content.index(bytes.fromhex("1f43b675"))
    path.write_bytes(content[:cluster] + chapters + content[cluster:])
    return path


@pytest.mark.parametrize("cropped", [False, True])
@pytest.mark.parametrize(
    ("chapters", "notes"),
    [
        (b"", []),
        (element("1043a770", element("45b9", chapter(), chapter())), []),
        (
            element("1043a770", element("45b9", chapter()), element("45b9", chapter())),
            ["the chapters of 2 editions become one list"],
        ),
        (
            element("1043a770", element("45b9", chapter(chapter(chapter())))),
            ["2 chapters inside of other chapters are left out"],
        ),
    ],
)
def test_what_libavformat_does_not_read_is_named(
    tmp_path: Path, cropped: bool, chapters: bytes, notes: list[str]
) -> None:
    video = probe(with_elements(tmp_path / "a.mkv", cropped=cropped, chapters=chapters))
    crop = "the container hides pixels at the edges (2 at the left, 4 at the bottom); in the result they are visible"
    assert list(video.losses) == [crop] * cropped + notes
