"""Clips of frames and their small copies by MATLAB's bicubic filter, drawn at random or held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subpixel.errors import InvalidArgument
from subpixel.models.spec import Colour, Spec
from subpixel.ops import resize
from subpixel.train.data import Source, find_images, load_pairs, planes_of, samples
from subpixel.train.device_patches import DevicePatches, numbers
from subpixel.train.drawn_images import drawn
from subpixel.train.motion.clip_degradation import CLIP_DEGRADATIONS, ClipDegradation
from subpixel.train.motion.clip_degradation import NUMBERS as DEGRADATION_NUMBERS
from subpixel.train.motion.paths import NUMBERS, moving_clip
from subpixel.train.settings import Settings
from subpixel.train.video_frames import find_takes

__all__ = ["Clip", "Clips", "clips_to_measure", "load_clips"]

# Small samples around a patch that the filter of the small copy needs. They are cut off afterwards.
_EDGE = 2
_DEVICE_CLIPS = 4096  # clips in the memory of a GPU
# Clips from held-out images: their number and their side.
_HELD_OUT_CLIPS, _HELD_OUT_SIDE = 16, 48
_PASTS = (0, 15, 30, 60)  # of the held-out clips in turn, for networks with a memory
_NEW = 0.3  # the share of batches without a past
_SIZE_OF_VIDEOS = 0.5  # frames of videos are resized by this, which removes most traces of compression


@dataclass(frozen=True)
class Clip:
    """Frames of one scene in two sizes, f32.

    Args:
        name: its name.
        small: ``(P + T, C, H, W)``. The first P frames are only the past of the others.
        large: ``(T, C, H*scale, W*scale)``.
    """

    name: str
    small: Tensor
    large: Tensor

    @property
    def past(self) -> int:
        """How many frames are only the past."""
        return len(self.small) - len(self.large)


def load_clips(
    data: str | Path, spec: Spec, settings: Settings, threads: int, held_out: str | Path | None = None
) -> tuple[list[Tensor], list[Clip], int]:
    """The sources of random clips, and the held-out clips.

    Args:
        data: a folder of images, which are moved along paths, or a video, which is cut into takes.
        spec: the network.
        settings: the settings of the run.
        threads: how many images are read at a time.
        held_out: a list of the images to hold out, see :func:`subpixel.train.held_out.split`; not for a video.

    Returns:
        Images ``(C, H, W)`` or takes ``(T, C, H, W)``; the held-out clips; and the number of images or takes, each
        counted once for all of its sizes.

    Raises:
        InvalidArgument, ImageReadError, Unsupported: as :func:`subpixel.train.data.find_images`.
    """
    degradation = CLIP_DEGRADATIONS[settings.degradation]
    generator = torch.Generator().manual_seed(0)
    if Path(data).is_file():
        if held_out is not None:
            raise InvalidArgument(f"train: held_out={str(held_out)!r}: a list of images does not fit a video")
        if settings.drawn:
            raise InvalidArgument(f"train: drawn={settings.drawn}: '{settings.arch}' takes drawn images with a folder")
        trained, held_out_takes = find_takes(data, settings.frames, settings.clip, _SIZE_OF_VIDEOS)
        takes, others = (
            [(name, _stack(frames, spec.colour)) for name, frames in part] for part in (trained, held_out_takes)
        )
        measured = []
        for name, take in others:
            numbers = _numbers_of(degradation, generator)
            measured.append(_clip(name, crop_to_scale(take, spec.scale), spec.scale, degradation, numbers))
        return [take for _, take in takes], measured, len(takes)
    found, sources = find_images(data, held_out=held_out)
    trained_on = [*found, *drawn(settings.drawn, settings.seed)]
    images = [samples(p.large) for p in load_pairs(trained_on, spec.scale, settings.sizes, threads, spec.colour)]
    return images, clips_to_measure(sources, spec, settings, threads), len(found)


def clips_to_measure(sources: Sequence[Source], spec: Spec, settings: Settings, threads: int = 1) -> list[Clip]:
    """Clips of held-out images, always the same: of the first 16, one of each."""
    degradation = CLIP_DEGRADATIONS[settings.degradation]
    generator = torch.Generator().manual_seed(0)
    measured: list[Clip] = []
    for pair in load_pairs(sources[:_HELD_OUT_CLIPS], spec.scale, (1.0,), threads, spec.colour):
        numbers = torch.rand(NUMBERS, generator=generator).tolist()
        side = (_HELD_OUT_SIDE + 2 * _EDGE) * spec.scale
        clip = moving_clip(
            [samples(pair.large)], numbers, settings.clip, side, settings.speed * spec.scale, settings.still
        )
        past = _PASTS[len(measured) % len(_PASTS)] if spec.has_memory else 0
        measured.append(_clip(pair.name, clip, spec.scale, degradation, _numbers_of(degradation, generator), past))
    return measured


class Clips:
    """Batches of random clips, flipped and rotated. Clips of videos also run backwards.

    Args:
        sources: images ``(C, H, W)`` or takes ``(T, C, H, W)``.
        settings: the settings of the run: patch, batch, clip, speed, degradation.
        scale: the factor.
        generator: the source of random numbers.
        past: the most frames of a past, during which the first frame stands still: networks with a running mean learn
            from scenes of every age. It is the same for all clips of a batch, and 0 for some batches.
    """

    def __init__(
        self, sources: Sequence[Tensor], settings: Settings, scale: int, generator: torch.Generator, past: int = 0
    ) -> None:
        self.settings, self.scale, self.generator, self.past = settings, scale, generator, past
        self.degradation = CLIP_DEGRADATIONS[settings.degradation]
        self.side = (settings.patch + 2 * _EDGE) * scale
        self.sources = [s for s in sources if min(s.shape[-2:]) >= self.side]
        if not self.sources:
            raise InvalidArgument(
                f"train: patch={settings.patch}: needs an image of at least {self.side}×{self.side} at ×{scale}"
            )

    def draw(self, part: int = 0, parts: int = 1) -> tuple[Tensor, Tensor]:
        """``(batch / parts, P + T, C, patch, patch)``, and T ``scale`` times larger frames; see ``Patches.draw``."""
        share = self.settings.batch // parts
        past = 0
        if self.past:
            age = 1 - float(torch.rand((), generator=self.generator)) / (1 - _NEW)
            past = round(max(0.0, age) * self.past)
        numbers = torch.rand((self.settings.batch, self._count), generator=self.generator)
        pairs = [self._pair(one, past) for one in numbers[part * share : (part + 1) * share].tolist()]
        return torch.stack([p.small for p in pairs]), torch.stack([p.large for p in pairs])

    def choose(self) -> Tensor:
        """The numbers of a batch that is cut out of :meth:`on_device`, see ``Patches.choose``."""
        return numbers(self.settings.batch, self.generator)

    def on_device(self, device: torch.device) -> DevicePatches:
        """Enough clips for many steps, made once by the device and stored there; batches are cut out of them.

        The same seed makes the same clips.
        """
        settings = replace(self.settings, patch=min(2 * self.settings.patch, self._largest))
        seeded = torch.Generator().manual_seed(settings.seed)
        maker = Clips([source.to(device) for source in self.sources], settings, self.scale, seeded, self.past)
        smalls, larges = [], []
        for one in torch.rand((_DEVICE_CLIPS, self._count), generator=seeded).tolist():
            pair = maker._pair(one, self.past // 2)  # all clips in one array have one length
            smalls.append(pair.small)
            larges.append(pair.large)
        return DevicePatches(smalls, larges, self.scale, self.settings.patch, 0, device)

    @property
    def _largest(self) -> int:
        """The side of the largest patch that fits into every source."""
        return min(min(source.shape[-2:]) for source in self.sources) // self.scale - 2 * _EDGE

    @property
    def _count(self) -> int:
        """How many random numbers determine a clip."""
        return NUMBERS + 1 + (0 if self.degradation is None else DEGRADATION_NUMBERS)

    def _pair(self, numbers: list[float], past: int) -> Clip:
        clip = self._clip(numbers[: NUMBERS + 1])
        return _clip("", clip, self.scale, self.degradation, numbers[NUMBERS + 1 :], past)

    def _clip(self, numbers: list[float]) -> Tensor:
        *numbers, turn = numbers
        settings = self.settings
        if self.sources[0].ndim == 3:
            speed = settings.speed * self.scale
            clip = moving_clip(self.sources, numbers, settings.clip, self.side, speed, settings.still)
        else:
            clip = self._cut(numbers)
        k = int(turn * 8)
        clip = clip.rot90(k % 4, (2, 3))
        return clip.flip(2) if k >= 4 else clip

    def _cut(self, numbers: list[float]) -> Tensor:
        which, down, right, start, backwards, *_ = numbers
        take = self.sources[int(which * len(self.sources))]
        length = min(self.settings.clip, len(take))
        first = int(start * (len(take) - length + 1))
        top, left = (int(u * (n - self.side + 1)) for u, n in ((down, take.shape[2]), (right, take.shape[3])))
        clip = take[first : first + length, :, top : top + self.side, left : left + self.side]
        clip = samples(clip)
        return clip.flip(0) if backwards < 0.5 else clip


def crop_to_scale(take: Tensor, scale: int) -> Tensor:
    """A take cropped to multiples of ``scale``."""
    rows, columns = (side // scale * scale for side in take.shape[-2:])
    return samples(take[..., :rows, :columns])


def _numbers_of(degradation: ClipDegradation | None, generator: torch.Generator) -> list[float]:
    """The next numbers for the degradation of a clip; none if there is none."""
    numbers: list[float] = [] if degradation is None else torch.rand(DEGRADATION_NUMBERS, generator=generator).tolist()
    return numbers


def _clip(
    name: str,
    clip: Tensor,
    scale: int,
    degradation: ClipDegradation | None = None,
    numbers: Sequence[float] = (),
    past: int = 0,
) -> Clip:
    """A clip and its small copy in 8 bits, degraded, without the border that depends on the edges."""
    small = resize(clip, scale=1 / scale, antialias=True, border="replicate", layout="NCHW")
    small = (small * 255).round().clamp_(0, 255) / 255
    small = torch.cat([small[:1].expand(past, -1, -1, -1), small])
    if degradation is not None:
        small = degradation.apply(small, numbers)
    edge = _EDGE * scale
    return Clip(name, small[..., _EDGE:-_EDGE, _EDGE:-_EDGE].contiguous(), clip[..., edge:-edge, edge:-edge])


def _stack(frames: Sequence[NDArray[np.uint8]], colour: Colour) -> Tensor:
    return torch.stack([planes_of(frame, colour) for frame in frames])
