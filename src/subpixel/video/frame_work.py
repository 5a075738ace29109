"""How much work the networks have with a frame, about, and how many frames a segment may have because of it."""

from __future__ import annotations

from collections.abc import Sequence

from subpixel.models.files import Model
from subpixel.upscaler import MotionNetwork, Network

__all__ = ["frame_work", "segment_frames"]

# How much longer a multiply-add takes than in int8, about.
_PRECISION = {"int8": 1, "bf16": 2, "f32": 4}
_REFERENCE = 100
# An ensemble runs a network on so many flips and rotations.
_ENSEMBLE = 8
# The most work of a segment: two minutes of two fast cores with AVX-512 VNNI.
_MOST_WORK = 1e14
# With fewer than about two seconds of frames, key frames would make the file much larger.
_FEWEST = 48


def frame_work(networks: Sequence[Network | MotionNetwork], size: tuple[int, int], *, ensemble: bool = False) -> float:
    """The work of one frame, in multiply-adds in int8.

    It follows from the networks and the size alone, never from measured time.

    Args:
        networks: they run one after another.
        size: (width, height) of the frame before them.
        ensemble: whether each runs on all flips and rotations.

    >>> from subpixel.models import find
    >>> frame_work([Network(find("fast", 2))], (1000, 1000))
    12496000000.0
    """
    work, pixels = 0.0, size[0] * size[1]
    for network in networks:
        slowness = _PRECISION[network.precision] * (_REFERENCE if network.backend == "reference" else 1)
        if isinstance(network.model, Model):
            work += network.model.spec.macs_per_pixel * pixels * slowness
        pixels *= network.scale**2
    return work * (_ENSEMBLE if ensemble else 1)


def segment_frames(work: float, most: int) -> int:
    """How many frames a segment may have, so that what an interrupt costs is bounded.

    Args:
        work: of each frame.
        most: frames, whatever their work.

    >>> segment_frames(1e10, 240), segment_frames(1e12, 240), segment_frames(1e14, 240)
    (240, 100, 48)
    """
    return most if work * most <= _MOST_WORK else min(most, max(_FEWEST, int(_MOST_WORK / work)))
