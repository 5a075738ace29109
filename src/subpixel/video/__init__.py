"""Video files: upscale them with all their streams, chapters and metadata, to a file or into a pipe."""

from __future__ import annotations

from subpixel.video.encoders import ENCODERS, parse_options
from subpixel.video.estimate import Estimate, estimate_job
from subpixel.video.file_upscaling import upscale_file
from subpixel.video.job import Job, Result, Settings
from subpixel.video.pace import Pace
from subpixel.video.pipe_output import PipeOutput, PipeResult
from subpixel.video.players import find_player, open_player
from subpixel.video.time_range import TimeRange
from subpixel.video.video_file import VideoFile, probe
from subpixel.video.y4m_nut import pipe_format

__all__ = [
    "ENCODERS",
    "Estimate",
    "Job",
    "Pace",
    "PipeOutput",
    "PipeResult",
    "Result",
    "Settings",
    "TimeRange",
    "VideoFile",
    "estimate_job",
    "find_player",
    "open_player",
    "parse_options",
    "pipe_format",
    "probe",
    "upscale_file",
]
