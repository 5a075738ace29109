"""Checking a written video before it is moved into place: everything in it must be what was meant to be written."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    content_metadata,
    is_cover,
    is_timecode,
    muxer_options,
    writable_matrix,
    writable_metadata,
    writable_stream_metadata,
)
from subpixel.video.hdr import DisplayMetadata, Light, Mastering, unwritten_display_metadata
from subpixel.video.muxing import cut_chapters
from subpixel.video.packet_content import content_of, may_be_repacked
from subpixel.video.packets import read_packets
from subpixel.video.sound_check import SoundMeasure, compare_sounds
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.text_conversion import TextConverter
from subpixel.video.time_range import Span
from subpixel.video.transcoding import transcode
from subpixel.video.video_file import Stream, VideoFile, VideoStream, open_video, probe

__all__ = ["find_differences"]

# The time of a packet without one.
_NO_TIME = -(1 << 63)

# The most packets of a stream that may have the same time.
_MAX_EQUAL_TIMES = 16

# The most decoding errors that are listed.
_MAX_ERRORS = 3


def find_differences(
    video: VideoFile,
    path: Path,
    times: Sequence[Any],
    expected: VideoStream,
    selection: StreamSelection,
    *,
    time_base: Fraction | None = None,
    decode: bool = True,
) -> list[str]:
    """Compare a written video with what it was meant to be.

    Each file's packets are read once. 20 bytes are held in memory for each packet, whatever its size.

    Args:
        video: the source.
        path: the written file.
        times: of the image's frames on the source's clock: seconds as Fractions, or integers of ``time_base``.
        expected: size, pixel format, aspect and tags of the upscaled image. Its matrix is the source's.
        selection: the streams that were copied, and the part of the video that was written.
        time_base: of ``times`` if they are integers; None for that of the source's image.
        decode: decode the image to find its frames and their times. Otherwise its packets are counted, which is many
            times faster but does not find packets that cannot be decoded.

    Returns:
        A sentence for each difference.

    Raises:
        VideoReadError: the source can no longer be read.
    """
    streams = _wanted_streams(video, selection)
    try:
        result = probe(path, streams.index(video.streams[video.main]))
    except VideoReadError as error:
        return [f"it cannot be read back: {error}"]
    pairs, found = _pair_streams(video, result, selection, streams)
    found += _compare_image(video, result.stream, expected, selection)
    found += _compare_descriptions(video, result, selection, pairs)
    found += _compare_chapters(video, result, selection)
    before = _source_content(video, [stream for stream, _ in pairs], selection)
    after, frames, errors = _result_content(result, pairs, selection, decode)
    found += errors
    unit = _start_unit(selection, video)
    wanted = sorted(_seconds(time, time_base or video.stream.time_base, video, selection.span) for time in times)
    have = [None if time is None else time * result.stream.time_base for time in frames]
    shift = Fraction(0) if selection.container.negative_times else _shift(have, wanted)
    for stream, copy in pairs:
        if copy.index in after.attachments:
            found += _compare_attachments(stream, before, after.attachments[copy.index])
        elif stream.index in before.sounds:
            measures = before.sounds[stream.index], after.sounds[copy.index]
            found += compare_sounds(stream, selection.sounds[stream.index], *measures, unit, shift)
        elif stream.index in before.packets:
            found += _compare_packets(stream, before.packets[stream.index], after.packets[copy.index], unit, shift)
    tolerance = _tolerance(video.stream.time_base, result.stream.time_base, unit)
    found += _compare_times([None if time is None else time - shift for time in have], wanted, tolerance)
    if not unwritten_display_metadata(selection.codec, video.display):
        found += _compare_display_metadata(video.display, result.display)
    return found


@dataclass
class _Packets:
    """The packets of a stream, in few bytes each."""

    time_base: Fraction
    codec: str
    digest: Any = field(default_factory=hashlib.sha256)
    sums: array[int] = field(default_factory=lambda: array("I"))
    times: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))

    def add(self, packet: Any) -> None:
        content = content_of(self.codec, bytes(packet))
        if self.codec == "mov_text" and content == b"\0\0":
            return  # a pause between two subtitles, which writers add
        if not may_be_repacked(self.codec):
            self.digest.update(len(content).to_bytes(8, "little"))
        self.digest.update(content)
        self.sums.append(zlib.crc32(content))
        self.times.append(_NO_TIME if packet.pts is None else packet.pts)
        self.durations.append(packet.duration or 0)


class _Content:
    """What is compared of some streams of an open file: packets, sounds and attachments, by the stream's index.

    Args:
        container: the open file.
        streams: the source's streams by the index of those in this file.
        selection: what becomes of them.
    """

    def __init__(self, container: Any, streams: Iterable[tuple[int, Stream]], selection: StreamSelection) -> None:
        self.packets: dict[int, _Packets] = {}
        self.sounds: dict[int, SoundMeasure] = {}
        self.attachments: dict[int, bytes | None] = {}
        for index, stream in streams:
            if container.streams[index].type == "attachment":
                self.attachments[index] = getattr(container.streams[index], "data", None)
            elif stream.index in selection.sounds:
                self.sounds[index] = SoundMeasure(container.streams[index])
            elif not is_timecode(stream):
                self.packets[index] = _Packets(container.streams[index].time_base, selection.codec_of(stream))

    @property
    def indices(self) -> set[int]:
        """Of the streams whose packets are read."""
        return {*self.packets, *self.sounds}

    def add(self, index: int, packet: Any) -> None:
        """Take the next packet of a stream."""
        (self.sounds[index] if index in self.sounds else self.packets[index]).add(packet)

    def finish(self) -> None:
        """Take what decoders still hold."""
        for sound in self.sounds.values():
            sound.finish()


def _source_content(video: VideoFile, streams: Sequence[Stream], selection: StreamSelection) -> _Content:
    """The content of the source's streams as it was meant to be written: subtitles are converted once more."""
    if video.images is not None:
        return _Content(None, (), selection)
    with open_video(video.path) as container:
        content = _Content(container, ((stream.index, stream) for stream in streams), selection)
        packets = read_packets(container, content.indices, selection.span, timeline=video.timeline)
        converters = {
            index: TextConverter(container.streams[index], video.streams[index].codec, after)
            for index, after in selection.texts.items()
        }
        for index, packet in transcode(packets, converters):
            content.add(index, packet)
        content.finish()
    return content


def _result_content(
    result: VideoFile, pairs: Sequence[tuple[Stream, Stream]], selection: StreamSelection, decode: bool
) -> tuple[_Content, list[int | None], list[str]]:
    """The content of the written file, the times of its frames, and errors in decoding them; all in one pass."""
    frames: list[int | None] = []
    errors: list[str] = []
    with open_video(result.path) as container:
        content = _Content(container, ((copy.index, stream) for stream, copy in pairs), selection)
        image = container.streams[result.main]
        image.thread_type = "AUTO"
        for packet in read_packets(container, {*content.indices, result.main}):
            if packet.stream_index != result.main:
                content.add(packet.stream_index, packet)
            elif decode:
                frames += _decoded_times(image, packet, errors)
            else:
                frames.append(packet.pts)
        if decode:
            frames += _decoded_times(image, None, errors)
        content.finish()
    return content, frames, errors[:_MAX_ERRORS]


def _decoded_times(image: Any, packet: Any, errors: list[str]) -> list[int | None]:
    try:
        return [frame.pts for frame in image.decode(packet)]
    except av.error.FFmpegError as error:
        if not isinstance(error, av.error.EOFError):
            errors.append(f"the image cannot be decoded ({os_error_text(error)})")
        return []


def _wanted_streams(video: VideoFile, selection: StreamSelection) -> list[Stream]:
    """The image and the selected streams in the order of the written file: covers and attachments come last."""
    last = [stream for stream in selection.streams if _comes_last(stream)]
    order = [video.main, *(stream.index for stream in selection.streams if stream not in last)]
    streams = {stream.index: stream for stream in video.streams}
    return [streams[index] for index in sorted(order)] + last


def _pair_streams(
    video: VideoFile, result: VideoFile, selection: StreamSelection, wanted: Sequence[Stream]
) -> tuple[list[tuple[Stream, Stream]], list[str]]:
    """Each selected stream and its copy."""
    output = [stream for stream in result.streams if not _is_added_by_writer(stream, selection)]
    if len(output) != len(wanted):
        return [], [f"it has {len(output)} streams, not {len(wanted)}: {', '.join(map(str, output))}"]
    return [pair for pair in zip(wanted, output, strict=True) if pair[0].index != video.main], []


def _comes_last(stream: Stream) -> bool:
    return stream.kind == "attachment" or is_timecode(stream) or is_cover(stream)


def _is_added_by_writer(stream: Stream, selection: StreamSelection) -> bool:
    """Whether it is a track that QuickTime's writer makes of chapters or timecodes."""
    if stream.kind != "data" or selection.container.format not in ("mp4", "mov"):
        return False
    if is_timecode(stream):
        return not any(map(is_timecode, selection.streams))
    return stream.chapters


def _compare_image(video: VideoFile, have: VideoStream, want: VideoStream, selection: StreamSelection) -> Iterator[str]:
    # The pixel format of RGB implies the matrix and the range, so not every container stores them.
    yuv = not av.VideoFormat(want.pix_fmt).is_rgb
    for name, value, wanted in (
        ("size", "×".join(map(str, have.size)), "×".join(map(str, want.size))),
        ("pixel format", _without_range(have.pix_fmt), _without_range(want.pix_fmt)),
        ("colour primaries", have.tags.primaries, want.tags.primaries),
        ("transfer function", have.tags.transfer, want.tags.transfer),
        ("colour matrix", have.tags.matrix if yuv else None, want.tags.matrix if yuv else None),
        ("display matrix", have.matrix, writable_matrix(selection.container, video.stream)),
    ):
        if value != wanted:
            yield f"the image's {name} is {value}, not {wanted}"
    aspect, wanted_aspect = have.aspect or Fraction(1), want.aspect or Fraction(1)
    if not _same_aspect(aspect, wanted_aspect, selection):
        yield f"the image's sample aspect ratio is {aspect}, not {wanted_aspect}"
    # If unspecified, codes have limited range.
    if yuv and bool(have.tags.full_range) != bool(want.tags.full_range):
        yield f"the image's range is {_range_name(have.tags.full_range)}, not {_range_name(want.tags.full_range)}"


def _same_aspect(have: Fraction, want: Fraction, selection: StreamSelection) -> bool:
    """Whether they are equal. From Matroska, libavformat reads the nearest ratio of numbers up to 255."""
    if selection.codec in ASPECT_CODECS or selection.container.aspect == "written":
        return have == want
    return not selection.container.aspect or abs(have / want - 1) < Fraction(1, 1000)


def _without_range(pix_fmt: str) -> str:
    """libavcodec has names of its own for 8 bits of full range."""
    return pix_fmt.replace("yuvj", "yuv")


def _range_name(full: bool | None) -> str:
    return "full" if full else "limited"


def _compare_descriptions(
    video: VideoFile,
    result: VideoFile,
    selection: StreamSelection,
    pairs: list[tuple[Stream, Stream]],
) -> Iterator[str]:
    """Compare codecs, metadata and dispositions of the streams, and the metadata of the video."""
    container = selection.container
    covers = any(map(is_cover, selection.streams))
    want = writable_metadata(container, video, covers, selection.late)
    yield from _compare_metadata("the video", content_metadata(result.metadata), want)
    main = (video.streams[video.main], result.streams[result.main])
    for stream, output in [main, *pairs]:
        if stream.index != video.main and not _is_of_format(stream, output, selection.codec_of(stream)):
            yield f"{stream} became {output}"
        if is_cover(stream) or is_timecode(stream):
            continue
        want = writable_stream_metadata(container, stream, selection.late)
        yield from _compare_metadata(str(stream), content_metadata(output.metadata), want)
        wanted = selection.flags_of(stream)
        have = output.flags & (container.dispositions | wanted)
        # If no stream of a kind is marked as default, MP4 marks the first.
        if have != wanted and not (have == wanted | 1 and container.format in ("mp4", "mov")):
            yield f"the disposition of {stream} is {_flag_names(have)}, not {_flag_names(wanted)}"


def _is_of_format(stream: Stream, output: Stream, codec: str) -> bool:
    """Whether kind and codec are those meant. libavformat reads attached images of some formats as mere attachments."""
    if is_cover(stream) and output.kind == "attachment":
        return True
    return (output.kind, _family(output.codec)) == (stream.kind, _family(codec))


def _family(codec: str) -> str:
    """MP4 has one number for all layers of MPEG audio."""
    return "mp1, mp2, mp3" if codec in ("mp1", "mp2", "mp3") else codec


def _flag_names(flags: int) -> str:
    return ", ".join(flag.name or "" for flag in av.stream.Disposition if flag & flags) or "empty"


def _compare_metadata(what: str, have: Mapping[str, str], want: Mapping[str, str]) -> Iterator[str]:
    values = _normalise(have)
    for key, value in _normalise(want).items():
        if values.get(key) != value:
            yield f"{what} has {_quote(values.get(key))} as {key}, not {_quote(value)}"


def _normalise(metadata: Mapping[str, str]) -> dict[str, str]:
    """Keys as Matroska and MP4 both have them. An undetermined language is the same as none."""
    result = {key.lower(): value for key, value in metadata.items()}
    if "name" in result:
        result.setdefault("title", result.pop("name"))
    if result.get("language") == "und":
        del result["language"]
    return result


def _quote(text: str | None) -> str:
    return "nothing" if text is None else "“" + text.encode("utf-8", "replace").decode() + "”"


def _compare_chapters(video: VideoFile, result: VideoFile, selection: StreamSelection) -> Iterator[str]:
    want = cut_chapters(video.chapters, selection.span) if selection.container.chapters else ()
    if len(result.chapters) != len(want):
        yield f"it has {len(result.chapters)} chapters, not {len(want)}"
        return
    for number, (output, chapter) in enumerate(zip(result.chapters, want, strict=True), start=1):
        # Ends are not compared: MP4 does not store them.
        tolerance = max(Fraction(1, 1000), output.time_base)
        if abs(output.start * output.time_base - chapter.start * chapter.time_base) > tolerance:
            start = chapter.start * chapter.time_base
            yield f"chapter {number} begins at {_time_text(output.start * output.time_base)}, not {_time_text(start)}"
        if _normalise(output.metadata).get("title") != _normalise(chapter.metadata).get("title"):
            titles = (_normalise(each.metadata).get("title") for each in (output, chapter))
            yield "the title of chapter {} is {}, not {}".format(number, *map(_quote, titles))


def _compare_attachments(stream: Stream, before: _Content, after: bytes | None) -> Iterator[str]:
    """Compare an attachment with the source's; a cover image can become one."""
    if stream.index in before.attachments:
        same = before.attachments[stream.index] == after
    else:
        same = after is not None and list(before.packets[stream.index].sums) == [zlib.crc32(after)]
    if not same:
        yield f"{stream} is not the source's"


def _compare_packets(
    stream: Stream, before: _Packets, after: _Packets, unit: Fraction, shift: Fraction
) -> Iterator[str]:
    if len(before.sums) != len(after.sums) and not may_be_repacked(stream.codec):
        yield f"{stream} has {len(after.sums)} packets, not {len(before.sums)}"
        return
    if before.digest.digest() != after.digest.digest():
        number = next((n for n, (a, b) in enumerate(zip(before.sums, after.sums, strict=False)) if a != b), 0)
        yield f"{stream} is not the source's: packet {number} is the first that differs"
    if is_cover(stream):
        return
    first = slice(0, 1) if may_be_repacked(stream.codec) else slice(None)
    tolerance = _tolerance(before.time_base, after.time_base, unit)
    if shift:
        tolerance += after.time_base
    last = _NO_TIME
    for number, (a, b) in enumerate(zip(before.times[first], after.times[first], strict=True)):
        last, equal = max(a, last), a <= last
        if a == _NO_TIME or (equal and b != _NO_TIME and _was_separated(a, b, before, after, shift)):
            continue
        have, want = b * after.time_base - shift, a * before.time_base
        if b == _NO_TIME or abs(have - want) > tolerance:
            text = _time_text(None if b == _NO_TIME else have)
            yield f"packet {number} of {stream} is at {text}, not at {_time_text(want)}"
            break
    if stream.kind == "subtitle":
        for number, (a, b) in enumerate(zip(before.durations, after.durations, strict=True)):
            have, want = b * after.time_base, a * before.time_base
            if abs(want - have) > before.time_base + after.time_base:
                yield f"packet {number} of {stream} lasts {_time_text(have)}, not {_time_text(want)}"
                break


def _was_separated(a: int, b: int, before: _Packets, after: _Packets, shift: Fraction) -> bool:
    """Whether the distance of two times is due to packets of equal times, each written a tick after the one before."""
    late = b * after.time_base - shift - a * before.time_base
    return 0 <= late <= before.time_base + _MAX_EQUAL_TIMES * after.time_base


def _shift(have: Sequence[Fraction | None], wanted: Sequence[Fraction]) -> Fraction:
    """How far a container without negative times shifted everything: as far as the first frame, and never back."""
    first = min((time for time in have if time is not None), default=None)
    return max(Fraction(0), first - wanted[0]) if first is not None and wanted else Fraction(0)


def _compare_times(found: Sequence[Fraction | None], wanted: Sequence[Fraction], tolerance: Fraction) -> Iterator[str]:
    have = sorted(time for time in found if time is not None)
    if len(found) != len(wanted):
        yield f"it has {len(found)} frames, not {len(wanted)}"
    if len(have) != len(found):
        yield f"{len(found) - len(have)} of its frames have no time"
    for number, (time, want) in enumerate(zip(have, wanted, strict=False)):
        if abs(time - want) > tolerance:
            yield f"frame {number} is at {_time_text(time)}, not at {_time_text(want)}"
            break
    equal = sum(1 for a, b in pairwise(have) if a == b)
    if equal and len(set(wanted)) == len(wanted):
        yield f"{equal} of its frames have the time of the frame before"


def _tolerance(before: Fraction, after: Fraction, unit: Fraction) -> Fraction:
    """Half a tick; nothing if every tick of the source is a multiple of the ticks written.

    MP4 rounds the beginning of a track down to a unit of its own, less than 0.1 ms.
    """
    exact = (before / after).denominator == 1 and (unit == 0 or (before / unit).denominator == 1)
    return Fraction(0) if exact else after / 2 + unit


def _start_unit(selection: StreamSelection, video: VideoFile) -> Fraction:
    """The unit in which the container stores where a track begins; 0 if it is the track's own."""
    options = muxer_options(selection.container, video, False)
    return Fraction(1, int(options["movie_timescale"])) if "movie_timescale" in options else Fraction(0)


def _seconds(time: Any, time_base: Fraction, video: VideoFile, span: Span) -> Fraction:
    seconds = Fraction(time) if isinstance(time, Fraction) else int(time) * time_base
    return seconds - span.shift(video.stream.time_base) * video.stream.time_base


def _compare_display_metadata(want: Sequence[DisplayMetadata], have: Sequence[DisplayMetadata]) -> Iterator[str]:
    kinds: tuple[tuple[type[DisplayMetadata], str], ...] = (
        (Mastering, "mastering display"),
        (Light, "content light level"),
    )
    for kind, name in kinds:
        old = next((each for each in want if isinstance(each, kind)), None)
        new = next((each for each in have if isinstance(each, kind)), None)
        if not (old == new or (old is not None and new is not None and old.near(new))):
            yield f"the {name} is {new or 'missing'}, not {old or 'missing'}"


def _time_text(seconds: Fraction | None) -> str:
    return "no time" if seconds is None else f"{float(seconds):.6f} s"
