"""Clips from still images that move along smooth paths, so that every frame is known exactly.

The background drifts, rotates and zooms, with a small acceleration. Up to two patches of other images move in front of
it on their own paths. So motion has edges, and parts of the background are hidden and reappear.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from subpixel.ops import grid_sample

__all__ = ["NUMBERS", "moving_clip"]

# Random numbers of 0 … 1 that determine a clip: a path and a shape for the background and for each patch.
_EACH = 14
_PATCHES = 2
NUMBERS = (1 + _PATCHES) * _EACH

_TURN, _ZOOM = math.radians(1.5), 0.02  # at most per frame
_PRESENT = 0.5  # probability of each patch
_SOFT = 0.75  # half the width of a patch's soft edge in samples


def moving_clip(
    images: Sequence[Tensor], numbers: Sequence[float], frames: int, side: int, speed: float, still: float = 0.15
) -> Tensor:
    """A clip from still images.

    Args:
        images: ``(C, H, W)`` f32, from which the background and the patches are chosen.
        numbers: :data:`NUMBERS` numbers of 0 … 1 that determine everything.
        frames: the number of frames.
        side: the side of each frame.
        speed: the largest motion in samples per frame.
        still: the share of clips with a still background.

    Returns:
        ``(frames, C, side, side)``.
    """
    parts = [numbers[k * _EACH : (k + 1) * _EACH] for k in range(1 + _PATCHES)]
    clip, _ = _layer(images, iter(parts[0]), frames, side, speed, still, background=True)
    for part in parts[1:]:
        if part[-1] < _PRESENT:
            patch, mask = _layer(images, iter(part), frames, side, speed, 0.0, background=False)
            clip = clip + mask * (patch - clip)
    return clip.clamp(0, 1)


def _layer(
    images: Sequence[Tensor],
    number: Iterator[float],
    frames: int,
    side: int,
    speed: float,
    still: float,
    *,
    background: bool,
) -> tuple[Tensor, Tensor]:
    """One image along its path, and its mask."""
    image = images[int(next(number) * len(images))]
    _, height, width = image.shape
    time = torch.arange(frames, dtype=torch.float32, device=image.device) - (frames - 1) / 2
    # Squared: most motion is slow, and every speed occurs.
    fast, heading = speed * next(number) ** 2, 2 * math.pi * next(number)
    turn = _TURN * (2 * next(number) - 1) ** 3
    zoom = _ZOOM * (2 * next(number) - 1) ** 3
    bend, bend_heading = 0.05 * fast * next(number), 2 * math.pi * next(number)
    if background and next(number) < still:
        fast = turn = zoom = bend = 0.0
    shift = torch.stack(
        [fast * of(heading) * time + bend * of(bend_heading) * time**2 / 2 for of in (math.cos, math.sin)]
    )
    own = torch.arange(side, dtype=torch.float32, device=image.device) - (side - 1) / 2
    # (x, y), frame, row, column
    position = torch.stack([own.expand(side, side), own[:, None].expand(side, side)])[:, None]
    if not background:
        # The mask of a patch moves along the path as well, not only its content.
        middle = [side * (next(number) - 0.5) for _ in (0, 1)]
        position = position - torch.tensor(middle, device=image.device)[:, None, None, None]
    angle, size = (turn * time)[:, None, None], torch.exp(zoom * time)[:, None, None]
    cosine, sine = size * angle.cos(), size * angle.sin()
    x, y = position[0] - shift[0][:, None, None], position[1] - shift[1][:, None, None]
    x, y = cosine * x - sine * y, sine * x + cosine * y
    mask = torch.ones(frames, 1, side, side, device=image.device)
    if not background:
        radii = [side * (0.1 + 0.3 * next(number)) for _ in (0, 1)]
        corners = 2.0 if next(number) < 0.5 else 8.0
        away = ((x / radii[0]).abs() ** corners + (y / radii[1]).abs() ** corners) ** (1 / corners)
        mask = (0.5 - (away - 1) * min(radii) / (2 * _SOFT)).clamp(0, 1)[:, None]
    # The position of the centre in the image: everything is inside if the image is large enough.
    room = [max(0.0, length - side) * (next(number) - 0.5) for length in (width, height)] if background else [0.0, 0.0]
    grid = torch.stack([2 * (x + room[0]) / width, 2 * (y + room[1]) / height], dim=-1)
    result: Tensor = grid_sample(image[None].expand(frames, -1, -1, -1), grid, "bicubic", "reflection")
    return result, mask
