"""Subtitles that are converted: their words, times and styles are compared with the source and with ffmpeg's result."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from subpixel.upscaler import Upscaler
from subpixel.video import estimate_job, upscale_file
from subpixel.video.job import Job
from subpixel.video.muxing import mux_video
from subpixel.video.text_conversion import TextConverter, conversion_losses
from subpixel.video.verification import find_differences
from subpixel.video.video_file import open_video, probe
from video import clips
from video.tracks import Encoded, packet_times, select

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg as an oracle")
MS = Fraction(1, 1000)

# (start, length, words) in milliseconds, in SubRip.
LINES = [
    (500, 300, 'Hello <i>there</i> & "you"\nsecond line'),
    (1000, 500, "<b>bold</b> and <u>under</u>"),
    (1700, 250, "Ünï © 日本 🎞"),
    (2000, 100, "plain"),
]
WORDS = ['Hello there & "you"\nsecond line', "bold and under", "Ünï © 日本 🎞", "plain"]
# The suffix of a result, and the format that text has in it.
TARGETS = {".mp4": "mov_text", ".mov": "mov_text", ".mkv": "subrip", ".webm": "webvtt"}
FORMATS = {"subrip": ".mkv", "ass": ".mkv", "webvtt": ".mkv", "mov_text": ".mp4"}


def ffmpeg(*words: Any) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True)


def source(path: Path, lines: Sequence[tuple[int, int, str | bytes]], codec: str = "subrip", **metadata: str) -> Path:
    """A video of 3 s with subtitles, whose packets are given."""

    def others(out: Any) -> Callable[[Any], None]:
        stream = out.add_mux_stream(codec)
        stream.time_base = MS
        stream.metadata.update(metadata)
        stream.disposition = 1

        def write(_out: Any) -> None:
            for start, length, words in lines:
                packet = av.Packet(words if isinstance(words, bytes) else words.encode())
                packet.stream, packet.time_base = stream, MS
                packet.pts = packet.dts = start
                packet.duration, packet.is_keyframe = length, True
                out.mux(packet)

        return write

    return clips.make_clip(path, times=range(0, 72, 6), others=others)


def events(path: Path, number: int = 0) -> list[tuple[Fraction, Fraction, str]]:
    """Start, end and words of each event, without styles."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[number]
        found = []
        for packet in container.demux(stream):
            if not packet.size or bytes(packet) == b"\0\0":
                continue
            start = packet.pts * packet.time_base
            text = b"".join(each.dialogue for each in packet.decode()).decode()
            words = re.sub(r"\{[^}]*\}", "", text.replace("\\N", "\n")).strip()
            found.append((start, start + packet.duration * packet.time_base, words))
    return found


def near(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= MS


@needs_ffmpeg
@pytest.mark.parametrize("suffix", TARGETS)
@pytest.mark.parametrize("before", FORMATS)
def test_words_times_and_styles_are_those_of_ffmpeg(tmp_path: Path, before: str, suffix: str) -> None:
    plain = source(tmp_path / "plain.mkv", LINES, language="eng", title="Talk")
    path = tmp_path / f"in{FORMATS[before]}"
    ffmpeg("-i", plain, "-map", 0, "-c:v", "copy", "-c:s", before, path)
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", preset="8" if suffix == ".webm" else None)
    after = TARGETS[suffix]
    kept = before == after or (before, suffix) in (("ass", ".mkv"), ("webvtt", ".mkv"))
    notes = [note for note in result.notes if note.startswith("subtitle stream 1 ")]
    assert [f"is converted to {after}" in note for note in notes if "metadata" not in note] == ([] if kept else [True])
    have = events(result.destination)
    assert [words for _, _, words in have] == WORDS
    for (start, end, _), (begin, length, _) in zip(have, LINES, strict=True):
        assert near(start, begin * MS)
        assert near(end, (begin + length) * MS)
    with av.open(str(result.destination)) as container:
        stream = container.streams.subtitles[0]
        assert stream.codec_context.codec.canonical_name == (before if kept else after)
        assert (stream.language, int(stream.disposition)) == ("eng", 1)
        if suffix == ".mkv" and before != "mov_text":
            assert stream.metadata["title"] == "Talk"
        contents = [bytes(p) for p in container.demux(stream) if p.size and bytes(p) != b"\0\0"]
    if kept:
        return  # a copy, which other tests compare with the source
    oracle = tmp_path / f"oracle{suffix}"
    video = ["-c:v", "libvpx-vp9", "-deadline", "realtime"] if suffix == ".webm" else ["-c:v", "copy"]
    ffmpeg("-i", path, "-map", 0, *video, "-c:s", after, oracle)
    with av.open(str(oracle)) as container:
        wanted = [bytes(p) for p in container.demux(subtitles=0) if p.size and bytes(p) != b"\0\0"]
    assert [each.replace(b"\r", b"") for each in contents] == [each.replace(b"\r", b"") for each in wanted]


def shown(found: Sequence[tuple[Fraction, Fraction, str]], time: Fraction) -> list[str]:
    return sorted(line for start, end, words in found if start <= time < end for line in words.split("\n"))


@pytest.mark.parametrize(
    "lines",
    [
        [(0, 1000, "a"), (500, 1000, "b"), (1200, 100, "c"), (1250, 1000, "d")],
        [(100, 500, "a"), (100, 500, "b"), (100, 200, "c")],
        [(0, 3000, "all"), (500, 100, "b"), (700, 100, "c"), (2900, 50, "<i>d</i>")],
        [(0, 100, "a"), (100, 100, "b"), (100, 100, "b too"), (300, 100, "c")],
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_overlapping_events_are_shown_together(tmp_path: Path, lines: list[tuple[int, int, str]], suffix: str) -> None:
    path = source(tmp_path / "in.mkv", lines)
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic")
    before, after = events(path), events(result.destination)
    for tick in range(5, 3000, 10):
        assert shown(after, tick * MS) == shown(before, tick * MS), tick
    ends = [0, *(end for _, end, _ in after)]
    assert all(start >= end for (start, _, _), end in zip(after, ends, strict=False))


def test_styles_of_joined_events_stay_with_their_words(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", [(0, 1000, "日 <b>one</b>"), (500, 1000, "two <i>three</i>")])
    result = upscale_file(path, tmp_path / "out.mp4", model="bicubic")
    with av.open(str(result.destination)) as container:
        lines = [s.ass for p in container.demux(subtitles=0) if p.size for s in p.decode()]
    assert b"{\\b1}one" in lines[1]
    assert b"two {\\i1}three" in lines[1]


def test_an_event_without_an_end_lasts_to_the_next(tmp_path: Path) -> None:
    with open_video(source(tmp_path / "in.mkv", LINES)) as container:
        converter = TextConverter(container.streams[1], "subrip", "mov_text")
        found = []
        for start, length, words in [(100, 0, b"a"), (700, 200, b"b"), (1000, 0, b"c")]:
            packet = av.Packet(words)
            packet.pts = packet.dts = start
            packet.duration, packet.time_base = length, MS
            found += converter.push(packet)
        found += converter.flush()
    assert [(p.pts, p.duration, bytes(p)) for p in found] == [
        (100, 600, b"\0\1a"),
        (700, 200, b"\0\1b"),
        (1000, 5000, b"\0\1c"),
    ]


ASS = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    b"Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
    b"MarginV, Encoding\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\n\n[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    b"Dialogue: 0,0:00:00.10,0:00:00.50,Default,,0,0,0,,{\\pos(10,20)}a\\hb{\\i1}c\n"
    b"Dialogue: 0,0:00:00.60,0:00:00.90,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}\n"
    b"Dialogue: 0,0:00:01.00,0:00:01.50,Default,,0,0,0,,x{\\p2}m 0 0{\\p0}y, with, commas\n"
)


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_drawings_and_codes_of_ass_are_no_words(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "a.ass").write_bytes(ASS)
    ffmpeg(
        "-i",
        clips.plain(tmp_path / "plain.mkv"),
        "-i",
        tmp_path / "a.ass",
        "-c:v",
        "copy",
        "-c:s",
        "copy",
        tmp_path / "in.mkv",
    )
    result = upscale_file(tmp_path / "in.mkv", tmp_path / f"out{suffix}", model="bicubic")
    assert [words for _, _, words in events(result.destination)] == ["a\N{NO-BREAK SPACE}bc", "xy, with, commas"]
    assert "positions and effects are not" in result.notes[0]


BROKEN = [
    (100, 200, b"caf\xe9"),  # no UTF-8
    (400, 200, b"one\0two"),
    (700, 200, b""),
    (900, 200, b"{\\an8}<b><i"),
    (1200, 200, b"\xff" * 70000),
    (1500, 200, b"good"),
]


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_broken_text_is_named_once(tmp_path: Path, suffix: str) -> None:
    path = source(tmp_path / "in.mkv", BROKEN)
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", preset="8" if suffix == ".webm" else None)
    words = [words for _, _, words in events(result.destination)]
    assert words[:2] == ["caf\N{REPLACEMENT CHARACTER}", "onetwo"]
    assert words[-1] == "good"
    mended = [note for note in result.notes if "are damaged or no UTF-8; what can be read stays" in note]
    left = [
        note for note in result.notes if "of subtitle stream 1 (subrip) are left out: they cannot be converted" in note
    ]
    assert (len(mended), len(left)) == (1, int(suffix == ".mp4"))


MOV_TEXT = [
    (0, 200, b"\0\x05Hello"),
    (200, 200, b"\0\x04\xfe\xff\0A"),  # UTF-16
    (400, 200, b"\0\x09cut"),
    (600, 200, b"\0\x03abc\0\0\0\0styl\0\1\0\6"),  # a box of no length
    (800, 200, b"\0\x03abc\xff\xff\xff\xffstyl\xff\xff"),
    (1000, 200, b"\0\x03a\xe9c\0\0\0\x16styl\0\1\0\0\0\1\0\1\1\x10\xff\xff\xff\xff"),
    (1200, 200, b"\0"),
    (1400, 200, b"\0\x03end"),
]


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_broken_text_of_mp4(tmp_path: Path, suffix: str) -> None:
    path = source(tmp_path / "in.mp4", MOV_TEXT, "mov_text")
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", preset="8" if suffix == ".webm" else None)
    words = [words for _, _, words in events(result.destination)]
    assert words == ["Hello", "A", "cut", "abc", "abc", "a\N{REPLACEMENT CHARACTER}c", "end"]
    assert sum("what can be read stays" in note for note in result.notes) == 1


@pytest.mark.parametrize("seed", range(8))
def test_noise_never_ends_a_run(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    pieces = [b"{\\", b"}", b"<font color=", b"\0", b"\xff", b"styl", b",,,", b"\\N", b"&amp", b"\xf0\x9f", b"a", b"\n"]
    lines = [
        (200 * n, rng.choice((0, 100, 500)), b"".join(rng.choices(pieces, k=rng.randrange(30))) or b"x")
        for n in range(12)
    ]
    codec = ("subrip", "webvtt", "ass", "mov_text")[seed % 4]
    path = source(tmp_path / f"in{FORMATS[codec]}", lines, codec)
    for suffix in (".mkv", ".webm") if codec == "mov_text" else (".mp4", ".mkv", ".webm"):
        preset = "8" if suffix == ".webm" else None
        result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", preset=preset)
        assert [stream.kind for stream in probe(result.destination).streams] == ["video", "subtitle"]


def test_a_part_of_a_video(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", LINES)
    result = upscale_file(path, tmp_path / "out.mp4", model="bicubic", start=1.25, end=1.8)
    have = events(result.destination)
    assert [(start, words) for start, _, words in have] == [(Fraction(9, 20), WORDS[2])]


def test_bitmaps_stay_left_out(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", [(0, 100, b"\x16\0\0")], "hdmv_pgs_subtitle")
    result = upscale_file(path, tmp_path / "out.mp4", model="bicubic")
    assert result.notes[0].startswith("subtitle stream 1 (hdmv_pgs_subtitle) is left out: MP4 cannot hold it")


def test_a_dry_run_lists_what_is_converted(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", LINES)
    estimate = estimate_job(Job(path, Upscaler(2, model="bicubic"), tmp_path / "out.mp4"))
    assert (estimate.copied, estimate.changed) == ((), ("subtitle stream 1 (subrip) as mov_text",))
    assert any("is converted to mov_text" in note for note in estimate.notes)


def test_a_spoiled_subtitle_is_found(tmp_path: Path) -> None:
    path, out = source(tmp_path / "in.mkv", LINES), tmp_path / "out.mp4"
    video = probe(path)
    track, selection = Encoded(video, packet_times(video)), select(video, out, "libx264")
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    mux_video(video, track, out, selection)
    assert find_differences(video, out, track.times, expected, selection) == []
    content = out.read_bytes()
    assert content.count(b"plain") == 1
    out.write_bytes(content.replace(b"plain", b"plait"))
    (difference,) = find_differences(video, out, track.times, expected, selection)
    assert difference.startswith("subtitle stream 1 (subrip) is not the source's: packet 3")
    other = source(tmp_path / "other.mkv", [(start + 40, length, words) for start, length, words in LINES])
    moved = probe(other)
    mux_video(moved, Encoded(moved, packet_times(moved)), out, select(moved, out, "libx264"))
    assert any(
        "packet 0 of subtitle" in each for each in find_differences(video, out, track.times, expected, selection)
    )


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("ass", "mov_text", "positions and effects"),
        ("subrip", "webvtt", "colours, fonts and positions"),
        ("mov_text", "subrip", "boxes and karaoke"),
        ("webvtt", "mov_text", "positions, regions and voices"),
    ],
)
def test_losses(before: str, after: str, lost: str) -> None:
    assert conversion_losses(before, after) == lost
