"""What a HEIF file proves about its own damage: boxes and items behind its end, a main image that is not there.

Sources: as in :mod:`subpixel.image.files.containers.isobmff`.
"""

from __future__ import annotations

from subpixel.image.files.containers.isobmff import Contents

__all__ = ["find_damage"]


def find_damage(contents: Contents, size: int) -> str | None:
    """Why the pixels cannot be complete, in a phrase; None if nothing proves it.

    Args:
        contents: of the file.
        size: of the file in bytes.
    """
    if contents.lacking is not None:
        kind, missing = contents.lacking
        cut = f"its box {kind} lacks {missing:,} byte{'s' if missing > 1 else ''} at the end of the file"
        if kind == "meta" or (not contents.items and not contents.tracks):
            return cut
    else:
        cut = ""
    if contents.sequence is not None:
        return cut or None  # its frames are found by other tables
    if contents.items and contents.main is None:
        return f"its main image is item {contents.primary}, which is not among its {len(contents.items)} items"
    waiting, seen = [contents.primary, *_alpha(contents)], set[int]()
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        parts = contents.referred("dimg", number)
        lost = [part for part in parts if part not in contents.items]
        if lost:
            return f"its item {lost[0]}, a part of the image, is missing"
        waiting += parts
        end = max((offset + length for offset, length in contents.places.get(number, ())), default=0)
        if end > size:
            return cut or f"the data of its item {number} end {end - size:,} bytes behind the end of the file"
    return None


def _alpha(contents: Contents) -> tuple[int, ...]:
    return tuple(number for number in contents.referring("auxl", contents.primary) if number in contents.items)
