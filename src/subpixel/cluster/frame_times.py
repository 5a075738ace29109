"""Where the segments of a video will begin, as its packets tell before a frame is decoded."""

from __future__ import annotations

from collections.abc import Sequence

from subpixel.video.packets import demux
from subpixel.video.time_range import Span
from subpixel.video.timeline import is_packet
from subpixel.video.video_file import VideoFile, open_video

__all__ = ["frame_times", "starts_after_cuts"]


def frame_times(video: VideoFile, span: Span) -> list[int]:
    """The times of the frames in a span, in ticks, if each packet gives one frame at its time.

    It is an expectation: damage and hidden frames are seen only by a decoder. There are no times if some are missing.
    """
    times, tick = [], video.stream.time_base
    with open_video(video.path) as container:
        stream, clock = container.streams[video.main], video.timeline.clock()
        for packet in demux(container, stream):
            if not is_packet(packet) or clock.correct(packet) is None or packet.is_discard:
                continue
            if packet.pts is None:
                return []
            if span.contains(packet.pts * tick):
                times.append(packet.pts)
    times.sort()
    return times if len(set(times)) == len(times) else []


def starts_after_cuts(positions: Sequence[int], cuts: Sequence[int], before: int, most: int) -> dict[int, int]:
    """The positions at which a part may begin, each with the position from which its network needs frames.

    Args:
        positions: of the first frames of segments, counted from the first frame of the video; increasing.
        cuts: of the frames that begin a scene; increasing.
        before: so many frames before a scene decide that it begins there.
        most: the largest number of frames that are upscaled only to prepare the network.

    >>> starts_after_cuts([240, 480, 720], [100, 470, 700], 13, 120)
    {480: 457, 720: 687}
    """
    starts, place = {}, 0
    for position in positions:
        while place < len(cuts) and cuts[place] <= position:
            place += 1
        lead = max(0, (cuts[place - 1] if place else 0) - before)
        if position - lead <= most:
            starts[position] = lead
    return starts
