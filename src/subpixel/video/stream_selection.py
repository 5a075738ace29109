"""What of a given video goes into a container.

What a container holds of a given stream is found by trial: libavformat writes its header to memory.
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
from subpixel.video.packets import Span
from subpixel.video.video_file import Stream, VideoFile, open_video

__all__ = ["StreamSelection", "select_streams"]


@dataclass(frozen=True)
class StreamSelection:
    """What of a video goes along into a container: the streams, and a sentence for each thing that cannot.

    ``codec`` is libavcodec's name of the encoder of the image.
    """

    container: Container
    codec: str
    streams: tuple[Stream, ...]
    notes: tuple[str, ...]

    @property
    def copied(self) -> tuple[Stream, ...]:
        """The streams whose packets are copied: a track of timecodes is made anew by whoever writes QuickTime."""
        return tuple(stream for stream in self.streams if not is_timecode(stream))


def select_streams(
    video: VideoFile, container: Container, codec_name: str, window: Span | None = None
) -> StreamSelection:
    """What of a video a container holds.

    Args:
        video: the source.
        container: where its upscaled image goes.
        codec_name: libavcodec's name of what the image is encoded by.
        window: the part of it that is written, in seconds; None for all.

    Raises:
        InvalidArgument: the container does not hold such an image.
        VideoReadError: the video cannot be read any more.
    """
    _check_codec(container, codec_name)
    streams: list[Stream] = []
    notes: list[str] = []
    with open_video(video.path) as source:
        for stream in video.others:
            if _is_chapters(video, stream):
                continue
            reason = _refusal(source, stream, container)
            if reason is None:
                streams.append(stream)
            else:
                notes.append(_note(source, stream, container, codec_name, reason))
    notes += _lost(video, container, streams)
    if window is not None and window[0] > 0 and any("timecode" in stream.metadata for stream in video.streams):
        streams = [stream for stream in streams if not is_timecode(stream)]
        notes.append("the timecode is that of the whole video's first frame, and is left out of a part of it")
    return StreamSelection(container, codec_name, tuple(streams), tuple(notes))


def _check_codec(container: Container, codec_name: str) -> None:
    if not _holds_codec(container, codec_name):
        others = ", ".join(str(other) for other in CONTAINERS if _holds_codec(other, codec_name))
        would = f"; it goes into {others}" if others else ""
        raise InvalidArgument(f"{container} does not hold an image encoded by {codec_name}{would}")


def _holds_codec(container: Container, codec_name: str) -> bool:
    with av.open(io.BytesIO(), "w", format=container.format) as out:
        try:
            out.add_mux_stream(codec_name, width=64, height=64)
        except ValueError:
            return False
    return True


def _is_chapters(video: VideoFile, stream: Stream) -> bool:
    """The track in which QuickTime writes the titles of chapters; whoever writes chapters makes one."""
    return (
        stream.kind == "data"
        and stream.codec == "bin_data"
        and bool(video.chapters)
        and video.format.startswith("mov,")
    )


def _refusal(source: Any, stream: Stream, container: Container) -> str | None:
    """Why a container does not hold a stream, None if it does."""
    template = source.streams[stream.index]
    if is_timecode(stream):
        return None if container.format in ("mp4", "mov") else "it is said by the image's metadata instead"
    if stream.kind == "attachment":
        return None if container.attachments else "it has no attachments"
    if is_cover(stream) and container.attachments:
        return None if stream.codec in COVERS else "its kind of image is none that is attached"
    if is_cover(stream) and container.format != "mp4":
        return "it has no covers"
    out = av.open(io.BytesIO(), "w", format=container.format)
    try:
        copy = out.add_stream_from_template(template, opaque=True)
        copy.disposition = stream.flags
        out.start_encoding()
    except ValueError as error:
        if isinstance(error, av.error.FFmpegError):
            return os_error_text(error)
        return "no codec here knows its kind" if template.codec_context is None else "it does not hold this codec"
    except av.error.FFmpegError as error:
        return os_error_text(error)
    finally:
        _abandon(out)
    return None


def _abandon(out: Any) -> None:
    """Close what was a trial; without a single packet some writers cannot finish."""
    try:
        out.close()
    except (ValueError, av.error.FFmpegError):
        return


def _note(source: Any, stream: Stream, container: Container, codec_name: str, reason: str) -> str:
    if is_timecode(stream):
        return f"{stream} is kept in {container} as the image's metadata: timecode {stream.metadata['timecode']}"
    others = ", ".join(
        str(other)
        for other in CONTAINERS
        if other != container and _holds_codec(other, codec_name) and _refusal(source, stream, other) is None
    )
    would = f"{others} would hold it" if others else "no container that is written here would hold it"
    return f"{stream} cannot go into {container} ({reason}) and is left out; {would}"


def _lost(video: VideoFile, container: Container, streams: list[Stream]) -> list[str]:
    """What is said of the video and its streams and has no place in the container, a sentence each."""
    notes = []
    if video.chapters and not container.chapters:
        notes.append(f"{container} has no chapters; the {len(video.chapters)} of the video are left out")
    if video.stream.matrix is not None and writable_matrix(container, video.stream) is None:
        notes.append(f"{container} does not hold how the image is to be turned for showing")
    if not container.negative and any(stream.kind == "audio" for stream in streams):
        notes.append(f"{container} has no times below 0: if a stream begins there, all are moved by as much")
    covers = any(map(is_cover, streams))
    lost = sorted(set(content_metadata(video.metadata)) - set(writable_metadata(container, video, covers)))
    if lost:
        notes.append(f"{container} has no place for what the video says under {', '.join(map(_printable, lost))}")
    for stream in video.streams:
        if stream.index != video.main and stream not in streams:
            continue
        if is_cover(stream) or is_timecode(stream):
            continue
        lost = sorted(
            set(content_metadata(stream.metadata)) - set(writable_stream_metadata(container, stream)) - {"name"}
        )
        if lost:
            notes.append(f"{container} has no place for what {stream} says under {', '.join(map(_printable, lost))}")
        flags = stream.flags & ~container.dispositions
        if flags:
            names = ", ".join(flag.name or "" for flag in av.stream.Disposition if flag & flags)
            notes.append(f"{container} has no place for how {stream} is marked ({names})")
    return notes


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
