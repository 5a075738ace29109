"""About how large the file of a result will be, by the size of the source's file.

A file's bytes per pixel say how much detail it holds. Those of the result follow from them: measured on photographs and
drawings of 8 bits, upscaled by 2 and by 4, the medians below. Of 250 results of other images, 94 % lay within a factor
of two of the estimate; the others were drawings with large flat parts, whose files are smaller.
"""

from __future__ import annotations

import math

from subpixel.models.auto import Source

__all__ = ["expected_bytes"]

# By the source and the result: bytes per pixel of the result, by those of the source, at ×2; and the factor by which
# that falls with each further doubling.
_RATIOS: dict[tuple[str, str], tuple[float, float]] = {
    ("png", ".png"): (0.84, 0.775),
    ("png", ".webp"): (0.57, 0.75),
    ("jpeg 75", ".png"): (6.39, 0.755),
    ("jpeg 92", ".png"): (3.61, 0.77),
    ("jpeg 75", ".jpg"): (1.77, 0.69),
    ("jpeg 92", ".jpg"): (1.01, 0.68),
    ("webp", ".webp"): (1.17, 0.55),
}
_QUALITIES = 75, 92
_SCALES = 1.4, 8.5  # below and above, nothing was measured
_LEAST = 2000  # bytes of a source: below, its head counts for more than its pixels


def expected_bytes(source: Source, loader: str, size: int, before: int, after: int, suffix: str) -> int | None:
    """The bytes of a result; None where they cannot be told about within a factor of two.

    Args:
        source: how the source is compressed.
        loader: that reads it, such as ``pngload``.
        size: of its file, in bytes.
        before: pixels of the source.
        after: pixels of the result.
        suffix: of the result.

    >>> expected_bytes(Source(), "pngload", 400_000, 200_000, 800_000, ".png")
    1344000
    """
    suffix = {".jpeg": ".jpg"}.get(suffix, suffix)
    scale = math.sqrt(after / before)
    if size < _LEAST or not _SCALES[0] <= scale <= _SCALES[1]:
        return None
    octaves = math.log2(scale) - 1
    if source.codec == "jpeg":
        if source.quality is None or not 60 <= source.quality <= 97:
            return None
        low, high = (_RATIOS.get((f"jpeg {quality}", suffix)) for quality in _QUALITIES)
        if low is None or high is None:
            return None
        share = (source.quality - _QUALITIES[0]) / (_QUALITIES[1] - _QUALITIES[0])
        ratio, falls = low[0] * (high[0] / low[0]) ** share, low[1] * (high[1] / low[1]) ** share
    else:
        found = _RATIOS.get((loader.removesuffix("load") if source.codec is None else source.codec, suffix))
        if found is None or (source.codec is None and loader != "pngload"):
            return None
        ratio, falls = found
    per_pixel: float = size / before * ratio * falls**octaves
    return round(per_pixel * after)
