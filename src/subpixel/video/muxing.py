"""Writing the result: the upscaled image, and the packets of all selected streams, copied or transcoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import av

from subpixel.errors import SubpixelError, VideoWriteError
from subpixel.storage.os_errors import os_error_text
from subpixel.video.container_input import file_url
from subpixel.video.containers import (
    ASPECT_CODECS,
    COVERS,
    Container,
    is_cover,
    muxer_options,
    writable_matrix,
    writable_metadata,
    writable_stream_metadata,
)
from subpixel.video.matroska import TrackFacts, edit_tracks, pad_name
from subpixel.video.packets import read_packets
from subpixel.video.priming import Priming
from subpixel.video.scheduling import ordinary_scheduling
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.time_range import Span
from subpixel.video.transcoding import Transcoder, add_transcoded, transcode
from subpixel.video.video_file import Chapter, Stream, VideoFile, open_video

__all__ = ["Track", "cut_chapters", "mux_video"]

# The unit of times in Matroska as libavformat writes it.
_MATROSKA_TICK = Fraction(1, 1000)

# A stream of the output, and a packet for it.
_StreamPacket = tuple[Any, Any]


class Track(Protocol):
    """The upscaled image, encoded."""

    @property
    def codec(self) -> str:
        """libavcodec's name of the encoder, such as ``libx264``."""

    def add_to(self, container: Any) -> Any:
        """Add the stream, with the encoder's parameters, to an output container; return the stream."""

    def packets(self) -> Iterator[Any]:
        """Packets in decoding order, with pts, dts and duration in the source stream's time base."""


def mux_video(
    video: VideoFile,
    track: Track,
    path: Path,
    selection: StreamSelection,
    own_metadata: Mapping[str, str] | None = None,
    name: Path | None = None,
) -> list[str]:
    """Write a video file of the upscaled image and the source's other streams.

    Streams keep the source's order. Packets are interleaved by time; only about a second of them is held in memory.

    Args:
        video: the source; its other streams are read from the file.
        track: the upscaled image.
        path: the file to write. If writing fails, an incomplete file is left there.
        selection: the streams to copy, the container, and the part of the video that the track covers. All times, also
            those of the track, are shifted by it.
        own_metadata: about the file itself, beside the source's; None for none.
        name: of the file in errors; None for its path.

    Returns:
        A sentence for each stream with packets that were left out, or that was damaged where it was encoded.

    Raises:
        VideoWriteError: the file cannot be written.
        VideoReadError: the source can no longer be read.
    """
    container = selection.container
    covers = any(map(is_cover, selection.streams))
    before: Counter[int] = Counter()
    priming = Priming(_MATROSKA_TICK)
    try:
        with (
            nullcontext() if video.images is not None else open_video(video.path) as source,
            _open_output(path, container, muxer_options(container, video, covers)) as out,
        ):
            out.metadata.update({**writable_metadata(container, video, covers, selection.late), **(own_metadata or {})})
            if container.chapters:
                chapters = cut_chapters(video.chapters, selection.span)
                out.set_chapters([_as_libav(number, chapter) for number, chapter in enumerate(chapters)])
            targets, transcoders = _add_streams(video, track, source, out, selection)
            image = targets.pop(video.main)
            facts = _unwritten_facts(video, track, image, selection, targets)
            numbers = {index: _track_number(out, index) for index in facts}
            with ordinary_scheduling():
                out.start_encoding()
            packets: Iterator[Any] = iter(())
            if source is not None:
                packets = read_packets(source, set(targets), selection.span, before, video.timeline)
            copied = {targets[index].index for index in set(targets) - set(transcoders)}
            others = ((targets[index], packet) for index, packet in transcode(packets, transcoders))
            images = ((image, packet) for packet in _shift_packets(track.packets(), selection.span))
            clocks: dict[int, int] = {}
            lengths = _Lengths()
            for target, packet in _merge(images, others):
                if target.index in copied:
                    lengths.complete(packet)
                    if target.index in facts:
                        priming.move(target.index, packet)
                packet.stream = target
                if target is not image:
                    _separate(packet, target, clocks, 0 if container.equal_times else 1)
                out.mux(packet)
        delays = {index: TrackFacts(delay=delay) for index, delay in priming.delays.items()}
        edit_tracks(path, {numbers[index]: each for index, each in {**facts, **delays}.items()})
    except SubpixelError:
        raise
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise VideoWriteError(f"{name or path}: cannot be written ({os_error_text(error)})") from None
    return [
        *(
            f"{number} packets of {video.streams[index]} end before the first frame and are left out"
            for index, number in before.items()
        ),
        *chain.from_iterable(each.notes() for each in transcoders.values()),
    ]


def cut_chapters(chapters: tuple[Chapter, ...], span: Span) -> tuple[Chapter, ...]:
    """The chapters that lie in a span, moved so that its zero becomes 0."""
    result = []
    for chapter in chapters:
        zero = span.shift(chapter.time_base)
        last = None if span.end is None else round(span.end / chapter.time_base)
        if chapter.end > zero and (last is None or chapter.start < last):
            start = max(chapter.start, zero) - zero
            end = (chapter.end if last is None else min(chapter.end, last)) - zero
            result.append(Chapter(start, end, chapter.time_base, chapter.metadata))
    return tuple(result)


@contextmanager
def _open_output(path: Path, container: Container, options: dict[str, str]) -> Iterator[Any]:
    out = av.open(
        file_url(path), "w", format=container.format, container_options=options, metadata_errors="surrogateescape"
    )
    try:
        yield out
    except BaseException:
        # The first error is the one to report; closing often fails for the same reason.
        with suppress(OSError, ValueError, av.error.FFmpegError):
            out.close()
        raise
    out.close()


def _as_libav(number: int, chapter: Chapter) -> dict[str, Any]:
    return {
        "id": number + 1,
        "start": chapter.start,
        "end": chapter.end,
        "time_base": chapter.time_base,
        "metadata": dict(chapter.metadata),
    }


def _add_streams(
    video: VideoFile, track: Track, source: Any, out: Any, selection: StreamSelection
) -> tuple[dict[int, Any], dict[int, Transcoder]]:
    """The output's streams, including the image, and what transcodes those that are not copied.

    Both are by the index of the source's streams that they replace.
    """
    targets: dict[int, Any] = {}
    transcoders: dict[int, Transcoder] = {}
    written = {stream.index for stream in selection.written}
    for stream in video.streams:
        if stream.index == video.main:
            result = track.add_to(out)
            _describe_image(video, selection, result)
            targets[stream.index] = result
        elif stream.index not in written:
            continue
        elif stream.kind == "attachment":
            _attach(out, stream, source.streams[stream.index].data)
        elif is_cover(stream) and selection.container.attachments:
            _attach(out, stream, _cover(video.path, stream.index))
        else:
            result, transcoder = add_transcoded(source.streams[stream.index], stream, selection, out)
            if transcoder is not None:
                transcoders[stream.index] = transcoder
            result.disposition = stream.flags
            result.metadata.clear()
            result.metadata.update(writable_stream_metadata(selection.container, stream, selection.late))
            targets[stream.index] = result
    return targets, transcoders


def _describe_image(video: VideoFile, selection: StreamSelection, result: Any) -> None:
    stream = video.streams[video.main]
    result.metadata.update(writable_stream_metadata(selection.container, stream, selection.late))
    result.disposition = stream.flags | _default_flag(video, selection)
    matrix = writable_matrix(selection.container, video.stream)
    if matrix is not None:
        result.set_display_matrix(matrix)


def _default_flag(video: VideoFile, selection: StreamSelection) -> int:
    """The flag of the default stream, if MP4's writer would otherwise give it to another video stream: the first."""
    others = [stream for stream in selection.streams if stream.kind == "video" and not is_cover(stream)]
    default = int(av.stream.Disposition.default)
    first = all(stream.index > video.main for stream in others)
    free = not any(stream.flags & default for stream in others)
    return default if selection.container.format in ("mp4", "mov") and free and not first else 0


def _unwritten_facts(
    video: VideoFile, track: Track, image: Any, selection: StreamSelection, targets: Mapping[int, Any]
) -> dict[int, TrackFacts]:
    """What must be edited into the finished file, by the index of the stream, whose name is padded for it.

    Sounds may turn out to have no samples that decoders skip: only their packets say so.
    """
    facts = {}
    aspect = _unwritten_aspect(video, track, image, selection.container)
    if aspect is not None:
        facts[image.index] = TrackFacts(aspect)
        image.metadata["title"] = pad_name(image.metadata.get("title", ""))
    if selection.container.delays == "edited" and not selection.late:
        for stream in selection.copied:
            if stream.kind == "audio" and not stream.delay:
                target = targets[stream.index]
                facts[target.index] = TrackFacts()
                target.metadata["title"] = pad_name(target.metadata.get("title", ""))
    return facts


def _track_number(out: Any, index: int) -> int:
    """The number of a stream among the tracks of the file, which attachments are not."""
    return sum(1 for stream in out.streams if stream.index < index and stream.type != "attachment")


def _unwritten_aspect(video: VideoFile, track: Track, image: Any, container: Container) -> Fraction | None:
    """The sample aspect ratio if it is not 1 and neither the packets nor libavformat store it."""
    if container.aspect != "edited" or track.codec in ASPECT_CODECS:
        return None
    context = image.codec_context
    aspect = (context.sample_aspect_ratio if context is not None else None) or video.stream.aspect
    return None if aspect in (None, 1) else aspect


def _attach(out: Any, stream: Stream, content: bytes) -> None:
    mimetype, suffix = COVERS.get(stream.codec, ("application/octet-stream", "bin"))
    name = stream.metadata.get("filename", f"cover.{suffix}")
    result = out.add_attachment(name, stream.metadata.get("mimetype", mimetype), content)
    result.metadata.update(
        {key: value for key, value in stream.metadata.items() if key not in ("filename", "mimetype")}
    )


def _cover(path: Path, index: int) -> bytes:
    with open_video(path) as container:
        for packet in read_packets(container, {index}):
            return bytes(packet)
    return b""


def _shift_packets(packets: Iterator[Any], span: Span) -> Iterator[Any]:
    for packet in packets:
        shift = span.shift(packet.time_base)
        packet.pts -= shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        yield packet


class _Lengths:
    """Completes packets of sound that do not say how long they last, as of ALAC in Matroska.

    MP4 ends a track where its last packet ends: one that lasts no time would be cut away.
    """

    def __init__(self) -> None:
        self._times: dict[int, int] = {}

    def complete(self, packet: Any) -> None:
        """Set the duration of a packet that is still of its source's stream, if it is missing."""
        if packet.stream.type != "audio" or packet.pts is None:
            return
        last = self._times.get(packet.stream_index)
        self._times[packet.stream_index] = packet.pts
        if not packet.duration:
            context = packet.stream.codec_context
            samples = Fraction(context.frame_size or 0, context.sample_rate or 1) / packet.time_base
            packet.duration = max(1, round(samples) or (0 if last is None else packet.pts - last))


def _separate(packet: Any, target: Any, clocks: dict[int, int], distance: int) -> None:
    """Move a packet so that it is at least ``distance`` ticks after the packet before it in its stream.

    Matroska's ticks are longer than some audio packets, and the times of damaged files go back. Writers reject both.
    """
    if packet.dts is None:
        return
    ratio = packet.time_base / target.time_base
    ticks = _nearest(packet.dts * ratio)
    last = clocks.get(target.index)
    if last is not None and ticks < last + distance:
        ticks = last + distance
        packet.dts = ticks
        packet.pts = None if packet.pts is None else max(ticks, _nearest(packet.pts * ratio))
        packet.duration = _nearest((packet.duration or 0) * ratio)
        packet.time_base = target.time_base
    clocks[target.index] = ticks


def _nearest(value: Fraction) -> int:
    return int((value + Fraction(1, 2)) // 1)


def _merge(images: Iterator[_StreamPacket], others: Iterator[_StreamPacket]) -> Iterator[_StreamPacket]:
    """Both sequences in the order of their decoding times; packets without a time come first."""
    waiting = next(others, None)
    for image in images:
        now = _time(image[1], Fraction(0))
        while waiting is not None and _time(waiting[1], now) <= now:
            yield waiting
            waiting = next(others, None)
        yield image
    while waiting is not None:
        yield waiting
        waiting = next(others, None)


def _time(packet: Any, default: Fraction) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return default if ticks is None else Fraction(ticks * packet.time_base)
