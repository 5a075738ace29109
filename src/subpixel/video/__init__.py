"""Films: what they consist of, decoded, enlarged, encoded, and put together again with nothing lost."""

from __future__ import annotations

from subpixel.video.choice import choose_model
from subpixel.video.encoders import ENCODERS, parse_options
from subpixel.video.film import Film, probe
from subpixel.video.job import Job, Result, Settings
from subpixel.video.live import Live, LiveResult
from subpixel.video.players import find_player, playing
from subpixel.video.raw import form_of
from subpixel.video.window import Window

__all__ = [
    "ENCODERS",
    "Film",
    "Job",
    "Live",
    "LiveResult",
    "Result",
    "Settings",
    "Window",
    "choose_model",
    "find_player",
    "form_of",
    "parse_options",
    "playing",
    "probe",
]
