"""Netpbm's formats: PBM, PGM, PPM (plain and raw), PAM and PFM.

Sources: Netpbm's manual pages pbm(5), pgm(5), ppm(5), pam(5); Paul Debevec's description of PFM.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError
from subpixel.image.files.decoders.decoder import Layout, require_bytes
from subpixel.image.files.open_file import OpenFile

__all__ = ["Pnm", "open_pnm"]

_BANDS = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3, b"Pf": 1, b"PF": 3}
_PLAIN = (b"P1", b"P2", b"P3")
_BITS = (b"P1", b"P4")
_FLOATS = (b"Pf", b"PF")
# A header of any kind is shorter, comments included.
_HEADER = 1 << 16
_DIGITS = 10  # of a number in it
_WHITE = b" \t\r\n\v\f"
_COMMENT = re.compile(rb"#[^\n]*")
_PIECE = 1 << 20  # bytes of text at a time
_TUPLES = {b"BLACKANDWHITE": 1, b"GRAYSCALE": 1, b"RGB": 3}


@dataclass(frozen=True)
class Pnm:
    """An open file of Netpbm.

    Args:
        layout: what it states.
        kind: its first two bytes.
        most: the code of white; of PFM the scale, below 0 for little-endian samples.
        start: offset of the samples.
        bands: of the samples.
    """

    layout: Layout
    kind: bytes
    most: float
    start: int
    bands: int

    def load(self, file: OpenFile, bands: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """As :meth:`subpixel.image.files.decoders.decoder.Decoder.load`."""
        width, height = self.layout.size
        with file.reader() as reader:
            reader.seek(self.start)
            if self.kind in _PLAIN:
                codes = _plain_samples(reader.read(), width * height * bands, bits=self.kind == b"P1")
            else:
                codes = self._raw_samples(reader, width, height)
        if self.kind in _FLOATS:
            # Rows are stored from the bottom.
            return np.ascontiguousarray(codes.reshape(height, width, bands)[::-1], np.float32)
        if self.kind in _BITS:  # 1 is black
            return ((1 - codes) * 255).astype(np.uint8).reshape(height, width, bands)
        most = int(self.most)
        if codes.min(initial=0) < 0 or codes.max(initial=0) > most:
            raise ValueError(f"samples are not all of 0 … {most}")
        codes = codes.reshape(height, width, bands)
        top = np.iinfo(dtype).max
        if most == top:
            return codes.astype(dtype)
        return ((codes.astype(np.uint64) * top + most // 2) // most).astype(dtype)

    def _raw_samples(self, reader: BinaryIO, width: int, height: int) -> NDArray[Any]:
        if self.kind == b"P4":
            stride = (width + 7) // 8
            packed = np.frombuffer(_whole(reader, stride * height), np.uint8).reshape(height, stride)
            return np.unpackbits(packed, axis=1)[:, :width].reshape(-1)
        count = width * height * self.bands
        kind = "u1" if self.most < 256 else ">u2"
        if self.kind in _FLOATS:
            kind = "<f4" if self.most < 0 else ">f4"
        return np.frombuffer(_whole(reader, count * np.dtype(kind).itemsize), kind)


def open_pnm(reader: BinaryIO) -> Pnm:
    """Read the header of a file of Netpbm.

    Raises:
        OSError: it cannot be read.
        ImageReadError: it is damaged, or of a kind that cannot be read; without the name of the file.
    """
    size = reader.seek(0, os.SEEK_END)
    reader.seek(0)
    head = reader.read(_HEADER)
    kind = head[:2]
    comments: list[str] = []
    most: float
    if kind == b"P7":
        width, height, bands, most, start = _read_pam(head, comments)
    else:
        count = 2 if kind in _BITS else 3
        tokens, start = _read_tokens(head, count, comments)
        try:
            width, height = _integer(tokens[0]), _integer(tokens[1])
            most = 1 if kind in _BITS else float(tokens[2]) if kind in _FLOATS else _integer(tokens[2])
        except ValueError:
            raise ImageReadError("the header of the PNM is damaged") from None
        bands = _BANDS[kind]
    if width < 1 or height < 1 or not np.isfinite(most) or most == 0:
        raise ImageReadError(f"the header of the PNM is damaged: {width}×{height} pixels up to {most:g}")
    if kind not in _FLOATS and not 1 <= most <= 65535:
        raise ImageReadError(f"the header of the PNM is damaged: samples up to {most:g}")
    dtype = np.dtype(np.float32 if kind in _FLOATS else np.uint8 if most < 256 else np.uint16)
    bits = 1 if kind in _BITS else 32 if kind in _FLOATS else int(most).bit_length()
    notes = [f"the PNM comment is not kept: {text[:60]}{'…' if len(text) > 60 else ''}" for text in comments]
    if kind in _FLOATS and abs(most) != 1:
        notes.append(f"the scale of the PFM ({abs(most):g}) is not kept: the samples are as they are stored")
    if bits < 8 and bands > 2:  # of gray ones every format is noted
        notes.append(f"{bits}-bit samples were read as 8-bit: upscaled edges need the values between")
    if kind not in _PLAIN:
        stored = (
            (width + 7) // 8
            if kind == b"P4"
            else width * bands * (4 if most < 0 or kind in _FLOATS else 1 + (most > 255))
        ) * height
        require_bytes(size - start, stored, "samples")
        if size > start + stored + 2:
            notes.append(f"{size - start - stored} bytes behind the first image are not kept")
    else:  # digits of a PBM need no space between them
        least = width * height if kind in _BITS else 2 * width * height * bands - 1
        require_bytes(size - start, least, "samples")
    layout = Layout("pnmload", (width, height), bands, dtype, bits, notes=tuple(notes))
    return Pnm(layout, kind, most, start, bands)


def _integer(word: bytes) -> int:
    """A number of the header, in decimal digits and nothing else; ValueError if it is none or far too large."""
    if not word.isdigit() or len(word) > _DIGITS:
        raise ValueError
    return int(word)


def _read_tokens(head: bytes, count: int, comments: list[str]) -> tuple[list[bytes], int]:
    """The words after the first, and the offset of what follows one white space behind them."""
    tokens: list[bytes] = []
    at = 2
    while len(tokens) < count:
        while at < len(head) and (head[at] in _WHITE or head[at : at + 1] == b"#"):
            if head[at : at + 1] == b"#":
                end = head.find(b"\n", at)
                end = len(head) if end < 0 else end
                _add_comment(head[at + 1 : end], comments)
                at = end
            at += 1
        end = at
        while end < len(head) and head[end] not in _WHITE and head[end : end + 1] != b"#":
            end += 1
        if end == at:
            raise ImageReadError("the header of the PNM is truncated")
        tokens.append(head[at:end])
        at = end
    return tokens, at + 1


def _read_pam(head: bytes, comments: list[str]) -> tuple[int, int, int, int, int]:
    values: dict[bytes, bytes] = {}
    at = 3
    while True:
        end = head.find(b"\n", at)
        if end < 0:
            raise ImageReadError("the header of the PAM is truncated")
        line, at = head[at:end].strip(), end + 1
        if line == b"ENDHDR":
            break
        if line.startswith(b"#"):
            _add_comment(line[1:], comments)
        elif line:
            name, _, value = line.partition(b" ")
            values[name] = value.strip()
    try:
        width, height, depth, most = (_integer(values[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    except (KeyError, ValueError):
        raise ImageReadError("the header of the PAM is damaged") from None
    kind = values.get(b"TUPLTYPE", b"").removesuffix(b"_ALPHA")
    alpha = values.get(b"TUPLTYPE", b"").endswith(b"_ALPHA")
    if depth not in (1, 2, 3, 4) or (kind and _TUPLES.get(kind, 0) + alpha != depth) or (not kind and depth in (2, 4)):
        text = values.get(b"TUPLTYPE", b"")[:40].decode("ascii", "replace")
        text = "".join(letter for letter in text if letter.isprintable()) or "no tuple type"
        raise ImageReadError(f"a PAM with {depth} channels and {text} cannot be read; gray and RGB are, with alpha too")
    return width, height, depth, most, at


def _add_comment(text: bytes, comments: list[str]) -> None:
    plain = " ".join(text.decode("utf-8", "replace").split())
    if plain:
        comments.append(plain)


def _plain_samples(content: bytes, count: int, *, bits: bool) -> NDArray[np.int64]:
    """Numbers written as text; the digits of a PBM need no space between them."""
    text = _COMMENT.sub(b"", content) if b"#" in content else content
    if bits:
        letters = np.frombuffer(text, np.uint8)
        digits = letters[(letters == ord("0")) | (letters == ord("1"))][:count]
        return _enough(digits.astype(np.int64) - ord("0"), count)
    if len(text) < 2 * count - 1:  # before anything is allocated for samples that are not there
        raise ValueError(f"fewer than {count} samples are there")
    result = np.empty(count, np.int64)
    filled = at = 0
    while filled < count and at < len(text):
        end = min(at + _PIECE, len(text))
        while end < len(text) and text[end] not in _WHITE:
            end += 1
        words = text[at:end].split()[: count - filled]
        try:
            result[filled : filled + len(words)] = [int(word) for word in words]
        except (ValueError, OverflowError):
            raise ValueError("a sample is no number") from None
        filled, at = filled + len(words), end
    return _enough(result[:filled], count)


def _enough(samples: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if len(samples) < count:
        raise ValueError(f"{len(samples)} of {count} samples are there")
    return samples


def _whole(reader: BinaryIO, size: int) -> bytes:
    position = reader.tell()
    there = reader.seek(0, os.SEEK_END) - position
    if there < size:  # before anything is allocated for samples that are not there
        raise ValueError(f"{max(0, there)} of {size} bytes of samples are there")
    reader.seek(position)
    return reader.read(size)
