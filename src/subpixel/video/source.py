"""What a video is read from: one file, or images that are its frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.video.images.sequence import find_sequence
from subpixel.video.video_file import VideoFile, open_video, probe_open

__all__ = ["open_source", "probe_source"]


@contextmanager
def open_source(
    path: Path, frame_rate: Fraction | None = None, stream: int | None = None
) -> Iterator[tuple[Any, VideoFile]]:
    """Open a video or a sequence of images, and read what it consists of.

    Args:
        path: a video file; or a pattern or a folder of images, see
            :func:`subpixel.video.images.sequence.find_sequence`.
        frame_rate: of images, in frames a second; None for 25.
        stream: the index of the video stream that counts; None to choose it.

    Yields:
        The open container, which is None for images, and what it consists of.

    Raises:
        VideoReadError, ImageReadError: it cannot be read.
        InvalidArgument: a rate for a video.
    """
    sequence = find_sequence(path)
    if sequence is not None:
        from subpixel.video.images.stills import describe_sequence  # libvips is loaded where there are images

        yield None, describe_sequence(sequence, frame_rate)
        return
    with open_video(path) as container:
        video = probe_open(container, path, stream)
        if frame_rate is not None:
            raise InvalidArgument(
                f"frame_rate={float(frame_rate):g}: {path} has times of its own; a rate is for sequences of images"
            )
        yield container, video


def probe_source(path: str | Path, frame_rate: Fraction | None = None, stream: int | None = None) -> VideoFile:
    """What a video or a sequence of images consists of; arguments and errors as for :func:`open_source`."""
    with open_source(Path(path), frame_rate, stream) as (_, video):
        return video
