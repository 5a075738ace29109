"""A film as training data: sharp frames sampled over its scenes, some scenes held out whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.train.film.reading import frames_of, luma_of, rgb_of
from subpixel.train.film.scenes import Survey, choose

__all__ = ["Frame", "find_frames"]

# Every so many-th scene is held out, the tenth first: what a film begins with is rarely like the rest.
_HELD_OUT = 20


@dataclass(frozen=True)
class Frame:
    """A frame of a film: ``name`` with its number, and ``(H, W, 3)`` u8 R, G, B."""

    name: str
    pixels: NDArray[np.uint8]


def find_frames(path: str | Path, count: int = 200) -> tuple[list[Frame], list[Frame]]:
    """Sharp frames of a film: those to train on, and those of other scenes, held out.

    The film is decoded twice, once to be looked at and once to take from it, and each time in order, so that the same
    file gives the same frames. They are kept in memory, 3 bytes a pixel: 200 of 1920×1080 take 1.2 GB.

    Args:
        path: the film.
        count: about how many; fewer where it is short, see :func:`subpixel.train.film.scenes.choose`.

    Raises:
        ImageReadError: not a film, no video in it, or damaged.
        Unsupported: interlaced, HDR, or of a pixel format or matrix that is not known here.
        InvalidArgument: a count below 2, or fewer than two scenes with a sharp frame.
    """
    path = Path(path)
    if count < 2:
        raise InvalidArgument(f"frames={count}: at least 2 are needed, one of them to measure with")
    survey = Survey()
    for frame in frames_of(path):
        survey.add(luma_of(frame))
    scenes = choose(survey.scenes(), count)
    if len(scenes) < 2:
        found = f"scenes with sharp frames: {len(scenes)}, of frames in all: {len(survey.sharpness)}"
        raise InvalidArgument(f"{path}: {found}; at least 2 scenes are needed, one of them to measure with")
    held = {n for scene in scenes[min(len(scenes) // 2, _HELD_OUT // 2) :: _HELD_OUT] for n in scene}
    frames = _taken(path, {n for scene in scenes for n in scene})
    return [f for n, f in frames if n not in held], [f for n, f in frames if n in held]


def _taken(path: Path, numbers: set[int]) -> list[tuple[int, Frame]]:
    taken: list[tuple[int, Frame]] = []
    for number, frame in enumerate(frames_of(path)):
        if number in numbers:
            taken.append((number, Frame(f"{path.name} {number}", rgb_of(frame))))
            if len(taken) == len(numbers):
                break
    return taken
