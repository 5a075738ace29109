"""Rows given to libvips, which only takes what it asks for.

libvips has no way to be handed rows, and what it maps from a raw file counts as memory of this process. So it reads an
uncompressed BigTIFF that is nowhere: the head, with the place of every strip, is made beforehand, and behind it come
the rows as they are made. Of such a file libvips reads the head, then one strip after the other. It writes in a thread
of its own meanwhile, so that making and encoding go side by side and an interrupt reaches the thread that makes rows.
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

__all__ = ["push"]

# Bytes of a strip, about. libtiff holds one.
_STRIP = 1 << 20
_ORDER = "<" if sys.byteorder == "little" else ">"
# Types of a tag: their letter for struct, by TIFF's number.
_SHORT, _LONG, _LONG8 = 3, 4, 16
_LETTER = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


def push(
    blocks: Iterable[NDArray[Any]], shape: tuple[int, int, int], dtype: np.dtype[Any], save: Callable[[Any], None]
) -> None:
    """Let something be done with an image whose rows are made meanwhile.

    Args:
        blocks: ``(h, W, C)``, from the top, gone through in this thread.
        shape: ``(H, W, C)`` of them together; C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
        dtype: u8, u16 or f32.
        save: is given a pyvips image that can be read once, from the top, without any metadata. Runs in another thread.

    Raises:
        Whatever making the blocks or ``save`` raises.

    >>> push([np.full((2, 3, 1), k, np.uint8) for k in (7, 9)], (4, 3, 1), np.dtype(np.uint8), lambda x: print(x.avg()))
    8.0
    """
    feed = _Feed(_head(shape, dtype), int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    failure: list[BaseException] = []

    def work() -> None:
        try:
            save(feed.image())
        except BaseException as error:  # noqa: BLE001  it is raised again where somebody can catch it
            failure.append(error)
        finally:
            feed.leave()

    thread = threading.Thread(target=work, name="subpixel-save")
    thread.start()
    try:
        for block in blocks:
            if not feed.give(np.ascontiguousarray(block)):
                break
        feed.end()
        thread.join()
    except BaseException:
        feed.stop()
        thread.join()
        raise
    if feed.lost is not None:
        raise feed.lost
    if failure:
        raise failure[0]


class _Feed:
    """A file whose end is not yet made. Nothing before the block in hand can be read again but the head."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head, self._total = head, len(head) + size
        self._position = 0
        self._start, self._block = len(head), memoryview(b"")
        # One block waits while another is read and a third is made.
        self._waiting: queue.Queue[memoryview | None] = queue.Queue(1)
        self._left = threading.Event()
        self.lost: BaseException | None = None

    def image(self) -> Any:
        """The file, opened by libvips."""
        source = pyvips.SourceCustom()
        source.on_read(self._read)
        source.on_seek(self._seek)
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
        # What the loader says of the file that it thinks it reads is not to get into another.
        plain = pyvips.Image.black(1, 1).get_fields()
        image = image.copy(xres=1, yres=1)
        for name in image.get_fields():
            if name not in plain:
                image.remove(name)
        return image

    def give(self, block: NDArray[Any]) -> bool:
        """The next rows; waits until there is room. False when nobody reads any more."""
        view = block.reshape(-1).view(np.uint8).data
        while not self._left.is_set():
            try:
                self._waiting.put(view, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def stop(self) -> None:
        """No more rows will come; reading ends in an error."""
        self.lost = self.lost or EOFError("the rows end early")
        self.end()

    def end(self) -> None:
        """What was given is all; who reads on finds the end of the file."""
        while not self._left.is_set():
            try:
                self._waiting.put(None, timeout=0.1)
            except queue.Full:
                continue
            return

    def leave(self) -> None:
        """Nobody reads any more."""
        self._left.set()

    def _read(self, size: int) -> bytes:
        # libvips calls this; an exception could not get through it.
        try:
            data = self._piece(size)
        except BaseException as error:  # noqa: BLE001
            self.lost = error
            return b""
        self._position += len(data)
        return data

    def _piece(self, size: int) -> bytes:
        if self._position < len(self._head):
            return self._head[self._position : self._position + size]
        if self._position >= self._total or self.lost is not None:
            return b""
        while self._position >= self._start + len(self._block):
            self._start += len(self._block)
            self._block = memoryview(b"")
            block = self._waiting.get()
            if block is None:
                return b""
            self._block = block
        if self._position < self._start:
            raise RuntimeError("libvips asks for rows that are gone")
        offset = self._position - self._start
        return bytes(self._block[offset : offset + size])

    def _seek(self, offset: int, whence: int) -> int:
        self._position = offset + {0: 0, 1: self._position, 2: self._total}[whence]
        return self._position


def _head(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> bytes:
    """All of an uncompressed BigTIFF that stands before its pixels.

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
        (259, _SHORT, [1]),  # not compressed
        (262, _SHORT, [2 if channels >= 3 else 1]),  # RGB, or gray whose 0 is black
        (273, _LONG8, [0] * count),  # where strips begin: known when the head's length is
        (277, _SHORT, [channels]),
        (278, _LONG, [rows]),
        (279, _LONG8, sizes),
        (284, _SHORT, [1]),  # samples of a pixel side by side
        (339, _SHORT, [3 if dtype.kind == "f" else 1] * channels),
    ]
    if channels in (2, 4):
        tags.insert(-1, (338, _SHORT, [2]))  # alpha, not premultiplied
    start = len(_layout(tags))
    tags[5] = (273, _LONG8, [start + k * rows * row for k in range(count)])
    return _layout(tags)


def _layout(tags: list[tuple[int, int, list[int]]]) -> bytes:
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
