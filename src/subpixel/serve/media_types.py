"""What an uploaded file is, by its first bytes, and the media types of results. Names decide nothing but a suffix.

Only what is listed here reaches a worker: no playlist, no page of text, nothing that names other files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["HEAD_BYTES", "MEDIA_TYPES", "FileType", "display_name", "file_type"]

# Bytes of the beginning of a file that are looked at.
HEAD_BYTES = 4096

MEDIA_TYPES = {
    ".png": "image/png",
    ".apng": "image/apng",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".ppm": "image/x-portable-anymap",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".qt": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".nut": "video/x-nut",
    ".avi": "video/x-msvideo",
    ".ts": "video/mp2t",
    ".mpg": "video/mpeg",
    ".flv": "video/x-flv",
    ".wmv": "video/x-ms-wmv",
    ".ogv": "video/ogg",
    ".y4m": "video/x-yuv4mpeg",
    ".ivf": "video/x-ivf",
}


@dataclass(frozen=True)
class FileType:
    """A type of file.

    Args:
        kind: ``image`` or ``video``.
        suffixes: of its files. A file keeps that of its name if it is among them; else it gets the first.
    """

    kind: str
    suffixes: tuple[str, ...]

    def suffix(self, name: str) -> str:
        """The suffix of a file of this type, by its name."""
        own = PurePosixPath(name.replace("\\", "/")).suffix.lower()
        return own if own in self.suffixes else self.suffixes[0]


_PNG = FileType("image", (".png", ".apng"))
_JPEG = FileType("image", (".jpg", ".jpeg"))
_TIFF = FileType("image", (".tif", ".tiff"))
_GIF = FileType("image", (".gif",))
_WEBP = FileType("image", (".webp",))
_HEIF = FileType("image", (".avif", ".heic"))
_BMP = FileType("image", (".bmp",))
_PNM = FileType("image", (".ppm",))
_MP4 = FileType("video", (".mp4", ".m4v", ".mov", ".qt"))
_MATROSKA = FileType("video", (".mkv", ".webm"))

# Offset and bytes.
_SIGNATURES: tuple[tuple[FileType, int, bytes], ...] = (
    (_PNG, 0, b"\x89PNG\r\n\x1a\n"),
    (_JPEG, 0, b"\xff\xd8"),
    (_TIFF, 0, b"II*\0"),
    (_TIFF, 0, b"MM\0*"),
    (_TIFF, 0, b"II+\0"),
    (_TIFF, 0, b"MM\0+"),
    (_GIF, 0, b"GIF8"),
    (_WEBP, 8, b"WEBPVP8"),
    (_BMP, 0, b"BM"),
    (_MATROSKA, 0, b"\x1aE\xdf\xa3"),
    (FileType("video", (".avi",)), 8, b"AVI "),
    (FileType("video", (".mpg",)), 0, b"\0\0\x01\xba"),
    (FileType("video", (".flv",)), 0, b"FLV\x01"),
    (FileType("video", (".wmv",)), 0, b"0&\xb2u\x8ef\xcf\x11"),
    (FileType("video", (".ogv",)), 0, b"OggS"),
    (FileType("video", (".y4m",)), 0, b"YUV4MPEG2"),
    (FileType("video", (".nut",)), 0, b"nut/multimedia container"),
    (FileType("video", (".ivf",)), 0, b"DKIF"),
)
_HEIF_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf")
_MOV_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_TS_PACKET = 188


def file_type(head: bytes) -> FileType | None:
    """The type of a file; None if it is none that can be upscaled.

    Args:
        head: the first :data:`HEAD_BYTES` bytes.

    >>> file_type(b"GIF89a").kind, file_type(b"#EXTM3U")
    ('image', None)
    """
    for found, at, mark in _SIGNATURES:
        if head[at : at + len(mark)] == mark:
            return found
    if head[4:8] == b"ftyp":
        return _HEIF if head[8:12] in _HEIF_BRANDS else _MP4
    if head[4:8] in _MOV_ATOMS:
        return FileType("video", (".mov", ".mp4"))
    if head[:1] == b"P" and head[1:2] in b"1234567Ff" and head[2:3].isspace():
        return _PNM
    if (
        head[:1] == b"G"
        and head[_TS_PACKET : _TS_PACKET + 1] == b"G"
        and head[2 * _TS_PACKET : 2 * _TS_PACKET + 1] == b"G"
    ):
        return FileType("video", (".ts",))
    return None


def display_name(name: str, fallback: str) -> str:
    """The last part of a client's name for a file, fit to be shown and to name a download. It is never a path.

    >>> display_name("../../etc/passwd", "image"), display_name("C:\\\\a\\\\b.png", ""), display_name("..", "image")
    ('passwd', 'b.png', 'image')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(each for each in last if each.isprintable()).strip(" .")[:150].strip(" .")
    return shown if last.strip(" .") and shown else fallback
