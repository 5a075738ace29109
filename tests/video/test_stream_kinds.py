"""The table of streams: it says what really happens to each kind in each container."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from subpixel.video.containers import CONTAINERS, Container, is_timecode
from subpixel.video.muxing import mux_video
from subpixel.video.stream_kinds import STREAM_KINDS, StreamFate, meaning_of
from subpixel.video.verification import find_differences
from subpixel.video.video_file import Stream, VideoFile, open_video, probe
from video import stream_clips
from video.tracks import Encoded, packet_times, select

# The encoder of the image in each container.
CODECS = {"WebM": "libvpx-vp9"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], VideoFile]:
    folder = tmp_path_factory.mktemp("streams")
    found: dict[str, VideoFile] = {}

    def find(name: str) -> VideoFile:
        if name not in found:
            found[name] = probe(stream_clips.MAKERS[name](folder / name))
        return found[name]

    return find


def fate_of(stream: Stream, video: VideoFile, container: Container) -> StreamFate:
    """What selection does with a stream; its notes are the only ones about it."""
    found = select(video, "x" + container.suffixes[0], CODECS.get(container.name, "libx264"))
    notes = [note for note in found.notes if note.startswith(f"{stream.kind} stream {stream.index} ")]
    if stream.index in found.texts:
        assert len(notes) == 1
        return StreamFate.CONVERTED
    if stream in found.streams:
        assert notes == []
        if is_timecode(stream):
            return StreamFate.RENEWED
        attached = stream.kind == "attachment" or (stream.kind == "video" and stream.flags and container.attachments)
        return StreamFate.ATTACHED if attached else StreamFate.COPIED
    if stream.chapters:
        assert container.chapters
        assert notes == []
        return StreamFate.RENEWED
    assert len(notes) == 1
    return StreamFate.METADATA if "becomes metadata" in notes[0] else StreamFate.LOST


def test_the_table_is_what_happens(source: Callable[[str], VideoFile]) -> None:
    fates = defaultdict(set)
    for name in stream_clips.MAKERS:
        video = source(name)
        for stream in video.others:
            for container in CONTAINERS:
                fates[stream.kind, stream.codec, container.name].add(fate_of(stream, video, container))
    for kind in STREAM_KINDS:
        for codec in kind.codecs:
            for container in CONTAINERS:
                found = fates.pop((kind.kind, codec, container.name), None)
                if codec == "vp9":  # no clip has a second stream of it
                    assert found is None
                    continue
                assert found == {kind.fate(container.name)}, f"{kind.name} ({codec}) in {container.name}: {found}"
    assert not fates


@pytest.mark.parametrize("container", CONTAINERS, ids=str)
@pytest.mark.parametrize("name", stream_clips.MAKERS)
def test_every_stream_that_is_selected_comes_back(
    source: Callable[[str], VideoFile], tmp_path: Path, name: str, container: Container
) -> None:
    video, path = source(name), tmp_path / f"out{container.suffixes[0]}"
    codec = CODECS.get(container.name, "libx264")
    options = {"cpu-used": "8", "deadline": "realtime"} if container.name == "WebM" else {}
    track = Encoded(video, packet_times(video), codec, options=options)
    selection = select(video, path, codec)
    mux_video(video, track, path, selection)
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, path, track.times, expected, selection) == []


@pytest.mark.parametrize("suffix", ["mp4", "mov", "nut"])
def test_telemetry_is_no_chapter_title(source: Callable[[str], VideoFile], tmp_path: Path, suffix: str) -> None:
    video, path = source("gpmd.mp4"), tmp_path / f"out.{suffix}"
    assert [(stream.codec, stream.chapters) for stream in video.others] == [("gpmd", False), ("text", True)]
    mux_video(video, Encoded(video, packet_times(video)), path, select(video, path, "libx264"))
    result = probe(path)
    assert [chapter.metadata["title"] for chapter in result.chapters] == ["Begin", "End"]
    index = next(stream.index for stream in result.streams if stream.codec == "gpmd")
    with open_video(path) as container:
        contents = [bytes(packet) for packet in container.demux(container.streams[index]) if packet.size]
    assert contents == [b"DEVC" + bytes([number]) * 20 for number in range(3)]


def test_a_loss_of_telemetry_is_found(source: Callable[[str], VideoFile], tmp_path: Path) -> None:
    video, path = source("gpmd.mp4"), tmp_path / "out.mp4"
    track, selection = Encoded(video, packet_times(video)), select(video, path, "libx264")
    mux_video(video, track, path, replace(selection, streams=()))
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    found = find_differences(video, path, track.times, expected, selection)
    assert found[0].startswith("it has 1 streams, not 2")


def test_a_note_says_what_is_lost(source: Callable[[str], VideoFile]) -> None:
    video = source("camm.mp4")
    notes = select(video, "x.mkv", "libx264").notes
    assert notes[0] == (
        "data stream 1 (camm), the motion of the camera, is left out: "
        "Matroska cannot hold it (it does not hold such data); NUT can hold it"
    )
    assert meaning_of(video.streams[0]) == ""


def test_a_camera_track_with_a_timecode_is_no_timecode_track(source: Callable[[str], VideoFile]) -> None:
    stream = source("rtmd.mp4").streams[1]
    assert "timecode" in stream.metadata
    assert not is_timecode(stream)
