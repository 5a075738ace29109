"""The choice that ``model="auto"`` makes for an image: the default model, or its variant for compressed images.

A network for clean images sharpens blocks and ringing; its compressed variant blurs clean images a little. The file
decides where it can: by a JPEG's quantisation tables or a lossy codec. Otherwise the pixels are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BLOCKINESS_THRESHOLD", "Choice", "Source", "choose_by_blocks", "choose_by_codec", "choose_by_source"]

# An image of at least this blockiness counts as compressed. Of 400 photographs at half size, 1 % reach it uncompressed,
# 28 % after JPEG of quality 95, 66 % after 90, 84 % after 85, and 98 % after 75 (docs/models.md).
BLOCKINESS_THRESHOLD = 0.06
# A JPEG whose tables state at most this quality counts as compressed. The pixels of a better one are measured, since it
# may hold an image that was compressed before.
_MAX_COMPRESSED_JPEG_QUALITY = 90
_LOSSLESS_CODECS = {
    "ffv1",
    "ffvhuff",
    "huffyuv",
    "magicyuv",
    "png",
    "qtrle",
    "rawvideo",
    "utvideo",
    "v210",
    "wrapped_avframe",
}


@dataclass(frozen=True)
class Source:
    """The file that pixels come from.

    Args:
        codec: ``jpeg``, or another lossy codec such as ``webp`` or ``h264``; None for a lossless format.
        quality: of a JPEG by its tables, 1 … 100 on the IJG's scale; None if it is unknown.
    """

    codec: str | None = None
    quality: int | None = None


@dataclass(frozen=True)
class Choice:
    """The model chosen for an image.

    Args:
        model: the name of the model.
        compressed: whether it is the variant for compressed images.
        reason: why it was chosen, in a few words; empty if there was only one candidate.
    """

    model: str
    compressed: bool
    reason: str

    def __str__(self) -> str:
        return f"{self.model} ({self.reason})" if self.reason else self.model


def choose_by_source(source: Source | None, variant: str) -> Choice | None:
    """The choice by the file alone; None if the pixels must be measured.

    Args:
        source: what is known of the file; None if there is no file.
        variant: the name of the model for compressed images.

    >>> print(choose_by_source(Source("jpeg", 75), "fast-compressed"))
    fast-compressed (a JPEG of quality 75)
    """
    if source is None or source.codec is None:
        return None
    if source.codec != "jpeg":
        return Choice(variant, True, f"lossy {source.codec}")
    if source.quality is not None and source.quality <= _MAX_COMPRESSED_JPEG_QUALITY:
        return Choice(variant, True, f"a JPEG of quality {source.quality}")
    return None


def choose_by_blocks(figure: float, clean: str, variant: str) -> Choice:
    """The choice by the blockiness of an image, see :func:`subpixel.metrics.blockiness`.

    Args:
        figure: the blockiness.
        clean: the name of the model for clean images.
        variant: the name of the model for compressed images.

    >>> print(choose_by_blocks(0.0, "fast", "fast-compressed"))
    fast (no visible compression)
    """
    if figure >= BLOCKINESS_THRESHOLD:
        return Choice(variant, True, f"compression artefacts measured: {figure:.2f}")
    return Choice(clean, False, "no visible compression")


def choose_by_codec(codec: str, clean: str, variant: str) -> Choice:
    """The choice for a video, by its codec.

    Args:
        codec: libavcodec's name of the codec.
        clean: the name of the model for clean images.
        variant: the name of the model for compressed images.

    >>> print(choose_by_codec("h264", "fast", "fast-compressed"))
    fast-compressed (lossy h264)
    """
    if codec in _LOSSLESS_CODECS:
        return Choice(clean, False, codec)
    return Choice(variant, True, f"lossy {codec}")
