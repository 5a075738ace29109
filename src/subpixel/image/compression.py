"""Lossy compression of an image in memory: encode it and decode it again.

Each codec is data: its name states all of its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, Unsupported
from subpixel.image.yuv import rgb_to_yuv, shrink_chroma, upscale_chroma, yuv_to_rgb

__all__ = ["H264", "Compression", "H264Clip", "Jpeg", "WebP", "parse"]

Pixels = NDArray[np.uint8]

_SMALLEST = 16  # a macroblock; smaller images are padded


class Compression(Protocol):
    """``(H, W, C)`` u8 gray or RGB to the same after encoding and decoding."""

    @property
    def name(self) -> str:
        """The codec with all its parameters."""

    def __call__(self, pixels: Pixels) -> Pixels: ...


@dataclass(frozen=True)
class Jpeg:
    """JPEG by libvips.

    Args:
        quality: 1 … 100, which scales the tables of the standard's annex K as the IJG does.
        subsampling: of chroma, ``420`` or ``444``.

    Raises:
        InvalidArgument: another value.

    >>> import numpy as np
    >>> Jpeg(75)(np.full((5, 7, 3), 128, np.uint8)).shape
    (5, 7, 3)
    """

    quality: int
    subsampling: Literal["420", "444"] = "420"

    def __post_init__(self) -> None:
        _check("jpeg", self.quality, 1, 100)
        if self.subsampling not in ("420", "444"):
            raise InvalidArgument(f"jpeg: subsampling={self.subsampling!r}: 420 or 444 is needed")

    @property
    def name(self) -> str:
        return f"JPEG of quality {self.quality}, {_colons(self.subsampling)} (libvips)"

    def __call__(self, pixels: Pixels) -> Pixels:
        mode = "on" if self.subsampling == "420" else "off"
        return _decode(_image(pixels).jpegsave_buffer(Q=self.quality, subsample_mode=mode))


@dataclass(frozen=True)
class WebP:
    """Lossy WebP by libvips, 4:2:0.

    Args:
        quality: 0 … 100.
        effort: 0 … 6.

    Raises:
        InvalidArgument: another value.
    """

    quality: int
    effort: int = 4

    def __post_init__(self) -> None:
        _check("webp", self.quality, 0, 100)
        if not 0 <= self.effort <= 6:
            raise InvalidArgument(f"webp: effort={self.effort}: 0 to 6 is needed")

    @property
    def name(self) -> str:
        return f"WebP of quality {self.quality}, 4:2:0, effort {self.effort} (libvips)"

    def __call__(self, pixels: Pixels) -> Pixels:
        # WebP has no gray: three channels come back, equal except for rounding.
        result = _decode(_image(pixels).webpsave_buffer(Q=self.quality, effort=self.effort))
        return result[..., : pixels.shape[2]]


@dataclass(frozen=True)
class H264:
    """H.264 by x264 through PyAV: one frame of a clip in which the image moves.

    4:2:0, BT.601, studio range, chroma sited left; one thread, so that the same image gives the same bytes.

    Args:
        crf: 0 … 51, x264's constant rate factor.
        frames: of the clip; 1 is an intra frame.
        shown: the frame that is returned, from 0.
        motion: pixels ``(down, across)`` that the image moves from frame to frame; its edge is repeated. In the frame
            that is returned the image is in its place.
        preset: of x264.

    Raises:
        InvalidArgument: another value.
    """

    crf: int
    frames: int = 1
    shown: int = 0
    motion: tuple[int, int] = (0, 0)
    preset: str = "veryfast"

    def __post_init__(self) -> None:
        _check("h264", self.crf, 0, 51)
        if not 0 <= self.shown < self.frames <= 64:
            raise InvalidArgument(f"h264: frame {self.shown} of {self.frames}: one of 1 to 64 is needed")

    @property
    def name(self) -> str:
        clip = (
            "an intra frame" if self.frames == 1 else f"frame {self.shown + 1} of {self.frames}, {self.motion} a frame"
        )
        return f"H.264 of crf {self.crf} (x264 {self.preset}), 4:2:0, BT.601 studio range, {clip}"

    def __call__(self, pixels: Pixels) -> Pixels:
        height, width, channels = pixels.shape
        rgb = pixels if channels == 3 else np.repeat(pixels[..., :1], 3, axis=2)
        clip = [self._move(rgb, k - self.shown) for k in range(self.frames)]
        planes = _through_h264(clip, self.crf, self.preset)[self.shown]
        result: Pixels = yuv_to_rgb(planes, "bt601", False)[:height, :width, :channels]
        return result

    def _move(self, rgb: Pixels, steps: int) -> Pixels:
        """The image after some steps, padded at its lower right to a size that the codec accepts."""
        height, width = rgb.shape[:2]
        rows, columns = (max(_SMALLEST, side + side % 2) for side in (height, width))
        down, across = (step * steps for step in self.motion)
        y = np.clip(np.arange(rows) - down, 0, height - 1)
        x = np.clip(np.arange(columns) - across, 0, width - 1)
        result: Pixels = rgb[y[:, None], x]
        return result


@dataclass(frozen=True)
class H264Clip:
    """H.264 by x264 through PyAV for a clip of luma, chroma gray, as video files store it; otherwise as :class:`H264`.

    Args:
        crf: 0 … 51, x264's constant rate factor.
        preset: of x264.

    Raises:
        InvalidArgument: another value.
    """

    crf: int
    preset: str = "veryfast"

    def __post_init__(self) -> None:
        _check("h264", self.crf, 0, 51)

    def __call__(self, luma: Pixels) -> Pixels:
        """``(T, H, W)`` u8 to the same after encoding and decoding. Its lower and right edge are repeated if needed."""
        _, height, width = luma.shape
        rows, columns = (max(_SMALLEST, side + side % 2) for side in (height, width))
        padded = np.pad(luma, ((0, 0), (0, rows - height), (0, columns - width)), mode="edge")
        gray = np.full((rows // 2, columns), 128, np.uint8)
        packed = _packed_through_h264([np.concatenate([plane, gray]) for plane in padded], self.crf, self.preset)
        return np.stack(packed)[:, :height, :width]


def parse(text: str) -> Compression:
    """The codec of a text: ``jpeg:75`` (4:2:0), ``jpeg:75:444``, ``webp:80`` or ``h264:23`` (an intra frame).

    Raises:
        InvalidArgument: anything else.

    >>> parse("jpeg:75").name
    'JPEG of quality 75, 4:2:0 (libvips)'
    """
    kind, *numbers = text.split(":")
    wrong = InvalidArgument(
        f"degrade={text!r}: a codec and a quality are needed, as in jpeg:75, jpeg:75:444, webp:80 or h264:23"
    )
    if not numbers or not numbers[0].isascii() or not numbers[0].isdigit() or len(numbers[0]) > 3:
        raise wrong
    number = int(numbers[0])
    match kind, numbers[1:]:
        case "jpeg", []:
            return Jpeg(number)
        case "jpeg", ["444" | "420" as subsampling]:
            return Jpeg(number, "444" if subsampling == "444" else "420")
        case "webp", []:
            return WebP(number)
        case "h264", []:
            return H264(number, preset="medium")
    raise wrong


def _check(kind: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidArgument(f"{kind}: {value}: a number from {least} to {most} is needed")


def _colons(subsampling: str) -> str:
    return ":".join(subsampling)


def _image(pixels: Pixels) -> pyvips.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise InvalidArgument(f"compression: {pixels.dtype} of {pixels.shape}: u8 of (H, W, 1) or (H, W, 3) is needed")
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    return image.copy(interpretation="b-w" if pixels.shape[2] == 1 else "srgb")


def _decode(content: bytes) -> Pixels:
    result: Pixels = np.atleast_3d(pyvips.Image.new_from_buffer(content, "").numpy())
    return result


def _through_h264(clip: list[Pixels], crf: int, preset: str) -> list[NDArray[np.float32]]:
    """Frames ``(H, W, 3)``, H and W even, to ``(3, H, W)`` planes of codes."""
    height, width = clip[0].shape[:2]
    return [_unpack_planes(one, height, width) for one in _packed_through_h264([*map(_pack_planes, clip)], crf, preset)]


def _packed_through_h264(clip: list[Pixels], crf: int, preset: str) -> list[Pixels]:
    """Frames of 4:2:0, Y, Cb and Cr one after another as rows of luma's width, to the same."""
    import av

    height, width = len(clip[0]) * 2 // 3, clip[0].shape[1]
    try:
        encoder = av.CodecContext.create("libx264", "w")
    except av.error.FFmpegError:
        raise Unsupported("h264: the installed PyAV has no x264; the packages on PyPI have it") from None
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"crf": str(crf), "preset": preset, "threads": "1"}
    if len(clip) > 1:
        # On AVX-512, x264's macroblock tree of a clip reads memory that nobody has written, and the same clip gives
        # different bytes from one call to the next. This switch selects the plain C code. Single frames have no tree.
        encoder.options |= {"x264-params": "cpu-independent=1"}
    packets = []
    for number, planes in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [np.asarray(frame.to_ndarray(), np.uint8) for frame in frames]


def _pack_planes(rgb: Pixels) -> Pixels:
    """Y, Cb and Cr of 4:2:0 one after another, as rows of luma's width."""
    y, u, v = rgb_to_yuv(rgb, "bt601", False)
    planes = (y, shrink_chroma(u, "left"), shrink_chroma(v, "left"))
    rounded = [np.clip(plane + np.float32(0.5), 0, 255).astype(np.uint8).ravel() for plane in planes]
    return np.concatenate(rounded).reshape(-1, rgb.shape[1])


def _unpack_planes(packed: Pixels, height: int, width: int) -> NDArray[np.float32]:
    flat = packed.ravel()
    luma = height * width
    chroma = flat[luma:].reshape(2, height // 2, width // 2)
    upscaled = [upscale_chroma(plane, (height, width), (2, 2), "left") for plane in chroma]
    return np.stack([flat[:luma].reshape(height, width).astype(np.float32), *upscaled])
