"""Writing the result: the upscaled image, and the packets of all selected streams unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
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
from subpixel.video.matroska import pad_name, set_aspect
from subpixel.video.packets import read_packets
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.time_range import TimeRange, range_shift
from subpixel.video.video_file import Chapter, Stream, VideoFile, open_video

__all__ = ["Track", "cut_chapters", "mux_video"]

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
    time_range: TimeRange | None = None,
) -> None:
    """Write a video file of the upscaled image and the source's other streams.

    Streams keep the source's order. Packets are interleaved by time; only about a second of them is held in memory.

    Args:
        video: the source; its other streams are read from the file.
        track: the upscaled image.
        path: the file to write. If writing fails, an incomplete file is left there.
        selection: the streams to copy, and the container.
        time_range: the part of the video that the track covers; None for all. All times, also those of the track, are
            shifted so that the part begins at 0.

    Raises:
        VideoWriteError: the file cannot be written.
        VideoReadError: the source can no longer be read.
    """
    covers = any(map(is_cover, selection.streams))
    options = muxer_options(selection.container, video, covers)
    try:
        with (
            open_video(video.path) as source,
            _open_output(path, selection.container, options) as out,
        ):
            out.metadata.update(writable_metadata(selection.container, video, covers, time_range))
            if selection.container.chapters:
                out.set_chapters(
                    [_as_libav(n, chapter) for n, chapter in enumerate(cut_chapters(video.chapters, time_range))]
                )
            targets = _add_streams(video, track, source, out, selection, time_range)
            image = targets.pop(video.main)
            aspect = _unwritten_aspect(video, track, image, selection.container)
            if aspect is not None:
                image.metadata["title"] = pad_name(image.metadata.get("title", ""))
            number = image.index
            out.start_encoding()
            others = (
                (targets[packet.stream_index], packet) for packet in read_packets(source, set(targets), time_range)
            )
            images = ((image, packet) for packet in _shift_packets(track.packets(), time_range))
            clocks: dict[int, int] = {}
            for target, packet in _merge(images, others):
                packet.stream = target
                if target is not image:
                    _separate(packet, target, clocks, 0 if selection.container.equal_times else 1)
                out.mux(packet)
        if aspect is not None:
            set_aspect(path, number, aspect)
    except SubpixelError:
        raise
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise VideoWriteError(f"{path}: cannot be written ({os_error_text(error)})") from None


def cut_chapters(chapters: tuple[Chapter, ...], time_range: TimeRange | None) -> tuple[Chapter, ...]:
    """The chapters of a part of a video, shifted so that the part begins at 0."""
    if time_range is None:
        return chapters
    result = []
    for chapter in chapters:
        first = range_shift(time_range, chapter.time_base)
        last = None if time_range.end is None else round(time_range.end / chapter.time_base)
        if chapter.end > first and (last is None or chapter.start < last):
            start = max(chapter.start, first) - first
            end = (chapter.end if last is None else min(chapter.end, last)) - first
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
    video: VideoFile, track: Track, source: Any, out: Any, selection: StreamSelection, time_range: TimeRange | None
) -> dict[int, Any]:
    """The output's streams by the index of the source's streams that they replace, including the image."""
    targets: dict[int, Any] = {}
    copied = {stream.index for stream in selection.copied}
    for stream in video.streams:
        if stream.index == video.main:
            result = track.add_to(out)
            _describe_image(video, selection, result, time_range)
            targets[stream.index] = result
        elif stream.index not in copied:
            continue
        elif stream.kind == "attachment":
            _attach(out, stream, source.streams[stream.index].data)
        elif is_cover(stream) and selection.container.attachments:
            _attach(out, stream, _cover(video.path, stream.index))
        else:
            result = out.add_stream_from_template(source.streams[stream.index], opaque=True)
            result.disposition = stream.flags
            result.metadata.clear()
            result.metadata.update(writable_stream_metadata(selection.container, stream, time_range))
            targets[stream.index] = result
    return targets


def _describe_image(video: VideoFile, selection: StreamSelection, result: Any, time_range: TimeRange | None) -> None:
    stream = video.streams[video.main]
    result.metadata.update(writable_stream_metadata(selection.container, stream, time_range))
    result.disposition = stream.flags
    matrix = writable_matrix(selection.container, video.stream)
    if matrix is not None:
        result.set_display_matrix(matrix)


def _unwritten_aspect(video: VideoFile, track: Track, image: Any, container: Container) -> Fraction | None:
    """The sample aspect ratio if it is not 1 and neither the packets nor libavformat store it."""
    if container.aspect != "edited" or track.codec in ASPECT_CODECS:
        return None
    context = image.codec_context
    aspect = (context.sample_aspect_ratio if context is not None else None) or video.stream.aspect
    return None if aspect == 1 else aspect


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


def _shift_packets(packets: Iterator[Any], time_range: TimeRange | None) -> Iterator[Any]:
    for packet in packets:
        shift = range_shift(time_range, packet.time_base)
        packet.pts -= shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        yield packet


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
