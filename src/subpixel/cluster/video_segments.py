"""The segments of a video on workers: which part begins where, and how the parts become one journal again."""

from __future__ import annotations

import json
import secrets
import shutil
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from subpixel.cluster.frame_times import frame_times, starts_after_cuts
from subpixel.cluster.scheduler import Lost, Piece, Pool, Scheduler, given_up
from subpixel.cluster.video_work import Cuts, Made, PartTask, read_made, write_made
from subpixel.errors import SubpixelError, VideoWriteError
from subpixel.models.spec import Frame as FrameInput
from subpixel.ops.scenes import BEFORE
from subpixel.storage.os_errors import write_errors_as
from subpixel.upscaler import MotionNetwork
from subpixel.video import encode_segments
from subpixel.video.decoding import Damage
from subpixel.video.frame_work import segment_frames
from subpixel.video.part_encoder import Part, state_digest
from subpixel.video.request import Plan
from subpixel.video.segments import Journal

__all__ = ["ClusterSegments"]

# Parts for each worker, if there are enough segments, and segments of a part at most.
_PARTS, _MOST = 8, 4
# A network with a memory begins at most so many segments' lengths before its part: what it makes of them is lost work.
_LEAD_SHARE = 0.5
# Frames of a piece of the search for cuts.
_CUT_FRAMES = 2000
_CUTS = "cuts.json"


class ClusterSegments:
    """Encodes the segments of a video on workers, in place of :class:`subpixel.video.encode_segments.SegmentEncoder`.

    Parts are made in any order. One is added to the journal when its turn comes, if it follows the segment before: the
    frame between them and the upscaler's state must be the same for both. Otherwise it is made again, after that
    segment, as a run that is resumed would.

    Args:
        plan: of the video.
        journal: of the video; complete parts wait in its folder.
        work: of the networks with each frame.
        open_pool: starts the workers and returns how many there are; called at most once, if there is work.
    """

    def __init__(self, plan: Plan, journal: Journal, work: float, open_pool: Callable[[], tuple[Pool, int]]) -> None:
        self._plan, self._journal, self._open_pool = plan, journal, open_pool
        self._damage = Damage(zero=plan.video.first)
        self._earlier_notes: tuple[str, ...] = journal.segments[-1].notes if journal.segments else ()
        self._length = segment_frames(work, encode_segments.SEGMENT_FRAMES)
        self._moving = [net.model.spec for net in plan.frames_by.networks if isinstance(net, MotionNetwork)]
        self._end_state = state_digest(journal.state()) if journal.segments and self._moving else ""
        self._times: list[int] = []
        self._cuts: list[int] = []
        # By the number of the first segment.
        self._expected: dict[int, Part] = {}
        self._exact: set[int] = set()
        self._ready: dict[int, Made | SubpixelError] = {}
        self._generation = 0
        self.seconds = dict.fromkeys(("decode", "upscale", "encode"), 0.0)

    @property
    def frame_count(self) -> int:
        """Frames in all segments of the journal."""
        return sum(len(segment.times) for segment in self._journal.segments)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about damage in the video, as far as its segments are in the journal."""
        return tuple(dict.fromkeys([*self._earlier_notes, *self._damage.notes()]))

    def run(self, progress: Callable[[int], None]) -> None:
        """Encode every segment that is missing.

        Args:
            progress: is called with the number of encoded frames.

        Raises:
            SubpixelError: the video cannot be encoded, or the cluster cannot do it.
        """
        segments = self._journal.segments
        if segments and segments[-1].final:
            return
        self._remove_attempts()
        with write_errors_as(VideoWriteError, self._journal.result):
            self._journal.parts.mkdir(exist_ok=True)
        self._times = frame_times(self._plan.video, self._plan.selection.span)
        pool, workers = self._open_pool()
        scheduler: Scheduler[Any] = Scheduler(pool)
        try:
            if self._has_memory:
                self._cuts = self._find_cuts(scheduler)
            self._schedule(scheduler, workers)
            complete = self._advance(scheduler, workers)
            for key, answer in () if complete else scheduler.answers():
                if isinstance(answer, Lost):
                    raise given_up(f"{self._plan.video.path}: segment {key[0] + 1}", answer)
                self._take(key[0], answer)
                progress(self._done())
                complete = self._advance(scheduler, workers)
                if complete:
                    break
            assert complete
        finally:
            self._remove_attempts()

    def _done(self) -> int:
        made = (each for each in self._ready.values() if isinstance(each, Made))
        return self.frame_count + sum(len(segment.times) for each in made for segment in each.segments)

    def _remove_attempts(self) -> None:
        for path in self._journal.parts.glob("attempt-*"):
            shutil.rmtree(path, ignore_errors=True)

    @property
    def _has_memory(self) -> bool:
        return any(not isinstance(each, FrameInput) for spec in self._moving for each in spec.inputs)

    # What is made where

    def _schedule(self, scheduler: Scheduler[Any], workers: int) -> None:
        """Let everything be made that follows the journal, as far as it is known where its frames are."""
        self._generation += 1
        scheduler.drop(lambda key: True)
        self._expected.clear()
        self._exact.clear()
        self._ready.clear()
        number, position = len(self._journal.segments), self._position()
        kept = {made.number: made for made in self._on_disk()}
        if position is None:
            return
        left = -(-(len(self._times) - position) // self._length)
        group = max(1, min(_MOST, left // max(1, workers * _PARTS)))
        starts = self._starts(position)
        while position < len(self._times):
            before = self._times[position - 1] if position else None
            found, count = kept.get(number), 1
            if found is not None and found.before == before and found.segments:
                self._ready[number] = found
                count = len(found.segments)
            else:
                while (following := position + count * self._length) < len(self._times):
                    if following in starts and (count >= group or number + count in kept):
                        break
                    count += 1
                part = Part(count * self._length, before, self._lead(starts.get(position), before))
                self._add(scheduler, number, part, exact=bool(position) and position not in starts)
            number, position = number + count, position + count * self._length

    def _lead(self, position: int | None, before: int | None) -> int | None:
        return None if before is None else before if position is None else self._times[position]

    def _position(self) -> int | None:
        """The position of the first frame after the journal; None if it is not where the packets say."""
        if not self._times:
            return None
        if not self._journal.segments:
            return 0
        last = self._journal.segments[-1].times[-1]
        place = bisect_left(self._times, last)
        return place + 1 if place < len(self._times) and self._times[place] == last else None

    def _starts(self, position: int) -> dict[int, int]:
        """The positions where a part may begin by itself, each with that of the first frame to decode."""
        positions = range(position, len(self._times), self._length)
        if not self._moving:
            return {each: max(0, each - 1) for each in positions}
        reach = max(spec.reach[0] for spec in self._moving)
        if not self._has_memory:
            return {each: max(0, each - BEFORE - reach) for each in positions}
        cuts = [bisect_left(self._times, time) for time in self._cuts]
        return starts_after_cuts(positions, cuts, BEFORE, int(self._length * _LEAD_SHARE))

    def _add(self, scheduler: Scheduler[Any], number: int, part: Part, *, exact: bool = False) -> None:
        self._expected[number] = part
        if exact:
            self._exact.add(number)
        load: Callable[[], PartTask] = partial(self._following if exact else PartTask, number, part)
        scheduler.add(Piece((number, self._generation), part.frames, load), first=exact)

    def _following(self, number: int, part: Part) -> PartTask:
        """The task of a part that goes on from the journal's last segment."""
        part = Part(part.frames)
        if not self._journal.segments:
            return PartTask(number, part)
        return PartTask(number, part, self._journal.segments[-1], self._journal.state())

    # What was made

    def _take(self, number: int, answer: Made | SubpixelError) -> None:
        """Keep what became of a part until its turn."""
        if isinstance(answer, Made):
            for stage, seconds in answer.seconds.items():
                self.seconds[stage] += seconds
            if answer.segments:
                answer = self._keep(answer)
        self._ready[number] = answer

    def _keep(self, made: Made) -> Made:
        """Move a part, or write it, to its place: a folder that appears in one step."""
        place = self._journal.parts / f"{made.number:06}"
        with write_errors_as(VideoWriteError, self._journal.result):
            folder = made.folder
            if folder is None:
                folder = self._journal.parts / f"attempt-{secrets.token_hex(8)}"
                folder.mkdir()
                for name, data in made.files.items():
                    data.tofile(folder / name)
                write_made(folder, made)
            shutil.rmtree(place, ignore_errors=True)
            folder.rename(place)
        return replace(made, folder=place, files={})

    def _on_disk(self) -> list[Made]:
        """The complete parts that wait in the journal's folder; what cannot be used any more is removed."""
        found = []
        for folder in sorted(self._journal.parts.glob("[0-9]*")):
            made = read_made(folder)
            if made is not None and made.number >= len(self._journal.segments):
                found.append(made)
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return found

    def _advance(self, scheduler: Scheduler[Any], workers: int) -> bool:
        """Add to the journal what follows it; returns whether the video is complete."""
        segments = self._journal.segments
        while True:
            number = len(segments)
            before = segments[-1].times[-1] if segments else None
            part, exact = self._expected.get(number), number in self._exact
            answer = self._ready.pop(number, None)
            if answer is None and (exact or (part is not None and part.before == before)):
                return False  # a worker has it, or will
            if isinstance(answer, Made) and answer.segments and self._follows(answer):
                self._expected.pop(number, None)
                self._exact.discard(number)
                self._adopt(answer)
                if not answer.more:
                    return True
                continue
            if exact:
                if isinstance(answer, SubpixelError):
                    raise answer
                self._journal.end(self.notes)  # the video ended with a whole segment
                return True
            moved = part is not None and part.before != before
            if (part is None or moved) and answer is None and self._position() not in (None, len(self._times)):
                self._schedule(scheduler, workers)
                continue
            # It is made once more, after what the journal has; its frames are found as when a run is resumed.
            frames = part.frames if part is not None and not moved else _MOST * self._length
            self._add(scheduler, number, Part(frames, before), exact=True)

    def _follows(self, made: Made) -> bool:
        """Whether a part follows the journal's last segment: then it is what a run without parts would make."""
        if not self._journal.segments:
            return made.before is None
        last = self._journal.segments[-1]
        wanted = last.times[-1], last.digest, self._end_state
        return (made.before, made.before_digest, made.lead_state) == wanted

    def _adopt(self, made: Made) -> None:
        journal, first = self._journal, len(self._journal.segments)
        assert made.folder is not None
        self._damage.add(made.damage)
        last = first + len(made.segments) - 1
        segments = []
        for number, segment in enumerate(made.segments, first):
            # A state in the middle of a part is not kept: a run cannot go on from there.
            state = 0 if not made.state_size else made.state_size if number == last else -1
            segments.append(replace(segment, notes=self.notes, final=False, state_size=state))
        if not made.more:
            segments[-1] = replace(segments[-1], final=True, state_size=0)
        with write_errors_as(VideoWriteError, journal.result):
            for number in range(first, last + 1):
                (made.folder / f"{number - first:06}.packets").replace(journal.path(number))
            if made.state_size and made.more:
                (made.folder / "state.npz").replace(journal.state_path(last))
        if len(segments) == 1:
            journal.add(segments[0])
        else:
            journal.extend(segments)
        self._end_state = made.end_state
        shutil.rmtree(made.folder, ignore_errors=True)

    # Where scenes begin

    def _find_cuts(self, scheduler: Scheduler[Any]) -> list[int]:
        """The times of the frames that begin a scene, found by the workers; kept for the next run."""
        path = self._journal.folder / _CUTS
        with suppress(OSError, ValueError):
            kept = json.loads(path.read_text("ascii"))
            if isinstance(kept, list) and all(isinstance(time, int) for time in kept):
                return kept
        times = self._times
        for first in range(0, len(times), _CUT_FRAMES):
            last = min(first + _CUT_FRAMES, len(times)) - 1
            cuts = Cuts(times[max(0, first - BEFORE)], times[first], times[last])
            scheduler.add(Piece(first, last - first + 1, partial(_same, cuts)))
        found: list[int] = []
        complete = True
        for first, answer in scheduler.answers():
            if isinstance(answer, Lost):
                raise given_up(f"{self._plan.video.path}: the scenes from frame {first + 1} on", answer)
            if isinstance(answer, list):
                found += answer
            else:  # parts are longer there; what is wrong shows when they are made
                complete = False
        if complete:
            with write_errors_as(VideoWriteError, self._journal.result):
                path.write_text(json.dumps(sorted(found)), "ascii")
        return sorted(found)


def _same(task: Cuts) -> Cuts:
    return task
