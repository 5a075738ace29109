"""Videos: what they consist of, decoded, upscaled, encoded, and put together again with nothing lost."""

from __future__ import annotations

from subpixel.video.encoders import ENCODERS, parse_options
from subpixel.video.job import Job, Result, Settings
from subpixel.video.pipe_output import Live, LiveResult
from subpixel.video.players import find_player, playing
from subpixel.video.time_range import Window
from subpixel.video.video_file import VideoFile, probe
from subpixel.video.y4m_nut import form_of

__all__ = [
    "ENCODERS",
    "Job",
    "Live",
    "LiveResult",
    "Result",
    "Settings",
    "VideoFile",
    "Window",
    "find_player",
    "form_of",
    "parse_options",
    "playing",
    "probe",
]
