"""Mutations of a file, the same for the same seed: of its bytes, and of the blocks that its format consists of.

A changed byte is mostly found by a checksum or by the first check of a header. Code behind these is reached by changes
that keep the rest of the file right: a block that says another length, a number in a block with its checksum renewed, a
block that is missing, twice there or in another place.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from malformed.structure import Block, blocks, seal

__all__ = ["mutate"]

# Where a length or a count turns: signs, the ends of types, and what times four or eight overflows.
_NUMBERS = (
    0, 1, 2, 3, 7, 8, 0x0F, 0x10, 0x7F, 0x80, 0xFE, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFFFF, 0x1000000,
    0x1FFFFFFF, 0x20000000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF,
    1 << 32, (1 << 40) + 1, (1 << 61) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
)  # fmt: skip
# Headers are where the dangers are: every second change falls into the first bytes of a file or block.
_HEAD = 200


def mutate(content: bytes, seed: int, *, other: bytes = b"") -> bytes:
    """A file with one to four mutations.

    Args:
        content: a file of any kind. The blocks of PNG, JPEG, TIFF, WebP, AVI, GIF, AVIF, MP4, Matroska, zip and
            safetensors files are known; checksums of PNG and zip are renewed after most changes of blocks.
        seed: another seed is another mutation; equal seeds give equal bytes.
        other: a second file, of which parts may be put into the first.

    >>> mutate(b"some content", 7) == mutate(b"some content", 7) != mutate(b"some content", 8)
    True
    """
    rng = random.Random(seed)
    data = bytearray(content)
    # Few edits leave most of a file right, so that readers come far.
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        found = blocks(data) if rng.random() < 0.6 else []
        if found:
            rng.choice(_OF_BLOCKS)(data, rng, found)
            if rng.random() < 0.8:
                data = bytearray(seal(data))
        else:
            rng.choice(_OF_BYTES)(data, rng, other)
    return bytes(data)


def _place(rng: random.Random, length: int) -> int:
    return rng.randrange(min(length, _HEAD) if rng.random() < 0.5 else length) if length else 0


def _number(rng: random.Random, old: int, width: int) -> int:
    near = (old + 1, old - 1, old * 2, old // 2, old + 4, -1 - old, rng.getrandbits(8 * width))
    return rng.choice(_NUMBERS if rng.random() < 0.6 else near) % (1 << 8 * width)


def _set_number(data: bytearray, rng: random.Random, start: int, end: int) -> None:
    """Replace 1, 2, 4 or 8 bytes that begin in a range by another number, in either order."""
    if start >= end:
        return
    at, width, order = (
        start + _place(rng, end - start),
        rng.choice((1, 2, 2, 4, 4, 4, 8)),
        rng.choice(("big", "little")),
    )
    part = data[at : at + width]
    old = int.from_bytes(part, order)  # type: ignore[arg-type]
    data[at : at + len(part)] = _number(rng, old, len(part)).to_bytes(len(part), order)  # type: ignore[arg-type]


def _flip_bits(data: bytearray, rng: random.Random, other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if data else 0):
        data[_place(rng, len(data))] ^= 1 << rng.randrange(8)


def _set_bytes(data: bytearray, rng: random.Random, other: bytes) -> None:
    _set_number(data, rng, 0, len(data))


def _fill(data: bytearray, rng: random.Random, other: bytes) -> None:
    at, count = _place(rng, len(data)), rng.choice((1, 4, 16, 256, 4096))
    count = min(count, len(data) - at)
    data[at : at + count] = rng.choice((bytes(count), b"\xff" * count, rng.randbytes(count)))


def _truncate(data: bytearray, rng: random.Random, other: bytes) -> None:
    del data[rng.choice((_place(rng, len(data)), max(0, len(data) - rng.randrange(1, 64)))) :]


def _insert(data: bytearray, rng: random.Random, other: bytes) -> None:
    at, count = _place(rng, len(data)), rng.choice((1, 2, 4, 64, 1024))
    data[at:at] = rng.choice((bytes(count), b"\xff" * count, rng.randbytes(count), bytes(data[at : at + count])))


def _remove(data: bytearray, rng: random.Random, other: bytes) -> None:
    at = _place(rng, len(data))
    del data[at : at + rng.choice((1, 2, 4, 64, 1024))]


def _move(data: bytearray, rng: random.Random, other: bytes) -> None:
    """Copy a part of the file over another."""
    source, target, count = _place(rng, len(data)), _place(rng, len(data)), rng.choice((4, 12, 64, 1024))
    part = data[source : source + count]
    data[target : target + len(part)] = part


def _splice(data: bytearray, rng: random.Random, other: bytes) -> None:
    """The beginning of the file and the end of another, or a part of another inside."""
    second = other or bytes(data[::-1])
    at, start = _place(rng, len(data)), _place(rng, len(second))
    if rng.random() < 0.5:
        data[at:] = second[start:]
    else:
        part = second[start : start + rng.choice((16, 256, 4096))]
        data[at : at + len(part)] = part


def _change_length(data: bytearray, rng: random.Random, found: Sequence[Block]) -> None:
    stored = [one.length for one in found if one.length is not None]
    if stored:
        length = rng.choice(stored)
        length.write(data, _number(rng, length.read(data), length.width))


def _change_body(data: bytearray, rng: random.Random, found: Sequence[Block]) -> None:
    one = rng.choice(found)
    for _ in range(rng.choice((1, 1, 2, 4))):
        _set_number(data, rng, one.body, one.end)


def _change_kind(data: bytearray, rng: random.Random, found: Sequence[Block]) -> None:
    """Give a block the name of another, or change its name; where a name is, depends on the format."""
    one, another = rng.choice(found), rng.choice(found)
    header = min(one.body - one.start, another.body - another.start, 8)
    if rng.random() < 0.5:
        data[one.start : one.start + header] = data[another.start : another.start + header]
    else:
        _set_number(data, rng, one.start, one.body)


def _replace(data: bytearray, found: Sequence[Block], start: int, end: int, content: bytes, repair: bool) -> None:
    """Replace a range; with ``repair``, the lengths of the blocks around it stay right."""
    change = len(content) - (end - start)
    if repair:
        for one in found:
            # A length stored behind the range would be at another place afterwards, but it belongs to a later block.
            if one.length is not None and one.body <= start and end <= one.end and one.start < start:
                one.length.write(data, one.length.read(data) + change)
    data[start:end] = content


def _drop_block(data: bytearray, rng: random.Random, found: Sequence[Block]) -> None:
    one = rng.choice(found)
    _replace(data, found, one.start, one.end, b"", rng.random() < 0.7)


def _repeat_block(data: bytearray, rng: random.Random, found: Sequence[Block]) -> None:
    one = rng.choice(found)
    part = bytes(data[one.start : one.end]) * rng.choice((1, 1, 2, 50))
    if len(part) < 1 << 20:
        place = rng.choice((one.end, rng.choice(found).start))
        _replace(data, found, place, place, part, rng.random() < 0.7)


def _resize_body(data: bytearray, rng: random.Random, found: Sequence[Block]) -> None:
    """Cut or extend a block, and state the new length."""
    one = rng.choice(found)
    if one.length is None:
        return
    if rng.random() < 0.6:
        start, end, content = one.body + _place(rng, one.end - one.body), one.end, b""
    else:
        start = end = one.body + _place(rng, one.end - one.body)
        content = rng.choice((bytes(64), rng.randbytes(64), bytes(4096)))
    one.length.write(data, one.length.read(data) + len(content) - (end - start))
    _replace(data, [other for other in found if other is not one], start, end, content, True)


_OF_BYTES: tuple[Callable[[bytearray, random.Random, bytes], None], ...] = (
    _flip_bits, _flip_bits, _set_bytes, _set_bytes, _fill, _truncate, _insert, _remove, _move, _splice,
)  # fmt: skip
_OF_BLOCKS: tuple[Callable[[bytearray, random.Random, Sequence[Block]], None], ...] = (
    _change_length, _change_length, _change_body, _change_body, _change_body, _change_kind, _drop_block, _repeat_block,
    _resize_body,
)  # fmt: skip
