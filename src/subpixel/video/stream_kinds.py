"""The kinds of streams that stand beside a video's image, and what happens to them in each container.

Whether a stream is held is found by trial (:mod:`subpixel.video.stream_trials`), for any stream. This table says what
these trials come to; its meanings stand in notes, and ``docs/videos.md`` is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from subpixel.video.video_file import Kind, Stream

__all__ = ["STREAM_KINDS", "StreamFate", "StreamKind", "meaning_of"]


class StreamFate(StrEnum):
    """What happens to a stream."""

    COPIED = "copied"
    CONVERTED = "converted"  # with a note of what that loses
    ATTACHED = "attached"  # its bytes are a file inside the container
    RENEWED = "written anew"
    METADATA = "as metadata"  # with a note
    LOST = "left out"  # with a note


@dataclass(frozen=True)
class StreamKind:
    """A kind of streams.

    Args:
        name: as people write it.
        kind: of the streams.
        codecs: their formats, as in :class:`subpixel.video.video_file.Stream`.
        fates: by the container's name; a container that is missing leaves them out.
        meaning: what data holds, in a few words for a note; empty if the format's name says it.
    """

    name: str
    kind: Kind
    codecs: tuple[str, ...]
    fates: Mapping[str, StreamFate] = field(default_factory=dict)
    meaning: str = ""

    def fate(self, container: str) -> StreamFate:
        """What happens in the container of a name."""
        return self.fates.get(container, StreamFate.LOST)


def _copied(containers: str) -> dict[str, StreamFate]:
    return dict.fromkeys(containers.split(), StreamFate.COPIED)


def _text(containers: str) -> dict[str, StreamFate]:
    """Text that is copied into some containers, and converted for the others that hold text."""
    return dict.fromkeys(("MP4", "QuickTime", "Matroska", "WebM"), StreamFate.CONVERTED) | _copied(containers)


_ATTACHED = {"Matroska": StreamFate.ATTACHED}
_RENEWED = dict.fromkeys(("MP4", "QuickTime", "Matroska", "WebM", "NUT"), StreamFate.RENEWED)
_TIMECODE = _RENEWED | dict.fromkeys(("Matroska", "WebM", "NUT"), StreamFate.METADATA)

STREAM_KINDS = (
    StreamKind("another video, H.264", "video", ("h264",), _copied("MP4 QuickTime Matroska NUT")),
    StreamKind("another video, VP9", "video", ("vp9",), _copied("MP4 Matroska WebM NUT")),
    StreamKind("sound: AAC, MP3, AC-3", "audio", ("aac", "mp3", "ac3"), _copied("MP4 QuickTime Matroska NUT")),
    StreamKind("sound: E-AC-3", "audio", ("eac3",), _copied("MP4 QuickTime Matroska")),
    StreamKind("sound: PCM", "audio", ("pcm_s16le",), _copied("MP4 QuickTime Matroska NUT")),
    StreamKind("sound: ALAC", "audio", ("alac",), _copied("MP4 QuickTime Matroska")),
    StreamKind("sound: FLAC", "audio", ("flac",), _copied("MP4 Matroska NUT")),
    StreamKind("sound: Opus", "audio", ("opus",), _copied("MP4 Matroska WebM NUT")),
    StreamKind("subtitles: SubRip", "subtitle", ("subrip",), _text("Matroska")),
    StreamKind("subtitles: ASS", "subtitle", ("ass",), _text("Matroska")),
    StreamKind("subtitles: WebVTT", "subtitle", ("webvtt",), _text("Matroska WebM")),
    StreamKind("subtitles: MP4's timed text", "subtitle", ("mov_text",), _text("MP4 QuickTime")),
    StreamKind("subtitles: PGS (Blu-ray)", "subtitle", ("hdmv_pgs_subtitle",), _copied("Matroska")),
    StreamKind("subtitles: DVB", "subtitle", ("dvb_subtitle",), _copied("Matroska")),
    StreamKind("teletext", "subtitle", ("dvb_teletext",)),
    StreamKind("covers: JPEG, PNG", "video", ("mjpeg", "png"), _ATTACHED | {"MP4": StreamFate.COPIED}),
    StreamKind("covers: TIFF, GIF", "video", ("tiff", "gif"), _ATTACHED),
    StreamKind("attachments, such as fonts", "attachment", ("unknown",), _ATTACHED),
    StreamKind("titles of chapters (QuickTime's track)", "data", ("text",), _RENEWED),
    StreamKind("timecode (`tmcd`)", "data", ("tmcd",), _TIMECODE),
    StreamKind("GoPro telemetry (`gpmd`)", "data", ("gpmd",), _copied("MP4 QuickTime NUT"), "telemetry of a GoPro"),
    StreamKind("camera motion (`camm`)", "data", ("camm",), _copied("NUT"), "the motion of the camera"),
    StreamKind("Sony metadata (`rtmd`)", "data", ("rtmd",), _copied("NUT"), "metadata of a Sony camera"),
    StreamKind("timed metadata (`mett`)", "data", ("mett",), _copied("NUT"), "timed metadata"),
    StreamKind("KLV (SMPTE ST 336)", "data", ("klv",), meaning="metadata, SMPTE ST 336"),
    StreamKind("ancillary data (SMPTE ST 2038)", "data", ("smpte_2038",), meaning="ancillary data, SMPTE ST 2038"),
    StreamKind("timed ID3", "data", ("timed_id3",), meaning="timed ID3 tags"),
    StreamKind("splice points (SCTE 35)", "data", ("scte_35",), meaning="splice points"),
    StreamKind("private data of a transport stream", "data", ("bin_data",), meaning="private data"),
)

_MEANINGS = {codec: each.meaning for each in STREAM_KINDS for codec in each.codecs if each.kind == "data"}


def meaning_of(stream: Stream) -> str:
    """What a stream of data holds, in a few words; empty if its kind is not known.

    >>> meaning_of(Stream(1, "data", "camm", {}, 0))
    'the motion of the camera'
    """
    return _MEANINGS.get(stream.codec, "") if stream.kind == "data" else ""
