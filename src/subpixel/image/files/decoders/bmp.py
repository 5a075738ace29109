"""BMP: 1 to 32 bits, palettes, masks, run lengths, top-down images; profile and resolution.

Source: Microsoft's documentation of BITMAPFILEHEADER, BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER, and of
bitmap compression; OS/2's BITMAPCOREHEADER.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError
from subpixel.image.files.containers.trailing import describe_trailing
from subpixel.image.files.decoders.decoder import Layout, require_bytes
from subpixel.image.files.open_file import OpenFile

__all__ = ["Bmp", "open_bmp"]

_RGB, _RLE8, _RLE4, _MASKS, _ALPHA_MASKS = 0, 1, 2, 3, 6
_COMPRESSIONS = {4: "a JPEG inside", 5: "a PNG inside", 11: "CMYK colours", 12: "CMYK colours", 13: "CMYK colours"}
_AT_ONCE = 1 << 20  # pixels
_CORE = 12  # the size of OS/2's header
_SIZES = (_CORE, 16, 40, 52, 56, 64, 108, 124)
# Masks of red, green, blue and alpha where a file states none.
_DEFAULT_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 24: (0xFF0000, 0xFF00, 0xFF, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_CALIBRATED, _SRGB, _WINDOWS, _LINKED, _EMBEDDED = 0, 0x73524742, 0x57696E20, 0x4C494E4B, 0x4D424544


@dataclass(frozen=True)
class Bmp:
    """An open BMP.

    Args:
        layout: what it states.
        bits: of a pixel.
        compression: by its number.
        top_down: whether the first row is the top one.
        start: offset of the pixels.
        palette: ``(N, 3)`` u8, red, green and blue; None without one.
        masks: of red, green, blue and alpha.
    """

    layout: Layout
    bits: int
    compression: int
    top_down: bool
    start: int
    palette: NDArray[np.uint8] | None
    masks: tuple[int, int, int, int]

    def load(self, file: OpenFile, bands: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """As :meth:`subpixel.image.files.decoders.decoder.Decoder.load`."""
        width, height = self.layout.size
        with file.reader() as reader:
            reader.seek(self.start)
            if self.compression in (_RLE8, _RLE4):
                codes = _expand_runs(reader.read(), width, height, four_bits=self.compression == _RLE4)
            else:
                codes = self._codes(reader, width, height)
        if not self.top_down:
            codes = codes[::-1]
        if self.palette is None:
            return self._by_masks(codes, bands, dtype)
        if int(codes.max(initial=0)) >= len(self.palette):
            raise ValueError(f"a pixel has colour {int(codes.max())} of a palette of {len(self.palette)}")
        return np.ascontiguousarray(self.palette[:, :bands][codes])

    def _codes(self, reader: BinaryIO, width: int, height: int) -> NDArray[Any]:
        """Rows as stored: ``(H, W)`` of palette entries or pixels, or ``(H, W, 3)`` for 24 bits."""
        stride = (width * self.bits + 31) // 32 * 4
        reader.seek(self.start)
        content = reader.read(stride * height)
        rows = np.frombuffer(content, np.uint8).reshape(height, stride)
        if self.bits < 8:
            per_byte = 8 // self.bits
            shifts = np.arange(8 - self.bits, -1, -self.bits, dtype=np.uint8)
            codes = (rows[:, :, None] >> shifts) & ((1 << self.bits) - 1)
            return codes.reshape(height, stride * per_byte)[:, :width]
        if self.bits == 24:
            return rows[:, : width * 3].reshape(height, width, 3)
        kind = {8: "u1", 16: "<u2", 32: "<u4"}[self.bits]
        return rows[:, : width * self.bits // 8].copy().view(kind)[:, :width]

    def _by_masks(self, codes: NDArray[Any], bands: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        if codes.ndim == 3:
            return np.ascontiguousarray(codes[..., ::-1])
        result = np.empty((*codes.shape, bands), dtype)
        most = np.iinfo(dtype).max
        for band, mask in enumerate(self.masks[:bands]):
            shift = (mask & -mask).bit_length() - 1
            top = mask >> shift
            values = ((codes & mask) >> shift).astype(np.uint64)
            result[..., band] = values if top == most else (values * most + top // 2) // top
        return result


def open_bmp(reader: BinaryIO) -> Bmp:
    """Read the header of a BMP.

    Raises:
        OSError: it cannot be read.
        ImageReadError: it is damaged, or of a kind that cannot be read; without the name of the file.
    """
    size = reader.seek(0, os.SEEK_END)
    reader.seek(0)
    head = reader.read(14 + 124)
    if len(head) < 14 + _CORE:
        raise ImageReadError("the BMP is truncated")
    start, length = struct.unpack_from("<I", head, 10)[0], struct.unpack_from("<I", head, 14)[0]
    if length not in _SIZES or len(head) < 14 + length:
        raise ImageReadError(f"a BMP with a header of {length} bytes cannot be read")
    if length == _CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", head, 18)
        compression = colours = across = down = 0
    else:
        width, height, _, bits, compression, _, across, down, colours = struct.unpack(
            "<iiHHIIiiI", head[18:50].ljust(32, b"\0") if length == 16 else head[18:50]
        )
        if length == 16:
            compression = colours = across = down = 0
    top_down, height = height < 0, abs(height)
    if width <= 0 or height == 0:
        raise ImageReadError(f"the BMP has no size ({width}×{height})")
    _check_kind(bits, compression, os2=length in (16, 64), top_down=top_down)
    at = 14 + length
    masks = _DEFAULT_MASKS.get(bits, (0, 0, 0, 0))
    if compression in (_MASKS, _ALPHA_MASKS):
        count = 4 if compression == _ALPHA_MASKS or length >= 56 else 3
        reader.seek(54)
        packed = reader.read(4 * count)
        if len(packed) < 4 * count:
            raise ImageReadError("the BMP is truncated")
        found = struct.unpack(f"<{count}I", packed)
        masks = (found[0], found[1], found[2], found[3] if count == 4 else 0)
        at = max(at, 54 + 4 * count)
        _check_masks(masks, bits)
    palette = _read_palette(reader, at, bits, colours, start, 3 if length == _CORE else 4) if bits <= 8 else None
    notes, profile = _read_colours(reader, head, length, size)
    if bits == 32 and compression == _RGB and _fourth_bytes_speak(reader, start, width * height):
        notes = (*notes, "the fourth byte of each pixel, to which BMP gives no meaning, is not kept; it may be alpha")
    stored = _end_of_pixels(reader, start, width * bits, height, compression)
    if compression not in (_RLE8, _RLE4):
        require_bytes(size - start, stored - start, "pixels")
    profile_end = 0 if profile is None else 14 + struct.unpack_from("<I", head, 14 + 112)[0] + len(profile)
    end = max(stored, profile_end)
    behind = stored and size > end + 3 and not any("profile" in note for note in notes)
    if behind and (trailing := describe_trailing(reader, end)):  # some writers pad to four bytes
        notes = (*notes, trailing)
    wide = max((mask >> ((mask & -mask).bit_length() - 1)).bit_length() for mask in (*masks, 1) if mask) > 8
    gray = palette is not None and bool((palette == palette[:, :1]).all())
    bands = (1 if gray else 3) if palette is not None else 4 if masks[3] else 3
    resolution = (across / 1000, down / 1000) if across > 0 and down > 0 else None
    dtype = np.dtype(np.uint16 if palette is None and wide else np.uint8)
    depth = 16 if dtype == np.uint16 else 8
    layout = Layout("bmpload", (width, height), bands, dtype, depth, resolution, profile, notes)
    return Bmp(layout, bits, compression, top_down, start, palette, masks)


def _end_of_pixels(reader: BinaryIO, start: int, bits: int, height: int, compression: int) -> int:
    """The offset behind the pixels; 0 if they are run lengths of a length that is not stated.

    Args:
        reader: the file.
        start: the offset of the pixels.
        bits: of a row.
        height: the number of rows.
        compression: as the header states it.
    """
    if compression not in (_RLE8, _RLE4):
        return start + (bits + 31) // 32 * 4 * height
    reader.seek(34)
    length = int.from_bytes(reader.read(4), "little")
    return start + length if length else 0


def _check_kind(bits: int, compression: int, *, os2: bool, top_down: bool) -> None:
    kinds = {
        _RGB: (1, 2, 4, 8, 16, 24, 32),
        _RLE8: (8,),
        _RLE4: (4,),
        _MASKS: () if os2 else (16, 32),
        _ALPHA_MASKS: (16, 32),
    }
    if compression not in kinds or (os2 and compression > _RLE4):
        what = _COMPRESSIONS.get(compression, f"compression {compression}")
        raise ImageReadError(f"a BMP with {what} cannot be read; convert it to PNG")
    if bits not in kinds[compression]:
        raise ImageReadError(f"the BMP is damaged: {bits} bits per pixel with compression {compression}")
    if top_down and compression in (_RLE8, _RLE4):
        raise ImageReadError("the BMP is damaged: it has run lengths and is top-down")


def _check_masks(masks: tuple[int, int, int, int], bits: int) -> None:
    """Each mask is one row of bits, within a pixel; that of alpha may be 0."""
    for number, mask in enumerate(masks):
        top = mask >> ((mask & -mask).bit_length() - 1) if mask else 0
        if (top & (top + 1)) or mask >> bits or (not mask and number < 3):
            raise ImageReadError(f"the BMP is damaged: a mask of {mask:#x} for colours of {bits} bits")


def _read_palette(reader: BinaryIO, at: int, bits: int, colours: int, start: int, entry: int) -> NDArray[np.uint8]:
    """Red, green and blue of each entry. A file may state fewer or more than its pixels can name."""
    count = min(colours or 1 << bits, 1 << bits)
    if start > at:
        count = min(count, (start - at) // entry) or count
    reader.seek(at)
    content = reader.read(count * entry)
    entries = np.frombuffer(content[: len(content) // entry * entry], np.uint8).reshape(-1, entry)
    if not len(entries):
        raise ImageReadError("the BMP is truncated")
    return np.ascontiguousarray(entries[:, 2::-1])


def _read_colours(reader: BinaryIO, head: bytes, length: int, size: int) -> tuple[tuple[str, ...], bytes | None]:
    """Notes about colours that are not kept, and the profile."""
    if length < 108:
        return (), None
    (space,) = struct.unpack_from("<I", head, 14 + 56)
    if space == _EMBEDDED and length == 124:
        offset, count = struct.unpack_from("<II", head, 14 + 112)
        if 0 < count <= size - 14 - offset:
            reader.seek(14 + offset)
            return (), reader.read(count)
        return ("the colour profile is not kept: it is damaged (empty or cut short)",), None
    if space == _LINKED:
        return ("the colour profile is in another file: it is not kept",), None
    endpoints = head[14 + 60 : 14 + 108]
    if space == _CALIBRATED and any(endpoints):
        return ("the colours are calibrated by numbers (BMP version 4): they are not kept",), None
    return (), None


def _fourth_bytes_speak(reader: BinaryIO, start: int, pixels: int) -> bool:
    """Whether the unused bytes of pixels of 32 bits hold something, so neither 0 nor 255 everywhere.

    Some writers put alpha there. GDI+, Pillow and browsers ignore it without a mask for it, and so does this.
    """
    reader.seek(start)
    first = None
    while pixels > 0 and (content := reader.read(4 * min(pixels, _AT_ONCE))):
        unused = np.frombuffer(content, np.uint8)[3::4]
        first = unused[:1] if first is None else first
        if (unused != first).any() or (len(first) and first[0] not in (0, 255)):
            return True
        pixels -= _AT_ONCE
    return False


def _expand_runs(content: bytes, width: int, height: int, *, four_bits: bool) -> NDArray[np.uint8]:
    """Rows of palette entries from run lengths, the lowest first. What is skipped has entry 0."""
    result = np.zeros((height, width), np.uint8)
    x = y = at = 0
    while at + 1 < len(content) and y < height:
        count, value = content[at], content[at + 1]
        at += 2
        if count:  # a run
            pair = (value >> 4, value & 15) if four_bits else (value, value)
            end = min(x + count, width)
            if x < width:
                result[y, x:end] = np.resize(np.array(pair, np.uint8), end - x)
            x += count
        elif value == 0:  # the end of a row
            x, y = 0, y + 1
        elif value == 1:  # the end of the image
            return result
        elif value == 2:  # a step
            if at + 1 >= len(content):
                break
            x, y = x + content[at], y + content[at + 1]
            at += 2
        else:  # entries as they are, padded to 16 bits
            size = (value + 1) // 2 if four_bits else value
            entries = np.frombuffer(content[at : at + size], np.uint8)
            if len(entries) < size:
                break
            if four_bits:
                entries = np.stack([entries >> 4, entries & 15], 1).reshape(-1)[:value]
            end = min(x + value, width)
            if x < width:
                result[y, x:end] = entries[: end - x]
            x += value
            at += size + size % 2
    if y < height - 1 or (y == height - 1 and x < width):
        raise ValueError("the run lengths end early")
    return result
