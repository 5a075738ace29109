"""Which streams of a video its new container can hold.

Whether a container can hold a stream is found by trial: libavformat writes a header for it to memory.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import av

from subpixel.errors import InvalidArgument
from subpixel.storage.os_errors import os_error_text
from subpixel.video.containers import (
    CONTAINERS,
    COVERS,
    Container,
    content_metadata,
    is_cover,
    is_timecode,
    writable_matrix,
    writable_metadata,
    writable_stream_metadata,
)
from subpixel.video.time_range import TimeRange
from subpixel.video.video_file import Stream, VideoFile

__all__ = ["StreamSelection", "holds_codec", "select_streams"]


@dataclass(frozen=True)
class StreamSelection:
    """The streams of a video that go into a container.

    Args:
        container: the container.
        codec: libavcodec's name of the encoder of the image.
        streams: the source's other streams that the container holds.
        notes: a sentence for each thing that it does not hold.
    """

    container: Container
    codec: str
    streams: tuple[Stream, ...]
    notes: tuple[str, ...]

    @property
    def copied(self) -> tuple[Stream, ...]:
        """The streams whose packets are copied. QuickTime's writer makes timecode tracks itself."""
        return tuple(stream for stream in self.streams if not is_timecode(stream))


def select_streams(
    video: VideoFile, source: Any, container: Container, codec: str, time_range: TimeRange | None = None
) -> StreamSelection:
    """Select the streams of a video that a container can hold.

    Args:
        video: the source.
        source: its open container; nothing is read from it.
        container: the container to write.
        codec: libavcodec's name of the encoder of the image.
        time_range: the part of the video that is written; None for all.

    Raises:
        InvalidArgument: the container does not hold an image of that codec.
    """
    _check_codec(container, codec)
    streams: list[Stream] = []
    notes: list[str] = []
    for stream in video.others:
        if _is_chapter_track(video, stream):
            continue
        reason = _rejection(source, stream, container)
        if reason is None:
            streams.append(stream)
        else:
            notes.append(_rejection_note(source, stream, container, codec, reason))
    notes += _lost_metadata(video, container, streams)
    late = time_range is not None and time_range.start > 0
    if late and any("timecode" in stream.metadata for stream in video.streams):
        streams = [stream for stream in streams if not is_timecode(stream)]
        notes.append("the timecode belongs to the video's first frame and is left out of this part")
    return StreamSelection(container, codec, tuple(streams), tuple(notes))


def _check_codec(container: Container, codec: str) -> None:
    if not holds_codec(container, codec):
        others = ", ".join(str(other) for other in CONTAINERS if holds_codec(other, codec))
        hint = f"; {others} can" if others else ""
        raise InvalidArgument(f"{container} cannot hold an image encoded by {codec}{hint}")


def holds_codec(container: Container, codec: str) -> bool:
    """Whether a container holds an image of a codec, by libavcodec's name of its encoder."""
    with av.open(io.BytesIO(), "w", format=container.format) as out:
        try:
            out.add_mux_stream(codec, width=64, height=64)
        except ValueError:
            return False
    return True


def _is_chapter_track(video: VideoFile, stream: Stream) -> bool:
    """Whether it is QuickTime's track of chapter titles. Writers make it themselves when they write chapters."""
    return (
        stream.kind == "data"
        and stream.codec == "bin_data"
        and bool(video.chapters)
        and video.format.startswith("mov,")
    )


def _rejection(source: Any, stream: Stream, container: Container) -> str | None:
    """Why a container cannot hold a stream; None if it can."""
    template = source.streams[stream.index]
    if is_timecode(stream):
        return None if container.format in ("mp4", "mov") else "it becomes metadata of the image"
    if stream.kind == "attachment":
        return None if container.attachments else "it has no attachments"
    if is_cover(stream) and container.attachments:
        return None if stream.codec in COVERS else "it cannot attach images of this format"
    if is_cover(stream) and container.format != "mp4":
        return "it has no cover images"
    out = av.open(io.BytesIO(), "w", format=container.format)
    try:
        copy = out.add_stream_from_template(template, opaque=True)
        copy.disposition = stream.flags
        out.start_encoding()
    except ValueError as error:
        if isinstance(error, av.error.FFmpegError):
            return os_error_text(error)
        return "its codec is unknown here" if template.codec_context is None else "it does not hold this codec"
    except av.error.FFmpegError as error:
        return os_error_text(error)
    finally:
        _abandon(out)
    return None


def _abandon(out: Any) -> None:
    """Close a trial. Some writers raise an error if they got no packet."""
    try:
        out.close()
    except (ValueError, av.error.FFmpegError):
        return


def _rejection_note(source: Any, stream: Stream, container: Container, codec: str, reason: str) -> str:
    if is_timecode(stream):
        return f"{stream} becomes metadata of the image in {container}: timecode {stream.metadata['timecode']}"
    others = ", ".join(
        str(other)
        for other in CONTAINERS
        if other != container and holds_codec(other, codec) and _rejection(source, stream, other) is None
    )
    hint = f"{others} can hold it" if others else "no container that is written here can hold it"
    return f"{stream} is left out: {container} cannot hold it ({reason}); {hint}"


def _lost_metadata(video: VideoFile, container: Container, streams: list[Stream]) -> list[str]:
    """A sentence for everything about the video and its streams that the container has no place for."""
    notes = []
    if video.chapters and not container.chapters:
        notes.append(f"{container} has no chapters; the video's {len(video.chapters)} are left out")
    if video.stream.matrix is not None and writable_matrix(container, video.stream) is None:
        notes.append(f"{container} cannot store how the image is to be rotated")
    if not container.negative_times and any(stream.kind == "audio" for stream in streams):
        notes.append(f"{container} has no negative times: if a stream begins before 0, all streams are shifted alike")
    covers = any(map(is_cover, streams))
    lost = sorted(set(content_metadata(video.metadata)) - set(writable_metadata(container, video, covers)))
    if lost:
        notes.append(f"{container} has no place for the video's metadata {', '.join(map(_printable, lost))}")
    for stream in video.streams:
        if stream.index != video.main and stream not in streams:
            continue
        if is_cover(stream) or is_timecode(stream):
            continue
        lost = sorted(
            set(content_metadata(stream.metadata)) - set(writable_stream_metadata(container, stream)) - {"name"}
        )
        if lost:
            notes.append(f"{container} has no place for the metadata {', '.join(map(_printable, lost))} of {stream}")
        flags = stream.flags & ~container.dispositions
        if flags:
            names = ", ".join(flag.name or "" for flag in av.stream.Disposition if flag & flags)
            notes.append(f"{container} has no place for the disposition of {stream} ({names})")
    return notes


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
