"""Segments of an encoded image in a folder, and the journal that lists the complete ones.

Each segment has its own encoder, so its packets depend on its frames only. It is written under a temporary name,
flushed to the disk, renamed, and then added to the journal. After ``kill -9``, the journal's lines tell which segments
are complete, and the next run of the same job continues after them.

A segment's file holds packets as libavcodec gave them: a head of fixed size (times, flags, size) and the bytes. It is
in no container format, whose clock might be coarser.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from subpixel.errors import VideoWriteError
from subpixel.storage.os_errors import link_text, write_errors_as

__all__ = ["Journal", "Segment", "SegmentWriter", "segment_packets"]

_HEAD = struct.Struct("<qqiI")  # pts, dts, flags, size
_KEY = 1
# The version of the journal's format.
_FORMAT = 2
# Fewer frames than this are stored in the order in which they are shown.
_FEWEST_REORDERED = 3
# States are kept for this many of the last segments.
_STATES = 2


@dataclass(frozen=True)
class Segment:
    """A complete segment.

    Args:
        times: of its frames, in units of the stream's time base, in presentation order.
        last_duration: of its last frame, in the same units; 0 if the source does not say.
        size: of its file, in bytes.
        digest: of its last frame as it was decoded, to recognise that frame when the job is resumed.
        notes: sentences about damage in the video so far.
        final: whether it is the video's last segment.
        state_size: bytes of the file with the upscaler's state; 0 if there is none.
    """

    times: tuple[int, ...]
    last_duration: int
    size: int
    digest: str
    notes: tuple[str, ...]
    final: bool
    state_size: int


class Journal:
    """The folder of a video in progress, and the list of its segments.

    Args:
        folder: created if it does not exist.
        settings: everything that the frames depend on, as JSON. If the folder was begun with other settings, it is
            emptied.
        equal: other settings with which the segments would be the same, if any were complete.
        result: the file that errors name; None for the folder.

    Attributes:
        parts: a folder inside, for segments of a cluster that do not follow the last one yet.

    Raises:
        VideoWriteError: the folder cannot be written, or is a link.
    """

    _LIST = "journal.jsonl"
    _PARTS = "parts"

    def __init__(
        self, folder: Path, settings: dict[str, Any], equal: Sequence[dict[str, Any]] = (), result: Path | None = None
    ) -> None:
        self.folder, self.result = folder, result or folder
        if folder.is_symlink():  # its files would be made wherever it leads
            raise VideoWriteError(f"{self.result}: cannot be written: {link_text(folder)}")
        self.parts = folder / self._PARTS
        self.segments: list[Segment] = []
        self._list = folder / self._LIST
        self._head, *heads = (json.dumps({"format": _FORMAT, **each}, sort_keys=True) for each in (settings, *equal))
        lines = self._lines()
        begun = bool(lines) and lines[0] in (self._head, *heads)
        if begun:
            for number, line in enumerate(lines[1:]):
                segment = _segment(line)
                if segment is None or not _has_size(self.path(number), segment.size):
                    break
                self.segments.append(segment)
        # Only the last states are kept. Segments after a missing state are made again.
        while self.segments and not self._has_state(len(self.segments) - 1):
            self.segments.pop()
        with write_errors_as(VideoWriteError, self.result):
            if not self.segments and not (begun and self._has_parts(folder)):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True, exist_ok=True)
            self._write([self._head, *(json.dumps(asdict(segment)) for segment in self.segments)])

    def path(self, number: int) -> Path:
        """The file of a segment."""
        return self.folder / f"{number:06}.packets"

    def state_path(self, number: int) -> Path:
        """The file with the upscaler's state after a segment."""
        return self.folder / f"{number:06}.state.npz"

    def state(self) -> dict[str, NDArray[Any]]:
        """The upscaler's state after the last segment."""
        number = len(self.segments) - 1
        if not self.segments[number].state_size:
            return {}
        with np.load(self.state_path(number), allow_pickle=False) as arrays:
            return dict(arrays)

    def add(self, segment: Segment) -> None:
        """Add the next segment, whose file is complete."""
        self.segments.append(segment)
        with write_errors_as(VideoWriteError, self.result), open(self._list, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(segment)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if len(self.segments) > _STATES:
            self.state_path(len(self.segments) - 1 - _STATES).unlink(missing_ok=True)

    def end(self, notes: tuple[str, ...]) -> None:
        """Record that no segment follows the last one.

        Args:
            notes: sentences about damage in the whole video.
        """
        if self.segments and not self.segments[-1].final:
            self.segments[-1] = replace(self.segments[-1], notes=notes, final=True)
            with write_errors_as(VideoWriteError, self.result):
                self._write([self._head, *(json.dumps(asdict(segment)) for segment in self.segments)])

    def extend(self, segments: Sequence[Segment]) -> None:
        """Add the next segments, all or none, whose files are complete; the last one has the state of all."""
        count = len(self.segments)
        self.segments += segments
        with write_errors_as(VideoWriteError, self.result):
            self._write([self._head, *(json.dumps(asdict(segment)) for segment in self.segments)])
            for number in range(max(0, count - _STATES), len(self.segments) - _STATES):
                self.state_path(number).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder, once the video is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @classmethod
    def has_segments(cls, folder: Path) -> bool:
        """Whether a folder lists complete segments, or has parts of a video that a cluster made."""
        try:
            lists = len((folder / cls._LIST).read_text("utf-8").splitlines()) > 1
            return lists or cls._has_parts(folder)
        except (OSError, UnicodeDecodeError):
            return False

    @classmethod
    def tidy(cls, folder: Path) -> None:
        """Remove what no run can continue from: unfinished files, and all of a folder without segments."""
        if not cls.has_segments(folder):
            shutil.rmtree(folder, ignore_errors=True)
        for path in folder.glob("*.part"):
            path.unlink(missing_ok=True)

    @classmethod
    def _has_parts(cls, folder: Path) -> bool:
        return any((folder / cls._PARTS).glob("[0-9]*"))

    def _lines(self) -> list[str]:
        try:
            return self._list.read_text("utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return []

    def _write(self, lines: Sequence[str]) -> None:
        temporary = self._list.with_suffix(".new")
        with open(temporary, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._list)

    def _has_state(self, number: int) -> bool:
        segment = self.segments[number]
        return segment.final or not segment.state_size or _has_size(self.state_path(number), segment.state_size)


class SegmentWriter:
    """Encodes frames into the next segment. A context manager: a segment that is not finished at its end is removed.

    Args:
        journal: the journal of the video.
        context: an open encoder, for this segment only.
    """

    def __init__(self, journal: Journal, context: Any) -> None:
        self.journal, self._context = journal, context
        self.times: list[int] = []
        self._path = journal.path(len(journal.segments))
        self._part = self._path.with_suffix(".part")
        self._size = 0

    def __enter__(self) -> Self:
        with write_errors_as(VideoWriteError, self.journal.result):
            self._file = open(self._part, "wb")
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # the disk is full: closing fails as writing did
            self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, frame: Any, time: int) -> None:
        """Encode the next frame.

        Raises:
            VideoWriteError: the disk is full.
        """
        self.times.append(time)
        self._store(self._context.encode(frame))

    def finish(
        self,
        last_duration: int,
        digest: str,
        notes: tuple[str, ...],
        state: Mapping[str, NDArray[Any]],
        *,
        final: bool,
    ) -> None:
        """Finish the segment after its last frame, and add it to the journal.

        Args:
            last_duration, digest, notes, final: as in :class:`Segment`.
            state: the upscaler's state.
        """
        self._store(self._context.encode(None))
        state_size = self._write_state(state) if state and not final else 0
        with write_errors_as(VideoWriteError, self.journal.result):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
        self.journal.add(Segment(tuple(self.times), last_duration, self._size, digest, notes, final, state_size))

    def _write_state(self, state: Mapping[str, NDArray[Any]]) -> int:
        path = self.journal.state_path(len(self.journal.segments))
        part = path.with_suffix(".part")
        with write_errors_as(VideoWriteError, self.journal.result):
            try:
                with open(part, "wb") as file:
                    np.savez(file, **state)  # type: ignore[arg-type]
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            return path.stat().st_size

    def _store(self, packets: Sequence[Any]) -> None:
        with write_errors_as(VideoWriteError, self.journal.result):
            for packet in packets:
                data = bytes(packet)
                head = _HEAD.pack(packet.pts, packet.dts, _KEY if packet.is_keyframe else 0, len(data))
                self._file.write(head + data)
                self._size += len(head) + len(data)


def segment_packets(journal: Journal, time_base: Fraction) -> Iterator[Any]:
    """The packets of all segments in decoding order. Their durations are those of their frames.

    Decoding times of two segments may overlap, since each encoder adds its own delay. The later packets are then moved
    behind the earlier ones; the same delay keeps them from passing their presentation times.
    """
    last: int | None = None
    for number, segment in enumerate(journal.segments):
        following = journal.segments[number + 1 : number + 2]
        end = (
            following[0].times[0]
            if following
            else segment.times[-1] + (segment.last_duration or _median_step(segment.times))
        )
        durations = dict(zip(segment.times, (b - a for a, b in pairwise((*segment.times, end))), strict=True))
        for pts, dts, flags, data in _read_file(journal.path(number)):
            if len(segment.times) < _FEWEST_REORDERED:
                dts = pts  # x265 takes it from memory that it has not set
            packet = av.Packet(data)
            packet.pts, packet.time_base = pts, time_base
            packet.dts = dts if last is None or dts > last else last + 1
            last = packet.dts
            packet.duration = max(0, durations.get(pts, 0))
            packet.is_keyframe = bool(flags & _KEY)
            yield packet


def _median_step(times: Sequence[int]) -> int:
    """The median time between frames; 1 for a single frame."""
    steps = sorted(b - a for a, b in pairwise(times))
    return steps[len(steps) // 2] if steps else 1


def _read_file(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    with open(path, "rb") as file:
        while head := file.read(_HEAD.size):
            pts, dts, flags, size = _HEAD.unpack(head)
            yield pts, dts, flags, file.read(size)


def _has_size(path: Path, size: int) -> bool:
    with suppress(OSError):
        return path.stat().st_size == size
    return False


def _segment(line: str) -> Segment | None:
    """The segment that a line describes; None for half a line."""
    try:
        fields = json.loads(line)
        return Segment(**{**fields, "times": tuple(fields["times"]), "notes": tuple(fields["notes"])})
    except (ValueError, KeyError, TypeError):
        return None
