"""A sequence of images as a video: what it consists of, and its frames.

Images of all formats become frames of R, G and B, as the frames of one video must be alike: writers of PNG store a gray
frame as gray. What an image has beside these and a video has not is named in a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import VideoReadError
from subpixel.image.files.containers.png import chunk
from subpixel.image.files.reading import ImageFile, load_pixels, open_image
from subpixel.image.files.source_metadata import (
    CHUNKS,
    CODE_POINTS,
    TEXTS,
    get_blob,
    get_field,
    pixel_aspect,
    unpack_blobs,
)
from subpixel.storage.memory import memory_errors
from subpixel.video.formats import Layout, layout_of, new_frame
from subpixel.video.frame import Frame
from subpixel.video.images.sequence import ImageSequence
from subpixel.video.video_file import Stream, Tags, VideoFile, VideoStream

__all__ = ["DEFAULT_RATE", "describe_sequence", "sequence_frames"]

DEFAULT_RATE = Fraction(25)
# A JPEG of a higher quality counts as clean, as for images (models/auto.py).
_CLEAN_JPEG = 90
# Primaries and transfer of sRGB, as ITU-T H.273 numbers them.
_SRGB = (1, 13)
# What the chunks gAMA and cHRM say of sRGB, in hundred-thousandths (PNG, third edition, section 11.3.2.5).
_SRGB_CHUNKS = (
    chunk(b"gAMA", (45455).to_bytes(4, "big")),
    chunk(
        b"cHRM",
        b"".join(n.to_bytes(4, "big") for n in (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    ),
)


def describe_sequence(sequence: ImageSequence, rate: Fraction | None) -> VideoFile:
    """What a sequence consists of as a video. The header of every image is read.

    Args:
        sequence: the images.
        rate: frames a second; None for 25, and a note.

    Raises:
        ImageReadError: an image cannot be read.
        VideoReadError: the images differ in size, or one is an animation.
    """
    found = _Survey()
    for path in sequence.paths:
        with open_image(path) as file:
            found.add(path, file)
    notes = [*sequence.notes, *found.notes()]
    if rate is None:
        notes.append(
            f"no rate is given, so {DEFAULT_RATE} frames a second are assumed; frame_rate=24 would make 24 of them"
        )
    rate = rate or DEFAULT_RATE
    pix_fmt = "gbrp" if found.bits == 8 else "gbrp16le"
    stream = VideoStream(found.size, pix_fmt, rate, 1 / rate, found.aspect, found.tags, None, found.alpha)
    return VideoFile(
        sequence.source,
        "images",
        (Stream(0, "video", found.codec, {}, 0),),
        0,
        stream,
        (),
        {},
        len(sequence.paths) / rate,
        losses=tuple(notes),
        images=replace(sequence, compression=found.compression),
    )


def sequence_frames(video: VideoFile, damage_notes: dict[str, None], start: int | None = None) -> Iterator[Frame]:
    """The frames of a sequence, in order.

    Args:
        video: from :func:`describe_sequence`.
        damage_notes: receives a sentence about each image that is damaged but can be read.
        start: the number of the first frame, from 0; None for all.

    Raises:
        ImageReadError: an image cannot be read.
        VideoReadError: it is no longer of the size that it had.
    """
    assert video.images is not None
    layout = layout_of(video.stream.pix_fmt, video.path)
    for time, path in enumerate(video.images.paths[start or 0 :], start or 0):
        with memory_errors(str(path)), open_image(path) as file:
            image = load_pixels(file)
            for note in image.notes[len(file.notes) :]:
                damage_notes[f"{path.name}: {note}"] = None
        pixels = image.pixels
        if (pixels.shape[1], pixels.shape[0]) != video.stream.size or image.pages > 1:
            raise VideoReadError(f"{path}: the image changed while the sequence was read; run it again")
        frame, planes = new_frame(video.stream.size, layout)
        for plane, channel in zip(planes, (1, 2, 0), strict=True):  # G, B, R
            plane[:] = _codes(pixels[..., channel if pixels.shape[2] > 2 else 0], layout)
        frame.pts, frame.time_base, frame.duration = time, video.stream.time_base, 1
        yield Frame(frame, time)


def _codes(samples: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Samples as codes of 8 or 16 bits; those of 8 among images of 16 keep their values."""
    if samples.dtype == np.float32:
        values = np.nan_to_num(np.clip(samples, 0, 1)) * np.float32(65535) + np.float32(0.5)
        return np.asarray(values, np.uint16)
    if samples.dtype == np.uint8 and layout.bits == 16:
        return samples.astype(np.uint16) * np.uint16(257)
    return samples


@dataclass
class _Found:
    first: str
    count: int = 0


class _Survey:
    """What the headers of all images say."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.bits = 8
        self.alpha = False
        self.aspect: Fraction | None = None
        self.codec = ""
        self.compression: str | None = None
        self._first: Path | None = None
        self._tags: dict[Tags, None] = {}
        self._notes: dict[str, _Found] = {}

    @property
    def tags(self) -> Tags:
        """What all images state of their colours."""
        return next(iter(self._tags)) if len(self._tags) == 1 else Tags(matrix=0, full_range=True)

    def notes(self) -> Iterator[str]:
        for text, found in self._notes.items():
            others = found.count - 1
            also = f" and {others} other{'s'[: others > 1]}" if others else ""
            yield f"{text} ({found.first}{also})"
        if len(self._tags) > 1:
            yield "the images do not all state the same colours, so the result states none"

    def add(self, path: Path, file: ImageFile) -> None:
        if file.pages > 1:
            raise VideoReadError(f"{path}: this image has {file.pages} frames; an image of a sequence is one frame")
        height, width, channels = file.shape
        if self._first is None:
            self._first, self.size = path, (width, height)
            self.codec, self.compression = _codecs(file)
            ratio = pixel_aspect(file.metadata)
            self.aspect = None if ratio is None or ratio[0] == ratio[1] else Fraction(ratio[1], ratio[0])
        if self.size != (width, height):
            raise VideoReadError(
                f"{path}: this image has {width}×{height} pixels, and {self._first.name} has {self.size[0]}×"
                f"{self.size[1]}; the images of a sequence must have one size"
            )
        self.alpha = self.alpha or channels in (2, 4)
        self.bits = max(self.bits, 8 if file.dtype == np.uint8 else 16)
        tags, notes = _colours(file)
        self._tags[tags] = None
        if file.dtype == np.float32:
            notes.append("samples are floating point: 0 to 1 becomes 16 bits, and what is beyond is cut off")
        for note in [*file.notes, *notes, *_lost_metadata(file)]:
            self._notes.setdefault(note, _Found(path.name)).count += 1


def _codecs(file: ImageFile) -> tuple[str, str | None]:
    """The name of an image's format, and the same if it is one that loses much."""
    source = file.compression
    if source.codec is None or (source.codec == "jpeg" and (source.quality or 0) > _CLEAN_JPEG):
        return source.codec or file.loader.removesuffix("load"), None
    return source.codec, source.codec


def _colours(file: ImageFile) -> tuple[Tags, list[str]]:
    """What an image states of its colours, as far as a video can state it, and notes about the rest."""
    header = file.metadata
    chunks = {each[4:8]: each for each in unpack_blobs(get_blob(header, CHUNKS))}
    points = get_field(header, CODE_POINTS, None)
    unspecified = Tags(matrix=0, full_range=True)
    if points is not None:
        notes = [] if points[3] else ["the samples are in narrow range, and are taken as full range"]
        return replace(unspecified, primaries=points[0], transfer=points[1]), notes
    profile = get_blob(header, "icc-profile-data")
    if profile is not None and not _is_srgb(profile):
        return unspecified, [
            "the colour profile is not kept: a video has no place for it, and colours may look different"
        ]
    stated = [chunks[name] for name in (b"gAMA", b"cHRM") if name in chunks]
    if profile is not None or b"sRGB" in chunks or (stated and set(stated) <= {*_SRGB_CHUNKS}):
        return replace(unspecified, primaries=_SRGB[0], transfer=_SRGB[1]), []
    if stated:
        return unspecified, ["gamma and primaries (gAMA, cHRM) are not kept: colours may look different"]
    return unspecified, []


def _is_srgb(profile: bytes) -> bool:
    """Whether a profile is one of the many of sRGB, which all name it."""
    return b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def _lost_metadata(file: ImageFile) -> Iterator[str]:
    fields = {"exif-data": "EXIF", "xmp-data": "XMP", "iptc-data": "IPTC", TEXTS: "text"}
    names = [name for field, name in fields.items() if get_blob(file.metadata, field) is not None]
    if names:
        yield f"metadata of the images is not kept: {', '.join(names)}"
