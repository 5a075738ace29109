"""The upscaled image on its way: encoded in segments, with a journal of those that are whole.

A segment is encoded by an encoder of its own, so that what becomes of it depends on its frames alone. It is written
beside its name and gets it when it is on the disk; then a line of the journal says so. After ``kill -9`` the journal's
lines are what counts, and whoever makes the same video goes on behind them.

Packets lie in a file as libavcodec gave them: a head of fixed size (times, flags, size) and the bytes. No container
stands between, whose clock could be coarser.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from subpixel.errors import VideoWriteError
from subpixel.storage.os_errors import write_errors_as

__all__ = ["Journal", "Segment", "SegmentWriter", "segment_packets"]

_HEAD = struct.Struct("<qqiI")  # time of showing, of decoding, flags, bytes
_KEY = 1
_FORMAT = 1
_STATES = 2


@dataclass(frozen=True)
class Segment:
    """A segment that is whole.

    Args:
        times: of its frames, in units of the stream's time base, in the order of showing.
        last: how long its last frame is shown, as far as the source says; 0 where it does not.
        bytes: of its file.
        mark: a digest of the last frame as it was decoded, by which it is known again.
        notes: what was wrong with the video up to there.
        ends: it is the video's last.
        state: bytes of the file with what the next frames depend on besides themselves; 0 where there is none.
    """

    times: tuple[int, ...]
    last: int
    bytes: int
    mark: str
    notes: tuple[str, ...]
    ends: bool
    state: int


class Journal:
    """The folder of a video that is being made, and the list of its segments.

    Args:
        folder: made if it is not there.
        made_of: all that the frames depend on, as JSON can say it. A folder that was begun for something else is
            emptied.

    Raises:
        VideoWriteError: the folder cannot be written.
    """

    def __init__(self, folder: Path, made_of: dict[str, Any]) -> None:
        self.folder = folder
        self.segments: list[Segment] = []
        self._list = folder / "journal.jsonl"
        head = json.dumps({"format": _FORMAT, **made_of}, sort_keys=True)
        lines = self._lines()
        if lines and lines[0] == head:
            for number, line in enumerate(lines[1:]):
                segment = _segment(line)
                if segment is None or not _has_size(self.path(number), segment.bytes):
                    break
                self.segments.append(segment)
        # Of states only the last two are kept; what was made behind one that is gone is made again.
        while self.segments and not self._has_state(len(self.segments) - 1):
            self.segments.pop()
        with write_errors_as(VideoWriteError, folder):
            if not self.segments:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True, exist_ok=True)
            self._write([head, *(json.dumps(asdict(segment)) for segment in self.segments)])

    def path(self, number: int) -> Path:
        """Of a segment."""
        return self.folder / f"{number:06}.packets"

    def state_path(self, number: int) -> Path:
        """Of what the frames behind a segment depend on."""
        return self.folder / f"{number:06}.state.npz"

    def state(self) -> dict[str, NDArray[Any]]:
        """What the frames behind the last segment depend on besides themselves."""
        number = len(self.segments) - 1
        if not self.segments[number].state:
            return {}
        with np.load(self.state_path(number), allow_pickle=False) as arrays:
            return dict(arrays)

    def add(self, segment: Segment) -> None:
        """Note that the next segment's file is whole."""
        self.segments.append(segment)
        with write_errors_as(VideoWriteError, self._list), open(self._list, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(segment)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if len(self.segments) > _STATES:
            self.state_path(len(self.segments) - 1 - _STATES).unlink(missing_ok=True)

    def remove(self) -> None:
        """The video is done, and the folder of no more use."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lines(self) -> list[str]:
        try:
            return self._list.read_text("utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return []

    def _write(self, lines: Sequence[str]) -> None:
        beside = self._list.with_suffix(".new")
        with open(beside, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._list)

    def _has_state(self, number: int) -> bool:
        segment = self.segments[number]
        return segment.ends or not segment.state or _has_size(self.state_path(number), segment.state)


class SegmentWriter:
    """Encodes frames into the next segment; a context. What is not finished when it ends is removed.

    Args:
        journal: where.
        context: an encoder that is open, for this segment alone.
    """

    def __init__(self, journal: Journal, context: Any) -> None:
        self.journal, self._context = journal, context
        self.times: list[int] = []
        self._path = journal.path(len(journal.segments))
        self._beside = self._path.with_suffix(".part")
        self._size = 0

    def __enter__(self) -> Self:
        with write_errors_as(VideoWriteError, self._beside):
            self._file = open(self._beside, "wb")
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # what could not be written before cannot be now
            self._file.close()
        self._beside.unlink(missing_ok=True)

    def add(self, frame: Any, time: int) -> None:
        """The next frame.

        Raises:
            VideoWriteError: the disk is full.
        """
        self.times.append(time)
        self._store(self._context.encode(frame))

    def finish(
        self, last: int, mark: str, notes: tuple[str, ...], state: Mapping[str, NDArray[Any]], *, ends: bool
    ) -> None:
        """All frames are there: put the files in place and note it; arguments as of :class:`Segment`."""
        self._store(self._context.encode(None))
        size = self._keep(state) if state and not ends else 0
        with write_errors_as(VideoWriteError, self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._beside.replace(self._path)
        self.journal.add(Segment(tuple(self.times), last, self._size, mark, notes, ends, size))

    def _keep(self, state: Mapping[str, NDArray[Any]]) -> int:
        path = self.journal.state_path(len(self.journal.segments))
        beside = path.with_suffix(".part")
        with write_errors_as(VideoWriteError, path):
            try:
                with open(beside, "wb") as file:
                    np.savez(file, **state)  # type: ignore[arg-type]
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            return path.stat().st_size

    def _store(self, packets: Sequence[Any]) -> None:
        with write_errors_as(VideoWriteError, self._path):
            for packet in packets:
                data = bytes(packet)
                head = _HEAD.pack(packet.pts, packet.dts, _KEY if packet.is_keyframe else 0, len(data))
                self._file.write(head + data)
                self._size += len(head) + len(data)


def segment_packets(journal: Journal, time_base: Fraction) -> Iterator[Any]:
    """The packets of all segments in decoding order, with the time each frame is shown for as their duration.

    Between segments the times of decoding may overlap, since each encoder counts its own delay: then the later ones are
    put after the earlier ones, as far as their time of showing allows, which it always does by the encoder's delay.
    """
    before: int | None = None
    for number, segment in enumerate(journal.segments):
        following = journal.segments[number + 1 : number + 2]
        end = following[0].times[0] if following else segment.times[-1] + (segment.last or _usual(segment.times))
        durations = dict(zip(segment.times, (b - a for a, b in pairwise((*segment.times, end))), strict=True))
        for pts, dts, flags, data in _stored(journal.path(number)):
            packet = av.Packet(data)
            packet.pts, packet.time_base = pts, time_base
            packet.dts = dts if before is None or dts > before else before + 1
            before = packet.dts
            packet.duration = max(0, durations.get(pts, 0))
            packet.is_keyframe = bool(flags & _KEY)
            yield packet


def _usual(times: Sequence[int]) -> int:
    """The median distance between frames; 1 for a lone one."""
    steps = sorted(b - a for a, b in pairwise(times))
    return steps[len(steps) // 2] if steps else 1


def _stored(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    with open(path, "rb") as file:
        while head := file.read(_HEAD.size):
            pts, dts, flags, size = _HEAD.unpack(head)
            yield pts, dts, flags, file.read(size)


def _has_size(path: Path, size: int) -> bool:
    with suppress(OSError):
        return path.stat().st_size == size
    return False


def _segment(line: str) -> Segment | None:
    """What a line says; None for half a line."""
    try:
        found = json.loads(line)
        return Segment(**{**found, "times": tuple(found["times"]), "notes": tuple(found["notes"])})
    except (ValueError, KeyError, TypeError):
        return None
