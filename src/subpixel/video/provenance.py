"""What a result was made from, stored in the file: so a finished video is not upscaled again.

Matroska, WebM and NUT have a tag for it. MP4 and QuickTime have a list of keys that players expect, so there it is a
box of its own at the end of the file, which readers skip (ISO/IEC 14496-12, 4.2: ``uuid``).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from subpixel.errors import VideoReadError
from subpixel.video.container_input import open_video
from subpixel.video.containers import PROVENANCE_KEY, Container, container_of

__all__ = ["Provenance", "append_provenance", "provenance_metadata", "read_provenance"]

# The extended type of the box: a name-based UUID (RFC 9562, 5.5), the same in every file.
_BOX = uuid.uuid5(uuid.NAMESPACE_URL, "tag:subpixel,2026:provenance").bytes
# No provenance is longer than this, in bytes.
_LONGEST = 512
_IN_A_BOX = ("mp4", "mov")
_SEGMENT = bytes.fromhex("18538067")


@dataclass(frozen=True)
class Provenance:
    """What a result was made from.

    Args:
        source: a digest of the video.
        settings: a digest of everything else that the frames depend on.
        frames: how many there are.

    >>> Provenance.parse(str(Provenance("ab", "cd", 3)))
    Provenance(source='ab', settings='cd', frames=3)
    """

    source: str
    settings: str
    frames: int

    @classmethod
    def of(cls, fingerprint: Mapping[str, Any], frames: int) -> Provenance:
        """The provenance of a result, from what its frames depend on; ``source`` in it is the video."""
        rest = {key: value for key, value in fingerprint.items() if key != "source"}
        return cls(_digest(fingerprint["source"]), _digest(rest), frames)

    def __str__(self) -> str:
        return f"{self.source} {self.settings} {self.frames}"

    @classmethod
    def parse(cls, text: str) -> Provenance | None:
        """The provenance in a text; None if there is none."""
        parts = text.split(" ")
        return cls(parts[0], parts[1], int(parts[2])) if len(parts) == 3 and parts[2].isdecimal() else None


def provenance_metadata(container: Container, provenance: Provenance) -> dict[str, str]:
    """The metadata that store a provenance; none in containers that have a box for it."""
    return {} if container.format in _IN_A_BOX else {PROVENANCE_KEY: str(provenance)}


def append_provenance(path: Path, container: Container, provenance: Provenance) -> None:
    """Store a provenance at the end of a finished file, if its container has a box for it.

    Raises:
        OSError: the file cannot be written.
    """
    if container.format in _IN_A_BOX:
        content = _BOX + str(provenance).encode("ascii")
        with open(path, "ab") as file:
            file.write((8 + len(content)).to_bytes(4, "big") + b"uuid" + content)


def read_provenance(path: Path) -> Provenance | None:
    """The provenance of a file, if it is a complete result of this package; else None.

    Raises:
        OSError: the file cannot be read.
    """
    if container_of(path).format in _IN_A_BOX:
        text = _box_at_the_end(path)
    elif _is_complete(path):
        text = _tag(path)
    else:
        text = ""
    return Provenance.parse(text)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _box_at_the_end(path: Path) -> str:
    with open(path, "rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _LONGEST))
        end = file.read()
    start = end.rfind(b"uuid" + _BOX)
    if start < 4 or int.from_bytes(end[start - 4 : start], "big") != len(end) - start + 4:
        return ""
    return end[start + 4 + len(_BOX) :].decode("ascii", "replace")


def _tag(path: Path) -> str:
    try:
        with open_video(path) as container:
            return str(container.metadata.get(PROVENANCE_KEY, ""))
    except (VideoReadError, ValueError, av.error.FFmpegError):
        return ""


def _is_complete(path: Path) -> bool:
    """Whether a Matroska file is as long as it says (RFC 8794, section 4). Other files have no such statement."""
    with open(path, "rb") as file:
        head = file.read(4096)
        size = file.seek(0, 2)
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return True
    place = head.find(_SEGMENT) + len(_SEGMENT)
    if place < len(_SEGMENT) or place >= len(head) or not head[place]:
        return False
    length = 9 - head[place].bit_length()
    content = int.from_bytes(head[place : place + length], "big") & (1 << 7 * length) - 1
    return place + length + content == size
