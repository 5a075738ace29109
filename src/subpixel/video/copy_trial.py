"""Whether a container takes the packets of a stream, found by trial before the work: they are written to nowhere."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import av

from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.video.containers import Container

__all__ = ["CopyTrial"]


class CopyTrial:
    """A writer for the packets of one stream.

    libavformat's writers look into packets: of AAC, AC-3, H.264 and others they change or read the content, and refuse
    what is damaged. A refused packet would end the writing of the result.

    Args:
        container: that the stream is copied into.
        template: the stream in its open file.
    """

    def __init__(self, container: Container, template: Any) -> None:
        self._container, self._template = container, template
        self._out: Any = None
        self._stream: Any = None
        self._clock = 0

    def accepts(self, packet: Any) -> bool:
        """Whether the container takes the next packet. Its times are replaced; those are a matter of their own."""
        packet.pts = packet.dts = self._clock
        self._clock += max(1, packet.duration or 0)
        try:
            if self._out is None:
                self._open()
            packet.stream = self._stream
            self._out.mux(packet)
        except (ValueError, av.error.FFmpegError) as error:
            self.close()
            if is_memory_error(error) and is_memory_tight():  # a damaged file may ask for any amount
                raise
            return False
        return True

    def close(self) -> None:
        """End the trial. What a writer says about too few packets does not matter."""
        if self._out is not None:
            with suppress(ValueError, av.error.FFmpegError):
                self._out.close()
            self._out = None

    def _open(self) -> None:
        sink = _Nowhere()
        self._out = av.open(sink, "w", format=self._container.format, container_options=_OPTIONS)
        self._stream = self._out.add_stream_from_template(self._template, opaque=True)
        self._out.start_encoding()


_OPTIONS = {"avoid_negative_ts": "disabled"}


class _Nowhere(io.RawIOBase):
    """A file that forgets what is written to it."""

    def __init__(self) -> None:
        self._place = self._size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._place += len(content)
        self._size = max(self._size, self._place)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place
