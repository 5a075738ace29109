"""A file, or a part of it, as an answer. It is opened at once: whoever removes it later disturbs nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from subpixel.serve.problems import Problem

__all__ = ["FileResponse", "parse_range"]

_CHUNK = 1 << 18
# Files of up to this many bytes are read without a thread, which would take longer than the reading.
_SMALL = 8 << 20


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """The part ``(start, end)`` that a Range header names; None for all of the file, as for several parts.

    Args:
        text: the header; None if there is none.
        size: of the file.

    Raises:
        Problem: the file has no such part.

    >>> parse_range("bytes=10-19", 100), parse_range("bytes=-5", 100), parse_range("bytes=90-", 100)
    ((10, 20), (95, 100), (90, 100))
    >>> parse_range("rows=1-2", 100), parse_range("bytes=0-1,5-6", 100)
    (None, None)
    """
    unit, _, part = (text or "").partition("=")
    first, dash, last = part.strip().partition("-")
    digits = all(each == "" or (each.isascii() and each.isdigit() and len(each) < 19) for each in (first, last))
    if unit.strip().lower() != "bytes" or not dash or not digits or not (first or last):
        return None
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size:
        raise Problem("range", f"the file has {size} bytes", headers={"Content-Range": f"bytes */{size}"})
    return start, end


class FileResponse(Response):
    """An answer that is read from a file while it is sent.

    Args:
        path: the file.
        media_type: of the file.
        headers: of the answer.
        wanted: a Range header; None for none.

    Raises:
        FileNotFoundError: there is no such file.
        Problem: it has no such part.
    """

    def __init__(self, path: Path, media_type: str, headers: Mapping[str, str], wanted: str | None) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - the answer closes it
        try:
            size = os.fstat(self._file.fileno()).st_size
            part = parse_range(wanted, size) if size else None
        except BaseException:
            self._file.close()
            raise
        self._start, self._end = part or (0, size)
        super().__init__(None, 200 if part is None else 206, dict(headers), media_type)
        self.headers["content-length"] = str(self._end - self._start)
        self.headers["accept-ranges"] = "bytes"
        if part is not None:
            self.headers["content-range"] = f"bytes {self._start}-{self._end - 1}/{size}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, until all is sent or the client has gone."""
        with self._file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD" or self._start == self._end:
                await send({"type": "http.response.body", "body": b""})
                return
            gone = asyncio.ensure_future(_hang_up(receive))
            try:
                self._file.seek(self._start)
                left = self._end - self._start
                while left and not gone.done():
                    size = min(_CHUNK, left)
                    # A small file was just written or is asked for soon again: it is in memory.
                    small = self._end <= _SMALL
                    data = self._file.read(size) if small else await asyncio.to_thread(self._file.read, size)
                    if not data:
                        raise OSError("a file became shorter while it was sent")
                    left -= len(data)
                    await send({"type": "http.response.body", "body": data, "more_body": left > 0})
            finally:
                gone.cancel()


async def _hang_up(receive: Receive) -> None:
    """Wait until the client has gone. What is left of its request, if only the end of an empty body, comes first."""
    while (await receive())["type"] != "http.disconnect":
        pass
