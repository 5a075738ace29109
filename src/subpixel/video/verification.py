"""Reading a written video back, before success is said: what is in it must be what was to be."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from subpixel.errors import VideoReadError
from subpixel.storage.os_errors import os_error_text
from subpixel.video.containers import (
    ASPECT_CODECS,
    Container,
    content_metadata,
    is_cover,
    is_timecode,
    muxer_options,
    writable_matrix,
    writable_metadata,
    writable_stream_metadata,
)
from subpixel.video.hdr import Light, Mastering, display_metadata, unwritten_display_metadata
from subpixel.video.muxing import cut_chapters
from subpixel.video.packets import Span, may_be_repacked, read_packets, window_shift, without_adts_header
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.video_file import Stream, VideoFile, VideoStream, first_frame, open_video, probe

__all__ = ["find_differences"]

# No time: libavformat has packets without one.
_NONE = -(1 << 63)

# How many packets of a stream may be at one time.
_RUN = 16


def find_differences(
    video: VideoFile,
    written: Path,
    times: Sequence[Any],
    expected: VideoStream,
    kept: StreamSelection,
    window: tuple[Fraction, Fraction] | None = None,
    *,
    time_base: Fraction | None = None,
    decode: bool = True,
) -> list[str]:
    """What differs between a written video and what it was to be, a sentence each.

    Packets are read once from both files. For each of them 20 bytes are remembered, whatever their size.

    Args:
        video: the source.
        written: the file.
        times: of the image's frames on the source's clock: seconds as Fractions, or integers of ``time_base``.
        expected: size, pixel format, aspect and tags of the upscaled image; its matrix is the source's.
        kept: what went along.
        window: the part that was written, in seconds; the file's times begin at 0 there.
        time_base: of ``times`` if they are integers; the image's of the source if None.
        decode: count frames and take their times by decoding them; else by packets, which is many times faster and
            does not see that one of them cannot be decoded.

    Raises:
        VideoReadError: the source cannot be read any more.
    """
    try:
        result = probe(written)
    except VideoReadError as error:
        return [f"it cannot be read again: {error}"]
    pairs, found = _paired(video, result, kept)
    found += _image(video, result.stream, expected, kept)
    found += _described(video, result, kept, pairs, window)
    found += _chapters(video, result, kept.container, window)
    before = _contents(video.path, {stream.index: stream for stream, _ in pairs if _has_packets(stream)}, window)
    packets, frames, wrong = _demuxed(result, pairs, decode)
    found += wrong
    unit = _unit(kept, video)
    wanted = sorted(_seconds(time, time_base or video.stream.time_base, video, window) for time in times)
    have = [None if time is None else time * result.stream.time_base for time in frames]
    shift = Fraction(0) if kept.container.negative else _shift(have, wanted)
    for stream, twin in pairs:
        if _has_packets(stream):
            found += _compared(stream, before[stream.index], packets[twin.index], unit, shift)
    tolerance = _tolerance(video.stream.time_base, result.stream.time_base, unit)
    found += _frames([None if time is None else time - shift for time in have], wanted, tolerance)
    found += _attachments(video.path, written, pairs)
    values = display_metadata(first_frame(video.path))
    if not unwritten_display_metadata(kept.codec, values):
        found += _static(values, display_metadata(first_frame(written)))
    return found


@dataclass
class _Content:
    """Packets of a stream, in few bytes each."""

    time_base: Fraction
    codec: str
    whole: Any = field(default_factory=hashlib.sha256)
    sums: array[int] = field(default_factory=lambda: array("I"))
    times: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))

    def add(self, packet: Any) -> None:
        content = without_adts_header(self.codec, bytes(packet))
        if self.codec == "mov_text" and content == b"\0\0":
            return  # a pause between two subtitles, which whoever writes them adds
        if not may_be_repacked(self.codec):
            self.whole.update(len(content).to_bytes(8, "little"))
        self.whole.update(content)
        self.sums.append(zlib.crc32(content))
        self.times.append(_NONE if packet.pts is None else packet.pts)
        self.durations.append(packet.duration or 0)


def _has_packets(stream: Stream) -> bool:
    return stream.kind != "attachment" and not is_timecode(stream)


def _contents(path: Path, streams: Mapping[int, Stream], window: Span | None) -> dict[int, _Content]:
    with open_video(path) as container:
        found = {i: _Content(container.streams[i].time_base, stream.codec) for i, stream in streams.items()}
        for packet in read_packets(container, set(streams), window):
            found[packet.stream_index].add(packet)
    return found


def _demuxed(
    result: VideoFile, pairs: list[tuple[Stream, Stream]], decode: bool
) -> tuple[dict[int, _Content], list[int | None], list[str]]:
    """The other streams' packets of the written file, and the times of its frames, in one pass."""
    frames: list[int | None] = []
    wrong: list[str] = []
    with open_video(result.path) as container:
        found = {
            twin.index: _Content(container.streams[twin.index].time_base, stream.codec)
            for stream, twin in pairs
            if _has_packets(stream)
        }
        image = container.streams[result.main]
        image.thread_type = "AUTO"
        for packet in read_packets(container, {*found, result.main}):
            if packet.stream_index != result.main:
                found[packet.stream_index].add(packet)
            elif decode:
                frames += _decoded(image, packet, wrong)
            else:
                frames.append(packet.pts)
        if decode:
            frames += _decoded(image, None, wrong)
    return found, frames, wrong[:3]


def _decoded(image: Any, packet: Any, wrong: list[str]) -> list[int | None]:
    try:
        return [frame.pts for frame in image.decode(packet)]
    except av.error.FFmpegError as error:
        if not isinstance(error, av.error.EOFError):
            wrong.append(f"the image cannot be decoded ({os_error_text(error)})")
        return []


def _paired(
    video: VideoFile, result: VideoFile, kept: StreamSelection
) -> tuple[list[tuple[Stream, Stream]], list[str]]:
    """Each kept stream and what it became. Covers and attachments come last, whatever the source's order."""
    last = [stream for stream in kept.streams if _comes_last(stream, kept.container)]
    order = [video.main, *(stream.index for stream in kept.streams if stream not in last)]
    streams = {stream.index: stream for stream in video.streams}
    wanted = [streams[index] for index in sorted(order)] + last
    output = [stream for stream in result.streams if not _made_by_writer(stream, video, result, kept)]
    if len(output) != len(wanted):
        return [], [f"it has {len(output)} streams, not {len(wanted)}: {', '.join(map(str, output))}"]
    if result.main != wanted.index(video.streams[video.main]):
        return [], [f"its image is stream {result.main}, not {wanted.index(video.streams[video.main])}"]
    both = list(zip(wanted, output, strict=True))
    return [pair for pair in both if pair[0].index != video.main], []


def _comes_last(stream: Stream, container: Container) -> bool:
    return stream.kind == "attachment" or is_timecode(stream) or is_cover(stream)


def _made_by_writer(stream: Stream, video: VideoFile, result: VideoFile, kept: StreamSelection) -> bool:
    """Tracks that QuickTime's writer makes of chapters and timecodes."""
    if stream.kind != "data" or kept.container.format not in ("mp4", "mov"):
        return False
    if is_timecode(stream):
        return not any(map(is_timecode, kept.streams))
    return stream.codec == "bin_data" and bool(result.chapters)


def _image(video: VideoFile, video_stream: VideoStream, expected: VideoStream, kept: StreamSelection) -> Iterator[str]:
    container = kept.container
    for name, have, want in (
        ("size", "×".join(map(str, video_stream.size)), "×".join(map(str, expected.size))),
        ("pixel format", _unranged(video_stream.pix_fmt), _unranged(expected.pix_fmt)),
        ("colour primaries", video_stream.tags.primaries, expected.tags.primaries),
        ("transfer function", video_stream.tags.transfer, expected.tags.transfer),
        ("matrix of colours", video_stream.tags.matrix, expected.tags.matrix),
        ("display matrix", video_stream.matrix, writable_matrix(container, video.stream)),
    ):
        if have != want:
            yield f"the image's {name} is {have}, not {want}"
    if not _same_aspect(video_stream.aspect, expected.aspect, kept):
        yield f"the image's sample aspect ratio is {video_stream.aspect}, not {expected.aspect}"
    # Without a word, codes are of limited range.
    if bool(video_stream.tags.full_range) != bool(expected.tags.full_range):
        yield f"the image's range is {_range(video_stream.tags.full_range)}, not {_range(expected.tags.full_range)}"


def _same_aspect(have: Fraction, want: Fraction, kept: StreamSelection) -> bool:
    """Equal; where it stands in Matroska, libavformat reads it as the nearest ratio of numbers up to 255."""
    if kept.codec in ASPECT_CODECS or kept.container.aspect == "written":
        return have == want
    return not kept.container.aspect or abs(have / want - 1) < Fraction(1, 1000)


def _unranged(pix_fmt: str) -> str:
    """libavcodec has names of their own for 8 bits of full range."""
    return pix_fmt.replace("yuvj", "yuv")


def _range(full: bool | None) -> str:
    return "full" if full else "limited"


def _described(
    video: VideoFile, result: VideoFile, kept: StreamSelection, pairs: list[tuple[Stream, Stream]], window: Span | None
) -> Iterator[str]:
    """Codec, metadata and marks of the streams, and the metadata of the video."""
    covers = any(map(is_cover, kept.streams))
    want = writable_metadata(kept.container, video, covers, window)
    yield from _metadata("the video", content_metadata(result.metadata), want)
    main = (video.streams[video.main], result.streams[result.main])
    for stream, output in [main, *pairs]:
        if stream.index != video.main and (output.kind, _family(output.codec)) != (stream.kind, _family(stream.codec)):
            yield f"{stream} became {output}"
        if is_cover(stream) or is_timecode(stream):
            continue
        yield from _metadata(
            str(stream), content_metadata(output.metadata), writable_stream_metadata(kept.container, stream, window)
        )
        flags = kept.container.dispositions
        have, marks = output.flags & flags, stream.flags & flags
        # MP4 shows the first of each kind where none is marked.
        if have != marks and not (have == marks | 1 and kept.container.format in ("mp4", "mov")):
            yield f"{stream} is marked {_marks(have)}, not {_marks(marks)}"


def _family(codec: str) -> str:
    """MP4 has one number for all layers of MPEG audio."""
    return "mp1, mp2, mp3" if codec in ("mp1", "mp2", "mp3") else codec


def _marks(flags: int) -> str:
    return ", ".join(flag.name or "" for flag in av.stream.Disposition if flag & flags) or "with nothing"


def _metadata(what: str, have: Mapping[str, str], want: Mapping[str, str]) -> Iterator[str]:
    values = _lowered(have)
    for key, value in _lowered(want).items():
        if values.get(key) != value:
            yield f"{what} says {_quoted(values.get(key))} under {key}, not {_quoted(value)}"


def _lowered(metadata: Mapping[str, str]) -> dict[str, str]:
    """Keys as Matroska and MP4 both have them; what is not said of a language is that it is undetermined."""
    lowered = {key.lower(): value for key, value in metadata.items()}
    if "name" in lowered:
        lowered.setdefault("title", lowered.pop("name"))
    if lowered.get("language") == "und":
        del lowered["language"]
    return lowered


def _quoted(text: str | None) -> str:
    return "nothing" if text is None else "“" + text.encode("utf-8", "replace").decode() + "”"


def _chapters(video: VideoFile, result: VideoFile, container: Container, window: Span | None) -> Iterator[str]:
    want = cut_chapters(video.chapters, window) if container.chapters else ()
    if len(result.chapters) != len(want):
        yield f"it has {len(result.chapters)} chapters, not {len(want)}"
        return
    for number, (output, chapter) in enumerate(zip(result.chapters, want, strict=True), start=1):
        # Where one ends, MP4 does not say: the next begins, or the video ends.
        tolerance = max(Fraction(1, 1000), output.time_base)
        if abs(output.start * output.time_base - chapter.start * chapter.time_base) > tolerance:
            start = chapter.start * chapter.time_base
            yield f"chapter {number} begins at {_time(output.start * output.time_base)}, not {_time(start)}"
        if _lowered(output.metadata).get("title") != _lowered(chapter.metadata).get("title"):
            titles = (_lowered(each.metadata).get("title") for each in (output, chapter))
            yield "chapter {} is called {}, not {}".format(number, *map(_quoted, titles))


def _compared(stream: Stream, before: _Content, after: _Content, unit: Fraction, shift: Fraction) -> Iterator[str]:
    if len(before.sums) != len(after.sums) and not may_be_repacked(stream.codec):
        yield f"{stream} has {len(after.sums)} packets, not {len(before.sums)}"
        return
    if before.whole.digest() != after.whole.digest():
        number = next((n for n, (a, b) in enumerate(zip(before.sums, after.sums, strict=False)) if a != b), 0)
        yield f"{stream} is not the source's: packet {number} is the first that differs"
    if is_cover(stream):
        return
    first = slice(0, 1) if may_be_repacked(stream.codec) else slice(None)
    tolerance = _tolerance(before.time_base, after.time_base, unit)
    if shift:
        tolerance += after.time_base
    last = _NONE
    for number, (a, b) in enumerate(zip(before.times[first], after.times[first], strict=True)):
        last, together = max(a, last), a <= last
        if a == _NONE or (together and b != _NONE and _moved_behind(a, b, before, after, shift)):
            continue
        have, want = b * after.time_base - shift, a * before.time_base
        if b == _NONE or abs(have - want) > tolerance:
            yield f"packet {number} of {stream} is at {_time(None if b == _NONE else have)}, not at {_time(want)}"
            break
    if stream.kind == "subtitle":
        for number, (a, b) in enumerate(zip(before.durations, after.durations, strict=True)):
            if abs(a * before.time_base - b * after.time_base) > before.time_base + after.time_base:
                have, want = b * after.time_base, a * before.time_base
                yield f"packet {number} of {stream} lasts {_time(have)}, not {_time(want)}"
                break


def _moved_behind(a: int, b: int, before: _Content, after: _Content, shift: Fraction) -> bool:
    """Packets at one time follow each other, a tick later each; a run of them is short."""
    late = b * after.time_base - shift - a * before.time_base
    return 0 <= late <= before.time_base + _RUN * after.time_base


def _shift(have: Sequence[Fraction | None], wanted: Sequence[Fraction]) -> Fraction:
    """How far all is moved by a container without times below 0: as far as the image's first frame, never back."""
    first = min((time for time in have if time is not None), default=None)
    return max(Fraction(0), first - wanted[0]) if first is not None and wanted else Fraction(0)


def _frames(found: Sequence[Fraction | None], wanted: Sequence[Fraction], tolerance: Fraction) -> Iterator[str]:
    have = sorted(time for time in found if time is not None)
    if len(found) != len(wanted):
        yield f"it has {len(found)} frames, not {len(wanted)}"
    if len(have) != len(found):
        yield f"{len(found) - len(have)} of its frames have no time"
    for number, (time, want) in enumerate(zip(have, wanted, strict=False)):
        if abs(time - want) > tolerance:
            yield f"frame {number} is at {_time(time)}, not at {_time(want)}"
            break
    doubled = sum(1 for a, b in pairwise(have) if a == b)
    if doubled and len(set(wanted)) == len(wanted):
        yield f"{doubled} of its frames are at the time of the one before"


def _tolerance(before: Fraction, after: Fraction, unit: Fraction) -> Fraction:
    """Half a tick; nothing where each tick of the source is an integer of those written.

    Where a track begins is rounded down to a unit of its own in MP4, less than 0.1 ms.
    """
    exact = (before / after).denominator == 1 and (unit == 0 or (before / unit).denominator == 1)
    return Fraction(0) if exact else after / 2 + unit


def _unit(kept: StreamSelection, video: VideoFile) -> Fraction:
    """The unit in which the container says where a track begins, 0 if it is that of the track."""
    options = muxer_options(kept.container, video, False)
    return Fraction(1, int(options["movie_timescale"])) if "movie_timescale" in options else Fraction(0)


def _seconds(time: Any, time_base: Fraction, video: VideoFile, window: Span | None) -> Fraction:
    seconds = Fraction(time) if isinstance(time, Fraction) else int(time) * time_base
    return seconds - window_shift(window, video.stream.time_base) * video.stream.time_base


def _attachments(before: Path, after: Path, pairs: list[tuple[Stream, Stream]]) -> Iterator[str]:
    attached = [pair for pair in pairs if pair[0].kind == "attachment"]
    if not attached:
        return
    with open_video(before) as source, open_video(after) as container:
        for stream, twin in attached:
            have, want = container.streams[twin.index], source.streams[stream.index]
            if getattr(have, "data", None) != want.data:
                yield f"{stream} is not the source's"


def _static(want: Sequence[Mastering | Light], have: Sequence[Mastering | Light]) -> Iterator[str]:
    """What is said of the display that a video was made for."""
    kinds: tuple[tuple[type[Mastering] | type[Light], str], ...] = (
        (Mastering, "the display it was graded on"),
        (Light, "how bright its content is"),
    )
    for kind, name in kinds:
        old = next((each for each in want if isinstance(each, kind)), None)
        new = next((each for each in have if isinstance(each, kind)), None)
        if not (old == new or (old is not None and new is not None and old.near(new))):
            yield f"what is said of {name} is {new or 'nothing'}, not {old or 'nothing'}"


def _time(seconds: Fraction | None) -> str:
    return "no time" if seconds is None else f"{float(seconds):.6f} s"
