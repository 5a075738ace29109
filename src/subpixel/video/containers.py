"""The containers that videos are written to, as data: what each can store about a video."""

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
from subpixel.video.video_file import Stream, VideoFile, VideoStream

__all__ = [
    "ASPECT_CODECS",
    "CONTAINERS",
    "COVERS",
    "PROVENANCE_KEY",
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

# The keys of iTunes' list, which players expect in MP4, as in libavformat's movenc.c.
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

# The key of this package's own statement about a result, see subpixel.video.provenance.
PROVENANCE_KEY = "SUBPIXEL"

# Keys that describe a file or an encoder, not the video: they become false when another program writes the video.
_FILE_KEYS = {
    "subpixel",
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

# What libavformat and other writers fill in if nothing is known: it says nothing.
_FILLED_IN = {
    "handler_name": {
        *("VideoHandler", "SoundHandler", "SubtitleHandler", "DataHandler", "TimeCodeHandler", "ClosedCaptionHandler"),
        *("VideoHandle", "SoundHandle", "Core Media Video", "Core Media Audio", "Core Media Time Code"),
    },
    "language": {"und"},
    "vendor_id": {"[0][0][0][0]", "FFMP"},
}

# Languages that have two codes in ISO 639-2. QuickTime uses the older one.
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

# Encoders that write the sample aspect ratio into their packets.
ASPECT_CODECS = {encoder.codec for encoder in ENCODERS.values() if encoder.stores_aspect}

# MIME types and suffixes of cover images that Matroska attaches, by libavcodec's name.
COVERS = {
    "mjpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "gif": ("image/gif", "gif"),
    "tiff": ("image/tiff", "tif"),
    "bmp": ("image/bmp", "bmp"),
    "webp": ("image/webp", "webp"),
}


@dataclass(frozen=True)
class Container:
    """What a container can store.

    Args:
        name: as people write it.
        format: libavformat's name of its writer.
        suffixes: of its files.
        options: libavformat's options to write it.
        attachments: whether it stores files such as fonts.
        covers: formats of cover images that it stores other than as attachments, by libavcodec's names.
        chapters: whether it stores chapters.
        matrix: the display matrices that it stores: ``"any"``, ``"quarters"`` of a turn, or none (empty).
        negative_times: whether it stores times below 0; if not, all times are shifted until none is negative.
        equal_times: whether packets of a stream may have the same time.
        delays: how it stores samples of a sound that decoders skip if the source is another container: by times below 0
            (``"times"``), ``"edited"`` into the finished file, or not at all (empty).
        durations: whether it stores how long packets last, which subtitles need.
        unheld: formats that libavformat takes for it but does not write, or writes as another, by libavcodec's names.
        aspect: how it stores the sample aspect ratio if the packets do not (VP9, AV1, FFV1, ProRes): ``"written"`` by
            libavformat, ``"edited"`` into the finished file, or not at all (empty).
        colours: whether it stores colour tags, whatever the packets do.
        dispositions: the flags of libavformat that it stores.
        metadata: the keys that it stores: ``"any"``, those ``"listed"`` by iTunes (any if there is no cover), or none.
        stream_metadata: the keys that it stores of a stream; None for any but the time of creation.
    """

    name: str
    format: str
    suffixes: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    attachments: bool = False
    covers: frozenset[str] = frozenset()
    chapters: bool = False
    matrix: str = ""
    negative_times: bool = True
    equal_times: bool = False
    delays: str = ""
    durations: bool = True
    unheld: frozenset[str] = frozenset()
    aspect: str = ""
    colours: bool = True
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

# Negative times (audio priming, reordered frames) stay as they are: MP4 and Matroska store them.
_KEEP_NEGATIVE_TIMES = {"avoid_negative_ts": "disabled"}
_MP4 = frozenset({"language", "handler_name", "title", "timecode", "creation_time"})

_MPEG4 = Container(
    "MP4",
    "mp4",
    (".mp4", ".m4v"),
    options=_KEEP_NEGATIVE_TIMES,
    covers=frozenset({"mjpeg", "png", "bmp"}),
    chapters=True,
    matrix="any",
    delays="times",
    aspect="written",
    dispositions=_MP4_FLAGS,
    metadata="listed",
    stream_metadata=_MP4,
)
_MATROSKA = Container(
    "Matroska",
    "matroska",
    (".mkv",),
    options=_KEEP_NEGATIVE_TIMES,
    attachments=True,
    chapters=True,
    matrix="quarters",
    equal_times=True,
    delays="edited",
    aspect="edited",
    dispositions=_MATROSKA_FLAGS,
    metadata="any",
    stream_metadata=None,
)

CONTAINERS: tuple[Container, ...] = (
    _MPEG4,
    replace(
        _MPEG4,
        name="QuickTime",
        format="mov",
        suffixes=(".mov", ".qt"),
        covers=frozenset(),
        unheld=frozenset({"av1", "vp9"}),
        stream_metadata=_MP4 | {"vendor_id"},
    ),
    _MATROSKA,
    replace(_MATROSKA, name="WebM", format="webm", suffixes=(".webm",), attachments=False),
    Container(
        "NUT",
        "nut",
        (".nut",),
        chapters=True,
        negative_times=False,
        durations=False,
        unheld=frozenset({"eac3"}),  # its tag is that of AC-3
        colours=False,
        dispositions=_NUT_FLAGS,
        metadata="any",
        stream_metadata=None,
    ),
)


def container_of(path: str | Path) -> Container:
    """The container for a file name, by its suffix.

    Raises:
        InvalidArgument: the suffix is not one of a container written here.

    >>> container_of("video.mkv").name
    'Matroska'
    """
    suffix = Path(path).suffix.lower()
    for container in CONTAINERS:
        if suffix in container.suffixes:
            return container
    known = ", ".join(suffix for container in CONTAINERS for suffix in container.suffixes)
    given = f"the suffix {suffix} is not" if suffix else "a file name without a suffix is not"
    raise InvalidArgument(f"{path}: {given} supported for videos; use one of {known}")


def content_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata without what describes the source's file or its encoder, and without what says nothing.

    >>> content_metadata({"title": "A video", "encoder": "Lavf62", "BPS-eng": "1000", "_STATISTICS_TAGS": "BPS"})
    {'title': 'A video'}
    """
    return {
        key: value
        for key, value in metadata.items()
        if key.lower().split("-")[0] not in _FILE_KEYS
        and not key.startswith("_STATISTICS_")
        and value not in _FILLED_IN.get(key.lower(), ())
    }


def is_cover(stream: Stream) -> bool:
    """Whether a stream is a cover image."""
    return stream.kind == "video" and bool(stream.flags & _ATTACHED_IMAGE)


def is_timecode(stream: Stream) -> bool:
    """Whether a stream is QuickTime's timecode track: a single number, which is also in the stream's metadata.

    Other data may have a timecode too, such as a camera's own track (``rtmd``), which holds much more.
    """
    return stream.kind == "data" and stream.codec in ("tmcd", "unknown") and "timecode" in stream.metadata


def writable_metadata(container: Container, video: VideoFile, covers: bool, late: bool = False) -> dict[str, str]:
    """The metadata of a video that a container stores.

    Args:
        container: the container.
        video: the video.
        covers: whether the container also stores a cover image.
        late: whether only a part is written, without the video's first frame.
    """
    metadata = _without_false_timecode(content_metadata(video.metadata), late)
    if container.metadata == "any" or (container.metadata == "listed" and not covers):
        return metadata
    return {key: value for key, value in metadata.items() if container.metadata and key.lower() in _ITUNES}


def muxer_options(container: Container, video: VideoFile, covers: bool) -> dict[str, str]:
    """libavformat's options to write a video.

    MP4 has a fixed list of keys, and a second scheme for arbitrary keys, which fewer players read and which has no
    place for a cover. The second scheme is used only if the list is not enough.
    """
    options = dict(container.options)
    if container.metadata == "listed":
        if not covers and any(key.lower() not in _ITUNES for key in content_metadata(video.metadata)):
            options["movflags"] = "use_metadata_tags"
        # The unit in which MP4 stores where a track begins; by default 1 ms.
        options["movie_timescale"] = str(_clock(video.stream.time_base))
    # How long libavformat waits, in µs, for a stream without packets. Packets arrive nearly in order.
    options["max_interleave_delta"] = "1000000"
    return options


def writable_stream_metadata(container: Container, stream: Stream, late: bool = False) -> dict[str, str]:
    """The metadata of a stream that a container stores; ``late`` as in :func:`writable_metadata`."""
    metadata = _without_false_timecode(content_metadata(stream.metadata), late)
    if "name" in metadata and "title" not in metadata:
        # The title of a QuickTime track: libavformat reads it as "name" and writes it as "title".
        metadata["title"] = metadata.pop("name")
    if container.stream_metadata is None:
        return {key: value for key, value in metadata.items() if key.lower() != "creation_time"}
    stored = {key: value for key, value in metadata.items() if key.lower() in container.stream_metadata}
    if "language" in stored:
        code = _language_code(container.format, stored["language"])
        if code is None:
            del stored["language"]
        else:
            stored["language"] = code
    return stored


@cache
def _language_code(format_name: str, language: str) -> str | None:
    """The code of a language in MP4 or QuickTime; None if they have no code for it.

    Found by trial: a track with one sample is written to memory and read back.
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
    """The video's display matrix if the container can store it, else None."""
    matrix = video_stream.matrix
    if matrix is None or container.matrix == "any":
        return matrix
    return matrix if container.matrix == "quarters" and _is_rotation(matrix) else None


def _without_false_timecode(metadata: dict[str, str], late: bool) -> dict[str, str]:
    """A timecode belongs to the video's first frame, so a part that begins later must not have it."""
    if not late:
        return metadata
    return {key: value for key, value in metadata.items() if key.lower() != "timecode"}


def _clock(time_base: Fraction) -> int:
    """A number of ticks a second in which the video's times are integers, and fine enough for other streams."""
    rate = Fraction(1) / time_base
    ticks = rate.numerator
    while ticks < 10000:
        ticks *= 2
    return ticks if ticks < 1 << 31 else 1000


def _is_rotation(matrix: tuple[int, ...]) -> bool:
    """Whether a matrix only rotates, without moving, mirroring or stretching."""
    a, b, u, c, d, v, x, y, w = matrix
    return (u, v, x, y, w) == (0, 0, 0, 0, 1 << 30) and a == d and b == -c
