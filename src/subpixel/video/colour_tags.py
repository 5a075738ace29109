"""The colour tags of the upscaled video: the source's, or what players assume for the source if it has none.

If the colour matrix is unspecified, players choose it by the size: BT.601 for small videos, BT.709 for large ones (1280
columns or more, or more than 576 rows). An untagged video that crosses that size would change its colours, so the
result gets the tags that its source's size implies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from subpixel.errors import Unsupported
from subpixel.video.containers import Container
from subpixel.video.encoder import Encoder
from subpixel.video.encoders import ENCODERS
from subpixel.video.video_file import Tags

__all__ = ["result_tags", "stored_tags"]

_UNSPECIFIED = 2
# Matrices and primaries of BT.709, of BT.601 with 625 and 525 lines, and the matrix of RGB, as numbered in ITU-T H.273.
_BT709, _LINES_625, _LINES_525, _RGB = 1, 5, 6, 0
_ROWS_525 = (480, 486, 488)
# What a tag means if it is not stored, and how messages name it.
_DEFAULTS = {"primaries": 2, "transfer": 2, "matrix": 2, "full_range": None}
_NAMES = {"primaries": "primaries", "transfer": "transfer", "matrix": "matrix", "full_range": "full range"}


def result_tags(
    tags: Tags, before: tuple[int, int], after: tuple[int, int], *, rgb_in: bool, rgb_out: bool
) -> tuple[Tags, list[str]]:
    """The tags of the upscaled video, and a sentence if they specify more than the source's.

    Args:
        tags: of the source.
        before: (width, height) of the source's frames.
        after: (width, height) of the upscaled frames.
        rgb_in: whether the source is RGB.
        rgb_out: whether the result is RGB.

    >>> result_tags(Tags(), (854, 480), (1708, 960), rgb_in=False, rgb_out=False)[0].matrix
    6
    """
    if rgb_out:
        return replace(tags, matrix=_RGB, full_range=True), []
    if rgb_in:
        specified = tags.matrix not in (_UNSPECIFIED, _RGB)
        return replace(tags, matrix=tags.matrix if specified else _BT709, full_range=False), []
    if tags.matrix != _UNSPECIFIED or _matrix(before) == _matrix(after):
        return tags, []
    primaries = _primaries(before) if tags.primaries == _UNSPECIFIED else tags.primaries
    here, there, size = (
        ("BT.601", "BT.709", "larger") if _matrix(before) == _LINES_525 else ("BT.709", "BT.601", "smaller")
    )
    note = (
        f"its colour matrix is unspecified: players assume {here} at its size and {there} at the {size} size, "
        f"so the result is tagged as {here}"
    )
    return replace(tags, matrix=_matrix(before), primaries=primaries), [note]


def stored_tags(
    tags: Tags, encoder: Encoder, container: Container, *, rgb: bool, fitting: Sequence[str] = ()
) -> tuple[Tags, list[str]]:
    """The tags that an encoder and a container store, and a sentence if they do not store all that are specified.

    Args:
        tags: of the result.
        encoder: of the image.
        container: of the result.
        rgb: whether the image is RGB, whose pixel format implies matrix and range.
        fitting: the encoders that an error may advise, by name.

    Raises:
        Unsupported: the frames have full range, and the encoder only stores limited range.
    """
    if tags.full_range and not encoder.full_range and not rgb:
        able = [f"encoder={name!r}" for name in fitting if ENCODERS[name].full_range]
        advice = f"; {' or '.join(able)} does" if able else ""
        raise Unsupported(
            f"encoder={encoder.name!r}: the video has full range, which this encoder does not store{advice}"
        )
    lost = {name: default for name, default in _DEFAULTS.items() if name not in encoder.colours}
    if container.colours:
        return tags, []
    if rgb:
        lost = {name: default for name, default in lost.items() if name in ("primaries", "transfer")}
    names = [_NAMES[name] for name, default in lost.items() if getattr(tags, name) not in (default, False)]
    note = f"{container} cannot store the {' and '.join(names)} of the colours with encoder {encoder.name}"
    return replace(tags, **lost), [f"{note}; other containers can"] if names else []  # type: ignore[arg-type]


def _matrix(size: tuple[int, int]) -> int:
    return _BT709 if size[0] >= 1280 or size[1] > 576 else _LINES_525


def _primaries(size: tuple[int, int]) -> int:
    if size[1] == 576:
        return _LINES_625
    return _LINES_525 if size[1] in _ROWS_525 else _BT709
