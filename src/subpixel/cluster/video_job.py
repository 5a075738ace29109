"""One video on many machines: the job of one machine, whose segments workers encode."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from subpixel.cluster.pool import Cluster, RayPool, ship
from subpixel.cluster.rules import job_rules
from subpixel.cluster.scheduler import Pool
from subpixel.cluster.video_segments import ClusterSegments
from subpixel.cluster.video_work import VideoWork
from subpixel.errors import InvalidArgument, VideoWriteError
from subpixel.storage.os_errors import write_errors_as
from subpixel.upscaler import Upscaler
from subpixel.video.encode_segments import SegmentEncoder
from subpixel.video.images.sequence import find_sequence
from subpixel.video.job import Job, Progress, Result
from subpixel.video.request import Plan
from subpixel.video.segments import Journal

__all__ = ["ClusterJob"]


@dataclass(frozen=True)
class ClusterJob(Job):
    """Upscale one video file on a cluster, to the bytes of :class:`subpixel.video.Job` with the threads of a worker.

    Workers encode parts, each a few segments. The driver has the journal: it adds the segments in order, muxes the
    video and verifies it. A run that was stopped goes on from the journal and from the parts that are complete.

    All other arguments are those of :class:`subpixel.video.Job`.

    Args:
        cluster: the workers.
        make_upscaler: makes ``upscaler`` with another number of ``threads``; can be pickled.
        ship: send the video to the workers, and segments back; else they see the video and the folder of the
            destination under the same paths.
        on_worker: called with sentences about workers.
    """

    cluster: Cluster = field(default_factory=Cluster)
    make_upscaler: Callable[..., Upscaler] = Upscaler
    ship: bool = False
    on_worker: Callable[[str], None] = lambda note: None
    _stack: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def run(self, progress: Progress | None = None) -> Result:
        if self.realtime:
            raise InvalidArgument("realtime=True: a cluster holds no frame rate")
        if find_sequence(self.source) is not None:
            raise InvalidArgument(f"{self.source}: a cluster reads video files; subpixel video reads images, too")
        with self._stack:
            return super().run(progress)

    def _segments(self, plan: Plan, journal: Journal) -> SegmentEncoder:
        encoder = plan.encoding.encoder
        if encoder.device:
            raise InvalidArgument(
                f"encoder={encoder.name!r}: graphics cards write different bytes; a cluster needs another encoder"
            )
        segments = ClusterSegments(plan, journal, self.frame_work(plan), partial(self._open, plan, journal))
        return cast(SegmentEncoder, segments)

    def _open(self, plan: Plan, journal: Journal) -> tuple[Pool, int]:
        """The workers, ready for this video, and how many there are."""
        parts = None if self.ship else journal.parts
        token = None
        if parts is not None:
            token = journal.parts / "token"
            with write_errors_as(VideoWriteError, journal.result):
                token.write_text(secrets.token_hex(16), "ascii")
        source = self.source.absolute()
        precisions = {network.precision for network in plan.frames_by.networks}
        rules = job_rules(precisions, token, [source])
        pool = self._stack.enter_context(RayPool(self.cluster, rules, self.on_worker))
        data = ship(source) if self.ship else None
        options: dict[str, Any] = {
            "settings": self.settings,
            "deinterlace": self.deinterlace,
            "time_range": self.time_range,
            "side_by_side": self.side_by_side,
            "stream": self.stream,
        }
        arguments = (
            *(self.make_upscaler, self.cluster.cores, options, source, data, plan.destination.suffix),
            *(plan.video.timeline, self.fingerprint(plan), None if parts is None else parts.absolute()),
        )
        pool.open(VideoWork, arguments)
        return pool, pool.count
