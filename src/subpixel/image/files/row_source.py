"""A libvips image whose rows are computed while libvips reads them.

libvips pulls its input: nothing can hand rows to it, and a raw file that it maps counts as memory of this process. So
libvips reads a virtual, uncompressed BigTIFF. Its head, with the offset of every strip, is made first; the rows follow
as they are computed. libvips reads the head and then one strip after the other. It encodes in a thread of its own, so
computing and encoding overlap, and an interrupt reaches the thread that computes.
"""

from __future__ import annotations

import queue
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

__all__ = ["save_rows"]

# Approximate size of a strip in bytes. libtiff holds one.
_STRIP = 1 << 20
_ORDER = "<" if sys.byteorder == "little" else ">"
# Types of a tag by TIFF's number, and their letters for struct.
_SHORT, _LONG, _LONG8 = 3, 4, 16
_LETTER = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


def save_rows(
    blocks: Iterable[NDArray[Any]], shape: tuple[int, int, int], dtype: np.dtype[Any], save: Callable[[Any], None]
) -> None:
    """Save an image while its rows are computed.

    Args:
        blocks: ``(h, W, C)``, from the top; iterated in this thread.
        shape: ``(H, W, C)`` of the image; C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
        dtype: u8, u16 or f32.
        save: gets a pyvips image without metadata that can be read once, from the top. Runs in another thread.

    Raises:
        Whatever iterating the blocks or ``save`` raises.

    >>> blocks = [np.full((2, 3, 1), k, np.uint8) for k in (7, 9)]
    >>> save_rows(blocks, (4, 3, 1), np.dtype(np.uint8), lambda image: print(image.avg()))
    8.0
    """
    file = _RowFile(_head(shape, dtype), int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    failure: list[BaseException] = []

    def work() -> None:
        try:
            save(file.image())
        except BaseException as error:  # noqa: BLE001  raised again in the calling thread
            failure.append(error)
        finally:
            file.close()

    thread = threading.Thread(target=work, name="subpixel-save")
    try:
        thread.start()
        for block in blocks:
            if not file.put(np.ascontiguousarray(block)):
                break
        file.end()
        thread.join()
    except BaseException:
        file.abort()
        if thread.ident is not None:
            thread.join()
        raise
    if file.failure is not None:
        raise file.failure
    if failure:
        raise failure[0]


class _RowFile:
    """The virtual file. Of what has been read only the head and the current block can be read again."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head, self._total = head, len(head) + size
        self._position = 0
        self._start, self._block = len(head), memoryview(b"")
        # One block waits while another is read and a third is computed.
        self._waiting: queue.Queue[memoryview | None] = queue.Queue(1)
        self._closed = threading.Event()
        self.failure: BaseException | None = None

    def image(self) -> Any:
        """The file as libvips opens it."""
        source = pyvips.SourceCustom()
        source.on_read(self._read)
        source.on_seek(self._seek)
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
        # The loader's metadata describes the virtual file and must not get into the real one.
        plain = pyvips.Image.black(1, 1).get_fields()
        image = image.copy(xres=1, yres=1)
        for name in image.get_fields():
            if name not in plain:
                image.remove(name)
        return image

    def put(self, block: NDArray[Any]) -> bool:
        """Append rows, waiting for space. False if the reader has closed the file."""
        view = block.reshape(-1).view(np.uint8).data
        while not self._closed.is_set():
            try:
                self._waiting.put(view, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def abort(self) -> None:
        """End the rows with an error for the reader."""
        self.failure = self.failure or EOFError("the rows end early")
        self.end()

    def end(self) -> None:
        """End the rows; the reader then finds the end of the file."""
        while not self._closed.is_set():
            try:
                self._waiting.put(None, timeout=0.1)
            except queue.Full:
                continue
            return

    def close(self) -> None:
        """The reader needs no more rows."""
        self._closed.set()

    def _read(self, size: int) -> bytes:
        # libvips calls this and passes no exception on.
        try:
            data = self._piece(size)
        except BaseException as error:  # noqa: BLE001
            self.failure = error
            return b""
        self._position += len(data)
        return data

    def _piece(self, size: int) -> bytes:
        if self._position < len(self._head):
            return self._head[self._position : self._position + size]
        if self._position >= self._total or self.failure is not None:
            return b""
        while self._position >= self._start + len(self._block):
            self._start += len(self._block)
            self._block = memoryview(b"")
            block = self._waiting.get()
            if block is None:
                return b""
            self._block = block
        if self._position < self._start:
            raise RuntimeError("libvips reads rows a second time")
        offset = self._position - self._start
        return bytes(self._block[offset : offset + size])

    def _seek(self, offset: int, whence: int) -> int:
        self._position = offset + {0: 0, 1: self._position, 2: self._total}[whence]
        return self._position


def _head(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> bytes:
    """All of an uncompressed BigTIFF before its pixels.

    Source: TIFF 6.0 for the tags; "The BigTIFF File Format" (Aware Systems) for their layout.
    """
    height, width, channels = shape
    row = width * channels * dtype.itemsize
    rows = min(height, max(1, _STRIP // row))
    count = -(-height // rows)
    sizes = [rows * row] * (count - 1) + [(height - (count - 1) * rows) * row]
    tags: list[tuple[int, int, list[int]]] = [
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [8 * dtype.itemsize] * channels),
        (259, _SHORT, [1]),  # uncompressed
        (262, _SHORT, [2 if channels >= 3 else 1]),  # RGB, or gray whose 0 is black
        (273, _LONG8, [0] * count),  # offsets of strips, known once the length of the head is
        (277, _SHORT, [channels]),
        (278, _LONG, [rows]),
        (279, _LONG8, sizes),
        (284, _SHORT, [1]),  # interleaved samples
        (339, _SHORT, [3 if dtype.kind == "f" else 1] * channels),
    ]
    if channels in (2, 4):
        tags.insert(-1, (338, _SHORT, [2]))  # alpha, not premultiplied
    start = len(_serialise(tags))
    tags[5] = (273, _LONG8, [start + k * rows * row for k in range(count)])
    return _serialise(tags)


def _serialise(tags: list[tuple[int, int, list[int]]]) -> bytes:
    directory, extra = struct.pack(f"{_ORDER}Q", len(tags)), b""
    after = 16 + 8 + 20 * len(tags) + 8
    for tag, kind, values in tags:
        data = struct.pack(f"{_ORDER}{len(values)}{_LETTER[kind]}", *values)
        directory += struct.pack(f"{_ORDER}HHQ", tag, kind, len(values))
        if len(data) <= 8:
            directory += data.ljust(8, b"\0")
        else:
            directory += struct.pack(f"{_ORDER}Q", after + len(extra))
            extra += data.ljust(-(-len(data) // 8) * 8, b"\0")
    mark = b"II" if _ORDER == "<" else b"MM"
    return mark + struct.pack(f"{_ORDER}HHHQ", 43, 8, 0, 16) + directory + struct.pack(f"{_ORDER}Q", 0) + extra
