"""Pixel shuffle before and after: copies of a picture in either order of the channels, and an unshuffled picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import COLOURS, INK, Panel, Section, drawing, enlarge, fitted, picture
from subpixel.compare.figures.subject import Subject, cut, detail, halved, to_u8
from subpixel.ops import pixel_shuffle, pixel_unshuffle, upsample_nearest

__all__ = ["FIGURE", "origins", "shuffles", "unequal"]

U8 = NDArray[np.uint8]

_R = 2
_BOX = (256, 256)
_PRIMARIES = (("R", COLOURS["vermilion"]), ("G", COLOURS["green"]), ("B", COLOURS["blue"]))
_GAP = 4  # pixels of the sheet between the parts of an unshuffled picture
_PAPER = 244

# The three ways: what is done with the three channels, and the order of the shuffle.
WAYS = (
    ("R,G,B,R,G,B, … in CRD", "whole", "CRD"),
    ("R,G,B,R,G,B, … in DCR", "whole", "DCR"),
    ("R,R,R,R,G,G, … in CRD", "each", "CRD"),
)


def shuffles(small: NDArray[Any]) -> list[NDArray[Any]]:
    """``(H, W, 3)`` repeated four times along its channels and shuffled by 2, in the three ways.

    >>> import numpy as np
    >>> mosaic, nearest, again = shuffles(np.arange(3).reshape(1, 1, 3))
    >>> mosaic[..., 0].tolist(), nearest[..., 0].tolist(), again[..., 0].tolist()
    ([[0, 1], [2, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]])
    """
    whole, each = np.tile(small, (1, 1, _R**2)), np.repeat(small, _R**2, axis=2)
    copies = {"whole": whole, "each": each}
    return [pixel_shuffle(copies[kind], _R, layout="HWC", order=order) for _, kind, order in WAYS]  # type: ignore[arg-type]


def origins() -> list[list[list[list[int]]]]:
    """For each way and each channel of the result, the channel of the picture that each sample of a cell comes from."""
    return [np.moveaxis(large, -1, 0).tolist() for large in shuffles(np.arange(3).reshape(1, 1, 3))]


def unequal(one: NDArray[Any], other: NDArray[Any], name: str) -> str:
    """How far two images of u8 are equal, in a sentence.

    >>> import numpy as np
    >>> unequal(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8), "nearest")
    'Equal to nearest in every byte: 0 of 12 differ.'
    """
    count = int((one != other).sum())
    start = f"Differs from {name}" if count else f"Equal to {name} in every byte"
    return (
        f"{start}: {count:,} of {one.size:,} differ." if not count else f"{start} in {count:,} of {one.size:,} bytes."
    )


def _panels(small: U8, label: str) -> list[Panel]:
    nearest = np.moveaxis(upsample_nearest(np.moveaxis(small, -1, 0)[None], scale=_R)[0], 0, -1)
    results = shuffles(small)
    whole = fitted(nearest, _BOX)
    panels = [picture(small, label, "Before: three channels, which are then repeated four times.", box=whole)]
    for (title, _, _), large in zip(WAYS, results, strict=True):
        panels.append(picture(large, title, unequal(large, nearest, "nearest"), box=whole))
    return panels


def _origins(axes: Any) -> None:
    """Three rows, one for each way; in each the cells of the results R, G and B."""
    side, gap, left = 32, 12, 40
    for row, way in enumerate(origins()):
        top = row * (2 * side + 24)
        axes.text(0, top + side, ("CRD", "DCR", "CRD")[row], va="center", fontsize=9, color=INK)
        for channel, cell in enumerate(way):
            for (i, j), source in np.ndenumerate(np.array(cell)):
                letter, colour = _PRIMARIES[source]
                x, y = left + channel * (2 * side + gap) + j * side, top + i * side
                axes.fill_between((x, x + side), y, y + side, color=colour, linewidth=0)
                axes.text(x + side / 2, y + side / 2, letter, ha="center", va="center", color="white", weight="bold")


def _unshuffled(subject: Subject) -> Section:
    whole = subject.picture
    parts = pixel_unshuffle(whole, _R, layout="HWC")
    back = pixel_shuffle(parts, _R, layout="HWC")
    height, width = parts.shape[:2]
    # The channels of one phase: every fourth, beginning with its number.
    small = [np.ascontiguousarray(parts[..., phase :: _R**2]) for phase in range(_R**2)]
    shown = fitted(whole, _BOX)
    side = shown[0] // whole.shape[1]
    large = [enlarge(one, (width * side, height * side))[0] for one in small]
    sheet = np.full((2 * height * side + _GAP, 2 * width * side + _GAP, 3), _PAPER, np.uint8)
    for phase, one in enumerate(large):
        y, x = (n * (length + _GAP) for n, length in zip(divmod(phase, _R), one.shape[:2], strict=True))
        sheet[y : y + one.shape[0], x : x + one.shape[1]] = one
    text = f"Four pictures, {width}×{height} each"
    note = "Row i, column j: the pixels at rows 2h + i and columns 2w + j."
    apart = np.abs(small[0].astype(np.int16) - small[-1])
    most = "They are not alike: the first minus the last, around gray." if apart.any() else "The first equals the last."
    between = to_u8(128.0 + small[0].astype(np.float32) - small[-1])
    return Section(
        (
            picture(whole, "Picture", "Before: three channels.", box=_BOX),
            Panel(text, note, (sheet.shape[1], sheet.shape[0]), sheet),
            picture(between, "First − last", most, box=shown),
            picture(back, "Shuffled back", unequal(back, whole, "the picture"), box=_BOX),
        ),
        "Pixel unshuffle, and back",
        "Unshuffling turns the cells of 2×2 pixels into channels, 3 into 12, and loses nothing. Shuffling by the same "
        "order is its exact way back.",
        columns=5,
    )


def _draw(subject: Subject) -> Sequence[Section]:
    tiny, half = subject.square(8), halved(subject.picture)
    mosaic = shuffles(half)[0]
    box = detail(subject.picture, mosaic)
    why = drawing(
        _origins,
        "Where samples come from",
        "The cells of 2×2 of the results R, G and B, from the left; the three ways, from the top.",
        size=(256, 3 * 64 + 2 * 24),
    )
    return (
        Section(
            (*_panels(tiny, "Picture"), why),
            "8×8 pixels, repeated four times along the channels",
            "A shuffle in CRD builds channel R of the result of the first four channels. Are these R, G, B, R, three "
            "colours are mixed in one: a colour mosaic. DCR takes every third channel, which are four times R, and so "
            "gives exactly nearest. So does CRD if each channel is repeated four times in place. Pixel shuffle only "
            "moves values: if its result looks worse, the channels that it was given were in another order.",
        ),
        Section(
            (*_panels(half, "Half size"), picture(cut(mosaic, box), "CRD, detail", "The mosaic's pixels.", box=_BOX)),
            "Four copies at half size, 12 channels to 3",
        ),
        _unshuffled(subject),
    )


FIGURE = Figure(
    "shuffle",
    "Pixel shuffle, before and after",
    "Pixel shuffle by 2 moves groups of four channels into cells of 2×2 pixels; which four make a group is a "
    "convention, called CRD or DCR.",
    _draw,
)
