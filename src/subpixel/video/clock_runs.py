"""Where the clock of a file breaks: streams as runs of packets whose times follow one another.

A joined file has a break in every stream, at about the same place; the streams of its second part share a clock again.
So breaks that lie together are one break of the file, and what follows is moved as a whole: behind the last stream of
what came before, and no stream against another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from subpixel.video.timeline import StreamTimes

__all__ = ["ClockBreak", "StreamRuns", "corrections"]

# Seconds that times may go back from one packet to the next. Careless writers round; this is no new clock.
_BACK = Fraction(1, 10)
# The same where only times of presentation are known, in which frames go back as far as their decoder reorders them.
_BACK_UNORDERED = Fraction(3)
# A step forward of more than this, in seconds, or of so many usual ones, may be a wrong time or another clock.
_LEAP, _LEAP_STEPS = Fraction(2), 8
# A step of up to so many durations of the packet before is none, however long that lasts: slides, time lapses.
_LEAP_DURATIONS = 2
# A frame that is shown this many seconds later than others of its time of decoding may have a wrong time. If times of
# decoding are derived, so have the first frames after a gap; after this many packets, decoding has reached those.
_HELD_BACK, _REORDERED = Fraction(2), 16
# A clock that may start anywhere (MPEG streams) is taken for another one after a leap of this many seconds. A recording
# without reception for a minute is no new clock: its gap is in the video as well.
_NEW_CLOCK = Fraction(60)
# Packets of wrong times in a row, after which the times are those of a new clock.
_WRONG = 3
# Packets of all streams between the breaks of two streams at the same place. Muxers keep streams together.
_APART = 1000
# Packets of all streams for which a stream may go on after a break of the others: demuxers give some packets late.
_LATE = 30
# Packets without a time of decoding, after which a stream is taken to have none.
_WITHOUT_DTS = 32
# Breaks of a stream after which its times mean nothing at all.
_MOST = 1000


@dataclass
class _Run:
    """Packets of one stream whose times follow one another, in ticks.

    Args:
        number: of its first packet in the stream.
        place: of its first packet among the packets of all streams.
        start: the first time of presentation.
        counts: the number of packets of every stream before the run.
        first, last: the first and the last time of decoding.
        last_place: of its last packet among those of all streams.
        end: the last time of presentation and the duration of its frame.
        count: its packets.
    """

    number: int
    place: int
    start: int
    counts: tuple[int, ...]
    first: int = 0
    last: int = 0
    last_place: int = 0
    end: int = 0
    count: int = 0
    shown: bool = False

    def show(self, time: int, duration: int) -> None:
        """Extend the run by a time of presentation."""
        self.start = min(self.start, time) if self.shown else time
        self.end = max(self.end, time + duration) if self.shown else time + duration
        self.shown = True


class StreamRuns:
    """The runs of one stream, built packet by packet.

    Args:
        index: of the stream.
        time_base: of its times.
        counts: the number of packets so far of every stream, by index; the caller counts.
    """

    def __init__(self, index: int, time_base: Fraction, counts: list[int]) -> None:
        self.index, self.time_base, self._counts = index, time_base, counts
        self.runs: list[_Run] = []
        self.wrong: set[int] = set()
        self.chaotic = False
        self._run: _Run | None = None
        self._leap = int(_LEAP / time_base)
        self._longest_leap = int(_NEW_CLOCK / time_base)
        self._back = int(_BACK / time_base)
        self._held_back = int(_HELD_BACK / time_base)
        self._without_dts, self._use_pts = 0, False
        self._step = self._delay = 0  # usual, in ticks: between packets, and from decoding to presentation
        self._lasts = 0  # how long the packet before lasts, in ticks
        self._late: dict[int, tuple[_Run, int]] = {}  # run and time of packets that are shown much later than usual

    @property
    def last_end(self) -> int:
        """The end of what is shown last, in ticks. Before a gap, some frames may be decoded that are shown after it."""
        end, first = self.runs[-1].end, self.runs[-1].first
        for run in reversed(self.runs):
            if run.first > first:
                break
            end, first = max(end, run.end), run.first
        return end

    def add(self, place: int, dts: int | None, pts: int | None, duration: int) -> bool:
        """Take the next packet; return whether its time follows that of the packet before.

        Args:
            place: among all packets of the file.
            dts, pts, duration: of the packet, in ticks.
        """
        if dts is None and not self._use_pts:
            # The first packets of a stream with reordered frames may have no time of decoding. If many have none, the
            # times of presentation are all there is.
            self._without_dts += 1
            self._lasts = duration
            self._use_pts = self._without_dts > _WITHOUT_DTS
            if self._use_pts:
                self._back = max(self._back, int(_BACK_UNORDERED / self.time_base))
            if pts is not None:
                self._run = self._run or self._open(place, pts)
                self._run.show(pts, duration)
                self._run.last = min(self._run.last, pts)
            return True
        time = dts if dts is not None else pts
        if time is None:
            return True
        run, follows = self._run, True
        if run is None:
            run = self._open(place, time)
        elif self._was_wrong(run, time):
            run, follows = self._drop_run(), False
        elif not -self._back <= time - run.last <= max(self._leap, _LEAP_DURATIONS * self._lasts):
            run, follows = self._break(place, time), False
        elif time > run.last:
            self._step = time - run.last
            self._leap = min(max(self._leap, _LEAP_STEPS * (time - run.last)), self._longest_leap)
        run.last, run.last_place = time, place
        run.count += 1
        self._lasts = duration
        self._show(run, time, time if pts is None else pts, duration or self._step)
        return follows

    def _show(self, run: _Run, time: int, shown: int, duration: int) -> None:
        """Extend a run by a packet that is decoded at one time and shown at another."""
        number = self._counts[self.index]
        for late, (its_run, end) in list(self._late.items()):
            if self._is_reached(end, its_run, run, time):
                run.show(end, duration)
            elif number - late < _REORDERED:
                continue
            else:
                self.wrong.add(late)
            del self._late[late]
        if run.count > 1 and abs(shown - time - self._delay) > max(self._held_back, 2 * _REORDERED * self._step):
            self._late[number] = run, shown
            return
        self._delay = shown - time
        run.show(shown, duration)

    def _is_reached(self, shown: int, its_run: _Run, run: _Run, time: int) -> bool:
        """Whether decoding has come to where a packet is shown, in its run or behind a gap, which is another run."""
        if its_run is run:
            return time + self._held_back >= shown
        return abs(time - shown) <= self._held_back and time - its_run.last <= self._longest_leap

    def _open(self, place: int, time: int) -> _Run:
        self._run = _Run(self._counts[self.index], place, time, tuple(self._counts), time, time, place, time)
        self.runs.append(self._run)
        return self._run

    def _was_wrong(self, run: _Run, time: int) -> bool:
        """Whether a packet follows those before a short run rather than that run, whose times are wrong then."""
        if len(self.runs) < 2 or run.count > _WRONG:
            return False
        before = time - self.runs[-2].last
        return -self._back <= before <= self._leap and abs(before) < abs(time - run.last)

    def _drop_run(self) -> _Run:
        run = self.runs.pop()
        self.wrong.update(range(run.number, self._counts[self.index]))
        self._run = self.runs[-1]
        return self._run

    def _break(self, place: int, time: int) -> _Run:
        """A new run, unless there are too many for any to mean something."""
        if len(self.runs) <= _MOST:
            return self._open(place, time)
        self.chaotic = True
        run = self.runs[-1]
        run.last = time
        return run


@dataclass
class ClockBreak:
    """A place at which the clock of a file breaks.

    Args:
        place: among all packets.
        counts: the number of packets of every stream before it.
        members: the runs before and after it, by stream.
        time: in seconds of the corrected clock, at which the times go on.
        leap: how far the clock goes forward there, in seconds; negative if it goes back.
    """

    place: int
    counts: tuple[int, ...]
    members: dict[int, tuple[_Run, _Run]] = field(default_factory=dict)
    time: Fraction = Fraction(0)
    leap: Fraction = Fraction(0)


def corrections(
    streams: Sequence[StreamRuns], others: Sequence[int], main: int, any_clock: bool
) -> tuple[dict[int, StreamTimes], list[ClockBreak]]:
    """The corrections that make one clock of the runs, and the breaks of the clock.

    Args:
        streams: sound and video, whose packets follow one another closely.
        others: indices of the other streams, which go with them.
        main: the index of the image.
        any_clock: whether a leap forward may be another clock, as in MPEG streams. In other containers it is a gap.
    """
    by_index = {stream.index: stream for stream in streams if not stream.chaotic}
    breaks, current = [], dict.fromkeys([*by_index, *others], Fraction(0))
    offsets: dict[int, list[tuple[int, Fraction]]] = {index: [] for index in current}
    for each in _common_breaks(by_index, main):
        ends = {i: by_index[i].time_base * before.end + current[i] for i, (before, _) in each.members.items()}
        starts = {i: by_index[i].time_base * after.start for i, (_, after) in each.members.items()}
        whole = not any(_goes_on(s, each) for i, s in by_index.items() if i not in each.members)
        each.leap = min(starts[i] + current[i] - ends[i] for i in starts)
        # Reordered frames before a pause may be shown after it, so decoding says whether the clock goes forward.
        ahead = each.leap > 0 or all(after.first > before.last for before, after in each.members.values())
        if ahead and not (any_clock and whole and each.leap > _NEW_CLOCK):
            continue
        tick = by_index[main].time_base if main in by_index else Fraction(1, 1000)
        new = -(max(ends[i] - starts[i] for i in starts) // -tick) * tick
        for index in current if whole else each.members:
            members = each.members.get(index)
            offsets[index].append((members[1].number if members else each.counts[index], new))
            current[index] = new
        first = main if main in each.members else min(each.members)
        each.time = starts[first] + new
        breaks.append(each)
    wrong = {index: frozenset(stream.wrong) for index, stream in by_index.items()}
    found = {
        index: StreamTimes(tuple(offsets.get(index, ())), wrong.get(index, frozenset()))
        for index in {*offsets, *wrong}
        if offsets.get(index) or wrong.get(index)
    }
    return found, breaks


def _goes_on(stream: StreamRuns, one: ClockBreak) -> bool:
    """Whether a stream goes on by its own clock where those of others break."""
    return any(run.place < one.place and run.last_place > one.place + _LATE for run in stream.runs)


def _common_breaks(streams: Mapping[int, StreamRuns], main: int) -> list[ClockBreak]:
    """The breaks of all streams in order; those of different streams at the same place are one."""
    found: list[ClockBreak] = []
    # Breaks of the image are the ones that others are compared with.
    for index in sorted(streams, key=lambda each: (each != main, each)):
        for runs in pairwise(streams[index].runs):
            near = [each for each in found if index not in each.members and abs(each.place - runs[1].place) <= _APART]
            if near:
                one = min(near, key=lambda each: abs(each.place - runs[1].place))
            else:
                one = ClockBreak(runs[1].place, runs[1].counts)
                found.append(one)
            one.members[index] = runs
            if runs[1].place < one.place:
                one.place, one.counts = runs[1].place, runs[1].counts
    return sorted(found, key=lambda each: each.place)
