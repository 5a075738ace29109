"""The containers that films are written to, as data: what each holds; and what of a given film goes into one of them.

What a container holds of a given stream is found by trial: libavformat writes its header to memory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av

from subpixel.errors import InvalidArgument
from subpixel.video.film import Film, Stream, Video, failure, opened
from subpixel.video.hdr import first_frame, static, unkept, unsaid
from subpixel.video.packets import Window

__all__ = [
    "CONTAINERS",
    "COVERS",
    "TELL_ASPECT",
    "Container",
    "Kept",
    "container_of",
    "held_matrix",
    "held_of_container",
    "held_of_stream",
    "is_cover",
    "is_timecode",
    "kept",
    "options_for",
    "told",
]

_ATTACHED_PICTURE = int(av.stream.Disposition.attached_pic)

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

# Said of a file or an encoder, not of the film: false as soon as another program writes it.
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
TELL_ASPECT = {"libx264", "libx265", "mpeg4", "mpeg2video"}

# MIME types of pictures that Matroska's attachments may be, by libavcodec's name.
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
        matrix: how the picture is turned, ``"any"`` matrix, ``"quarters"`` of a turn, or nothing.
        negative: it holds times below 0; else all are moved so far that none is.
        together: packets of a stream may be at one time.
        aspect: how the shape of pixels is written that the picture's code does not tell (VP9, AV1, FFV1, ProRes):
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

CONTAINERS: tuple[Container, ...] = (
    Container(
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
    ),
    Container(
        "QuickTime",
        "mov",
        (".mov", ".qt"),
        options=_AS_THEY_ARE,
        chapters=True,
        matrix="any",
        aspect="written",
        dispositions=_MP4_FLAGS,
        metadata="listed",
        stream_metadata=_MP4 | {"vendor_id"},
    ),
    Container(
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
    ),
    Container(
        "WebM",
        "webm",
        (".webm",),
        tick=Fraction(1, 1000),
        options=_AS_THEY_ARE,
        chapters=True,
        matrix="quarters",
        together=True,
        aspect="edited",
        dispositions=_MATROSKA_FLAGS,
        metadata="any",
        stream_metadata=None,
    ),
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


@dataclass(frozen=True)
class Kept:
    """What of a film goes along into a container: the streams, and a sentence for each thing that cannot.

    ``codec`` is libavcodec's name of the encoder of the picture.
    """

    container: Container
    codec: str
    streams: tuple[Stream, ...]
    notes: tuple[str, ...]

    @property
    def copied(self) -> tuple[Stream, ...]:
        """The streams whose packets are copied: a track of timecodes is made anew by whoever writes QuickTime."""
        return tuple(stream for stream in self.streams if not is_timecode(stream))


def container_of(path: str | Path) -> Container:
    """The container that a file's name asks for.

    Raises:
        InvalidArgument: no suffix that is known.

    Example:
        >>> container_of("film.mkv").name
        'Matroska'
    """
    suffix = Path(path).suffix.lower()
    for container in CONTAINERS:
        if suffix in container.suffixes:
            return container
    known = ", ".join(suffix for container in CONTAINERS for suffix in container.suffixes)
    raise InvalidArgument(f"{path}: films are written as {known}, not as {suffix or 'a file without a suffix'}")


def kept(film: Film, container: Container, codec_name: str, window: Window | None = None) -> Kept:
    """What of a film a container holds.

    Args:
        film: the source.
        container: where its enlarged picture goes.
        codec_name: libavcodec's name of what the picture is encoded by.
        window: the part of it that is written, in seconds; None for all.

    Raises:
        InvalidArgument: the container does not hold such a picture.
        VideoReadError: the film cannot be read any more.
    """
    _check_codec(container, codec_name)
    streams: list[Stream] = []
    notes: list[str] = []
    with opened(film.path) as source:
        for stream in film.others:
            if _is_chapters(film, stream):
                continue
            reason = _refusal(source, stream, container)
            if reason is None:
                streams.append(stream)
            else:
                notes.append(_note(source, stream, container, codec_name, reason))
    notes += _lost(film, container, streams)
    if film.video.aspect != 1 and not container.aspect and codec_name not in TELL_ASPECT:
        notes.append(f"{container} with {codec_name} does not hold that pixels are {film.video.aspect} as wide as high")
    if window is not None and window[0] > 0 and any("timecode" in stream.metadata for stream in film.streams):
        streams = [stream for stream in streams if not is_timecode(stream)]
        notes.append("the timecode is that of the whole film's first frame, and is left out of a part of it")
    frame = first_frame(film.path)
    if frame is not None:
        notes += [*unkept(frame), *unsaid(codec_name, static(frame))]
    return Kept(container, codec_name, tuple(streams), tuple(notes))


def told(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata without what is said of the source's file or of an encoder, and would be false of another file.

    Example:
        >>> told({"title": "A film", "encoder": "Lavf62", "BPS-eng": "1000", "_STATISTICS_TAGS": "BPS"})
        {'title': 'A film'}
    """
    return {
        key: value
        for key, value in metadata.items()
        if key.lower().split("-")[0] not in _OF_THE_FILE and not key.startswith("_STATISTICS_")
    }


def is_cover(stream: Stream) -> bool:
    """It is a picture that belongs to the film as a whole."""
    return stream.kind == "video" and bool(stream.flags & _ATTACHED_PICTURE)


def is_timecode(stream: Stream) -> bool:
    """It is QuickTime's track of timecodes: one number, which the metadata of the stream say too."""
    return stream.kind == "data" and "timecode" in stream.metadata


def held_of_container(container: Container, film: Film, covers: bool, window: Window | None = None) -> dict[str, str]:
    """The metadata of a film that a container holds."""
    metadata = _of_part(told(film.metadata), window)
    if container.metadata == "any" or (container.metadata == "listed" and not covers):
        return metadata
    return {key: value for key, value in metadata.items() if container.metadata and key.lower() in _ITUNES}


def options_for(container: Container, film: Film, covers: bool) -> dict[str, str]:
    """libavformat's options to write a film.

    MP4 has a list of what may be said of a film, and another way in which anything can be, which fewer players read: it
    is taken if the list is not enough. It has no place for a cover.
    """
    options = dict(container.options)
    if container.metadata == "listed":
        if not covers and any(key.lower() not in _ITUNES for key in told(film.metadata)):
            options["movflags"] = "use_metadata_tags"
        # Where a track begins is counted in units of the film's clock, which is 1 ms if nothing is said.
        options["movie_timescale"] = str(_clock(film.video.time_base))
    # Packets come nearly in order; this is how long libavformat holds some back, in µs, for a stream that has none.
    options["max_interleave_delta"] = "1000000"
    return options


def held_of_stream(container: Container, stream: Stream, window: Window | None = None) -> dict[str, str]:
    """The metadata of a stream that a container holds."""
    metadata = _of_part(told(stream.metadata), window)
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
        with av.open(content) as made:
            if made.streams[0].metadata.get("language", "und") == name:
                return name
    return None


def held_matrix(container: Container, video: Video) -> tuple[int, ...] | None:
    """The display matrix that a container holds, None if it is none or another."""
    matrix = video.matrix
    if matrix is None or container.matrix == "any":
        return matrix
    return matrix if container.matrix == "quarters" and _is_turn(matrix) else None


def _of_part(metadata: dict[str, str], window: Window | None) -> dict[str, str]:
    """A timecode is that of the first frame: of another part of the film it would be false."""
    if window is None or window[0] <= 0:
        return metadata
    return {key: value for key, value in metadata.items() if key.lower() != "timecode"}


def _clock(time_base: Fraction) -> int:
    """Ticks a second in which both milliseconds and the film's own times are whole, if there are."""
    rate = Fraction(1) / time_base
    ticks = rate.numerator
    while ticks < 10000:
        ticks *= 2
    return ticks if ticks < 1 << 31 else 1000


def _is_turn(matrix: tuple[int, ...]) -> bool:
    """It turns, and neither moves, mirrors nor stretches."""
    a, b, u, c, d, v, x, y, w = matrix
    return (u, v, x, y, w) == (0, 0, 0, 0, 1 << 30) and a == d and b == -c


def _check_codec(container: Container, codec_name: str) -> None:
    if not _holds_codec(container, codec_name):
        others = ", ".join(str(other) for other in CONTAINERS if _holds_codec(other, codec_name))
        would = f"; it goes into {others}" if others else ""
        raise InvalidArgument(f"{container} does not hold a picture encoded by {codec_name}{would}")


def _holds_codec(container: Container, codec_name: str) -> bool:
    with av.open(io.BytesIO(), "w", format=container.format) as out:
        try:
            out.add_mux_stream(codec_name, width=64, height=64)
        except ValueError:
            return False
    return True


def _is_chapters(film: Film, stream: Stream) -> bool:
    """The track in which QuickTime writes the titles of chapters; whoever writes chapters makes one."""
    return (
        stream.kind == "data" and stream.codec == "bin_data" and bool(film.chapters) and film.format.startswith("mov,")
    )


def _refusal(source: Any, stream: Stream, container: Container) -> str | None:
    """Why a container does not hold a stream, None if it does."""
    template = source.streams[stream.index]
    if is_timecode(stream):
        return None if container.format in ("mp4", "mov") else "it is said by the picture's metadata instead"
    if stream.kind == "attachment":
        return None if container.attachments else "it has no attachments"
    if is_cover(stream) and container.attachments:
        return None if stream.codec in COVERS else "its kind of picture is none that is attached"
    if is_cover(stream) and container.format != "mp4":
        return "it has no covers"
    out = av.open(io.BytesIO(), "w", format=container.format)
    try:
        copy = out.add_stream_from_template(template, opaque=True)
        copy.disposition = stream.flags
        out.start_encoding()
    except ValueError as error:
        if isinstance(error, av.error.FFmpegError):
            return failure(error)
        return "no codec here knows its kind" if template.codec_context is None else "it does not hold this codec"
    except av.error.FFmpegError as error:
        return failure(error)
    finally:
        _abandon(out)
    return None


def _abandon(out: Any) -> None:
    """Close what was a trial; without a single packet some writers cannot finish."""
    try:
        out.close()
    except (ValueError, av.error.FFmpegError):
        return


def _note(source: Any, stream: Stream, container: Container, codec_name: str, reason: str) -> str:
    if is_timecode(stream):
        return f"{stream} is kept in {container} as the picture's metadata: timecode {stream.metadata['timecode']}"
    others = ", ".join(
        str(other)
        for other in CONTAINERS
        if other != container and _holds_codec(other, codec_name) and _refusal(source, stream, other) is None
    )
    would = f"{others} would hold it" if others else "no container that is written here would hold it"
    return f"{stream} cannot go into {container} ({reason}) and is left out; {would}"


def _lost(film: Film, container: Container, streams: list[Stream]) -> list[str]:
    """What is said of the film and its streams and has no place in the container, a sentence each."""
    notes = []
    if film.chapters and not container.chapters:
        notes.append(f"{container} has no chapters; the {len(film.chapters)} of the film are left out")
    if film.video.matrix is not None and held_matrix(container, film.video) is None:
        notes.append(f"{container} does not hold how the picture is to be turned for showing")
    if not container.negative and any(stream.kind == "audio" for stream in streams):
        notes.append(f"{container} has no times below 0: if a stream begins there, all are moved by as much")
    covers = any(map(is_cover, streams))
    lost = sorted(set(told(film.metadata)) - set(held_of_container(container, film, covers)))
    if lost:
        notes.append(f"{container} has no place for what the film says under {', '.join(map(_printable, lost))}")
    for stream in film.streams:
        if stream.index != film.main and stream not in streams:
            continue
        if is_cover(stream) or is_timecode(stream):
            continue
        lost = sorted(set(told(stream.metadata)) - set(held_of_stream(container, stream)) - {"name"})
        if lost:
            notes.append(f"{container} has no place for what {stream} says under {', '.join(map(_printable, lost))}")
        flags = stream.flags & ~container.dispositions
        if flags:
            names = ", ".join(flag.name or "" for flag in av.stream.Disposition if flag & flags)
            notes.append(f"{container} has no place for how {stream} is marked ({names})")
    return notes


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
