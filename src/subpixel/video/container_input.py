"""Opening a video with libavformat: one file or one pipe, and nothing else.

libavformat takes a name for a URL (``http://…``, ``concat:…``, and ``12:30.mp4`` too) or for a pattern of names
(``%03d.png``), and a playlist makes it open what the playlist names. So it gets no name: it reads an open file through
:class:`_Input`. No protocol is allowed, so nothing else can be opened.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.codec.context import Flags

from subpixel.errors import VideoReadError
from subpixel.storage.file_kinds import open_file
from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.storage.os_errors import os_error_text

__all__ = ["file_url", "input_name", "open_stream", "open_video", "packets_of"]

# A list of protocols that contains none: libavformat takes an empty one for no list.
_NO_PROTOCOL = {"protocol_whitelist": "none"}
# Suffixes that help to recognise streams without a head. Other suffixes are withheld: files of images, for example, are
# opened once more by their name.
_SUFFIXES = re.compile(
    r"\.(264|avc|h26[1-5l]|265|hevc|m[12]v|m4v|mpe?g|vob|m2?ts|ts|m2t|vc1|mjpe?g|cavs|drc|dnx(hd|hr)|obu|dv|dif|y4m|yuv)"
)
# Paths in which an address has become ``http:/…``.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
# How lists of other files begin.
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"v=0\n", b"v=0\r", b"# VobSub index", b"[Reference]")


def file_url(path: str | Path) -> str:
    """The URL by which libavformat writes a file, whatever its name looks like.

    >>> file_url("a: b.mkv")
    'file:a: b.mkv'
    """
    return f"file:{path}"


@contextmanager
def open_video(path: Path) -> Iterator[Any]:
    """Open a video file for reading, and close it at the end.

    Metadata that are not UTF-8 keep their bytes, as Python keeps those of file names (``surrogateescape``).

    Raises:
        VideoReadError: there is no such file, it is a folder, pipe or device, or libavformat does not know its format.
    """
    try:
        file = io.FileIO(open_file(path))
    except OSError as error:
        reason = os_error_text(error)
        if _ADDRESS.match(str(path)) and isinstance(error, FileNotFoundError):
            reason = "no such file, and addresses on the network are not opened"
        raise VideoReadError(f"{path}: not a readable video ({reason})") from None
    with file, _open(file, str(path), path.suffix.lower()) as container:
        yield container


def input_name(container: Any) -> str:
    """What messages call a container that :func:`open_video` or :func:`open_stream` opened."""
    return str(container.file.file.label)


@contextmanager
def open_stream(file: io.RawIOBase | io.BufferedIOBase, name: str) -> Iterator[Any]:
    """Open a video that can only be read once, in order.

    Args:
        file: a pipe.
        name: of the pipe, for messages.

    Raises:
        VideoReadError: libavformat does not know its format.
        KeyboardInterrupt: the pipe was cancelled.
    """
    with _open(file, name, "") as container:
        yield container


@contextmanager
def _open(file: io.RawIOBase | io.BufferedIOBase, name: str, suffix: str) -> Iterator[Any]:
    source = _Input(file, f"video{suffix}" if _SUFFIXES.fullmatch(suffix) else "video", name)
    try:
        try:
            container = av.open(source, options=_NO_PROTOCOL, metadata_errors="surrogateescape")
        except (OSError, ValueError, av.error.FFmpegError) as error:
            if is_memory_error(error) and is_memory_tight():  # a damaged file may ask for any amount
                raise
            reason = "this is a playlist, which names other files; name a video itself"
            raise VideoReadError(
                f"{name}: {reason if source.is_playlist else f'not a readable video ({os_error_text(error)})'}"
            ) from None
        for stream in container.streams.video:
            # Otherwise columns that are to be cut off at the left stay, so that rows begin at round addresses.
            if stream.codec_context is not None:
                stream.codec_context.flags |= Flags.unaligned
        with container:
            yield container
    except (OSError, ValueError):
        if source.interrupt is None:
            raise
    if source.interrupt is not None:  # some readers of libavformat take an error for the end of the file
        raise source.interrupt


class _Input:
    """What libavformat reads. It has no position in common with anything else.

    Args:
        file: the open file.
        name: that libavformat may see.
        label: what messages call it.
    """

    def __init__(self, file: io.RawIOBase | io.BufferedIOBase, name: str, label: str) -> None:
        self.name, self.label, self._file = name, label, file
        self._head = b""
        self.interrupt: BaseException | None = None
        if file.seekable():
            self.seek, self.tell = self._seek, file.tell

    @property
    def is_playlist(self) -> bool:
        """Whether the beginning is that of a list of other files."""
        head = self._head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return head.startswith(_PLAYLISTS) or (head.startswith(b"<?xml") and b"<MPD" in head)

    def _seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file. A damaged one may lead anywhere, and PyAV would print the exception."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError):
            return -errno.EINVAL  # libavutil's code of an error

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes. An interrupt becomes an error, the only exception that passes through libavformat."""
        if self.interrupt is not None:
            raise OSError(errno.EINTR, os.strerror(errno.EINTR))
        try:
            data = self._file.read(size) or b""
        except OSError as error:  # as libavformat's own, which callers expect
            raise av.error.OSError(error.errno or errno.EIO, os_error_text(error)) from None
        except BaseException as error:  # noqa: BLE001  raised again by open_video
            self.interrupt = error
            raise OSError(errno.EINTR, os.strerror(errno.EINTR)) from None
        if not self._head:
            self._head = data[:4096]
        return data


def packets_of(container: Any, stream: Any = None) -> Iterator[Any]:
    """The packets of a container as PyAV gives them, of one stream or of all that were there when it was opened.

    Raises:
        av.error.FFmpegError: a packet cannot be read; it is the last.
    """
    try:
        yield from container.demux() if stream is None else container.demux(stream)
    except IndexError:
        return  # at the end, PyAV stumbles over streams that began in the middle
