"""The choice that ``model="auto"`` makes for an image: the default model, or its variant for compressed images.

A network for clean images sharpens blocks and ringing; its compressed variant blurs clean images a little. The file
decides where it can: by a JPEG's quantisation tables or a lossy codec. Otherwise the pixels are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from subpixel.ops.compression_traces import Traces

__all__ = ["BLOCKINESS_THRESHOLD", "Choice", "Source", "choose_by_codec", "choose_by_source", "choose_by_traces"]

# A JPEG of at most this quality counts as compressed, whether its tables state it or its pixels show it. The variant
# for compressed images wins at 90 and loses at 95 (docs/models.md).
_MAX_COMPRESSED_JPEG_QUALITY = 90
# Without traces of a JPEG, an image of at least this blockiness counts as compressed: 1 % of clean images do, drawings
# with edges on the grid, and about half of those after WebP of quality 75 (docs/models.md).
BLOCKINESS_THRESHOLD = 0.12
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
        codec: ``jpeg``, ``heif`` (AVIF and HEIC), or another lossy codec such as ``webp`` or ``h264``; None for a
            lossless format.
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
    if source.codec == "heif":
        return None
    if source.codec != "jpeg":
        return Choice(variant, True, f"lossy {source.codec}")
    if source.quality is not None and source.quality <= _MAX_COMPRESSED_JPEG_QUALITY:
        return Choice(variant, True, f"a JPEG of quality {source.quality}")
    return None


def choose_by_traces(traces: Traces, source: Source | None, clean: str, variant: str) -> Choice:
    """The choice by what the pixels show of earlier compressions.

    Args:
        traces: what they show.
        source: what is known of the file, which did not decide; None if there is no file.
        clean: the name of the model for clean images.
        variant: the name of the model for compressed images.

    >>> print(choose_by_traces(Traces(), None, "fast", "fast-compressed"))
    fast (no visible compression)
    >>> print(choose_by_traces(Traces(jpeg_quality=60), None, "fast", "fast-compressed"))
    fast-compressed (traces of a JPEG of quality 60)
    """
    quality = traces.jpeg_quality
    if quality is not None and quality <= _MAX_COMPRESSED_JPEG_QUALITY:
        return Choice(variant, True, f"traces of a JPEG of quality {quality}")
    # A good JPEG shows its own grid a little, as does what was decoded from one; HEIF shows blocks that it smoothed.
    explained = quality is not None or (
        source is not None and (source.codec == "heif" or (source.codec == "jpeg" and source.quality is not None))
    )
    if not explained and traces.blockiness >= BLOCKINESS_THRESHOLD:
        return Choice(variant, True, f"compression artefacts measured: {traces.blockiness:.2f}")
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
