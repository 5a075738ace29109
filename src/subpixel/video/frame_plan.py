"""How the frames of a video reach their size: the networks that run, and whether a resize follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from subpixel.models.auto import Choice
from subpixel.upscaler import MotionNetwork, Network, SizePlan, Upscaler
from subpixel.video.formats import Layout
from subpixel.video.frame import FrameUpscaler
from subpixel.video.frame_size import frame_size
from subpixel.video.frame_upscalers import frame_upscaler
from subpixel.video.video_file import VideoFile, VideoStream

__all__ = ["FramePlan", "plan_frames"]


@dataclass(frozen=True)
class FramePlan:
    """How the frames of a video reach their size.

    Args:
        sizes: the factors of the networks, and the size that they and a resize reach.
        aspect: width by height of a pixel of the result; None if it is 1 and the source does not say so.
        choice: the model, and why; the resize if no network runs.
        networks: they run one after another.
        notes: what was rounded, which shape pixels have, and whether no network runs; one sentence each.
        threads: of a resize.
    """

    sizes: SizePlan
    aspect: Fraction | None
    choice: Choice
    networks: tuple[Network | MotionNetwork, ...]
    notes: tuple[str, ...]
    threads: int

    @property
    def large(self) -> tuple[int, int] | None:
        """(width, height) after the networks, if a resize follows."""
        return self.sizes.network_size if self.sizes.resizes else None

    def upscaler(
        self,
        video: VideoFile,
        layout: Layout,
        *,
        side_by_side: bool = False,
        realtime: bool = False,
        rate: Fraction | None = None,
    ) -> FrameUpscaler:
        """What upscales the frames of this video, see :func:`~subpixel.video.frame_upscalers.frame_upscaler`."""
        return frame_upscaler(
            self.networks,
            video,
            layout,
            self.sizes.size,
            threads=self.threads,
            side_by_side=side_by_side,
            realtime=realtime,
            rate=rate,
        )


def plan_frames(upscaler: Upscaler, stream: VideoStream, codec: str | None, pix_fmts: Sequence[str]) -> FramePlan:
    """Plan the frames of a video.

    Args:
        upscaler: with the size that was asked for.
        stream: the video's.
        codec: libavcodec's name of its codec; None if that says nothing about its compression.
        pix_fmts: the pixel formats that the result has on its way, by libavutil's names.

    Raises:
        InvalidArgument: more than 64 times larger, more than two networks in a row reach, or a scale of 1 and nothing
            to clean.
    """
    wanted = frame_size(upscaler.target, stream, pix_fmts)
    choice = upscaler.choose_by_codec(codec, wanted.factor)
    sizes = SizePlan(stream.size, upscaler.factors(wanted.factor, choice), wanted.size)
    notes = wanted.notes
    if not sizes.factors:
        width, height = sizes.size
        kept = f"{width}×{height} is the size of the video: its frames are encoded as they are"
        resized = f"{width}×{height} is not larger than the video: its frames are resized, and no network runs"
        notes = (*notes, resized if sizes.resizes else kept)
    networks = tuple(upscaler.networks(sizes.factors, choice))
    return FramePlan(sizes, wanted.aspect, sizes.ran(choice), networks, notes, upscaler.threads)
