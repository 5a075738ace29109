"""A video from a pipe, as a file: it is read twice, which a pipe does not allow."""

from __future__ import annotations

import io
from pathlib import Path

from subpixel.errors import VideoReadError
from subpixel.storage.os_errors import os_error_text
from subpixel.storage.pipes import spool
from subpixel.storage.standard_streams import open_input, stream_name
from subpixel.video.container_input import open_stream

__all__ = ["copy_pipe"]

# Boxes at the beginning of MP4 and QuickTime, whose index may come last: their head alone cannot be opened.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid")
# Videos may be of any length. Only the disk limits what is copied.
_MOST = 1 << 62


def copy_pipe(source: str, path: Path) -> None:
    """Copy a video from standard input or a pipe into a file.

    Args:
        source: ``-`` or the path of a pipe.
        path: the file.

    Raises:
        VideoReadError: nothing comes, what comes is no video, or the disk is nearly full.
        InvalidArgument: standard input is closed or a terminal.
    """
    name = stream_name(source, "standard input")

    def check(head: bytes) -> None:
        if head[4:8] in _BOXES:
            return
        with open_stream(io.BytesIO(head), name):
            pass

    try:
        with open_input(source) as reader, open(path, "wb") as file:
            size = spool(reader, file, _MOST, check)
    except VideoReadError:
        raise
    except OSError as error:
        raise VideoReadError(f"{name}: {os_error_text(error)}") from None
    if not size:
        raise VideoReadError(f"{name}: there is no data")
