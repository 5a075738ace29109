"""The frames of a HEIF sequence, an animated AVIF among them, which libvips does not read: libavcodec decodes them.

Samples are converted to RGB by the matrix and the range that the file states, chroma bilinear about the centre of its
cell.

Sources: ISO/IEC 23008-12, section 7; the AV1 Image File Format 1.2; ITU-T H.273, tables 2 to 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import isobmff
from subpixel.image.files.containers.isobmff_tracks import Track
from subpixel.image.files.decoders.decoder import Layout
from subpixel.image.files.open_file import OpenFile
from subpixel.image.yuv import Matrix, upscale_chroma, yuv_to_floats

if TYPE_CHECKING:
    import av

__all__ = ["HeifSequence", "open_sequence"]

# By H.273's MatrixCoefficients. What is unspecified is BT.601 (MIAF).
_MATRICES: dict[int, Matrix] = {1: "bt709", 2: "bt601", 5: "bt601", 6: "bt601", 9: "bt2020"}
_IDENTITY = 0
_FULL_RANGE = 2  # libavutil's
_MOST = (1 << 31) - 1  # the largest number in libvips' headers
_LONGEST = 86_400  # seconds of a frame


@dataclass(frozen=True)
class HeifSequence:
    """An open sequence.

    Args:
        layout: what it states.
        track: of the images.
        alpha: of their transparency; None without.
        premultiplied: whether the colours are premultiplied.
    """

    layout: Layout
    track: Track
    alpha: Track | None
    premultiplied: bool

    def load(self, file: OpenFile, bands: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """As :meth:`subpixel.image.files.decoders.decoder.Decoder.load`."""
        width, height = self.layout.size
        frames = np.empty((self.track.samples, height, width, bands), dtype)
        colours = bands - (self.alpha is not None)
        for number, frame in enumerate(_decode(file, self.track)):
            frames[number, ..., :colours] = _stored(self._colours(frame), dtype)
        if self.alpha is not None:
            for number, frame in enumerate(_decode(file, self.alpha)):
                full = _is_full_range(self.alpha, frame)
                frames[number, ..., -1] = _stored(_luma(_planes(frame)[0], full, self.alpha.bits), dtype)
            if self.premultiplied:
                _divide_by_alpha(frames)
        return frames.reshape(-1, width, bands)

    def _colours(self, frame: av.VideoFrame) -> NDArray[np.float32]:
        """``(H, W, 1)`` or ``(H, W, 3)`` of 0 … 1."""
        planes = _planes(frame)
        bits, full = self.track.bits, _is_full_range(self.track, frame)
        if len(planes) == 1:
            return _luma(planes[0], full, bits)[..., None]
        points = isobmff.nclx_of(self.track)
        code = int(frame.colorspace) if points is None else points[2]
        if frame.format.name.startswith("gbr") or code == _IDENTITY:
            return np.stack([_luma(planes[band], full, bits) for band in (2, 0, 1)], axis=-1)
        if code not in _MATRICES:
            raise ValueError(f"the matrix of its colours has code {code}, which is not known")
        shape = planes[0].shape
        factors = (-(-shape[0] // planes[1].shape[0]), -(-shape[1] // planes[1].shape[1]))
        chroma = [upscale_chroma(plane, shape, factors, "center") for plane in planes[1:3]]
        yuv = np.stack([planes[0].astype(np.float32), *chroma])
        return yuv_to_floats(yuv, _MATRICES[code], full, bits)


def open_sequence(contents: isobmff.Contents) -> HeifSequence | None:
    """The sequence in a file; None if it has none of more than one frame.

    Raises:
        ImageReadError: its frames cannot be shown as they are meant; without the name of the file.
    """
    track = contents.sequence
    if track is None:
        return None
    alpha = next(
        (each for each in contents.tracks if each.handler == "auxv" and each.refers("auxl", track.number)), None
    )
    if 0 in track.size or len(track.times) != track.samples:
        raise ImageReadError("the image sequence is damaged: its tables do not agree")
    if alpha is not None and (alpha.size, alpha.samples) != (track.size, track.samples):
        raise ImageReadError("the image sequence is damaged: its alpha is of another size")
    if any(numerator > _LONGEST * denominator for numerator, denominator in track.times):
        raise ImageReadError("the image sequence is damaged: a frame is shown for more than a day")
    if not track.orientation:
        raise ImageReadError("the image sequence is turned by no right angle, which cannot be done")
    deep = track.bits > 8
    bands = (1 if track.is_gray else 3) + (alpha is not None)
    layout = Layout(
        "heifload",
        track.size,
        bands,
        np.dtype(np.uint16 if deep else np.uint8),
        track.bits,
        notes=tuple(_notes(contents, track, alpha)),
        times=tuple(_short(*time) for time in track.times),
        plays=track.plays if track.plays <= _MOST else 0,
        orientation=track.orientation,
    )
    premultiplied = alpha is not None and track.refers("prem", alpha.number)
    return HeifSequence(layout, track, alpha, premultiplied)


def _short(numerator: int, denominator: int) -> tuple[int, int]:
    """A time in numbers that libvips' headers hold; of a very fine clock the nearest."""
    time = Fraction(numerator, denominator)
    time = time if max(time.numerator, time.denominator) <= _MOST else time.limit_denominator(10_000)
    return time.numerator, time.denominator


def _notes(contents: isobmff.Contents, track: Track, alpha: Track | None) -> Iterator[str]:
    for other in contents.tracks:
        if other not in (track, alpha):
            yield f"a track of {other.samples} samples ({other.handler}, {other.codec}) is not kept"
    places = contents.places.get(contents.primary, [])
    if places and places[0][0] != track.start:
        yield "the still image beside the sequence is not kept"


def _decode(file: OpenFile, track: Track) -> Iterator[av.VideoFrame]:
    """The frames of a track.

    Raises:
        ValueError: they cannot be decoded, or are too few, or of another size.
    """
    import av

    number = -1
    with file.reader() as source:
        try:
            with av.open(
                source, "r", "mov", options={"protocol_whitelist": "none"}, metadata_errors="surrogateescape"
            ) as container:
                # The still images of the file are streams too, of one frame.
                stream = next(each for each in container.streams.video if each.id == track.number and each.frames > 1)
                for number, frame in enumerate(container.decode(stream)):
                    if number >= track.samples or (frame.width, frame.height) != track.size:
                        raise ValueError("a frame more, or of another size, than its tables say")
                    yield frame
        except StopIteration:
            raise ValueError("libavformat does not find its track") from None
        except av.error.FFmpegError as error:
            raise ValueError(f"frame {number + 2} of {track.samples}: {error.strerror}") from None
    if number + 1 != track.samples:
        raise ValueError(f"{number + 1} of {track.samples} frames can be decoded")


def _planes(frame: av.VideoFrame) -> list[NDArray[Any]]:
    """Each plane as ``(h, w)`` of codes."""
    wide = frame.format.components[0].bits > 8
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * plane.height].reshape(
            plane.height, plane.line_size
        )
        planes.append((np.ascontiguousarray(rows).view("<u2") if wide else rows)[:, : plane.width])
    return planes


def _is_full_range(track: Track, frame: av.VideoFrame) -> bool:
    points = isobmff.nclx_of(track)
    return int(frame.color_range) == _FULL_RANGE if points is None else points[3]


def _luma(plane: NDArray[Any], full_range: bool, bits: int) -> NDArray[np.float32]:
    """One plane as 0 … 1 (ITU-T H.273, section 8.3)."""
    unit = 1 << (bits - 8)
    black, span = (0, (1 << bits) - 1) if full_range else (16 * unit, 219 * unit)
    return (plane.astype(np.float32) - np.float32(black)) / np.float32(span)


def _stored(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.asarray(np.rint(np.clip(values, 0, 1) * np.float32(np.iinfo(dtype).max)), dtype)


def _divide_by_alpha(frames: NDArray[Any]) -> None:
    """Premultiplied colours to straight ones, in place."""
    most = np.iinfo(frames.dtype).max
    for frame in frames:
        alpha = frame[..., -1:].astype(np.float32)
        colours = frame[..., :-1] * np.float32(most) / np.maximum(alpha, 1)
        frame[..., :-1] = np.rint(np.minimum(colours, most))
