"""Which network a video is upscaled by, if nobody says."""

from __future__ import annotations

from subpixel.models.auto import Choice
from subpixel.models.zoo import compressed_variant
from subpixel.video.video_file import VideoFile

__all__ = ["choose_model"]

# Of the shipped networks the one that is made for videos: real time on a few cores.
_VIDEOS = "fast"
_LOSSLESS = {"ffv1", "huffyuv", "ffvhuff", "rawvideo", "utvideo", "magicyuv", "wrapped_avframe", "v210", "png", "qtrle"}


def choose_model(video: VideoFile | None, model: str, scale: int) -> Choice:
    """The model that was asked for; with ``auto`` the fast one, or its variant for what a lossy codec went over.

    Args:
        video: the video; None where nothing is known of it.
        model: a name, a path, or ``auto``.
        scale: how many times larger.
    """
    if model != "auto":
        return Choice(model, False, "")
    if video is None:
        return Choice(_VIDEOS, False, "")
    variant = compressed_variant(_VIDEOS, scale)
    if video.codec in _LOSSLESS or variant is None:
        return Choice(_VIDEOS, False, f"{video.codec}")
    return Choice(variant, True, f"lossy {video.codec}")
