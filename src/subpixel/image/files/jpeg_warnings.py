"""What libjpeg warns of while it decodes a JPEG: it goes on with wrong samples, and libvips with it.

libvips leaves the texts in a buffer that all threads share, so they say nothing about a particular file. It also counts
the warnings of each file. It ends a sequential read by an error before the next rows or, after the last rows, logs the
count when the file is closed. Here an image is read, and closed, in the calling thread, so the count is that of its
own.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable

import pyvips

__all__ = ["decoder_warning", "has_wrong_samples"]

# Eighths of the size are enough: all codes are read, and few samples made.
_SHRINK, _ROWS = 8, 8
_UNKNOWN = "the decoder gives no reason"
# Texts of libjpeg after which samples are wrong. Others, of bytes that belong to nothing or of strange numbers in
# headers, may be harmless.
_WRONG = re.compile(
    "premature end|bad huffman code|bad arithmetic code|instead of rst|inconsistent progression", re.IGNORECASE
)
_LINE = re.compile(r"VipsJpeg: (.*)")
# Texts are for one thread at a time here. Another that reads or fails elsewhere may still take one: then once more.
_LOCK, _ATTEMPTS = threading.Lock(), 5
_thread = threading.local()


class _Listener(logging.Handler):
    """Keeps what libvips logs in a thread that listens. libvips logs in the thread that closes a file."""

    def emit(self, record: logging.LogRecord) -> None:
        heard: list[str] | None = getattr(_thread, "heard", None)
        if heard is not None:
            heard.append(record.getMessage())


logging.getLogger("pyvips").addHandler(_Listener())


def decoder_warning(source: Callable[[], pyvips.Source], side: int) -> str | None:
    """What libjpeg warns of while it decodes an image; None if it has nothing to say.

    Args:
        source: gives the JPEG from its start.
        side: the shorter one of the image.

    Raises:
        pyvips.Error: the header cannot be read.
    """
    found: str | None = None
    for _ in range(_ATTEMPTS):
        with _LOCK:
            found = _decode(source(), _SHRINK if side >= _SHRINK else 1)
        if found != _UNKNOWN:
            break
    return found


def has_wrong_samples(warning: str) -> bool:
    """Whether samples are wrong after a warning; after others they may be right.

    >>> has_wrong_samples("Corrupt JPEG data: premature end of data segment")
    True
    >>> has_wrong_samples("Corrupt JPEG data: 3 extraneous bytes before marker 0xd9")
    False
    """
    return _WRONG.search(warning) is not None


def _decode(source: pyvips.Source, shrink: int) -> str | None:
    pyvips.vips_lib.vips_error_clear()
    _thread.heard = heard = list[str]()
    try:
        image = pyvips.Image.jpegload_source(source, access="sequential", fail_on="warning", shrink=shrink)
        width, height = image.width, image.height
        region = pyvips.Region.new(image)
        try:
            for top in range(0, height, _ROWS):  # in this thread, unlike other operations
                region.fetch(0, top, width, min(_ROWS, height - top))
        except pyvips.Error as error:
            return _worst(_LINE.findall(str(error)))
        del region, image
    finally:
        _thread.heard = None
    if not any("read gave" in line for line in heard):
        return None
    return _worst([line for each in heard for line in _LINE.findall(each)])


def _worst(lines: list[str]) -> str:
    lines = [line.removeprefix("Corrupt JPEG data: ") for line in lines]
    return next((line for line in lines if has_wrong_samples(line)), lines[0] if lines else _UNKNOWN)
