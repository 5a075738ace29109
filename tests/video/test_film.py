"""What a film is found to consist of."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from subpixel.errors import VideoReadError
from subpixel.video.film import opened, probe
from subpixel.video.packets import read
from video import films

Made = Callable[[str], Path]


@pytest.mark.parametrize("name", films.FILMS)
def test_every_film_has_a_picture(made: Made, name: str) -> None:
    film = probe(made(name))
    assert film.streams[film.main].kind == "video"
    assert len(film.others) == len(film.streams) - 1
    assert film.video.size[0] in (45, 47, 48, 64)
    assert film.video.time_base > 0


@pytest.mark.parametrize("name", films.NOT_FILMS)
def test_what_is_no_film_is_refused_in_one_sentence(made: Made, name: str) -> None:
    with pytest.raises(VideoReadError) as caught:
        probe(made(name))
    assert str(caught.value).startswith(str(made(name)))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(VideoReadError, match="no such file"):
        probe(tmp_path / "none.mp4")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_picture_is_described(made: Made, suffix: str) -> None:
    hdr = probe(made(f"hdr.{suffix}")).video
    assert hdr.pix_fmt == "yuv420p10le"
    assert (hdr.tags.primaries, hdr.tags.transfer, hdr.tags.matrix, hdr.tags.full_range) == (9, 16, 9, False)
    assert hdr.tags.siting == "topleft"
    assert probe(made(f"rotated.{suffix}")).video.matrix == films.QUARTER
    assert probe(made(f"plain.{suffix}")).video.matrix is None
    assert probe(made(f"anamorphic.{suffix}")).video.aspect == Fraction(16, 11)


def test_full_range_and_siting(made: Made) -> None:
    tags = probe(made("tagged.mp4")).video.tags
    assert (tags.primaries, tags.transfer, tags.matrix, tags.full_range, tags.siting) == (6, 6, 6, True, "topleft")


def test_streams_chapters_and_metadata(made: Made) -> None:
    film = probe(made("rich.mkv"))
    assert [(stream.kind, stream.codec) for stream in film.streams] == [
        ("video", "h264"),
        ("audio", "aac"),
        ("audio", "flac"),
        ("subtitle", "subrip"),
        ("subtitle", "subrip"),
        ("attachment", "unknown"),
    ]
    assert [stream.metadata.get("language") for stream in film.streams[1:5]] == ["eng", "jpn", "eng", "deu"]
    assert [chapter.metadata["title"] for chapter in film.chapters] == ["Begin", "End"]
    assert film.chapters[1].start * film.chapters[1].time_base == Fraction(1, 4)
    assert film.metadata["title"] == "Everything"
    assert str(film.streams[4]) == "subtitle stream 4 (subrip, deu)"


def test_a_stream_without_a_decoder(made: Made) -> None:
    assert probe(made("timecode.mov")).streams[2].metadata["timecode"] == "01:00:00:00"


def test_a_cover_is_not_the_film(made: Made) -> None:
    for name in ("cover.mp4", "cover.mkv"):
        film = probe(made(name))
        assert film.main == 0
        assert [stream.codec for stream in film.others if stream.kind == "video"] == ["mjpeg"]


def test_metadata_that_are_not_utf8_keep_their_bytes(made: Made) -> None:
    title = probe(made("nameless.mkv")).metadata["title"]
    assert title.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize("name", ["rich.mkv", "sound.mp4", "transport.ts", "film.avi", "timecode.mov"])
def test_damaged_files_are_read_or_refused(made: Made, tmp_path: Path, name: str) -> None:
    content = made(name).read_bytes()
    random = np.random.default_rng(7)
    path = tmp_path / name
    for attempt in range(30):
        damaged = np.frombuffer(content, np.uint8).copy()
        if attempt % 2:
            damaged = damaged[: random.integers(len(content))]
        else:
            damaged[random.integers(len(content), size=20)] = random.integers(256, size=20)
        path.write_bytes(damaged.tobytes())
        try:
            film = probe(path)
        except VideoReadError:
            continue
        with opened(path) as container:
            assert all(packet is not None for packet in read(container, {each.index for each in film.streams}))
