"""What the upscaled frames' codes are said to mean: what the source says, and where it says nothing, what players take.

A player that is told nothing goes by the size: BT.601 for small videos, BT.709 for large ones (1280 columns, or more
than 576 rows). A video that grows beyond that would be shown in other colours, so what its own size meant is then said.
"""

from __future__ import annotations

from dataclasses import replace

from subpixel.video.video_file import Tags

__all__ = ["result_tags"]

_UNSAID = 2
# Of ITU-T H.273: matrices and primaries of BT.709, of BT.601 with 625 and with 525 lines, and that of R, G, B.
_BT709, _LINES_625, _LINES_525, _RGB = 1, 5, 6, 0
_525 = (480, 486, 488)


def result_tags(
    tags: Tags, before: tuple[int, int], after: tuple[int, int], *, rgb_in: bool, rgb_out: bool
) -> tuple[Tags, list[str]]:
    """Tags of the upscaled video, and a sentence where they say more than the source.

    Args:
        tags: of the source.
        before: (width, height) of its frames.
        after: of the upscaled ones.
        rgb_in: the source is of R, G, B.
        rgb_out: the result is.

    >>> result_tags(Tags(), (854, 480), (1708, 960), rgb_in=False, rgb_out=False)[0].matrix
    6
    """
    if rgb_out:
        return replace(tags, matrix=tags.matrix if rgb_in else _RGB, full_range=True), []
    if rgb_in:
        values = tags.matrix not in (_UNSAID, _RGB)
        return replace(tags, matrix=tags.matrix if values else _BT709, full_range=False), []
    ranged = replace(tags, full_range=bool(tags.full_range))
    if tags.matrix != _UNSAID or _matrix(before) == _matrix(after):
        return ranged, []
    primaries = _primaries(before) if tags.primaries == _UNSAID else tags.primaries
    note = (
        "it does not say its colour matrix; at its size players take BT.601, at the larger one BT.709: "
        "the result says BT.601"
    )
    return replace(ranged, matrix=_LINES_525, primaries=primaries), [note]


def _matrix(size: tuple[int, int]) -> int:
    return _BT709 if size[0] >= 1280 or size[1] > 576 else _LINES_525


def _primaries(size: tuple[int, int]) -> int:
    if size[1] == 576:
        return _LINES_625
    return _LINES_525 if size[1] in _525 else _BT709
