"""What a container can hold, found by trial: libavformat writes a small file to memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Any

import av

from subpixel.video.containers import COVERS, Container, is_cover, is_timecode
from subpixel.video.stream_description import StreamDescription, stream_descriptions
from subpixel.video.video_file import Stream, describe_stream

__all__ = ["holds_codec", "holds_sound", "rejection", "stored_flags"]

_NO_SUCH_FORMAT = "it does not hold this format"
_NO_SUCH_DATA = "it does not hold such data"
_STILLS = av.stream.Disposition.timed_thumbnails | av.stream.Disposition.still_image


def holds_codec(container: Container, codec: str) -> bool:
    """Whether a container can hold an image.

    Args:
        container: the container.
        codec: libavcodec's name of the encoder of the image.
    """
    if codec not in av.codecs_available or av.Codec(codec, "w").canonical_name in container.unheld:
        return False
    return _takes(container.format, codec)


@cache
def _takes(container_format: str, codec: str) -> bool:
    """Whether libavformat's writer of a format takes an encoder's packets."""
    with av.open(io.BytesIO(), "w", format=container_format) as out:
        try:
            out.add_mux_stream(codec, width=64, height=64)
        except ValueError:
            return False
    return True


def holds_sound(container: Container, codec: str) -> bool:
    """Whether a container can hold what an encoder of sound writes.

    Args:
        container: the container.
        codec: libavcodec's name of the encoder.
    """
    if codec not in av.codecs_available or av.Codec(codec, "w").canonical_name in container.unheld:
        return False
    return _takes_sound(container.format, codec)


@cache
def _takes_sound(container_format: str, codec: str) -> bool:
    """Whether libavformat's writer of a format takes an encoder's sound; some only say so when they begin."""
    out = av.open(io.BytesIO(), "w", format=container_format)
    try:
        out.add_stream(codec, rate=48000, layout="stereo")
        out.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    finally:
        _abandon(out)
    return True


def rejection(source: Any, stream: Stream, container: Container) -> str | None:
    """Why a container cannot hold a stream; None if it can.

    Args:
        source: the open file of the stream; nothing is read from it.
        stream: the stream.
        container: the container.
    """
    if is_timecode(stream):
        return None if container.format in ("mp4", "mov") else "it becomes metadata of the image"
    if stream.kind == "attachment":
        return None if container.attachments else "it has no attachments"
    if stream.flags & _STILLS:
        return "images of chapters, and stills beside a video, are not written"
    if is_cover(stream):
        return _rejection_of_cover(stream, container)
    template = source.streams[stream.index]
    if stream.kind == "data":
        return _rejection_of_data(template, stream, container)
    if stream.kind == "subtitle" and not container.durations:
        return "it does not store how long subtitles last"
    if stream.codec in container.unheld:
        return _NO_SUCH_FORMAT
    if template.codec_context is None:
        return "its format cannot be copied here"
    return _trial(_copy_of(template), stream, container, io.BytesIO(), packets=False)


def stored_flags(source: Any, stream: Stream, container: Container, codec: str | None = None) -> int:
    """The flags of a stream that it has in a container.

    What a container stores also depends on the kind of the stream, and on its packets' own description: so the copy is
    read back.

    Args:
        source: the open file of the stream; nothing is read from it.
        stream: a stream that the container holds.
        container: the container.
        codec: libavcodec's name of the encoder, if the stream is not copied.
    """
    known = stream.flags & container.dispositions
    plain = not stream.flags & ~int(av.stream.Disposition.default)
    if plain or stream.kind == "attachment" or is_cover(stream) or is_timecode(stream):
        return known
    content, add = io.BytesIO(), _copy_of(source.streams[stream.index])
    if codec is not None:
        add = partial(_stream_of, codec)
    if _trial(add, stream, container, content, packets=True) is not None:
        return known
    content.seek(0)
    try:
        with av.open(content) as result:
            return int(result.streams[0].disposition) & stream.flags
    except (IndexError, av.error.FFmpegError):
        return known


def _rejection_of_cover(stream: Stream, container: Container) -> str | None:
    if not container.attachments and not container.covers:
        return "it has no cover images"
    formats = COVERS if container.attachments else container.covers
    return None if stream.codec in formats else "it has no cover images of this format"


def _rejection_of_data(template: Any, stream: Stream, container: Container) -> str | None:
    """Writers take data that they cannot describe, so that it comes back as something else: it is read back."""
    content = io.BytesIO()
    if _trial(_copy_of(template), stream, container, content, packets=True) is not None:
        return _NO_SUCH_DATA
    content.seek(0)
    try:
        with av.open(content) as result:
            copies = [each for each in result.streams if each.type != "video"]
            descriptions = stream_descriptions(result)
            copy = describe_stream(copies[0], descriptions.get(copies[0].index, StreamDescription()))
    except (IndexError, av.error.FFmpegError):
        return _NO_SUCH_DATA
    return None if (copy.kind, copy.codec) == (stream.kind, stream.codec) else _NO_SUCH_DATA


def _copy_of(template: Any) -> Callable[[Any], Any]:
    """A function that adds a copy of a stream to an output container."""
    return lambda out: out.add_stream_from_template(template, opaque=True)


def _stream_of(codec: str, out: Any) -> Any:
    return out.add_mux_stream(codec, **({"rate": 48000} if av.Codec(codec, "w").type == "audio" else {}))


def _trial(
    add: Callable[[Any], Any], stream: Stream, container: Container, content: Any, *, packets: bool
) -> str | None:
    out = av.open(content, "w", format=container.format)
    try:
        copy = add(out)
        copy.disposition = stream.flags
        out.start_encoding()
        if packets:
            out.mux(_packet(copy))
            out.close()
    except (ValueError, av.error.FFmpegError):
        return _NO_SUCH_FORMAT
    finally:
        _abandon(out)
    return None


def _packet(stream: Any) -> Any:
    packet = av.Packet(bytes(16))
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 0
    packet.duration, packet.is_keyframe = 40, True
    return packet


def _abandon(out: Any) -> None:
    """Close a trial. Some writers raise an error if they got no packet."""
    try:
        out.close()
    except (ValueError, av.error.FFmpegError):
        return
