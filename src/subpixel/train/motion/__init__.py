"""Training of networks for videos: clips that move, and runs over them."""

from subpixel.train.motion.clips import Clip, load_clips
from subpixel.train.motion.state import MotionState, bicubic_score, check_settings

__all__ = ["Clip", "MotionState", "bicubic_score", "check_settings", "load_clips"]
