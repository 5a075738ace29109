"""The file that is written: the upscaled image, and beside it every kept stream's packets as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av

from subpixel.errors import SubpixelError, VideoWriteError
from subpixel.storage.os_errors import os_error_text
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
from subpixel.video.packets import Span, read_packets, window_shift
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.video_file import Chapter, Stream, VideoFile, open_video

__all__ = ["Track", "cut_chapters", "mux_video"]

# A packet, and the stream of the output it goes to.
_Going = tuple[Any, Any]


class Track(Protocol):
    """The upscaled image, encoded."""

    @property
    def codec(self) -> str:
        """libavcodec's name of the encoder, such as ``libx264``."""

    def add_to(self, container: Any) -> Any:
        """Add the stream, with all that the encoder says of it, to an output container; return it."""

    def packets(self) -> Iterator[Any]:
        """Packets in decoding order, with pts, dts, duration and time base, on the source stream's clock."""


def mux_video(
    video: VideoFile,
    track: Track,
    destination_scratch: Path,
    kept: StreamSelection,
    window: tuple[Fraction, Fraction] | None = None,
) -> None:
    """Write a video anew around its upscaled image.

    Streams come in the source's order, interleaved by time; nothing is held in memory but a second of packets.

    Args:
        video: the source; its other streams are read from the file again.
        track: the image.
        destination_scratch: the file to write. It stays, half written, when this raises.
        kept: what goes along, and into which container.
        window: (start, end) in seconds: the part that the track has the image of. All times, the track's too, are
            moved so that it begins at 0.

    Raises:
        VideoWriteError: it cannot be written; the sentence says why.
        VideoReadError: the source cannot be read any more.
    """
    covers = any(map(is_cover, kept.streams))
    options = muxer_options(kept.container, video, covers)
    try:
        with (
            open_video(video.path) as source,
            _created(destination_scratch, kept.container, options) as out,
        ):
            out.metadata.update(writable_metadata(kept.container, video, covers, window))
            if kept.container.chapters:
                out.set_chapters(
                    [_as_libav(n, chapter) for n, chapter in enumerate(cut_chapters(video.chapters, window))]
                )
            targets = _add_streams(video, track, source, out, kept, window)
            image = targets.pop(video.main)
            aspect = _unwritten_aspect(video, track, image, kept.container)
            if aspect is not None:
                image.metadata["title"] = pad_name(image.metadata.get("title", ""))
            number = image.index
            out.start_encoding()
            others = ((targets[packet.stream_index], packet) for packet in read_packets(source, set(targets), window))
            images = ((image, packet) for packet in _moved(track.packets(), window))
            clocks: dict[int, int] = {}
            for target, packet in _merged(images, others):
                packet.stream = target
                if target is not image:
                    _in_order(packet, target, clocks, 0 if kept.container.together else 1)
                out.mux(packet)
        if aspect is not None:
            set_aspect(destination_scratch, number, aspect)
    except SubpixelError:
        raise
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise VideoWriteError(f"{destination_scratch}: cannot be written ({os_error_text(error)})") from None


def cut_chapters(chapters: tuple[Chapter, ...], window: Span | None) -> tuple[Chapter, ...]:
    """Chapters of a part of a video, their times moved so that it begins at 0."""
    if window is None:
        return chapters
    found = []
    for chapter in chapters:
        first, last = (round(edge / chapter.time_base) for edge in window)
        if chapter.start < last and chapter.end > first:
            start, end = max(chapter.start, first) - first, min(chapter.end, last) - first
            found.append(Chapter(start, end, chapter.time_base, chapter.metadata))
    return tuple(found)


@contextmanager
def _created(path: Path, container: Container, options: dict[str, str]) -> Iterator[Any]:
    out = av.open(str(path), "w", format=container.format, container_options=options, metadata_errors="surrogateescape")
    try:
        yield out
    except BaseException:
        # The first failure is the one to tell of.
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
    video: VideoFile, track: Track, source: Any, out: Any, kept: StreamSelection, window: Span | None
) -> dict[int, Any]:
    """Streams of the output by the index of those of the source that are copied to them, the image among them."""
    targets: dict[int, Any] = {}
    going = {stream.index for stream in kept.copied}
    for stream in video.streams:
        if stream.index == video.main:
            result = track.add_to(out)
            _describe_image(video, kept, result, window)
            targets[stream.index] = result
        elif stream.index not in going:
            continue
        elif stream.kind == "attachment":
            _attach(out, stream, source.streams[stream.index].data)
        elif is_cover(stream) and kept.container.attachments:
            _attach(out, stream, _cover(video.path, stream.index))
        else:
            result = out.add_stream_from_template(source.streams[stream.index], opaque=True)
            result.disposition = stream.flags
            result.metadata.clear()
            result.metadata.update(writable_stream_metadata(kept.container, stream, window))
            targets[stream.index] = result
    return targets


def _describe_image(video: VideoFile, kept: StreamSelection, result: Any, window: Span | None) -> None:
    stream = video.streams[video.main]
    result.metadata.update(writable_stream_metadata(kept.container, stream, window))
    result.disposition = stream.flags
    matrix = writable_matrix(kept.container, video.stream)
    if matrix is not None:
        result.set_display_matrix(matrix)


def _unwritten_aspect(video: VideoFile, track: Track, image: Any, container: Container) -> Fraction | None:
    """The shape of pixels that are not square, where neither the image's code nor libavformat says it."""
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


def _moved(packets: Iterator[Any], window: Span | None) -> Iterator[Any]:
    for packet in packets:
        shift = window_shift(window, packet.time_base)
        packet.pts -= shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        yield packet


def _in_order(packet: Any, target: Any, clocks: dict[int, int], apart: int) -> None:
    """A packet that is not so many ticks after the one before it in its stream is moved there.

    Ticks of Matroska are longer than some packets of sound, and damaged files go back in time; writers refuse both.
    """
    if packet.dts is None:
        return
    ratio = packet.time_base / target.time_base
    ticks = _nearest(packet.dts * ratio)
    last = clocks.get(target.index)
    if last is not None and ticks < last + apart:
        ticks = last + apart
        packet.dts = ticks
        packet.pts = None if packet.pts is None else max(ticks, _nearest(packet.pts * ratio))
        packet.duration = _nearest((packet.duration or 0) * ratio)
        packet.time_base = target.time_base
    clocks[target.index] = ticks


def _nearest(value: Fraction) -> int:
    return int((value + Fraction(1, 2)) // 1)


def _merged(images: Iterator[_Going], others: Iterator[_Going]) -> Iterator[_Going]:
    """Both by the time at which they are decoded; what has no time goes at once."""
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


def _time(packet: Any, otherwise: Fraction) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return otherwise if ticks is None else Fraction(ticks * packet.time_base)
