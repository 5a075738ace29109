"""Parts of a video on a worker: the segments of the one-machine run, in a place from which they are moved or sent."""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.cluster.worker_folder import worker_folder
from subpixel.errors import SubpixelError, Unsupported, VideoReadError, VideoWriteError
from subpixel.storage.memory import memory_errors
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import Upscaler
from subpixel.upscaler.motion_network import SceneFinder
from subpixel.video.decoding import Damage, frames_in_span, read_frames
from subpixel.video.formats import planes_of
from subpixel.video.frame_upscalers import chroma_siting
from subpixel.video.part_encoder import MisplacedPart, Part, PartEncoder, state_digest
from subpixel.video.request import Request
from subpixel.video.segments import Journal, Segment
from subpixel.video.timeline import Timeline

__all__ = ["Cuts", "Made", "PartTask", "VideoWork", "read_made", "write_made"]

Bytes = NDArray[np.uint8]
_RECORD = "part.json"


@dataclass(frozen=True)
class PartTask:
    """A part to encode.

    Args:
        number: of its first segment.
        part: its frames.
        after: the segment before, if the part must follow exactly what was made of it.
        state: of the upscaler after that segment.
    """

    number: int
    part: Part
    after: Segment | None = None
    state: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cuts:
    """Frames among which to find those that begin a scene.

    Args:
        lead: the time of the frame to decode from: frames before the first one decide about it.
        first: the time of the first frame that is asked about.
        last: the time of the last one.
    """

    lead: int
    first: int
    last: int


@dataclass(frozen=True)
class Made:
    """What became of a part.

    Args:
        number: of its first segment.
        before: the time of the frame before it that was expected; None for none.
        before_digest: of that frame; empty for none.
        lead_state: the digest of the upscaler's state before the part.
        end_state: likewise after it.
        state_size: bytes of the file with the state after it; 0 for none.
        more: whether the video goes on.
        segments: as a journal has them; which one is the video's last is not known here.
        damage: what was found wrong in the part.
        seconds: the working time of each stage.
        folder: of the files; None if they are sent.
        files: their bytes by name, if they are sent.
        misplaced: the frames were not where they were expected, and nothing was made.
    """

    number: int
    before: int | None
    before_digest: str = ""
    lead_state: str = ""
    end_state: str = ""
    state_size: int = 0
    more: bool = True
    segments: tuple[Segment, ...] = ()
    damage: Damage = field(default_factory=Damage)
    seconds: Mapping[str, float] = field(default_factory=dict)
    folder: Path | None = None
    files: Mapping[str, Bytes] = field(default_factory=dict)
    misplaced: bool = False


class VideoWork:
    """Encodes parts of one video.

    Args:
        make_upscaler: makes the upscaler with a number of ``threads``.
        threads: how many, of the network and of the encoder.
        options: the arguments of :class:`subpixel.video.request.Request` besides the files and the upscaler.
        source: the video; its path on this machine, if its bytes are not sent.
        data: its bytes, in parts; None if it is there under its path.
        suffix: of the result.
        timeline: of the video, as the driver found it.
        fingerprint: what the driver's frames depend on: those of this machine must depend on the same.
        parts: the folder in which parts wait; None if they are sent.

    Raises:
        SubpixelError: this machine would make other frames.
    """

    def __init__(
        self,
        make_upscaler: Callable[..., Upscaler],
        threads: int,
        options: Mapping[str, Any],
        source: Path,
        data: Iterable[Bytes] | None,
        suffix: str,
        timeline: Timeline,
        fingerprint: Mapping[str, Any],
        parts: Path | None,
    ) -> None:
        self._folder, self._parts, self._timeline, self._source = worker_folder(), parts, timeline, source
        path = source
        if data is not None:
            path = self._folder / "source" / source.name
            _receive(path, data)
        self._request = Request(
            path, make_upscaler(threads=threads), self._folder / f"result{suffix}", **options, overwrite=True
        )
        plan = self._request.plan(timeline)
        own = json.loads(json.dumps(self._request.fingerprint(plan)))
        wanted = json.loads(json.dumps(dict(fingerprint)))
        for name in wanted:
            if own.get(name) != wanted[name]:
                what = "sees another video" if name == "source" else f"would use another {name}"
                raise Unsupported(f"{path}: {platform.node()} {what} than the machine that runs the command")

    def __call__(self, task: PartTask | Cuts) -> Made | list[int] | SubpixelError | None:
        """What became of a part, or the times of cuts; an error in its place is that of the one-machine run."""
        path, name = str(self._request.source), str(self._source)
        try:
            with memory_errors(path):
                return self._encode(task) if isinstance(task, PartTask) else self._find_cuts(task)
        except SubpixelError as error:
            return type(error)(str(error).replace(path, name))
        except OSError as error:  # such as a full disk
            return VideoWriteError(f"{self._parts or self._folder}: {os_error_text(error)}")

    def _encode(self, task: PartTask) -> Made:
        folder = (self._parts or self._folder) / f"attempt-{secrets.token_hex(8)}"
        complete = False
        try:
            folder.mkdir()
            made = self._encode_in(folder, task)
            complete = True
            return made
        except MisplacedPart:
            return Made(task.number, task.part.before, misplaced=True)
        finally:
            if self._parts is None or not complete:
                shutil.rmtree(folder, ignore_errors=True)

    def _encode_in(self, folder: Path, task: PartTask) -> Made:
        journal = Journal(folder / "work", {})
        begun = 0
        if task.after is not None:
            begun = 1
            journal.segments.append(task.after)
            if task.state:
                np.savez(journal.state_path(0), **task.state)  # type: ignore[arg-type]
        request = self._request
        plan = request.plan(self._timeline)
        encoder = PartEncoder(plan, journal, task.part, deinterlace=request.deinterlace, work=request.frame_work(plan))
        encoder.run(lambda done: None)
        segments = tuple(replace(segment, final=False) for segment in journal.segments[begun:])
        for number in range(len(segments)):
            journal.path(begun + number).replace(folder / _name(number))
        size = 0
        if encoder.end_state:
            np.savez(folder / "state.npz", **encoder.end_state)  # type: ignore[arg-type]
            size = (folder / "state.npz").stat().st_size
        shutil.rmtree(folder / "work")
        made = Made(
            task.number,
            task.part.before if task.after is None else task.after.times[-1],
            encoder.before_digest if task.after is None else task.after.digest,
            state_digest(encoder.lead_state if task.after is None else task.state),
            state_digest(encoder.end_state),
            size,
            encoder.more,
            segments,
            encoder.damage(),
            encoder.seconds,
            folder,
        )
        if self._parts is not None:
            write_made(folder, made)
            return made
        files = {path.name: np.fromfile(path, np.uint8) for path in folder.iterdir()}
        return replace(made, folder=None, files=files)

    def _find_cuts(self, cuts: Cuts) -> list[int] | None:
        """The times of frames that begin a scene; None if the frames are not where they were expected."""
        plan = self._request.plan(self._timeline)
        video, layout = plan.video, plan.layout
        finder = SceneFinder(layout.frame_format(chroma_siting(video), bool(video.stream.tags.full_range)))
        found = []
        reading = read_frames(video, Damage(), start=cuts.lead, deinterlace=self._request.deinterlace)
        with closing(reading):
            for number, frame in enumerate(frames_in_span(reading, plan.selection.span, video.stream.time_base)):
                if number == 0 and frame.time != cuts.lead:
                    return None
                if frame.time > cuts.last:
                    break
                if finder.begins_scene(planes_of(frame.source, layout)[0]) and frame.time >= cuts.first:
                    found.append(frame.time)
        return found


def write_made(folder: Path, made: Made) -> None:
    """Write what became of a part beside its files; the record comes last, so a folder with it is complete."""
    fields = asdict(replace(made, folder=None, files={}))
    fields["damage"] = _damage_fields(made.damage)
    part = folder / f"{_RECORD}.new"
    for path in folder.iterdir():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    with open(part, "w", encoding="utf-8") as file:
        json.dump(fields, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / _RECORD)


def read_made(folder: Path) -> Made | None:
    """What :func:`write_made` wrote, if all files are there and as long as they were; else None."""
    try:
        fields = json.loads((folder / _RECORD).read_text("utf-8"))
        segments = tuple(
            Segment(**{**each, "times": tuple(each["times"]), "notes": tuple(each["notes"])})
            for each in fields["segments"]
        )
        damage = _damage_of(fields["damage"])
        made = Made(**{**fields, "segments": segments, "damage": damage, "folder": folder, "files": {}})
        sizes = {_name(number): segment.size for number, segment in enumerate(segments)}
        if made.state_size:
            sizes["state.npz"] = made.state_size
        return made if all((folder / name).stat().st_size == size for name, size in sizes.items()) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _damage_fields(damage: Damage) -> dict[str, Any]:
    def text(times: Iterable[Fraction | None]) -> list[str | None]:
        return [None if time is None else str(time) for time in times]

    return {
        "lost_packets": text(damage.lost_packets),
        "damaged_frames": text(damage.damaged_frames),
        "unreadable": text(damage.unreadable),
        "moved_frames": damage.moved_frames,
        "fitted": [[*size, pix_fmt, note] for (size, pix_fmt), note in damage.fitted.items()],
        "losses": list(damage.losses),
        "zero": str(damage.zero),
    }


def _damage_of(fields: Mapping[str, Any]) -> Damage:
    return Damage(
        [None if time is None else Fraction(time) for time in fields["lost_packets"]],
        [Fraction(time) for time in fields["damaged_frames"]],
        [Fraction(time) for time in fields["unreadable"]],
        fields["moved_frames"],
        {((width, height), pix_fmt): note for width, height, pix_fmt, note in fields["fitted"]},
        dict.fromkeys(fields["losses"]),
        Fraction(fields["zero"]),
    )


def _name(number: int) -> str:
    """The file of a segment of a part."""
    return f"{number:06}.packets"


def _receive(path: Path, data: Iterable[Bytes]) -> None:
    path.parent.mkdir(exist_ok=True)
    try:
        with open(path, "wb") as file:
            for part in data:
                part.tofile(file)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise VideoReadError(f"{path}: cannot be received: {os_error_text(error)}") from None
