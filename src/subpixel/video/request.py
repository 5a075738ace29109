"""What is asked of a video, and everything that is decided before its first frame is upscaled; all checks are here."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from subpixel import __version__
from subpixel.errors import Unsupported, VideoWriteError
from subpixel.models.auto import Choice
from subpixel.models.zoo import ZOO
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.name_limits import too_long
from subpixel.upscaler import Upscaler
from subpixel.upscaler.motion_network import MotionNetwork
from subpixel.upscaler.network import Network
from subpixel.video.colour_tags import result_tags, stored_tags
from subpixel.video.containers import CONTAINERS, Container, container_of, is_cover
from subpixel.video.decoding import interlaced_frame
from subpixel.video.default_encoder import default_encoder, fitting_encoders, no_encoder
from subpixel.video.encoders import (
    ENCODERS,
    Encoding,
    aspect_options,
    choose_encoding,
    encoder_name,
    encoder_of,
    siting_options,
)
from subpixel.video.fingerprints import video_identity, weights_digest
from subpixel.video.formats import Layout, is_pixel_format, layout_of
from subpixel.video.frame import FrameUpscaler
from subpixel.video.frame_limits import check_container_size, check_frame_size, memory_note
from subpixel.video.frame_plan import FramePlan, plan_frames
from subpixel.video.frame_work import frame_work
from subpixel.video.hdr import display_options, unwritten_display_metadata
from subpixel.video.images.encoding_defaults import conversion_note, default_pix_fmt
from subpixel.video.images.sequence import find_sequence, result_name
from subpixel.video.memory import check_memory
from subpixel.video.output_name import DEFAULT_SUFFIX, output_path
from subpixel.video.packet_scan import scan_packets
from subpixel.video.provenance import Provenance, read_provenance
from subpixel.video.sound_settings import COPIED, parse_audio
from subpixel.video.source import open_source
from subpixel.video.stream_selection import StreamSelection, check_codec, image_losses, select_streams
from subpixel.video.stream_trials import holds_codec
from subpixel.video.time_range import TimeRange
from subpixel.video.timeline import Timeline
from subpixel.video.video_file import VideoFile, VideoStream

__all__ = ["Plan", "Request", "Settings"]

# Frames with a side of more than this many pixels are shown to the encoder before the work.
_LARGE = 4096


@dataclass(frozen=True)
class Settings:
    """How the result is encoded.

    Args:
        encoder: a name of :data:`subpixel.video.ENCODERS`: ``"x264"``, ``"x265"``, ``"svt-av1"``, ``"vp9"``, ``"ffv1"``
            or ``"prores"``, or another name of one of them, such as ``"hevc"``. None for the first that writes the
            frames as they are into the container: x264; x265 for more than 8 bits or gray; FFV1 for RGB; in WebM, VP9
            or AV1; then the others.
        crf: quality, for encoders that have this setting; lower is better. None for the encoder's default.
        preset: speed; None for the encoder's default.
        pix_fmt: the pixel format to encode; None for the source's.
        options: additional options of libavcodec, see :func:`subpixel.video.parse_options`.
        audio: what becomes of sounds: ``"copy"``, ``"none"`` to leave them out, or an encoder and the bits a second of
            each stream: ``"aac:128k"``, ``"opus:96k"``, ``"mp3"``, ``"ac3"``, ``"eac3"``, ``"flac"`` or ``"alac"``.
    """

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    audio: str = "copy"


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first frame is upscaled.

    Args:
        video: the source.
        destination: the file to write.
        layout: of the source's frames.
        encoding: how frames are encoded.
        frames_by: how frames reach their size: the model and its networks.
        upscaler: upscales the frames.
        stream: the result's image.
        selection: the streams to copy.
        frames: how many frames the source has, if that is known.
        notes: what cannot be kept.
        earlier: of the destination, if it is what this job would write.
        parameters: what an encoder of a graphics card says about its packets, which other cards and drivers say
            otherwise; empty for other encoders.
    """

    video: VideoFile
    destination: Path
    layout: Layout
    encoding: Encoding
    frames_by: FramePlan
    upscaler: FrameUpscaler
    stream: VideoStream
    selection: StreamSelection
    frames: int | None = None
    notes: tuple[str, ...] = ()
    earlier: Provenance | None = None
    parameters: bytes = b""

    @property
    def choice(self) -> Choice:
        """The model."""
        return self.frames_by.choice


@dataclass(frozen=True)
class Request:
    """What is asked of a video, and what follows from it before the first frame is upscaled.

    Args:
        source: the video; or images that are its frames: a pattern such as ``frames/%04d.png``, or a folder that holds
            images and no video.
        upscaler: of a luma network; for RGB videos, of any network.
        destination: the file to write; None for ``name_x2`` with the source's suffix beside the source, or ``.mkv`` if
            that container is not written here.
        settings: how the result is encoded.
        overwrite: replace an existing file. The source itself is never replaced. Without it, a file that was made from
            the same video with the same settings is left as it is, and any other file is an error.
        deinterlace: turn interlaced frames into progressive ones first.
        time_range: the part of the video to write; None for all.
        side_by_side: show the bicubic resize on the left.
        realtime: hold a frame rate by cheaper networks if needed. The result depends on the machine, and a stopped run
            cannot be resumed.
        rate: frames a second to hold; None for the video's own rate.
        preview: whether the default name of the file says that it is one.
        stream: the index of the video stream to upscale, as ``ffprobe`` and the notes count; None for the default one.
        frame_rate: frames a second of images; None for 25.
        makes_folder: the folder of the file will be created, so it need not exist.
    """

    source: Path
    upscaler: Upscaler
    destination: Path | None = None
    settings: Settings = Settings()
    overwrite: bool = False
    deinterlace: bool = False
    time_range: TimeRange | None = None
    side_by_side: bool = False
    realtime: bool = False
    rate: Fraction | None = None
    preview: bool = False
    stream: int | None = None
    frame_rate: Fraction | None = None
    makes_folder: bool = False

    def destinations(self) -> tuple[Path, ...]:
        """The files that may be written: if none is named, the frames decide which of two it is."""
        if self.destination is not None:
            return (self.destination,)
        name = self.source if find_sequence(self.source) is None else result_name(self.source)
        path = output_path(name, self.upscaler.target, preview=self.preview)
        return path, path.with_suffix(DEFAULT_SUFFIX)

    def default_destination(self) -> Path:
        """The file that is written if none is named; the source must be opened for it.

        Raises:
            SubpixelError: the source cannot be read, or its frames cannot be upscaled.
        """
        with open_source(self.source, self.frame_rate, self.stream) as (_, video):
            layout, _, upscaler = self._frames(video)
        return self._default_destination(self._pix_fmt(video, layout), upscaler.result_size)

    def plan(self, timeline: Timeline | None = None) -> Plan:
        """Read what the source consists of and decide everything else; all arguments are checked here.

        Args:
            timeline: of the video, if its packets were scanned before; they are not scanned again then.

        Raises:
            SubpixelError: the job cannot be done.
        """
        audio = parse_audio(self.settings.audio)
        with open_source(self.source, self.frame_rate, self.stream) as (source, video):
            layout, frames_by, upscaler = self._frames(video)
            size, large = upscaler.result_size, frames_by.large
            self._check_size(video, size, frames_by)
            destination = self.destination or self._default_destination(self._pix_fmt(video, layout), size)
            self._check(destination)
            container = container_of(destination)
            encoding = self._encoding(video, layout, container, size, frames_by.aspect)
            stream, notes = _result_stream(video.stream, layout, encoding, size, frames_by)
            fitting = fitting_encoders(container, encoding.pix_fmt, size)
            lost_aspect = _lost_aspect(stream, encoding, container, fitting)
            if lost_aspect:
                stream = replace(stream, aspect=None)
            tags, lost_tags = stored_tags(stream.tags, encoding.encoder, container, rgb=encoding.rgb, fitting=fitting)
            stream = replace(stream, tags=tags)
            parameters = b""
            if encoding.encoder.device:
                parameters = _parameters(encoding, stream, fitting)
            elif self.settings.options or max(size) > _LARGE:
                encoding.context(stream)  # the encoder itself has the last word
            check_memory(str(self.source), size, layout, self.upscaler.threads, encoding.encoder.name, large)
            codec, chosen = encoding.encoder.codec, self.stream is not None
            selection = select_streams(video, source, container, codec, self.time_range, audio, chosen=chosen)
        plan = Plan(video, destination, layout, encoding, frames_by, upscaler, stream, selection, parameters=parameters)
        if os.path.lexists(destination) and not self.overwrite:
            return replace(plan, earlier=self._earlier(plan))
        if timeline is not None:
            return replace(plan, video=replace(video, timeline=timeline))
        scan = scan_packets(video, selection.span, selection)
        if scan.interlaced is not None and not self.deinterlace:
            raise interlaced_frame(video, scan.interlaced)
        notes = [
            *scan.notes,
            *selection.notes,
            *frames_by.notes,
            *notes,
            *lost_aspect,
            *lost_tags,
            *image_losses(video, container),
            *_lost_rgb(video, layout, encoding, stream, container),
        ]
        notes += unwritten_display_metadata(codec, video.display, {name: ENCODERS[name].codec for name in fitting})
        try:
            notes += memory_note(size, encoding.encoder.name, layout, large)
        except Unsupported as error:
            raise Unsupported(f"{video.path}: {error}") from None
        frames = scan.frames or self._expected_frames(video)
        return replace(plan, video=replace(video, timeline=scan.timeline), frames=frames, notes=tuple(notes))

    def _frames(self, video: VideoFile) -> tuple[Layout, FramePlan, FrameUpscaler]:
        """The layout of a source's frames, how they reach their size, and what upscales them."""
        layout = layout_of(video.stream.pix_fmt, video.path)
        formats = layout.name, self._pix_fmt(video, layout)
        frames_by = plan_frames(self.upscaler, video.stream, video.compression, formats)
        upscaler = frames_by.upscaler(
            video, layout, side_by_side=self.side_by_side, realtime=self.realtime, rate=self.rate
        )
        return layout, frames_by, upscaler

    def frame_work(self, plan: Plan) -> float:
        """The work of the networks with each frame, which decides how long segments are."""
        return frame_work(plan.frames_by.networks, plan.video.stream.size, ensemble=self.upscaler.ensemble)

    def _earlier(self, plan: Plan) -> Provenance:
        """The provenance of a destination that exists, if it is what would be written.

        Raises:
            VideoWriteError: it is something else.
        """
        found, wanted = _provenance_of(plan.destination), self.provenance(plan, 0)
        if found is not None and replace(found, frames=0) == wanted:
            return found
        if found is None:
            why = ""
        elif found.source != wanted.source:
            why = ", made from another video or an older version of this one"
        else:
            why = ", made from this video with other settings"
        raise VideoWriteError(f"{plan.destination}: exists already{why}; overwrite=True replaces it")

    def provenance(self, plan: Plan, frames: int) -> Provenance:
        """What a result of so many frames was made from, and how."""
        fingerprint, audio = self.fingerprint(plan), parse_audio(self.settings.audio)
        if audio != COPIED:
            fingerprint["audio"] = str(audio)
        # The number of threads changes packets, but not what they show.
        return Provenance.of({**fingerprint, "encoding": replace(plan.encoding, threads=1).describe()}, frames)

    def _default_destination(self, pix_fmt: str, size: tuple[int, int]) -> Path:
        """Beside the source, in its container if frames can be written into that as they are."""
        path, other = self.destinations()
        encoder, container = self._encoder, container_of(path)
        fits = default_encoder(container, pix_fmt, size) if encoder is None else _holds(container, encoder)
        return path if fits else other

    def _check(self, destination: Path) -> None:
        kind = file_kind(destination)
        if kind == "file" and os.path.exists(self.source) and os.path.samefile(destination, self.source):
            raise VideoWriteError(f"{destination}: the output is the input file; choose another output")
        if kind not in ("file", "missing"):
            raise VideoWriteError(f"{destination}: is a {kind}; the name of a file is needed")
        if os.path.lexists(destination) and not self.overwrite and _provenance_of(destination) is None:
            raise VideoWriteError(f"{destination}: exists already; overwrite=True replaces it")
        folder = destination.absolute().parent
        while self.makes_folder and not os.path.lexists(folder):
            folder = folder.parent
        if not folder.is_dir():
            raise VideoWriteError(f"{destination}: there is no folder {folder}")
        if self.source.is_dir() and folder.samefile(self.source):
            raise VideoWriteError(f"{destination}: the result would lie among its images; choose another folder")
        if not os.access(folder, os.W_OK):
            raise VideoWriteError(f"{destination}: cannot be written: {folder} is read-only")
        why = too_long(destination.absolute(), folder)
        if why:
            raise VideoWriteError(f"{destination}: {why}")

    def _encoding(
        self, video: VideoFile, layout: Layout, container: Container, size: tuple[int, int], aspect: Fraction | None
    ) -> Encoding:
        settings, pix_fmt = self._settings_for(video, layout), self._pix_fmt(video, layout)
        name = self._encoder or default_encoder(container, pix_fmt, size)
        if name is None:
            raise no_encoder(container, layout, pix_fmt, size)
        fitting = fitting_encoders(container, pix_fmt, size)
        codec = encoder_of(name).codec
        if codec not in av.codecs_available and name not in ENCODERS:
            raise Unsupported(f"encoder={name!r}: the installed libavcodec has no {codec}")
        check_codec(container, codec)  # before pixel formats, whose advice is for encoders that the container holds
        options = [
            *display_options(codec, video.display).items(),
            *siting_options(codec, video.stream.tags.siting),
            *aspect_options(codec, aspect),
        ]
        encoding = choose_encoding(
            name,
            layout,
            name,
            self.upscaler.threads,
            pix_fmt=settings.pix_fmt,
            crf=settings.crf,
            preset=settings.preset,
            options=(*options, *settings.options),
            fitting=fitting,
        )
        encoding.check_size(size, fitting)
        check_container_size(container, size)
        return encoding

    def _check_size(self, video: VideoFile, size: tuple[int, int], frames_by: FramePlan) -> None:
        smaller: list[tuple[int, tuple[int, int]]] = []
        if self.upscaler.scale is not None:
            name, factor = frames_by.choice.model, Fraction(frames_by.sizes.size[0], video.stream.size[0])
            smaller = [
                (each, (int(size[0] * each / factor), int(size[1] * each / factor)))
                for each in (ZOO[name].scales if name in ZOO else ())
                if each < factor
            ]
        try:
            check_frame_size(size, smaller)
        except Unsupported as error:
            raise Unsupported(f"{video.path}: {error}") from None

    @property
    def _encoder(self) -> str | None:
        """The name of the encoder that was asked for, as in :data:`ENCODERS`."""
        return None if self.settings.encoder is None else encoder_name(self.settings.encoder)

    def _settings_for(self, video: VideoFile, layout: Layout) -> Settings:
        """The settings, with a pixel format that players show for frames from images, if none was asked for."""
        if video.images is None or self.settings.pix_fmt is not None:
            return self.settings
        return replace(self.settings, pix_fmt=default_pix_fmt(self.settings.encoder, layout))

    def _pix_fmt(self, video: VideoFile, layout: Layout) -> str:
        """The pixel format to encode; that of the frames if another was asked for that does not exist."""
        wanted = self._settings_for(video, layout).pix_fmt
        return layout.name if wanted is None or not is_pixel_format(wanted) else wanted

    def fingerprint(self, plan: Plan) -> dict[str, Any]:
        """Everything that the encoded frames depend on."""
        networks = [
            [network.model.name, weights_digest(network), network.backend, network.precision, *_device(network)]
            for network in plan.frames_by.networks
        ]
        first, *others = networks or [["resize"]]
        several = any(each.kind == "video" and not is_cover(each) for each in plan.video.others)
        # A size is that of the video, below.
        resized = {"then": [*others, str(plan.frames_by.sizes)]} if others or plan.frames_by.sizes.resizes else {}
        return {
            "version": __version__,
            "source": video_identity(plan.video),
            "model": first,
            **resized,
            "mix": [self.upscaler.ensemble, self.upscaler.strength],
            "flat": [network.flat for network in plan.frames_by.networks],
            "encoding": plan.encoding.describe() + plan.parameters.hex(),
            "video": repr(plan.stream),
            **({"stream": plan.video.main} if several else {}),
            "deinterlace": self.deinterlace,
            "span": repr(plan.selection.span),
            "side_by_side": self.side_by_side,
            "realtime": uuid.uuid4().hex if self.realtime else None,
        }

    def _expected_frames(self, video: VideoFile) -> int | None:
        """The number of frames that the video's duration implies."""
        rate, duration = video.stream.rate, video.duration
        if rate is None or duration is None:
            return None
        if self.time_range is not None:
            end = duration if self.time_range.end is None else min(duration, self.time_range.end)
            duration = max(Fraction(0), end - self.time_range.start)
        return max(1, round(duration * rate))


def _device(network: Network | MotionNetwork) -> list[str]:
    """Nothing for the CPU, on which videos were begun before there were other devices."""
    return [network.options.device] if network.options.device != "cpu" else []


def _result_stream(
    source: VideoStream, layout: Layout, encoding: Encoding, size: tuple[int, int], frames_by: FramePlan
) -> tuple[VideoStream, list[str]]:
    """The result's image, with the source's properties where they are not changed, and notes about its tags."""
    one = frames_by.sizes.size  # one half, if there are two
    tags, notes = result_tags(source.tags, source.size, one, rgb_in=layout.rgb, rgb_out=encoding.rgb)
    return replace(source, size=size, aspect=frames_by.aspect, pix_fmt=encoding.pix_fmt, tags=tags), notes


def _parameters(encoding: Encoding, stream: VideoStream, fitting: Sequence[str]) -> bytes:
    """What an encoder of a graphics card says about its packets, once it is open.

    Raises:
        Unsupported: it cannot be opened.
    """
    name, device = encoding.encoder.name, encoding.encoder.device
    try:
        return bytes(encoding.context(stream).extradata or b"")
    except VideoWriteError as error:
        reason = str(error).removeprefix(f"{name}: ")
        advice = f"; {' or '.join(f'encoder={each!r}' for each in fitting)} does without" if fitting else ""
        raise Unsupported(
            f"encoder={name!r}: it cannot be opened ({reason}); it needs {device} that takes frames of "
            f"{stream.size[0]}×{stream.size[1]}, and its driver{advice}"
        ) from None


def _lost_rgb(
    video: VideoFile, layout: Layout, encoding: Encoding, stream: VideoStream, container: Container
) -> list[str]:
    """A sentence, if frames from images are not encoded as they are."""
    if video.images is None:
        return []
    note = conversion_note(layout, encoding, stream.tags.matrix, container, stream.size)
    return [note] if note else []


def _provenance_of(path: Path) -> Provenance | None:
    try:
        return read_provenance(path)
    except OSError:
        return None  # a link to nothing, or a file of someone else: it exists already


def _holds(container: Container, encoder: str) -> bool:
    """Whether a container holds what the encoder of a name writes."""
    return holds_codec(container, encoder_of(encoder).codec)


def _lost_aspect(stream: VideoStream, encoding: Encoding, container: Container, fitting: Sequence[str]) -> list[str]:
    """A sentence, if neither the packets nor the container store the sample aspect ratio."""
    encoder = encoding.encoder
    if stream.aspect in (None, 1) or encoder.stores_aspect or container.aspect:
        return []
    assert stream.aspect is not None
    aspect = f"{stream.aspect.numerator}:{stream.aspect.denominator}"
    others = [each.name for each in CONTAINERS if each.aspect and holds_codec(each, encoder.codec)]
    encoders = " or ".join(f"encoder={name!r}" for name in fitting if ENCODERS[name].stores_aspect)
    advice = ", or ".join(words for words in (", ".join(others), encoders) if words)
    return [
        f"{container} cannot store the sample aspect ratio ({aspect}) with encoder {encoder.name}"
        f"{'; ' if advice else ''}{advice}{' can' if advice else ''}"
    ]
