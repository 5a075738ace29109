"""The chunks of a PNG: what they are, those that libvips neither reads nor writes, and the bytes after them.

Sources: PNG, third edition (W3C, 2025); its register of extensions, version 1.5.0; ImageMagick's coder for its raw
profiles.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers.in_place import replace_part
from subpixel.image.files.containers.inventory import Fate, Inventory, Part
from subpixel.image.files.containers.trailing import describe_trailing

__all__ = [
    "INVENTORY",
    "SIGNATURE",
    "Contents",
    "add_texts",
    "background",
    "chunk",
    "chunk_place",
    "declared_frames",
    "insert_chunks",
    "read_contents",
    "remove_chunk",
    "resolution",
]

_IN_PNG = "in other formats a colour profile"
INVENTORY = Inventory(
    "PNG",
    "chunk",
    (
        Part("IHDR", "size and kind of the pixels", Fate.READ),
        Part("PLTE", "the palette", Fate.READ),
        Part("IDAT", "the pixels", Fate.READ),
        Part("IEND", "the end", Fate.READ),
        Part("tRNS", "transparency", Fate.READ),
        Part("acTL", "the number of frames and of repetitions", Fate.READ),
        Part("fcTL", "place and time of a frame", Fate.READ),
        Part("fdAT", "the pixels of a frame", Fate.READ),
        Part("cICP", "code points of the colours", Fate.KEPT, _IN_PNG),
        Part("iCCP", "the colour profile", Fate.KEPT),
        Part("sRGB", "that the colours are sRGB", Fate.KEPT, _IN_PNG),
        Part("gAMA", "the gamma", Fate.KEPT, _IN_PNG),
        Part("cHRM", "the chromaticities of the primaries", Fate.KEPT, _IN_PNG),
        Part("mDCV", "the colour volume of the mastering display", Fate.KEPT, "in a PNG"),
        Part("mDCv", "the colour volume of the mastering display", Fate.KEPT, "in a PNG; a draft's name"),
        Part("cLLI", "the content light level", Fate.KEPT, "in a PNG"),
        Part("cLLi", "the content light level", Fate.KEPT, "in a PNG; a draft's name"),
        Part("eXIf", "EXIF", Fate.KEPT),
        Part("tEXt", "a text", Fate.KEPT, "in a PNG; XMP, and ImageMagick's EXIF and IPTC, everywhere"),
        Part("zTXt", "a compressed text", Fate.KEPT, "as tEXt"),
        Part("iTXt", "a text in UTF-8", Fate.KEPT, "as tEXt"),
        Part("pHYs", "the resolution, or the aspect ratio of the pixels", Fate.KEPT, "the ratio in a PNG"),
        Part("bKGD", "the background colour", Fate.KEPT, "in a PNG"),
        Part("tIME", "the time of the last change", Fate.KEPT, "in a PNG"),
        Part("sBIT", "how many bits of the old samples matter", Fate.RENEWED),
        Part("hIST", "how often the old pixels have each colour of the palette", Fate.RENEWED),
        Part("iDOT", "where a part of the old pixels begins in the file", Fate.RENEWED, "by Apple"),
        Part("sPLT", "a suggested palette", Fate.LOST),
        Part("caBX", "a C2PA manifest signed for the old pixels", Fate.LOST),
        Part("dSIG", "a digital signature of the old file", Fate.LOST),
        Part("oFFs", "the offset of the image on a page", Fate.LOST),
        Part("pCAL", "a calibration of the pixel values", Fate.LOST),
        Part("sCAL", "the physical scale of a pixel", Fate.LOST),
        Part("sTER", "the layout of a stereo image", Fate.LOST),
        Part("gIFg", "a graphic control extension of a GIF", Fate.LOST),
        Part("gIFx", "an application extension of a GIF", Fate.LOST),
        Part("gIFt", "a plain text extension of a GIF", Fate.LOST),
        Part("msOG", "a GIF beside the PNG", Fate.LOST, "by Microsoft Office"),
        Part("caNv", "the size and offset of a canvas", Fate.LOST, "by ImageMagick"),
        Part("vpAg", "the size of a virtual page", Fate.LOST, "by ImageMagick"),
        Part("orNT", "an orientation of ImageMagick", Fate.LOST, "by ImageMagick"),
        Part("prVW", "a preview of the old pixels", Fate.LOST, "by Adobe Fireworks"),
        Part("mkBF", "the layers of Adobe Fireworks", Fate.LOST, "by Adobe Fireworks"),
        Part("mkBS", "the layers of Adobe Fireworks", Fate.LOST, "by Adobe Fireworks"),
        Part("mkBT", "the layers of Adobe Fireworks", Fate.LOST, "by Adobe Fireworks"),
        Part("mkTS", "the layers of Adobe Fireworks", Fate.LOST, "by Adobe Fireworks"),
        Part("npTc", "the stretching areas of a nine-patch", Fate.LOST, "by Android"),
        Part("npLb", "the layout bounds of a nine-patch", Fate.LOST, "by Android"),
        Part("npOl", "the outline of a nine-patch", Fate.LOST, "by Android"),
        Part("grAb", "the offset of a sprite", Fate.LOST, "by Doom"),
        Part("CgBI", "pixels in a form of Apple's own", Fate.REFUSED, "by Xcode, for iOS"),
    ),
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# XMP, which libvips writes, and reads before the pixels.
_XMP = b"XML:com.adobe.xmp\0"
_RAW = b"Raw profile type "
# Chunks that are carried into the result as they are, and the lengths that they may have.
_CARRIED: dict[bytes, tuple[int, ...]] = {
    **{b"cICP": (4,), b"mDCV": (24,), b"mDCv": (24,), b"cLLI": (8,), b"cLLi": (8,)},
    **{b"sRGB": (1,), b"gAMA": (4,), b"cHRM": (32,), b"bKGD": (1, 2, 6), b"tIME": (7,), b"pHYs": (9,)},
}
# More text than this in all is not the description of an image.
_MOST = 16 * 1024**2
# Texts of ImageMagick's that are no profiles: each may be decompressed to all of the text that is allowed.
_MOST_RAW = 8
# More chunks than any encoder writes: those of 8 KB for 32 GB of pixels. And more names than there can be in earnest.
_MOST_CHUNKS, _MOST_NAMES = 1 << 22, 256


@dataclass
class Contents:
    """What a PNG consists of.

    Args:
        header: the content of IHDR; empty if there is none.
        names: of the chunks, each once, in order.
        palette: the content of PLTE.
        transparency: the content of tRNS.
        icc: the content of iCCP; libpng ignores a profile that it finds wrong.
        carried: chunks that a result should have unchanged, each complete: length, name, content, checksum.
        texts: text chunks, each complete.
        profiles: EXIF of eXIf, XMP behind the pixels, and what ImageMagick stores as text, by its name for it:
            ``exif``, ``iptc``, ``xmp``, ``icc``. libvips finds some of it only before the pixels, or not at all.
        plan: name, offset of the content and its length of each acTL, fcTL, fdAT and IDAT, if acTL is there in time.
        has_resolution: whether pHYs states pixels per metre.
        complete: whether IEND was reached.
        missing: bytes of pixels that should be behind the end of the file.
        notes: what is damaged or comes after IEND, one sentence each.
    """

    header: bytes = b""
    names: dict[str, None] = field(default_factory=dict)
    palette: bytes = b""
    transparency: bytes = b""
    icc: bytes = b""
    carried: tuple[bytes, ...] = ()
    texts: tuple[bytes, ...] = ()
    profiles: dict[str, bytes] = field(default_factory=dict)
    plan: list[tuple[bytes, int, int]] = field(default_factory=list)
    has_resolution: bool = False
    complete: bool = False
    missing: int = 0
    notes: tuple[str, ...] = ()

    @property
    def has_gray_palette(self) -> bool:
        """Whether there is a palette that holds nothing but grays."""
        return bool(self.palette) and self.palette[0::3] == self.palette[1::3] == self.palette[2::3]

    @property
    def refusal(self) -> str | None:
        """Why the image cannot be read, if a chunk says so: a critical one that is not known, or Apple's form."""
        if "CgBI" in self.names:
            return "this PNG is in Apple's own form for iOS (CgBI), which is not supported; convert it to a plain PNG"
        critical = [name for name in self.names if name[0].isupper() and name not in INVENTORY.by_name]
        return f"the PNG chunk {critical[0]} is critical and not known: the image cannot be read" if critical else None

    @property
    def reserved(self) -> str | None:
        """Why libpng's kin reject a file with a chunk whose third letter is lower-case, if there is one."""
        name = next((name for name in self.names if name[2].islower()), None)
        return None if name is None else f"the PNG chunk {name} has a name that the format reserves: it cannot be read"

    @property
    def profile(self) -> bytes | None:
        """The colour profile of iCCP as it is; None without one, or if it cannot be decompressed."""
        _, _, packed = self.icc.partition(b"\0")
        if packed[:1] != b"\0":  # the only method
            return None
        try:
            return zlib.decompressobj().decompress(packed[1:], _MOST) or None
        except zlib.error:
            return None

    @property
    def losses(self) -> tuple[str, ...]:
        """What a result will lack, one sentence each."""
        stray = [name for name in ("acTL", "fcTL", "fdAT") if name in self.names and not self.plan]
        notes = list(INVENTORY.losses(self.names))
        if stray:
            notes.append(
                f"without acTL before the pixels, {', '.join(stray)} are no animation: the default image is upscaled"
            )
        return (*notes, *self.notes)


def read_contents(file: BinaryIO) -> Contents:
    """One pass over the chunks of a PNG; pixels are skipped. A truncated file gives what comes before its end.

    Raises:
        OSError: the file cannot be read.
    """
    result = Contents()
    file.seek(0)
    if file.read(8) != SIGNATURE:
        return result
    carried: dict[bytes, bytes] = {}
    texts: list[bytes] = []
    damaged: dict[str, None] = {}
    oversized: dict[str, None] = {}
    at, total = 8, 0
    kind, length = b"", 0
    for _ in range(_MOST_CHUNKS):
        start = file.read(8)
        if len(start) < 8 or not start[4:].isalpha():
            break
        length, kind = int.from_bytes(start[:4], "big"), start[4:]
        if kind == b"IDAT" and not result.plan and "IDAT" in result.names:  # nearly all chunks of a large image
            at += 12 + length
            file.seek(at)
            continue
        name = kind.decode("ascii")
        if len(result.names) < _MOST_NAMES:
            result.names.setdefault(name)
        is_text = kind in _TEXTS and length <= _MOST - total
        if kind in (b"acTL", b"fcTL", b"fdAT", b"IDAT"):
            if result.plan or (kind == b"acTL" and "IDAT" not in result.names):
                result.plan.append((kind, at + 8, length))
        elif (
            is_text
            or kind in _CARRIED
            or (kind in (b"IHDR", b"PLTE", b"tRNS") and length <= 768)
            or (kind in (b"iCCP", b"eXIf") and length <= _MOST)
        ):
            content = file.read(min(length, _MOST) + 4)
            if len(content) < length + 4:
                damaged.setdefault(name)
                break
            content, checksum = content[:-4], content[-4:]
            total += length if is_text else 0
            if zlib.crc32(kind + content) != int.from_bytes(checksum, "big") or not _fits(kind, length):
                damaged.setdefault(name)
            elif is_text:
                _take_text(result, texts, start + content + checksum)
            elif kind == b"IHDR":
                result.header = content
            elif kind == b"PLTE":
                result.palette = content
            elif kind == b"tRNS":
                result.transparency = content
            elif kind == b"iCCP":
                result.icc = result.icc or content
            elif kind == b"eXIf":
                result.profiles["exif"] = b"Exif\0\0" + content.removeprefix(b"Exif\0\0")
            elif kind == b"pHYs" and not _is_ratio(content):
                result.has_resolution |= content[8] == 1
            else:
                carried.setdefault(kind, start + content + checksum)
        elif kind in _TEXTS:
            oversized.setdefault(name)
        at += 12 + length
        if kind == b"IEND":
            result.complete = True
            break
        file.seek(at)
    result.carried, result.texts = tuple(carried.values()), tuple(texts)
    notes = [f"the PNG chunk {name} is damaged: it is not kept" for name in damaged if name not in ("IHDR", "PLTE")]
    notes += [f"the PNG chunk {name} makes more than 16 MB of texts: it is not kept" for name in oversized]
    if result.complete:
        if length:  # of IEND
            notes.append("the PNG chunk IEND should be empty: what it holds is not kept")
        if trailing := describe_trailing(file, at):
            notes.append(trailing)
    else:
        if kind in (b"IDAT", b"fdAT"):
            result.missing = max(0, at - 4 - file.seek(0, os.SEEK_END))
        notes.append("the PNG may be damaged: it has no end, and what followed its pixels is missing")
    result.notes = tuple(notes)
    return result


def declared_frames(file: BinaryIO) -> int:
    """The number of frames that a PNG states before its pixels; 1 if it states none.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    at = 8
    if file.read(8) != SIGNATURE:
        return 1
    while len(start := file.read(8)) == 8 and start[4:] not in (b"IDAT", b"IEND") and start[4:].isalpha():
        if start[4:] == b"acTL":
            return max(1, int.from_bytes(file.read(4), "big"))
        at += 12 + int.from_bytes(start[:4], "big")
        file.seek(at)
    return 1


def chunk(kind: bytes, content: bytes) -> bytes:
    """A complete chunk.

    >>> chunk(b"gAMA", (45455).to_bytes(4, "big")).hex()
    '0000000467414d410000b18f0bfc6105'
    """
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def add_texts(path: str | Path, chunks: tuple[bytes, ...]) -> None:
    """Insert chunks before the end of a PNG.

    Raises:
        OSError: the file cannot be written.
        ValueError: the file does not end as a PNG does.
    """
    with open(path, "r+b") as file:
        end = max(0, file.seek(0, os.SEEK_END) - len(_END))
        file.seek(end)
        if file.read() != _END:
            raise ValueError("the PNG has no end")
        file.seek(end)
        file.write(b"".join(chunks) + _END)


def insert_chunks(path: str | Path, chunks: tuple[bytes, ...]) -> None:
    """Insert chunks after IHDR, in place of those of the same names before the pixels.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it is not a PNG.
    """
    with open(path, "r+b") as file:
        old, rest = b"", b""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.read(8) != SIGNATURE:
            raise ValueError("not a PNG")
        names = {each[4:8] for each in chunks}
        while len(start := file.read(8)) == 8 and start[4:] != b"IDAT":
            length = int.from_bytes(start[:4], "big") + 4
            if length > size:
                raise ValueError("a chunk of the PNG is cut short")
            each = start + file.read(length)
            old += each
            if start[4:] not in (b"IHDR", *names):
                rest += each
        if len(start) < 8 or old[:8] != b"\0\0\0\rIHDR":
            raise ValueError("not a PNG")
        replace_part(file, 8, len(old), old[:25] + b"".join(chunks) + rest)


def chunk_place(file: BinaryIO, kind: bytes) -> tuple[int, int] | None:
    """Offset and length of the content of the first chunk of a kind; None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    at = 8
    if file.read(8) != SIGNATURE:
        return None
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        start = file.read(8)
        length = int.from_bytes(start[:4], "big")
        if start[4:] == kind:
            return at + 8, length
        if len(start) < 8 or start[4:] == b"IEND" or (start[4:] == b"IDAT" and kind == b"pHYs"):
            return None
        at += 12 + length
    return None


def resolution(file: BinaryIO) -> tuple[float, float] | None:
    """Pixels per millimetre across and down; None if the file states none.

    Raises:
        OSError: the file cannot be read.
    """
    place = chunk_place(file, b"pHYs")
    if place is None or place[1] != 9:
        return None
    file.seek(place[0])
    content = file.read(9)
    if len(content) < 9:  # the file is cut short
        return None
    across, down, unit = struct.unpack(">IIB", content)
    return (across / 1000, down / 1000) if unit == 1 else None


def remove_chunk(file: BinaryIO, kind: bytes) -> None:
    """Remove the first chunk of a kind, if there is one.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the chunk is cut short.
    """
    place = chunk_place(file, kind)
    if place is not None:
        replace_part(file, place[0] - 8, place[1] + 12, b"")


def background(content: bytes, header: bytes, palette: bytes) -> tuple[int, int, int] | None:
    """The colour in a bKGD chunk, as 16-bit red, green and blue; None if it does not fit the image.

    Args:
        content: of bKGD.
        header: the content of IHDR.
        palette: the content of PLTE.
    """
    depth, kind = (header[8], header[9]) if len(header) == 13 else (8, -1)
    if kind == 3 and len(content) == 1:
        entry = palette[3 * content[0] : 3 * content[0] + 3]
        return (entry[0] * 257, entry[1] * 257, entry[2] * 257) if len(entry) == 3 else None
    if (kind, len(content)) not in ((0, 2), (4, 2), (2, 6), (6, 6)):
        return None
    values = [min(value, (1 << depth) - 1) for value in struct.unpack(f">{len(content) // 2}H", content)]
    red, *others = (value * 65535 // ((1 << depth) - 1) for value in values)
    green, blue = others or (red, red)
    return red, green, blue


def _is_ratio(content: bytes) -> bool:
    """Whether pHYs states that pixels are not square, and no resolution, which is libvips' part."""
    across, down, unit = struct.unpack(">IIB", content)
    return bool(unit == 0 and across != down and across > 0 and down > 0)


def _fits(kind: bytes, length: int) -> bool:
    return kind not in _CARRIED or length in _CARRIED[kind]


def _take_text(result: Contents, texts: list[bytes], whole: bytes) -> None:
    """Keep a text chunk, unless it is XMP or a raw profile that goes its own way."""
    content = whole[8:-4]
    if content.startswith(_XMP):
        if "IDAT" in result.names and (packet := _packet(whole[4:8], content)):
            result.profiles.setdefault("xmp", packet)
        return
    if content.startswith(_RAW) and sum(_RAW in each[8:32] for each in texts) < _MOST_RAW:
        kind, data = _raw_profile(whole[4:8], content)
        if data is not None:
            result.profiles.setdefault(kind, data)
            if kind != "iptc":  # which a PNG can hold in no other way
                return
    texts.append(whole)


def _packet(kind: bytes, content: bytes) -> bytes | None:
    """The XMP in a text chunk; None if it cannot be decompressed."""
    rest = content.removeprefix(_XMP)
    compressed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    if kind == b"iTXt":
        rest = [*rest[2:].split(b"\0", 2), b"", b""][2]  # after the method: language, translated keyword
    elif kind == b"zTXt":
        rest = rest[1:]  # the method
    if not compressed:
        return rest
    try:
        return zlib.decompressobj().decompress(rest, _MOST)
    except zlib.error:
        return None


def _raw_profile(kind: bytes, content: bytes) -> tuple[str, bytes | None]:
    """What a text of ImageMagick's holds: hexadecimal digits after its name and length."""
    keyword, _, text = content.partition(b"\0")
    if kind == b"zTXt":
        try:
            text = zlib.decompressobj().decompress(text[1:], _MOST)
        except zlib.error:
            return "", None
    name = keyword.removeprefix(_RAW).decode("latin-1").lower()
    lines = text.strip().split(b"\n", 2)
    try:
        data = bytes.fromhex(lines[2].decode("ascii")) if len(lines) == 3 else None
    except ValueError:
        return "", None
    if not data:
        return "", None
    if name in ("app1", "exif"):
        found = data.startswith(b"http://ns.adobe.com/xap/1.0/\0")
        return ("xmp", data.partition(b"\0")[2]) if found else ("exif", b"Exif\0\0" + data.removeprefix(b"Exif\0\0"))
    known = {"iptc": "iptc", "8bim": "iptc", "xmp": "xmp", "icc": "icc", "icm": "icc"}
    return (known[name], data) if name in known else ("", None)
