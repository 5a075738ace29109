"""Harnesses of videos: what this package reads and edits of containers by itself, packets, subtitles, raw frames."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av

from fuzz.harness import Harness, scratch
from malformed.videos import video_files
from subpixel.video import matroska
from subpixel.video.containers import container_of
from subpixel.video.decoding import Damage, read_frames
from subpixel.video.joined_files import other_matroska, unread_video
from subpixel.video.matroska import TrackFacts
from subpixel.video.packet_content import content_of
from subpixel.video.provenance import Provenance, append_provenance, read_provenance
from subpixel.video.side_data import SIDE_DATA
from subpixel.video.source import probe_source
from subpixel.video.text_conversion import TextConverter, TextTrial
from subpixel.video.transport_streams import stream_changes
from video import clips

__all__ = ["HARNESSES"]

_MOST_PIXELS = 1 << 18
_PROVENANCE = Provenance("ab", "cd", 3)


def originals(*suffixes: str) -> dict[str, bytes]:
    """The right videos with one of these suffixes."""
    return {name: content for name, content in video_files().items() if name.endswith(suffixes)}


def check_matroska(content: bytes) -> None:
    """What libavformat leaves out of Matroska, and facts that are written into the padding of names."""
    file = io.BytesIO(content)
    for number in range(2):
        notes = matroska.unread_parts(file, number)
        assert all(note and "\n" not in note for note in notes), notes
    second = matroska.second_file(file, 1, len(content))
    for place in (0, second or 0):
        with suppress(ValueError):
            assert isinstance(matroska.decoder_settings(file, place), list)
    path = scratch(content, ".mkv")
    other_matroska(path, 1, len(content))
    assert unread_video(path, "matroska,webm", 0) is None
    read_provenance(path)
    for facts in (
        {0: TrackFacts(Fraction(4, 3))},
        {0: TrackFacts(Fraction(12, 11)), 1: TrackFacts(delay=Fraction(1, 40))},
    ):
        path.write_bytes(content)
        try:
            matroska.edit_tracks(path, facts)
        except ValueError:
            assert path.read_bytes() == content
            continue
        # Nothing moves: the length stays, and so does all but the tracks.
        changed = path.read_bytes()
        assert len(changed) == len(content)
        clusters = content.find(b"\x1f\x43\xb6\x75")
        if content.count(b"\x1f\x43\xb6\x75") == 1 and content.find(b"\x16\x54\xae\x6b") < clusters:
            assert changed[clusters:] == content[clusters:] or not _is_whole(content)


def _is_whole(content: bytes) -> bool:
    """Whether libavformat reads the file."""
    try:
        with av.open(io.BytesIO(content), "r", "matroska", metadata_errors="surrogateescape") as container:
            return len(container.streams.video) > 0
    except (av.error.FFmpegError, ValueError):
        return False


@lru_cache(1)
def padded() -> dict[str, bytes]:
    """Matroska files whose tracks have names with padding, and others."""

    def name(stream: Any) -> None:
        stream.metadata["title"] = matroska.pad_name("An image")

    with TemporaryDirectory() as folder:
        path = clips.make_clip(
            Path(folder, "a.mkv"), set_up=name, times=range(2), format_name="matroska", codec="ffv1", size=(32, 32),
            others=lambda out: clips._written(clips.sound(out, "flac", Fraction(1, 10), title=matroska.pad_name(""))),
        )  # fmt: skip
        return {"padded.mkv": path.read_bytes(), "subtitles.mkv": video_files()["subtitles.mkv"]}


def check_boxes(content: bytes) -> None:
    """The boxes of MP4 and the starts of other files that were joined; a provenance at the end."""
    path = scratch(content, ".mp4")
    for name in ("mov,mp4,m4a,3gp,3g2,mj2", "flv", "nut", "avi", "asf"):
        place = unread_video(path, name, len(content) // 2)
        assert place is None or 0 <= place < len(content)
    read_provenance(path)
    append_provenance(path, container_of(path), _PROVENANCE)
    assert path.read_bytes().startswith(content)
    assert read_provenance(path) == _PROVENANCE


def check_transport(content: bytes) -> None:
    """The tables of a transport stream."""
    for change in stream_changes(scratch(content, ".ts")):
        assert 0 <= change.place <= len(content)
        assert change.after


def check_packet(content: bytes) -> None:
    """The content of a packet does not depend on its framing, and framing is not taken off twice."""
    for codec in ("h264", "hevc", "vvc", "av1", "aac", "vp9"):
        found = content_of(codec, content)
        assert len(found) <= len(content) + 8 * (len(content) // 4 + 1)
    units = [content[start : start + 40].strip(b"\0") for start in range(0, min(len(content), 400), 40)]
    units = [unit for unit in units if unit and b"\0\0" not in unit]
    by_codes = b"".join(b"\0\0\0\1" + unit for unit in units)
    by_lengths = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    # Units of one byte would have lengths that look like a code.
    if units and len(units[0]) > 1:
        assert content_of("h264", by_codes) == content_of("h264", by_lengths)
    for kind in SIDE_DATA.values():
        assert kind.speaks(content, (64, 48)) in (False, True)
    text = content.decode("utf-8", "replace")
    found = Provenance.parse(text)
    assert found is None or Provenance.parse(str(found)) == found


_CODECS = ("subrip", "ass", "webvtt", "mov_text")


@lru_cache(4)
def _subtitles(codec: str) -> Any:
    """An open file with a stream of text."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4" if codec == "mov_text" else "matroska") as out:
        stream = out.add_mux_stream(codec)
        stream.time_base = Fraction(1, 1000)
        packet = av.Packet(
            b"\0\3one" if codec == "mov_text" else b"0,0,Default,,0,0,0,,one" if codec == "ass" else b"one"
        )
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = 0
        packet.duration = 100
        out.mux(packet)
    file.seek(0)
    return av.open(file)


def check_subtitles(content: bytes) -> None:
    """Packets of text in every format, converted to every other: each is converted, or is known to be refused before.

    The first byte chooses the formats; the rest is cut into packets at zeros of two bytes.
    """
    if not content:
        return
    before = _CODECS[content[0] % 4]
    after = ("mov_text", "subrip", "webvtt")[content[0] // 4 % 3]
    stream = _subtitles(before).streams.subtitles[0]
    trial, converter = TextTrial(stream, before, after), TextConverter(stream, before, after)
    found = []
    for number, each in enumerate(content[1:].split(b"\0\0\0")[:20]):
        packet = av.Packet(each)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = 70 * number
        packet.duration = 100
        if trial.accepts(packet):
            found += list(converter.push(packet))
    found += list(converter.flush())
    times = [packet.pts for packet in found]
    assert times == sorted(times)
    assert all(packet.duration > 0 for packet in found)
    if after == "mov_text":
        for packet in found:
            data = bytes(packet)
            assert int.from_bytes(data[:2], "big") <= len(data) - 2
            data[2 : 2 + int.from_bytes(data[:2], "big")].decode()


def _texts() -> Mapping[str, bytes]:
    found = {}
    for number in range(12):
        plain = [b"<b>bold</b> \xc3\xbc", b"two\nlines", b"{\\an8}<font color=#ff0000>red</font>"]
        lines = {
            "subrip": plain,
            "webvtt": [b"<v Anna>words</v>", b"<i>more</i>"],
            "ass": [b"%d,0,Default,,0,0,0,,{\\b1}words{\\p1}m 0 0{\\p0}" % n for n in range(3)],
            "mov_text": [len(each).to_bytes(2, "big") + each for each in (b"one", b"\xfe\xff\0o", b"three")]
            + [b"\0\3abc\0\0\0\x16styl\0\1\0\1\0\2\0\1\1\x12\xff\0\0\xff"],
        }[_CODECS[number % 4]]
        found[f"{number}.txt"] = bytes([number]) + b"\0\0\0".join(lines)
    return found


def check_video(content: bytes) -> None:
    """A file of raw frames, or a small video, read to its end as every video is."""
    path = scratch(content, ".y4m")
    video = probe_source(path)
    if video.stream.size[0] * video.stream.size[1] > _MOST_PIXELS:
        return
    damage = Damage()
    for number, _ in enumerate(read_frames(video, damage)):
        if number > 100:
            break
    assert all("\n" not in note for note in damage.notes())


def _raw() -> Mapping[str, bytes]:
    frame = b"FRAME\n" + bytes(range(16)) + bytes(8)
    heads = ("W4 H4 F24:1 C420", "W4 H4 F30000:1001 It A4:3 C420mpeg2 XCOLORRANGE=FULL", "W4 H4 F25:1 Cmono")
    found = {f"{k}.y4m": f"YUV4MPEG2 {head}\n".encode() + frame * 3 for k, head in enumerate(heads)}
    return {**found, "plain.nut": video_files()["plain.nut"]}


def _packets() -> Mapping[str, bytes]:
    return {
        "nal": b"\0\0\0\1\x67abc\0\0\0\1\x68abc\0\0\1\x65" + bytes(range(1, 90)),
        "lengths": b"\0\0\0\4\x67abc\0\0\0\4\x68abc",
        "obus": b"\x12\0\x0a\x03abc\x32\x05abcde",
        "adts": b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(20),
        "exif": b"II*\0\x08\0\0\0\2\0\x0f\1\2\0\4\0\0\0abc\0\0\1\3\0\1\0\0\0\4\0\0\0\0\0\0\0",
        "statement": str(_PROVENANCE).encode(),
    }


HARNESSES = (
    Harness("matroska", check_matroska, padded),
    Harness("boxes", check_boxes, partial(originals, ".mp4", ".mov", ".avi", ".flv")),
    Harness("transport", check_transport, partial(originals, ".ts")),
    Harness("packet", check_packet, _packets),
    Harness("subtitles", check_subtitles, _texts),
    Harness("video", check_video, _raw),
)
