"""Training data from a video: sharp frames of all scenes, or takes; some scenes are held out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.metrics.clips import frames_of, luma_of, rgb_of
from subpixel.ops import resize
from subpixel.train.video_frames.scenes import Survey, choose_frames

__all__ = ["Frame", "find_frames", "find_takes"]

# Of so many scenes one is held out, the tenth first: the beginning of a video rarely resembles the rest.
_HELD_OUT = 20


@dataclass(frozen=True)
class Frame:
    """A frame of a video: ``name`` with its number, and ``(H, W, 3)`` u8 RGB."""

    name: str
    pixels: NDArray[np.uint8]


def find_frames(path: str | Path, count: int = 200) -> tuple[list[Frame], list[Frame]]:
    """Sharp frames of a video for training, and held-out ones from other scenes.

    The video is decoded twice: once to analyse it and once to read the chosen frames. The same file gives the same
    frames. They stay in memory with 3 bytes per pixel: 200 frames of 1920×1080 take 1.2 GB.

    Args:
        path: the video.
        count: about how many frames, at least 2; a short video gives fewer, see
            :func:`subpixel.train.video_frames.scenes.choose_frames`.

    Raises:
        ImageReadError: the file is no video, has no video stream, or is damaged.
        Unsupported: the video is interlaced or HDR, or has an unsupported pixel format or matrix.
        InvalidArgument: ``count`` is below 2, or fewer than two scenes have a sharp frame.
    """
    path = Path(path)
    if count < 2:
        raise InvalidArgument(f"frames={count}: at least 2 are needed, one to measure with")
    survey = Survey()
    for frame in frames_of(path):
        survey.add(luma_of(frame))
    scenes = choose_frames(survey.scenes(), count)
    if len(scenes) < 2:
        text = f"has {len(scenes)} scenes with sharp frames among {len(survey.sharpness)} frames"
        raise InvalidArgument(f"{path}: {text}; at least 2 scenes are needed, one to measure with")
    held_out = {n for k in held_out_scenes(len(scenes)) for n in scenes[k]}
    frames = _read_frames(path, {n for scene in scenes for n in scene})
    return [f for n, f in frames if n not in held_out], [f for n, f in frames if n in held_out]


def find_takes(
    path: str | Path, count: int, length: int, size: float
) -> tuple[list[tuple[str, list[NDArray[np.uint8]]]], list[tuple[str, list[NDArray[np.uint8]]]]]:
    """Takes of a video, which are runs of frames within a scene: for training, and held-out ones from other scenes.

    Args:
        path: the video, which is decoded twice as in :func:`find_frames`.
        count: about how many frames in all takes, which are spread evenly over the video.
        length: the frames of a take. Takes do not overlap.
        size: the scale of the frames, up to 1, their own size.

    Returns:
        For each take, the name of the video with the number of the first frame, and its frames ``(H, W, 3)`` u8 RGB.

    Raises:
        InvalidArgument: there are fewer than two scenes of that length. For more see :func:`find_frames`.
    """
    path = Path(path)
    survey = Survey()
    for frame in frames_of(path):
        survey.add(luma_of(frame))
    scenes = [scene for scene in survey.scenes() if scene.stop - scene.start >= length]
    if len(scenes) < 2:
        raise InvalidArgument(
            f"{path}: has {len(scenes)} scenes of {length} frames or more; at least 2 are needed, one to measure with"
        )
    held_out = set(held_out_scenes(len(scenes)))
    starts = [(k in held_out, n) for k, s in enumerate(scenes) for n in range(s.start, s.stop - length + 1, length)]
    take_count = max(2, count // length)
    selection = {starts[k][1] for k in np.linspace(0, len(starts) - 1, min(take_count, len(starts))).astype(int)}
    # Training and held-out scenes both have at least one.
    selection |= {next(n for out, n in starts if out is side) for side in (True, False)}
    takes: dict[int, list[NDArray[np.uint8]]] = {n: [] for n in selection}
    for number, frame in enumerate(frames_of(path)):
        for n, frames in takes.items():
            if n <= number < n + length:
                frames.append(resize(rgb_of(frame), scale=size, antialias=True))
    named = [(out, (f"{path.name} {n}", takes[n])) for out, n in starts if n in takes]
    return [take for out, take in named if not out], [take for out, take in named if out]


def held_out_scenes(count: int) -> range:
    """The numbers of the held-out scenes."""
    return range(min(count // 2, _HELD_OUT // 2), count, _HELD_OUT)


def _read_frames(path: Path, numbers: set[int]) -> list[tuple[int, Frame]]:
    frames: list[tuple[int, Frame]] = []
    for number, frame in enumerate(frames_of(path)):
        if number in numbers:
            frames.append((number, Frame(f"{path.name} {number}", rgb_of(frame))))
            if len(frames) == len(numbers):
                break
    return frames
