"""32×32 to 128×128 in three ways, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.degradations import degradation_of
from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import Section, picture
from subpixel.compare.figures.shuffled import unequal
from subpixel.compare.figures.subject import Subject, bilinear, to_u8
from subpixel.compare.methods.trained import RATE, STEPS, subpixel_layer, train_layer, transposed_layer
from subpixel.metrics.quality import psnr
from subpixel.ops import pixel_shuffle, upsample_nearest

__all__ = ["FIGURE", "enlargements"]

U8 = NDArray[np.uint8]

_SMALL, _SCALE = 32, 4
_BOX = (384, 384)
_BICUBIC = "bicubic"


def enlargements(subject: Subject) -> tuple[U8, dict[str, U8]]:
    """The picture at 32×32, and each way's 128×128 by name.

    Raises:
        MissingExtra: torch is not installed.
    """
    small = subject.square(_SMALL)
    # What is learned: from 8×8 to 32×32, so that the larger picture is not seen.
    smaller = degradation_of(_BICUBIC)(small, _SCALE)
    learned = {}
    for name, make in (("transposed", transposed_layer), ("subpixel", subpixel_layer)):
        layer, _ = train_layer(make(_SCALE, "random", subject.seed), smaller, small, threads=subject.threads)
        learned[name] = to_u8(layer(small))
    side = _SMALL * _SCALE
    return small, {
        "bilinear": bilinear(small, (side, side)),
        **learned,
        "repeats": pixel_shuffle(np.repeat(small, _SCALE**2, axis=2), _SCALE, layout="HWC"),
    }


def _draw(subject: Subject) -> Sequence[Section]:
    small, large = enlargements(subject)
    side = _SMALL * _SCALE
    nearest = np.moveaxis(upsample_nearest(np.moveaxis(small, -1, 0)[None], scale=_SCALE)[0], 0, -1)
    # With fewer pixels than that, there is nothing to compare with.
    truth = subject.square(side) if min(subject.image.shape[:2]) >= side else None

    def note(name: str, text: str) -> str:
        return text if truth is None else f"{text} PSNR {psnr(large[name], truth):.2f} dB."

    trained = f"{STEPS} steps of AdamW at {RATE:g} from 8×8 to 32×32, random start."
    first = picture(small, "Small", "The middle of the picture: the input of all.", box=_BOX)
    alike = f"Each channel 16 times, then shuffled. {unequal(large['repeats'], nearest, 'nearest')}"
    rest = [
        picture(large["bilinear"], "Bilinear", note("bilinear", "Half-pixel centres, no weights to learn."), box=_BOX),
        picture(large["repeats"], "Pixel shuffle of repeats", note("repeats", alike), box=_BOX),
        picture(
            large["transposed"],
            "Transposed convolution",
            note("transposed", f"Kernel 8, stride 4, padding 2; {trained}"),
            box=_BOX,
        ),
        picture(
            large["subpixel"],
            "Sub-pixel convolution",
            note("subpixel", f"3×3 to 48 channels, then pixel shuffle; {trained}"),
            box=_BOX,
        ),
    ]
    if truth is not None:
        rest.insert(2, picture(truth, "Truth", "PSNR is measured against it; nothing was trained on it.", box=_BOX))
    panels = [first, *rest]
    return Section(panels[:3], columns=3), Section(panels[3:], columns=3)


FIGURE = Figure(
    "tiny",
    "32×32 to 128×128 in three ways",
    "Bilinear interpolation, a transposed convolution, and pixel shuffle: of repeated channels, and at the end of a "
    "sub-pixel convolution that was trained as the transposed one was.",
    _draw,
    extra="train",
)
