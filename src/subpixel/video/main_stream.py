"""The stream of a file that is upscaled: which of several video streams is the video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from subpixel.errors import InvalidArgument, VideoReadError

__all__ = ["is_image_item", "main_stream", "upscalable_streams"]

# Brands of HEIF (ISO/IEC 23008-12): files of still images, which may hold a sequence beside them.
_IMAGE_BRANDS = {"avif", "avis", "heic", "heix", "hevc", "hevx", "mif1", "msf1"}

_FLAGS = av.stream.Disposition
# Streams that stand beside a video: its cover, images of its chapters, stills, and what belongs to another stream.
_BESIDE = _FLAGS.attached_pic | _FLAGS.timed_thumbnails | _FLAGS.still_image | _FLAGS.dependent


def main_stream(container: Any, path: Path, index: int | None = None) -> Any:
    """The stream that is upscaled.

    Of several streams that can be decoded it is the one marked as default, then the one with the most pixels, then the
    longest, then the first.

    Args:
        container: an open file.
        path: named in errors.
        index: of the stream, if that is known; None to choose.

    Raises:
        VideoReadError: there is no video stream, or none that can be decoded.
        InvalidArgument: the stream of that index is none of them.
    """
    streams = upscalable_streams(container)
    if streams and index not in (None, *(stream.index for stream in streams)):
        there = ", ".join(map(_described, streams))
        raise InvalidArgument(f"stream={index}: {path} has no such video stream; it has {there}")
    streams = [stream for stream in streams if index in (None, stream.index)]
    if not streams and any(is_image_item(container, stream) for stream in container.streams.video):
        raise VideoReadError(f"{path}: this is an image; use subpixel upscale")
    if not streams:
        raise VideoReadError(f"{path}: has no video stream")
    able = [stream for stream in streams if stream.codec_context is not None]
    if not able:
        raise VideoReadError(f"{path}: no decoder for its video stream is available")
    return max(able, key=_rank)


def upscalable_streams(container: Any) -> list[Any]:
    """The streams that may be the video: all video streams but those that stand beside one."""
    streams = (stream for stream in container.streams.video if not stream.disposition & _BESIDE)
    return [stream for stream in streams if not is_image_item(container, stream)]


def _described(stream: Any) -> str:
    """The number, codec, size and language of a video stream."""
    context, language = stream.codec_context, stream.metadata.get("language", "und")
    known = () if context is None else (context.codec.canonical_name, f"{context.width}×{context.height}")
    words = ", ".join([*known, *([language.encode("utf-8", "replace").decode()] if language != "und" else [])])
    return f"{stream.index} ({words})" if words else str(stream.index)


def is_image_item(container: Any, stream: Any) -> bool:
    """Whether a stream is a still image of an AVIF or a HEIC, which libavformat shows as a stream without a length."""
    brand = container.metadata.get("major_brand", "").strip()
    return stream.type == "video" and brand in _IMAGE_BRANDS and stream.duration is None


def _rank(stream: Any) -> tuple[bool, int, Fraction, int]:
    context = stream.codec_context
    length = Fraction(0) if stream.duration is None else stream.duration * stream.time_base
    return bool(stream.disposition & _FLAGS.default), context.width * context.height, length, -stream.index
