"""The choice of what upscales a video's frames: one network, several that hold a rate, with bicubic beside them."""

from __future__ import annotations

from fractions import Fraction

from subpixel.errors import InvalidArgument
from subpixel.models.zoo import find_network, scales_of
from subpixel.upscaler import MotionNetwork, Network, NetworkOptions
from subpixel.video.formats import Layout
from subpixel.video.frame import FrameUpscaler
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.motion import MotionUpscaler
from subpixel.video.realtime import RealtimeUpscaler
from subpixel.video.side_by_side import SideBySide
from subpixel.video.video_file import VideoFile

__all__ = ["chroma_siting", "frame_upscaler"]

# The networks that may take over to hold a rate, in order of cost: the cheapest is last.
_CHEAPER = ("fast", "bicubic")


def frame_upscaler(
    network: Network | MotionNetwork,
    video: VideoFile,
    layout: Layout,
    *,
    side_by_side: bool = False,
    realtime: bool = False,
    rate: Fraction | None = None,
) -> FrameUpscaler:
    """What upscales the frames of a video.

    Args:
        network: the chosen network.
        video: the video.
        layout: of its frames.
        side_by_side: show the bicubic resize on the left.
        realtime: hold the frame rate by cheaper networks if needed.
        rate: frames a second to hold; None for the video's own rate.

    Raises:
        InvalidArgument: the network cannot upscale these frames, or a rate that cannot be held.
    """
    _check(network, layout, realtime, rate)
    siting, full_range, size = chroma_siting(video), bool(video.stream.tags.full_range), video.stream.size

    def by(other: Network) -> IncrementalUpscaler:
        return IncrementalUpscaler(other, layout, siting, full_range, size)

    def by_name(name: str) -> IncrementalUpscaler:
        return by(Network(find_network(name, network.scale), NetworkOptions(network.backend, threads=network.threads)))

    upscaler: FrameUpscaler
    if isinstance(network, MotionNetwork):
        upscaler = MotionUpscaler(network, layout, layout.frame_format(siting, full_range), size)
    elif realtime:
        names = [name for name in _CHEAPER if name != network.model.name and network.scale in scales_of(name)]
        upscaler = RealtimeUpscaler([by(network), *map(by_name, names)], video.stream.time_base, rate)
    else:
        upscaler = by(network)
    return SideBySide(by_name("bicubic"), upscaler) if side_by_side else upscaler


def _check(network: Network | MotionNetwork, layout: Layout, realtime: bool, rate: Fraction | None) -> None:
    name = network.model.name
    if rate is not None and not (realtime and rate > 0):
        raise InvalidArgument(f"rate={float(rate):g}: a rate above 0 and realtime=True are needed")
    if network.uses_motion and (layout.rgb or realtime):
        what = "RGB videos" if layout.rgb else "realtime=True"
        raise InvalidArgument(f"model '{name}' reads several frames and does not support {what}; model 'fast' does")
    if network.colour != "luma" and name != "bicubic" and not layout.rgb:
        raise InvalidArgument(f"model '{name}' works on RGB, but the video has YUV frames; a luma model is needed")


def chroma_siting(video: VideoFile) -> str:
    """Where chroma samples lie. If the stream does not say, its codec's default: MPEG-1 and JPEG ``center``."""
    return video.stream.tags.siting or ("center" if video.codec in ("mpeg1video", "mjpeg") else "left")
