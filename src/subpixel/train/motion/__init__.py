"""Training of networks for videos: clips with motion, and the state of a run on them."""

from subpixel.train.motion.clips import Clip, clips_to_measure, load_clips
from subpixel.train.motion.state import MotionState, bicubic_score, check_settings

__all__ = ["Clip", "MotionState", "bicubic_score", "check_settings", "clips_to_measure", "load_clips"]
