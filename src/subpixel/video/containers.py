"""The containers that videos are written to, as data: what each holds of what may be said of a video."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av

from subpixel.errors import InvalidArgument
from subpixel.video.encoders import ENCODERS
from subpixel.video.packets import Span
from subpixel.video.video_file import Stream, VideoFile, VideoStream

__all__ = [
    "ASPECT_CODECS",
    "CONTAINERS",
    "COVERS",
    "Container",
    "container_of",
    "content_metadata",
    "is_cover",
    "is_timecode",
    "muxer_options",
    "writable_matrix",
    "writable_metadata",
    "writable_stream_metadata",
]

_ATTACHED_IMAGE = int(av.stream.Disposition.attached_pic)

# What iTunes' list, which MP4 is expected to have, holds in libavformat's movenc.c.
_ITUNES = {
    "album",
    "album_artist",
    "artist",
    "comment",
    "compilation",
    "composer",
    "copyright",
    "creation_time",
    "date",
    "description",
    "disc",
    "episode_id",
    "episode_sort",
    "gapless_playback",
    "genre",
    "grouping",
    "hd_video",
    "keywords",
    "location",
    "lyrics",
    "media_type",
    "network",
    "season_number",
    "show",
    "synopsis",
    "title",
    "tmpo",
    "track",
}

# Said of a file or an encoder, not of the video: false as soon as another program writes it.
_OF_THE_FILE = {
    "bps",
    "compatible_brands",
    "duration",
    "encoder",
    "encoding_tool",
    "major_brand",
    "minor_version",
    "number_of_bytes",
    "number_of_frames",
    "software",
    "variant_bitrate",
}

# Languages that have two codes in ISO 639-2; QuickTime knows them by the older.
BIBLIOGRAPHIC = {
    "bod": "tib",
    "ces": "cze",
    "cym": "wel",
    "deu": "ger",
    "ell": "gre",
    "eus": "baq",
    "fas": "per",
    "fra": "fre",
    "hye": "arm",
    "isl": "ice",
    "kat": "geo",
    "mkd": "mac",
    "mri": "mao",
    "msa": "may",
    "mya": "bur",
    "nld": "dut",
    "ron": "rum",
    "slk": "slo",
    "sqi": "alb",
    "zho": "chi",
}

# Encoders whose code says what shape the pixels have.
ASPECT_CODECS = {encoder.codec for encoder in ENCODERS.values() if encoder.says_aspect}

# MIME types of images that Matroska's attachments may be, by libavcodec's name.
COVERS = {"mjpeg": ("image/jpeg", "jpg"), "png": ("image/png", "png"), "gif": ("image/gif", "gif")}


@dataclass(frozen=True)
class Container:
    """What a container holds.

    Args:
        name: as people write it.
        format: libavformat's name of its writer.
        suffixes: of its files.
        tick: the unit of its times in seconds, where it has one unit for all; else each stream keeps its own.
        options: libavformat's, to write it.
        attachments: files such as fonts.
        chapters: it has them.
        matrix: how the image is turned, ``"any"`` matrix, ``"quarters"`` of a turn, or nothing.
        negative: it holds times below 0; else all are moved so far that none is.
        together: packets of a stream may be at one time.
        aspect: how the shape of pixels is written that the image's code does not tell (VP9, AV1, FFV1, ProRes):
            ``"written"`` by libavformat, ``"edited"`` into the finished file, or not at all.
        dispositions: which of libavformat's flags are kept.
        metadata: ``"any"`` key, the ``"listed"`` ones of iTunes (any, if there is no cover), or nothing.
        stream_metadata: of a stream: keys, or None for any but when it was created.
    """

    name: str
    format: str
    suffixes: tuple[str, ...]
    tick: Fraction | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    attachments: bool = False
    chapters: bool = False
    matrix: str = ""
    negative: bool = True
    together: bool = False
    aspect: str = ""
    dispositions: int = 0
    metadata: str = ""
    stream_metadata: frozenset[str] | None = frozenset()

    def __str__(self) -> str:
        return self.name


_FLAGS = av.stream.Disposition
_MATROSKA_FLAGS = int(
    _FLAGS.default
    | _FLAGS.forced
    | _FLAGS.original
    | _FLAGS.comment
    | _FLAGS.hearing_impaired
    | _FLAGS.visual_impaired
    | _FLAGS.descriptions
)
_NUT_FLAGS = int(_FLAGS.default | _FLAGS.dub | _FLAGS.original | _FLAGS.comment | _FLAGS.lyrics | _FLAGS.karaoke)
_MP4_FLAGS = int(_FLAGS.default)

# Negative times (sound that a decoder runs in with, frames stored in another order) stay as they are: both hold them.
_AS_THEY_ARE = {"avoid_negative_ts": "disabled"}
_MP4 = frozenset({"language", "handler_name", "title", "timecode", "creation_time"})

_MPEG4 = Container(
    "MP4",
    "mp4",
    (".mp4", ".m4v"),
    options=_AS_THEY_ARE,
    chapters=True,
    matrix="any",
    aspect="written",
    dispositions=_MP4_FLAGS,
    metadata="listed",
    stream_metadata=_MP4,
)
_MATROSKA = Container(
    "Matroska",
    "matroska",
    (".mkv",),
    tick=Fraction(1, 1000),
    options=_AS_THEY_ARE,
    attachments=True,
    chapters=True,
    matrix="quarters",
    together=True,
    aspect="edited",
    dispositions=_MATROSKA_FLAGS,
    metadata="any",
    stream_metadata=None,
)

CONTAINERS: tuple[Container, ...] = (
    _MPEG4,
    replace(_MPEG4, name="QuickTime", format="mov", suffixes=(".mov", ".qt"), stream_metadata=_MP4 | {"vendor_id"}),
    _MATROSKA,
    replace(_MATROSKA, name="WebM", format="webm", suffixes=(".webm",), attachments=False),
    Container(
        "NUT",
        "nut",
        (".nut",),
        chapters=True,
        negative=False,
        dispositions=_NUT_FLAGS,
        metadata="any",
        stream_metadata=None,
    ),
)


def container_of(path: str | Path) -> Container:
    """The container that a file's name asks for.

    Raises:
        InvalidArgument: no suffix that is known.

    Example:
        >>> container_of("video.mkv").name
        'Matroska'
    """
    suffix = Path(path).suffix.lower()
    for container in CONTAINERS:
        if suffix in container.suffixes:
            return container
    known = ", ".join(suffix for container in CONTAINERS for suffix in container.suffixes)
    raise InvalidArgument(f"{path}: videos are written as {known}, not as {suffix or 'a file without a suffix'}")


def content_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata without what is said of the source's file or of an encoder, and would be false of another file.

    Example:
        >>> content_metadata({"title": "A video", "encoder": "Lavf62", "BPS-eng": "1000", "_STATISTICS_TAGS": "BPS"})
        {'title': 'A video'}
    """
    return {
        key: value
        for key, value in metadata.items()
        if key.lower().split("-")[0] not in _OF_THE_FILE and not key.startswith("_STATISTICS_")
    }


def is_cover(stream: Stream) -> bool:
    """It is an image that belongs to the video as a whole."""
    return stream.kind == "video" and bool(stream.flags & _ATTACHED_IMAGE)


def is_timecode(stream: Stream) -> bool:
    """It is QuickTime's track of timecodes: one number, which the metadata of the stream say too."""
    return stream.kind == "data" and "timecode" in stream.metadata


def writable_metadata(
    container: Container, video: VideoFile, covers: bool, window: Span | None = None
) -> dict[str, str]:
    """The metadata of a video that a container holds."""
    metadata = _of_part(content_metadata(video.metadata), window)
    if container.metadata == "any" or (container.metadata == "listed" and not covers):
        return metadata
    return {key: value for key, value in metadata.items() if container.metadata and key.lower() in _ITUNES}


def muxer_options(container: Container, video: VideoFile, covers: bool) -> dict[str, str]:
    """libavformat's options to write a video.

    MP4 has a fixed list of tags, and another scheme for any tag that fewer players read. That scheme is used if the
    list is not enough. It has no place for a cover.
    """
    options = dict(container.options)
    if container.metadata == "listed":
        if not covers and any(key.lower() not in _ITUNES for key in content_metadata(video.metadata)):
            options["movflags"] = "use_metadata_tags"
        # Where a track begins is counted in units of the video's clock, which is 1 ms if nothing is said.
        options["movie_timescale"] = str(_clock(video.stream.time_base))
    # Packets come nearly in order; this is how long libavformat holds some back, in µs, for a stream that has none.
    options["max_interleave_delta"] = "1000000"
    return options


def writable_stream_metadata(container: Container, stream: Stream, window: Span | None = None) -> dict[str, str]:
    """The metadata of a stream that a container holds."""
    metadata = _of_part(content_metadata(stream.metadata), window)
    if "name" in metadata and "title" not in metadata:
        # What QuickTime's tracks are called; libavformat reads it under this key and writes it under the other.
        metadata["title"] = metadata.pop("name")
    if container.stream_metadata is None:
        return {key: value for key, value in metadata.items() if key.lower() != "creation_time"}
    held = {key: value for key, value in metadata.items() if key.lower() in container.stream_metadata}
    if "language" in held:
        spelled = _spelled(container.format, held["language"])
        if spelled is None:
            del held["language"]
        else:
            held["language"] = spelled
    return held


@cache
def _spelled(format_name: str, language: str) -> str | None:
    """How a language is spelled in MP4 or QuickTime, which has a list of some, None if it has no place there.

    Found by trial: a track with one sample is written to memory and read.
    """
    for name in (language, BIBLIOGRAPHIC.get(language, language)):
        content = io.BytesIO()
        with av.open(content, "w", format=format_name, metadata_errors="surrogateescape") as out:
            track = out.add_stream("pcm_s16be", rate=8000, layout="mono")
            track.metadata["language"] = name
            packet = av.Packet(bytes(2))
            packet.stream, packet.time_base = track, Fraction(1, 8000)
            packet.pts = packet.dts = 0
            packet.duration = 1
            out.mux(packet)
        content.seek(0)
        with av.open(content) as result:
            if result.streams[0].metadata.get("language", "und") == name:
                return name
    return None


def writable_matrix(container: Container, video_stream: VideoStream) -> tuple[int, ...] | None:
    """The display matrix that a container holds, None if it is none or another."""
    matrix = video_stream.matrix
    if matrix is None or container.matrix == "any":
        return matrix
    return matrix if container.matrix == "quarters" and _is_turn(matrix) else None


def _of_part(metadata: dict[str, str], window: Span | None) -> dict[str, str]:
    """A timecode is that of the first frame: of another part of the video it would be false."""
    if window is None or window[0] <= 0:
        return metadata
    return {key: value for key, value in metadata.items() if key.lower() != "timecode"}


def _clock(time_base: Fraction) -> int:
    """Ticks a second in which both milliseconds and the video's own times are whole, if there are."""
    rate = Fraction(1) / time_base
    ticks = rate.numerator
    while ticks < 10000:
        ticks *= 2
    return ticks if ticks < 1 << 31 else 1000


def _is_turn(matrix: tuple[int, ...]) -> bool:
    """It turns, and neither moves, mirrors nor stretches."""
    a, b, u, c, d, v, x, y, w = matrix
    return (u, v, x, y, w) == (0, 0, 0, 0, 1 << 30) and a == d and b == -c
