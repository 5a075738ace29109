"""One pass over the packets of a video before the work, so that what would be met at some frame is known at the start.

Packets are read, not decoded; a key frame is decoded now and then, since only its decoder knows its size and its fields
in every format. This takes a small part of the time of upscaling.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av

from subpixel.errors import Unsupported
from subpixel.video.clock_runs import ClockBreak, StreamRuns, corrections
from subpixel.video.copy_trial import CopyTrial
from subpixel.video.image_changes import ImageChange, KindFinder, fit_note
from subpixel.video.joined_files import other_matroska, unread_video
from subpixel.video.packets import INTERLEAVING, WHOLE, demux, seek
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.text_conversion import TextTrial
from subpixel.video.time_range import Span
from subpixel.video.timeline import StreamTimes, Timeline, is_packet
from subpixel.video.transport_streams import stream_changes
from subpixel.video.video_file import Stream, VideoFile, open_video

__all__ = ["PacketScan", "scan_packets"]

# Containers whose clock may start anywhere: MPEG streams have no beginning of their own.
_ANY_CLOCK = {"mpegts", "mpeg"}
# Containers whose duration is written, not guessed from the rate of bits.
_WRITTEN_DURATION = ("mov", "matroska", "flv", "asf")
# Streams often end seconds apart. More than this many seconds, and more than this share of the video, is a loss.
_EARLY, _EARLY_SHARE = Fraction(10), Fraction(1, 50)
# The same of a written duration, which is exact.
_CUT, _CUT_SHARE = Fraction(1, 2), Fraction(1, 100)
# Seconds of packets that are read beyond a part of a video: streams are not stored in one exact order.
_MARGIN = 10
# Places that a note lists.
_LISTED = 5
# The flag of libavformat by which a stream is a cover image.
_COVER = int(av.stream.Disposition.attached_pic)


@dataclass(frozen=True)
class PacketScan:
    """What a pass over the packets found.

    Args:
        timeline: the corrections of times.
        kinds: (time in seconds, size and format) of the frames from there on, for each change after the first frame.
        interlaced: the time of the first interlaced frame that was found, in seconds; None if none is needed.
        frames: how many packets the image has; None if not all of them are needed.
        notes: a sentence for each thing that is mended or missing.
    """

    timeline: Timeline
    kinds: tuple[tuple[Fraction, ImageChange], ...]
    interlaced: Fraction | None
    frames: int | None
    notes: tuple[str, ...]


def scan_packets(video: VideoFile, span: Span = WHOLE, selection: StreamSelection | None = None) -> PacketScan:
    """Read the packets of a video.

    Args:
        video: the video.
        span: the part that is needed. Packets after it are not read, and frames outside of it do not count.
        selection: the streams that are copied or converted, whose packets are shown to the writer of their container or
            to the converter.

    Raises:
        VideoReadError: the system cannot read the file.
        Unsupported: files were joined that need different decoders.
    """
    if video.images is not None:
        tick = video.stream.time_base
        count = sum(span.contains(number * tick) for number in range(len(video.images.paths)))
        return PacketScan(Timeline(), (), None, count, ())
    start = None if video.format in _ANY_CLOCK or span.start is None else span.start - INTERLEAVING
    late = start is not None and start > video.first
    for skip in (late, False):
        with open_video(video.path) as container:
            scan = _Scan(video, container, span, selection)
            if skip and start is not None:
                seek(container, start)
            scan.read(whole=not skip)
            found = scan.result()
        # Corrections count packets from the beginning of the file.
        if not skip or found.timeline.is_identity:
            break
    return found


class _Scan:
    def __init__(self, video: VideoFile, container: Any, span: Span, selection: StreamSelection | None) -> None:
        self._video, self._container, self._span, self._main = video, container, span, video.main
        self._counts = [0] * len(container.streams)
        self._runs: dict[int, StreamRuns] = {}
        self._others: list[int] = []
        self._last: dict[int, int] = {}  # decoding times of copied packets
        self._ends: dict[int, int] = {}  # their ends
        self._disorder: dict[int, int] = {}  # how many of them a writer would reject
        for stream in container.streams:
            if stream.type == "attachment" or int(stream.disposition) & _COVER or not stream.time_base:
                continue
            if stream.type in ("video", "audio"):
                self._runs[stream.index] = StreamRuns(stream.index, stream.time_base, self._counts)
            else:
                self._others.append(stream.index)
        self._finder = KindFinder(video, container.streams[video.main])
        self._keys = array("q"), array("q")  # numbers and times of the image's key frames
        self._refused: dict[int, set[int]] = {}
        self._trials: dict[int, CopyTrial | TextTrial] = {}
        if selection is not None:
            self._trials = {
                stream.index: _trial(selection, stream, container.streams[stream.index])
                for stream in selection.written
                if stream.index not in selection.sounds and (stream.index in self._runs or stream.index in self._others)
            }
        self._container_name = "" if selection is None else selection.container.name
        self._jumps: dict[int, tuple[int, int]] = {}  # places in the file around a break, by that of the packet
        self._encrypted: set[int] = set()  # copied streams
        wanted = {container.streams[index].id: index for index in {video.main, *self._trials}}
        changes = list(stream_changes(video.path)) if video.format == "mpegts" else []
        self._changes = [(wanted[each.number], each) for each in changes if each.before and each.number in wanted]
        known = {stream.id for stream in container.streams}
        self._late = [each for each in changes if not each.before and each.number not in known]
        self._change_times: list[tuple[int, int]] = []  # number and time of the image's first packet after each
        self._place = 0  # of the last packet in the file
        self._whole = True

    def read(self, *, whole: bool) -> None:
        """Read all packets that are needed; ``whole`` is whether the container is at its beginning."""
        self._whole = whole
        time_base = self._video.stream.time_base
        for place, packet in enumerate(demux(self._container)):
            index = packet.stream_index
            if not is_packet(packet) or index >= len(self._counts):
                continue
            dts, pts = packet.dts, packet.pts
            runs = self._runs.get(index)
            duration = packet.duration or 0
            before = self._place
            if packet.pos is not None:
                self._place = packet.pos
            if runs is not None and not runs.add(place, dts, pts, duration):
                self._last.pop(index, None)
                self._jumps[place] = before, self._place
            if index == self._main and self._is_change(packet.pos) and (pts is not None or dts is not None):
                self._change_times.append((self._counts[index], pts if pts is not None else dts))
            if index != self._main:
                if runs is not None or index in self._others:
                    self._check_order(index, dts, pts, duration)
                if index in self._trials and packet.has_sidedata("encryption_info"):
                    self._encrypted.add(index)
                if index in self._trials and not self._trials[index].accepts(packet):
                    self._refused.setdefault(index, set()).add(self._counts[index])
            else:
                time = pts if pts is not None else dts
                self._finder.see(packet, self._counts[index], time)
                if time is not None and packet.is_keyframe:
                    self._keys[0].append(self._counts[index])
                    self._keys[1].append(time)
                    if self._is_enough(time * time_base):
                        self._whole = False
                        return
            self._counts[index] += 1

    def _is_change(self, place: int | None) -> bool:
        """Whether a packet is the first of the image from the next change of a stream on."""
        number = len(self._change_times)
        return number < len(self._changes) and place is not None and place >= self._changes[number][1].place

    def _is_enough(self, time: Fraction) -> bool:
        """Whether all that follows lies after the part that is needed. Not known if the clock has broken so far."""
        runs = self._runs.get(self._main)
        steady = runs is not None and len(runs.runs) == 1
        return steady and self._span.ends_by(time - _MARGIN)

    def _check_order(self, index: int, dts: int | None, pts: int | None, duration: int) -> None:
        if dts is None and pts is not None and index in self._runs and index not in self._last:
            # Where frames are reordered, Matroska does not tell when the first ones are decoded. Writers find it out.
            self._ends[index] = max(self._ends.get(index, pts), pts + duration)
            return
        time, last = dts if dts is not None else pts, self._last.get(index)
        if time is None or (last is not None and time < last) or (pts is not None and dts is not None and pts < dts):
            self._disorder[index] = self._disorder.get(index, 0) + 1
        if time is not None:
            self._last[index] = time
            self._ends[index] = max(self._ends.get(index, time), time + duration)

    def result(self) -> PacketScan:
        """What was found."""
        any_clock = self._video.format in _ANY_CLOCK
        streams = list(self._runs.values())
        found, breaks = corrections(streams, self._others, self._main, any_clock)
        self._check_joined(breaks)
        notes = [*_break_notes(breaks, self._video.first), *self._wrong_notes(found)]
        for index in {*self._disorder, *found} - {self._main}:
            found[index] = replace(found.get(index, StreamTimes()), orderly=True)
        for index, refused in self._refused.items():
            found[index] = replace(found.get(index, StreamTimes()), refused=frozenset(refused))
            notes.append(self._refusal_note(index))
        notes += self._mended_notes()
        for index in sorted(self._encrypted):
            notes.append(
                f"{self._video.streams[index]} is encrypted; it is copied as it is, without what players need to "
                "decrypt it"
            )
        notes += [
            f"a stream of {each.after} begins at byte {each.place:,} of the file; it is not kept" for each in self._late
        ]
        times, time_base = found.get(self._main, StreamTimes()), self._video.stream.time_base

        def corrected(number: int, time: int | None) -> Fraction:
            return Fraction(0) if time is None else time * time_base + times.offset(number)

        self._check_changes([corrected(*each) for each in self._change_times])
        kinds = tuple((corrected(each.number, each.time), each) for each in self._finder.changes)
        if self._whole:
            ends = {index: end - self._video.first for index, end in self._last_times(found).items()}
            notes += _end_notes(self._video, ends, exact=not found)
            unread = unread_video(self._video.path, self._video.format, self._place)
            if unread is not None:
                notes.append(f"another video begins at byte {unread:,} of the file and is not read; only the first is")
        needed = [kind for kind, until in _with_ends(kinds) if self._is_needed(kind[0], until)]
        notes += _kind_notes(self._video, needed)
        keys = tuple((n, round(corrected(n, t) / time_base)) for n, t in zip(*self._keys, strict=True)) if found else ()
        fields = [*(corrected(*each) for each in self._finder.fields), None]
        parts = zip(fields[::2], fields[1::2], strict=False)
        interlaced = next((start for start, end in parts if start is not None and self._is_needed(start, end)), None)
        frames = self._counts[self._main] if self._whole and self._span.end is None else None
        for trial in self._trials.values():
            trial.close()
        return PacketScan(Timeline(found, keys), kinds, interlaced, frames, tuple(notes))

    def _check_joined(self, breaks: list[ClockBreak]) -> None:
        """Refuse Matroska files that were joined though their decoders differ, if the second one is needed."""
        if not self._video.format.startswith("matroska"):
            return
        for each in breaks:
            place = other_matroska(self._video.path, *self._jumps.get(each.place, (0, 0)))
            if place is not None and self._is_needed(each.time, None):
                end = max(float(each.time - self._video.first) - 0.01, 0.01)
                raise Unsupported(
                    f"{self._video.path}: another Matroska file begins at byte {place:,}, of other settings than the "
                    f"first, so that it cannot be decoded; cut the file there, or use end={end:.2f}"
                )

    def _check_changes(self, times: list[Fraction]) -> None:
        """Refuse a transport stream whose image, or a stream that is copied, becomes another kind, if it is needed."""
        for (index, change), time in zip(self._changes, times, strict=False):
            if self._is_needed(time, None):
                name = f"{self._video.streams[index].kind} stream {index}"
                raise Unsupported(
                    f"{self._video.path}: {name} is {change.before}, and from byte {change.place:,} on {change.after}; "
                    "cut the file there"
                )

    def _last_times(self, found: dict[int, StreamTimes]) -> dict[int, Fraction]:
        """The end of each stream, in seconds."""
        ends = {stream.index: stream.last_end for stream in self._runs.values() if stream.runs}
        ends |= {index: self._ends[index] for index in self._others if index in self._ends}
        bases = {stream.index: stream.time_base for stream in self._container.streams}
        return {index: end * bases[index] + _last_offset(found, index) for index, end in ends.items()}

    def _is_needed(self, start: Fraction, end: Fraction | None) -> bool:
        """Whether a part of the needed part lies between two times; the second is None for the end of the video."""
        first = self._span.start
        return not (self._span.ends_by(start) or (end is not None and first is not None and end <= first))

    def _wrong_notes(self, found: dict[int, StreamTimes]) -> Iterator[str]:
        for stream in self._video.streams:
            wrong = len(found[stream.index].wrong) if stream.index in found else 0
            count = wrong + self._disorder.get(stream.index, 0)
            if count:
                yield (
                    f"{count} packet{'s'[: count > 1]} of {stream} {'have' if count > 1 else 'has'} no time or a wrong "
                    "one, and will follow the packet before"
                )

    def _mended_notes(self) -> Iterator[str]:
        for index, trial in self._trials.items():
            count = trial.mended if isinstance(trial, TextTrial) else 0
            if count:
                yield (
                    f"{count} packet{'s'[: count > 1]} of {self._video.streams[index]} {'are' if count > 1 else 'is'} "
                    "damaged or no UTF-8; what can be read stays"
                )

    def _refusal_note(self, index: int) -> str:
        count, total = len(self._refused[index]), self._counts[index]
        stream = self._video.streams[index]
        if isinstance(self._trials[index], TextTrial):
            return f"{count} of {total} packets of {stream} are left out: they cannot be converted"
        return f"{count} of {total} packets of {stream} are left out: {self._container_name} does not take them"


def _trial(selection: StreamSelection, stream: Stream, template: Any) -> CopyTrial | TextTrial:
    """A trial of what becomes of a stream's packets."""
    if stream.index in selection.texts:
        return TextTrial(template, stream.codec, selection.texts[stream.index])
    return CopyTrial(selection.container, template)


def _last_offset(found: dict[int, StreamTimes], index: int) -> Fraction:
    times = found.get(index)
    return times.offsets[-1][1] if times is not None and times.offsets else Fraction(0)


def _break_notes(breaks: list[ClockBreak], zero: Fraction) -> Iterator[str]:
    """Sentences about breaks of the clock; their times count from ``zero``."""
    if not breaks:
        return
    back = [each for each in breaks if each.leap < 0]
    ahead = [each for each in breaks if each.leap > 0]
    if back:
        yield f"its times start again {_places(back, zero)}; they go on from there, in all streams alike"
    if ahead:
        longest = max(each.leap for each in ahead)
        yield f"its times jump forward {_places(ahead, zero)}, by up to {float(longest):.0f} s; the gap is closed"


def _places(breaks: list[ClockBreak], zero: Fraction) -> str:
    times = [f"{float(each.time - zero):.2f} s" for each in breaks[:_LISTED]]
    return "at " + ", ".join([*times, *(["…"] if len(breaks) > _LISTED else [])])


def _end_notes(video: VideoFile, ends: dict[int, Fraction], *, exact: bool) -> Iterator[str]:
    """Sentences about streams that end before the others, and about a file that ends before it says.

    Args:
        video: the video.
        ends: of its streams, in seconds after the first frame.
        exact: whether no time was wrong, which would have made the duration wrong as well.
    """
    image = ends.get(video.main)
    if image is None:
        return
    least = max(_EARLY, image * _EARLY_SHARE)
    for stream in video.streams:
        end = ends.get(stream.index)
        if stream.kind != "audio" or end is None:
            continue
        if image - end > least:
            yield f"{stream} ends at {float(end):.2f} s, {float(image - end):.2f} s before the image"
        elif end - image > least:
            yield f"the image ends at {float(image):.2f} s, {float(end - image):.2f} s before {stream}"
    if not exact or video.duration is None or not video.format.startswith(_WRITTEN_DURATION):
        return
    last, length = max(ends.values()), float(video.duration)
    if video.duration - last > max(_CUT, video.duration * _CUT_SHARE):
        yield f"the file is cut off: it says that it lasts {length:.2f} s, and ends at {float(last):.2f} s"


def _with_ends(
    kinds: Sequence[tuple[Fraction, ImageChange]],
) -> Iterator[tuple[tuple[Fraction, ImageChange], Fraction | None]]:
    ends = [*(time for time, _ in kinds[1:]), None]
    yield from zip(kinds, ends, strict=False)


def _kind_notes(video: VideoFile, kinds: Sequence[tuple[Fraction, ImageChange]]) -> Iterator[str]:
    """A sentence for each change of the image to something else than the first frame, up to some."""
    first = (video.stream.size, video.stream.pix_fmt)
    kinds = [each for each in kinds if (each[1].kind.size, each[1].kind.pix_fmt) != first]
    for time, change in kinds[:_LISTED]:
        yield fit_note(video, time, change.kind)
    if len(kinds) > _LISTED:
        yield f"the size or format of its frames changes {len(kinds)} times; all are fitted to the first frame"
