"""One video from file to file."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from subpixel import __version__
from subpixel.errors import InvalidArgument, VideoReadError, VideoWriteError
from subpixel.models.auto import Choice
from subpixel.models.files import Model
from subpixel.storage.locks import claim, remove_leftovers, scratch_file, scratch_path
from subpixel.storage.os_errors import write_errors_as
from subpixel.upscaler import MotionNetwork, Network, Upscaler
from subpixel.video.colour_tags import result_tags
from subpixel.video.containers import CONTAINERS, Container, container_of
from subpixel.video.encode_segments import SegmentEncoder
from subpixel.video.encoders import ENCODERS, Encoding, choose_encoding, default_encoder, siting_options
from subpixel.video.formats import Layout, layout_of
from subpixel.video.frame_upscalers import way_of
from subpixel.video.hdr import display_metadata, display_options, lost_side_data, unwritten_display_metadata
from subpixel.video.muxing import mux_video
from subpixel.video.segments import Journal, segment_packets
from subpixel.video.stream_selection import StreamSelection, select_streams
from subpixel.video.time_range import Window
from subpixel.video.verification import find_differences
from subpixel.video.video_file import VideoFile, VideoStream, first_frame, probe

__all__ = ["Job", "Progress", "Result", "Settings"]

# Is told how many frames are encoded, and how many there will be, as far as that is known.
Progress = Callable[[int, int | None], None]

# Bytes at either end of a source that its digest is of: a video is too long to be read before each start.
_ENDS = 1 << 20
# Seconds after which no video goes on.
_NEVER = Fraction(10**9)


@dataclass(frozen=True)
class Settings:
    """How the result is encoded.

    Args:
        encoder: a name of :data:`subpixel.video.encoders.ENCODERS`; None for what the container is used with: x264, or
            x265 for more than 8 bits, FFV1 for R, G, B; VP9 in WebM.
        crf: quality, of an encoder that has one.
        preset: speed.
        pix_fmt: another pixel format than the source's.
        options: of libavcodec, see :func:`subpixel.video.encoders.parse_options`.
    """

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """What a job did: the file, sizes as (width, height), frames in all and of an earlier run, notes, seconds of each
    stage at work and in all, the model and why."""

    destination: Path
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    frames: int
    resumed: int
    notes: tuple[str, ...]
    seconds: dict[str, float]
    elapsed: float
    choice: Choice


@dataclass(frozen=True)
class Job:
    """Upscale one video file.

    What is encoded lies in a folder beside the destination until the video is whole; the same job goes on with it after
    it was stopped, however that was.

    Args:
        source: the video.
        upscaler: of a luma network; of any for videos of R, G, B.
        destination: the file to write; None for ``name_x2`` with the source's suffix beside it, ``.mkv`` where that
            cannot be written.
        settings: how it is encoded.
        overwrite: replace a file that is there. The source itself is never replaced.
        deinterlace: make whole frames of interlaced ones first.
        window: a part of the video; None for all of it.
        beside: the plain resize on the left.
        realtime: hold a rate by cheaper networks. What comes out depends on the machine; it is not gone on with.
        rate: frames a second to hold; None for the video's own.
        told: is called with what cannot be kept, before the work begins.
    """

    source: Path
    upscaler: Upscaler
    destination: Path | None = None
    settings: Settings = Settings()
    overwrite: bool = False
    deinterlace: bool = False
    window: Window | None = None
    beside: bool = False
    realtime: bool = False
    rate: Fraction | None = None
    told: Callable[[str], None] = lambda note: None

    def run(self, progress: Progress | None = None) -> Result:
        """Do it.

        Args:
            progress: is called from a thread of its own.

        Raises:
            VideoReadError: the source is no video, or cannot be decoded.
            VideoWriteError: the destination cannot be written, or read back otherwise than it was written.
            InvalidArgument, Unsupported: what was asked for does not fit the video or the container.
        """
        begun = time.perf_counter()
        video = probe(self.source)
        destination = self.destination or self.planned(video)
        self._check(destination)
        layout = layout_of(video.stream.pix_fmt, video.path)
        container = container_of(destination)
        frame = first_frame(video.path)
        encoding = self._encoding(video, layout, container, frame)
        choice = self.upscaler.choose_by_codec(video.codec)
        network = self.upscaler.network(choice)
        way = way_of(network, video, layout, beside=self.beside, realtime=self.realtime, rate=self.rate)
        video_stream, meaning = self._result(video.stream, layout, encoding, way.result_size, network.scale)
        aspect = self._lost_aspect(video_stream, encoding, container)
        if aspect:
            video_stream = replace(video_stream, aspect=Fraction(1))
        keeps = select_streams(video, container, encoding.encoder.codec, self._span)
        notes = [
            *keeps.notes,
            *meaning,
            *aspect,
            *lost_side_data(frame),
            *unwritten_display_metadata(encoding.encoder.codec, display_metadata(frame)),
        ]
        if layout.alpha:
            notes.append("its alpha channel is left out")
        for note in notes:
            self.told(note)
        with ExitStack() as stack:
            if not self._claimed(stack, destination):
                raise VideoWriteError(f"{destination}: another run is making it")
            remove_leftovers(destination.absolute().parent)
            journal = Journal(scratch_path(destination, "video"), self._made_of(network, video, encoding, video_stream))
            making = SegmentEncoder(
                video, journal, way, encoding, video_stream, layout, deinterlace=self.deinterlace, window=self.window
            )
            total, resumed = self._total(video), making.done
            try:
                making.run(lambda done: progress(done, total) if progress else None)
            finally:
                if not journal.segments:
                    journal.remove()
            frames = making.done
            if not frames:
                raise VideoReadError(f"{video.path}: there is no frame in the part asked for")
            self._put(video, journal, _Track(journal, encoding, video_stream), destination, keeps, stack)
            journal.remove()
        return Result(
            destination,
            video.stream.size,
            video_stream.size,
            frames,
            resumed,
            (*notes, *making.notes, *way.notes()),
            making.seconds,
            time.perf_counter() - begun,
            choice,
        )

    def planned(self, video: VideoFile) -> Path:
        """Where the result goes if nothing was said."""
        known = {suffix for container in CONTAINERS for suffix in container.suffixes}
        suffix = self.source.suffix if self.source.suffix.lower() in known else ".mkv"
        return self.source.with_name(f"{self.source.stem}_{self.upscaler.target.label}{suffix}")

    def _check(self, destination: Path) -> None:
        if destination.exists() and destination.samefile(self.source):
            raise VideoWriteError(f"{destination}: is the video itself, which is never replaced; name another output")
        if destination.is_dir():
            raise VideoWriteError(f"{destination}: is a folder; the name of a file is needed")
        if destination.exists() and not self.overwrite:
            raise VideoWriteError(f"{destination}: exists; --overwrite replaces it")
        folder = destination.absolute().parent
        if not folder.is_dir():
            raise VideoWriteError(f"{destination}: there is no folder {folder}")
        if not os.access(folder, os.W_OK):
            raise VideoWriteError(f"{destination}: cannot be written: {folder} is read-only")

    def _claimed(self, stack: ExitStack, destination: Path) -> bool:
        with write_errors_as(VideoWriteError, destination):
            return stack.enter_context(claim(destination))

    def _encoding(self, video: VideoFile, layout: Layout, container: Container, frame: Any) -> Encoding:
        asked = self.settings
        usual = default_encoder(container.name, layout)
        codec = ENCODERS[asked.encoder].codec if asked.encoder in ENCODERS else ENCODERS[usual].codec
        values = [
            *display_options(codec, display_metadata(frame)).items(),
            *siting_options(codec, video.stream.tags.siting),
        ]
        return choose_encoding(
            asked.encoder,
            layout,
            usual,
            self.upscaler.threads,
            pix_fmt=asked.pix_fmt,
            crf=asked.crf,
            preset=asked.preset,
            options=(*values, *asked.options),
        )

    def _result(
        self, video_stream: VideoStream, layout: Layout, encoding: Encoding, size: tuple[int, int], scale: int
    ) -> tuple[VideoStream, list[str]]:
        """What the upscaled frames are encoded as, all as in the source, but larger; and what there is to say of it."""
        encoding.check_size(size)
        scaled = video_stream.size[0] * scale, video_stream.size[1] * scale  # without what is beside it
        tags, notes = result_tags(video_stream.tags, video_stream.size, scaled, rgb_in=layout.rgb, rgb_out=encoding.rgb)
        return replace(video_stream, size=size, pix_fmt=encoding.pix_fmt, tags=tags), notes

    def _lost_aspect(self, video_stream: VideoStream, encoding: Encoding, container: Container) -> list[str]:
        """A sentence, where neither the packets nor the container say the shape of pixels."""
        if video_stream.aspect == 1 or encoding.encoder.says_aspect or container.aspect:
            return []
        shape = f"{video_stream.aspect.numerator}:{video_stream.aspect.denominator}"
        ways = f"{', '.join(each.name for each in CONTAINERS if each.aspect)}, or --encoder x264 or x265"
        return [f"{container} does not say the shape of its pixels ({shape}) with {encoding.encoder.name}; {ways} do"]

    def _made_of(
        self, network: Network | MotionNetwork, video: VideoFile, encoding: Encoding, video_stream: VideoStream
    ) -> dict[str, Any]:
        """All that the frames depend on."""
        return {
            "version": __version__,
            "source": _identity(video.path),
            "model": [network.model.name, _weights(network), network.backend, network.precision],
            "mix": [network.ensemble, network.strength],
            "encoding": encoding.describe(),
            "video": repr(video_stream),
            "deinterlace": self.deinterlace,
            "window": repr(self.window),
            "beside": self.beside,
            "realtime": uuid.uuid4().hex if self.realtime else None,
        }

    def _total(self, video: VideoFile) -> int | None:
        """Frames that there will be, by the video's length."""
        rate, length = video.stream.rate, video.duration
        if rate is None or length is None:
            return None
        if self.window is not None:
            end = length if self.window.end is None else min(length, self.window.end)
            length = max(Fraction(0), end - self.window.start)
        return max(1, round(length * rate))

    @property
    def _span(self) -> tuple[Fraction, Fraction] | None:
        """The part that is wanted, with an end that lies behind every video's where there is none."""
        return None if self.window is None else (self.window.start, self.window.end or _NEVER)

    def _put(
        self,
        video: VideoFile,
        journal: Journal,
        track: _Track,
        destination: Path,
        keeps: StreamSelection,
        stack: ExitStack,
    ) -> None:
        """Put all together, read it back, and only then give it its name."""
        times = list(chain.from_iterable(segment.times for segment in journal.segments))
        with write_errors_as(VideoWriteError, destination):
            written = stack.enter_context(scratch_file(destination, destination.suffix))
        mux_video(video, track, written, keeps, self._span)
        found = find_differences(video, written, times, track.stream, keeps, self._span, decode=False)
        if found:
            raise VideoWriteError(f"{destination}: what was written reads back otherwise: {'; '.join(found)}")
        with write_errors_as(VideoWriteError, destination):
            written.replace(destination)


class _Track:
    """The upscaled image as the last stage takes it."""

    def __init__(self, journal: Journal, encoding: Encoding, video_stream: VideoStream) -> None:
        self.journal, self.encoding, self.stream = journal, encoding, video_stream
        self.codec = encoding.encoder.codec

    def add_to(self, container: Any) -> Any:
        return self.encoding.add_to(container, self.stream)

    def packets(self) -> Iterator[Any]:
        return segment_packets(self.journal, self.stream.time_base)


def _identity(path: Path) -> list[Any]:
    """What tells a video from another one of the same name."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read(_ENDS))
        file.seek(max(0, size - _ENDS))
        digest.update(file.read(_ENDS))
    return [size, digest.hexdigest()]


def _weights(network: Network | MotionNetwork) -> str:
    if not isinstance(network.model, Model):
        raise InvalidArgument(f"model '{network.model.name}' cannot upscale videos; one that a Spec describes can")
    digest = hashlib.sha256(network.model.spec.to_json().encode())
    for name, weight in sorted(network.model.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(weight).tobytes())
    digest.update(repr(network.model.quantisation).encode())
    return digest.hexdigest()
