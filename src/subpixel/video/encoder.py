"""What is known of a video encoder, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import av

__all__ = ["ALL_TAGS", "Encoder"]

# Colour tags, by their names in Tags.
ALL_TAGS = frozenset({"primaries", "transfer", "matrix", "full_range"})

# Formats that an encoder accepts but that do not come back: libavcodec decodes gray H.264 as 4:2:0, and MP4 has no
# number for VP9 of 4:4:0.
_UNRETURNED = {"x264": ("gray",), "vp9": ("yuv440",)}


@dataclass(frozen=True)
class Encoder:
    """A video encoder.

    Args:
        name: the name that users give.
        codec: libavcodec's name.
        crf: (default, lowest, highest) quality value; None if the encoder is lossless or its profile sets the quality.
        preset: the default preset; None if the encoder has none.
        presets: the valid presets.
        preset_option: libavcodec's name of the option for the preset.
        options: options that are always set.
        stores_aspect: whether its packets store the sample aspect ratio, whatever the container does.
        colours: the colour tags that its packets store, by the names of :class:`subpixel.video.video_file.Tags`.
        full_range: whether it stores frames of full range.
        even: whether sides along which chroma is subsampled must be even.
        min_size: the smallest width and height that it is used for.
        max_size: the largest width and height.
        quality: libavcodec's options for the quality value N, each with two numbers A and B: it gets A + B × N.
        given: the pixel formats of frames as they are given to the encoder, by those of the result; empty if they are
            the same.
        device: what the encoder needs besides a processor, in a few words; empty if it needs nothing.
    """

    name: str
    codec: str
    crf: tuple[int, int, int] | None
    preset: str | None
    presets: tuple[str, ...] = ()
    preset_option: str = "preset"
    options: Mapping[str, str] = field(default_factory=dict)
    stores_aspect: bool = False
    colours: frozenset[str] = frozenset()
    full_range: bool = True
    even: bool = False
    min_size: tuple[int, int] = (1, 1)
    max_size: tuple[int, int] = (1 << 28, 1 << 28)
    quality: tuple[tuple[str, int, int], ...] = (("crf", 0, 1),)
    given: Mapping[str, str] = field(default_factory=dict)
    device: str = ""

    @property
    def pix_fmts(self) -> tuple[str, ...]:
        """The pixel formats that it accepts and a decoder returns unchanged, in libavcodec's order."""
        if self.given:
            return tuple(self.given)
        names = (each.name for each in av.Codec(self.codec, "w").video_formats or ())
        return tuple(name for name in names if not name.startswith(_UNRETURNED.get(self.name, ())))

    def accepts_size(self, pix_fmt: str, size: tuple[int, int]) -> bool:
        """Whether it accepts frames of a pixel format and (width, height)."""
        pixel_format = av.VideoFormat(pix_fmt)
        steps = 64 // pixel_format.chroma_width(64), 64 // pixel_format.chroma_height(64)
        odd = any(side % step for side, step in zip(size, steps, strict=True))
        return not (self.even and odd) and not self.is_too_small(size) and not self.is_too_large(size)

    def is_too_small(self, size: tuple[int, int]) -> bool:
        """Whether a side of (width, height) is smaller than it accepts."""
        return size[0] < self.min_size[0] or size[1] < self.min_size[1]

    def is_too_large(self, size: tuple[int, int]) -> bool:
        """Whether a side of (width, height) is larger than it accepts."""
        return size[0] > self.max_size[0] or size[1] > self.max_size[1]
