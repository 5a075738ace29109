"""The choice of what upscales a video's frames: one network, several that hold a rate, with bicubic beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from subpixel.errors import InvalidArgument
from subpixel.models.zoo import find_network, scales_of
from subpixel.upscaler import MotionNetwork, Network, NetworkOptions
from subpixel.video.formats import Layout
from subpixel.video.frame import FrameUpscaler
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.motion import MotionUpscaler
from subpixel.video.realtime import RealtimeUpscaler
from subpixel.video.resized import FrameResize, ResizedUpscaler
from subpixel.video.side_by_side import SideBySide
from subpixel.video.video_file import VideoFile

__all__ = ["chroma_siting", "frame_upscaler", "network_size"]

# The networks that may take over to hold a rate, in order of cost: the cheapest is last.
_CHEAPER = ("fast", "bicubic")


def frame_upscaler(
    networks: Sequence[Network | MotionNetwork],
    video: VideoFile,
    layout: Layout,
    size: tuple[int, int] | None = None,
    *,
    threads: int = 1,
    side_by_side: bool = False,
    realtime: bool = False,
    rate: Fraction | None = None,
) -> FrameUpscaler:
    """What upscales the frames of a video.

    Args:
        networks: the chosen networks, which run one after another. With none, frames are only resized.
        video: the video.
        layout: of its frames.
        size: (width, height) of the result; None for what the networks make.
        threads: of a resize.
        side_by_side: show the bicubic resize on the left.
        realtime: hold the frame rate by cheaper networks if needed.
        rate: frames a second to hold; None for the video's own rate.

    Raises:
        InvalidArgument: the networks cannot upscale these frames, or a rate that cannot be held.
    """
    _check(networks, layout, realtime, rate)
    siting, full_range, source = chroma_siting(video), bool(video.stream.tags.full_range), video.stream.size
    large = network_size(networks, source)
    size = size or large
    whole = len(networks) == 1 and size == large
    first = networks[0] if networks else None

    def by(others: Sequence[Network]) -> IncrementalUpscaler | ResizedUpscaler:
        if whole and others:
            return IncrementalUpscaler(others[0], layout, siting, full_range, source)
        return ResizedUpscaler(others, layout, siting, full_range, source, size, threads)

    def by_name(name: str) -> IncrementalUpscaler | ResizedUpscaler:
        if not whole and name == "bicubic":
            return by([])  # one resize
        options = [
            (network.scale, NetworkOptions(network.backend, threads=network.threads, device=network.options.device))
            for network in networks
        ]
        return by([Network(find_network(name, scale), option) for scale, option in options])

    upscaler: FrameUpscaler
    if isinstance(first, MotionNetwork):
        resize = None if whole else FrameResize(layout, siting, full_range, source, large, size, threads)
        upscaler = MotionUpscaler(first, layout, layout.frame_format(siting, full_range), source, resize)
    elif realtime:
        upscaler = RealtimeUpscaler(
            [by(_still(networks)), *map(by_name, _cheaper(networks, whole=whole))], video.stream.time_base, rate
        )
    else:
        upscaler = by(_still(networks))
    return SideBySide(by_name("bicubic"), upscaler) if side_by_side else upscaler


def network_size(networks: Sequence[Network | MotionNetwork], source: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of frames after networks that run one after another."""
    factor = math.prod(network.scale for network in networks)
    return source[0] * factor, source[1] * factor


def _still(networks: Sequence[Network | MotionNetwork]) -> list[Network]:
    return [network for network in networks if isinstance(network, Network)]


def _cheaper(networks: Sequence[Network | MotionNetwork], *, whole: bool) -> list[str]:
    """The names of the networks that may take over. One resize reaches any size but costs more than a whole factor."""
    used = [network.model.name for network in networks]
    if not used:
        return []
    able = [name for name in _CHEAPER if all(network.scale in scales_of(name) for network in networks)]
    if not whole and "bicubic" not in able:
        able.append("bicubic")
    return [name for name in able if used != [name] * len(used)]


def _check(networks: Sequence[Network | MotionNetwork], layout: Layout, realtime: bool, rate: Fraction | None) -> None:
    if rate is not None and not (realtime and rate > 0):
        raise InvalidArgument(f"rate={float(rate):g}: a rate above 0 and realtime=True are needed")
    for network in networks:
        name = network.model.name
        if network.uses_motion and (layout.rgb or realtime):
            what = "RGB videos" if layout.rgb else "realtime=True"
            raise InvalidArgument(f"model '{name}' reads several frames and does not support {what}; model 'fast' does")
        if network.uses_motion and len(networks) > 1:
            raise InvalidArgument(
                f"model '{name}' reads several frames and does not run twice; model 'fast' does, or a smaller size"
            )
        if network.colour != "luma" and name != "bicubic" and not layout.rgb:
            raise InvalidArgument(f"model '{name}' works on RGB, but the video has YUV frames; a luma model is needed")


def chroma_siting(video: VideoFile) -> str:
    """Where chroma samples lie. If the stream does not say, its codec's default: MPEG-1 and JPEG ``center``."""
    return video.stream.tags.siting or ("center" if video.codec in ("mpeg1video", "mjpeg") else "left")
