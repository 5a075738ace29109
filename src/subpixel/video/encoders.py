"""The encoders that can be asked for: what they take, and how quality and speed are said to each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags

from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError
from subpixel.storage.os_errors import os_error_text
from subpixel.video.formats import Layout
from subpixel.video.video_file import VideoStream

__all__ = [
    "ENCODERS",
    "Encoder",
    "Encoding",
    "choose_encoding",
    "configure_context",
    "default_encoder",
    "parse_options",
    "siting_options",
]


# Where chroma lies, as ITU-T H.264 numbers it (chroma_sample_loc_type).
_SITINGS = ("left", "center", "topleft", "top", "bottomleft", "bottom")
# Formats with the same samples in another order, for an encoder that takes only that one.
_SAME_SAMPLES = {"gbrp": "bgr0"}
# Matrices by their number in ITU-T H.273, as libswscale names them.
_MATRICES = {1: "ITU709", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
# Frames a second where a video does not say; encoders only plan by it.
_RATE = Fraction(25)


@dataclass(frozen=True)
class Encoder:
    """An encoder.

    Args:
        name: what it is asked for by.
        codec: libavcodec's name.
        crf: what quality is said by if nothing is asked for, with the least and the most; None where nothing is lost,
            or quality is that of the profile.
        preset: the usual one; None where there is no such thing.
        presets: those there are.
        preset_option: under which name libavcodec takes it.
        options: always set.
        even: sides along which chroma is subsampled must be even.
        says_aspect: its packets say the shape of pixels, whatever the container does.
        narrowest: the least width, in pixels, that it is given.
    """

    name: str
    codec: str
    crf: tuple[int, int, int] | None
    preset: str | None
    presets: tuple[str, ...] = ()
    preset_option: str = "preset"
    options: Mapping[str, str] = field(default_factory=dict)
    says_aspect: bool = False
    even: bool = False
    narrowest: int = 1

    @property
    def pix_fmts(self) -> tuple[str, ...]:
        """What it takes and a decoder gives back, in the order of libavcodec."""
        names = (form.name for form in av.Codec(self.codec, "w").video_formats or ())
        # libavcodec decodes gray H.264 as 4:2:0 without colours.
        return tuple(name for name in names if not (self.name == "x264" and name.startswith("gray")))


_X26X = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")

# Upscaling makes four times the pixels, so an encoder's own usual speed would leave the network waiting: presets are
# those that keep up with it. Qualities are those at which little of what the network made is lost again.
ENCODERS = {
    each.name: each
    for each in (
        Encoder("x264", "libx264", (18, 0, 51), "veryfast", _X26X, says_aspect=True, even=True),
        Encoder(
            "x265",
            "libx265",
            (20, 0, 51),
            "superfast",
            _X26X,
            options={"x265-params": "log-level=error"},
            says_aspect=True,
            even=True,
            # x265 4.2 writes beyond its memory at widths of 34 to 60, and takes the process with it.
            narrowest=64,
        ),
        Encoder("svt-av1", "libsvtav1", (28, 1, 63), "9", tuple(str(n) for n in range(14))),
        Encoder(
            "vp9",
            "libvpx-vp9",
            (28, 0, 63),
            "5",
            tuple(str(n) for n in range(9)),
            "cpu-used",
            # A rate of 0 makes crf the quality itself; rows are shared out to threads.
            {"b": "0", "deadline": "good", "row-mt": "1"},
        ),
        Encoder("ffv1", "ffv1", None, None, options={"level": "3", "slicecrc": "1", "g": "1"}),
        Encoder("prores", "prores_ks", None, None, options={"vendor": "apl0"}),
    )
}


@dataclass(frozen=True)
class Encoding:
    """How the upscaled video is encoded: an encoder and what it is given, the same for every part of a video.

    Args:
        encoder: which.
        layout: of the frames that come in.
        pix_fmt: of those that are encoded.
        crf: quality; None where the encoder has none.
        preset: speed; likewise.
        extra: options of libavcodec besides.
        threads: how many it may use. Some encoders' results depend on it.
    """

    encoder: Encoder
    layout: Layout
    pix_fmt: str
    crf: int | None
    preset: str | None
    extra: tuple[tuple[str, str], ...]
    threads: int

    @property
    def options(self) -> dict[str, str]:
        """What libavcodec is told."""
        messages = dict(self.encoder.options)
        if self.crf is not None:
            messages["crf"] = str(self.crf)
        if self.preset is not None:
            messages[self.encoder.preset_option] = self.preset
        for name, value in self.extra:
            # Parameters for the library behind it are joined to ours.
            messages[name] = f"{messages[name]}:{value}" if name.endswith("-params") and name in messages else value
        return messages

    @property
    def rgb(self) -> bool:
        """Frames are encoded as R, G, B."""
        return bool(av.VideoFormat(self.pix_fmt).is_rgb)

    def describe(self) -> str:
        """One line that says all of it: two of the same line encode the same frames to the same bytes."""
        messages = " ".join(f"{name}={value}" for name, value in sorted(self.options.items()))
        return f"{self.encoder.codec} {self.pix_fmt} {messages} threads={self.threads}"

    def add_to(self, container: Any, video_stream: VideoStream) -> Any:
        """Add a stream with an encoder to an output container.

        Args:
            container: PyAV's.
            video: what is to be encoded: size, time base, rate, aspect, tags. Its range counts as limited if it says
                nothing.

        Raises:
            VideoWriteError: the encoder refuses.
        """
        try:
            stream = container.add_stream(self.encoder.codec, rate=video_stream.rate or _RATE, options=self.options)
            stream.time_base = video_stream.time_base
            self._apply(stream.codec_context, video_stream)
        except (ValueError, av.error.FFmpegError) as error:
            raise VideoWriteError(f"{self.encoder.name}: {os_error_text(error)}") from None
        return stream

    def context(self, video_stream: VideoStream) -> Any:
        """An encoder by itself, its headers apart from the packets; arguments and errors as of :meth:`add_to`."""
        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells of itself on standard error otherwise
        try:
            context: Any = av.CodecContext.create(self.encoder.codec, "w")
            context.options = self.options
            context.framerate = video_stream.rate or _RATE
            context.flags |= Flags.global_header
            self._apply(context, video_stream)
            context.open()
        except (ValueError, av.error.FFmpegError) as error:
            raise VideoWriteError(f"{self.encoder.name}: {os_error_text(error)}") from None
        return context

    def check_size(self, size: tuple[int, int]) -> None:
        """Whether it encodes frames of (width, height).

        Raises:
            Unsupported: it does not.
        """
        encoder, form = self.encoder, av.VideoFormat(self.pix_fmt)
        if size[0] < encoder.narrowest:
            least = f"encoder {encoder.name} is for images {encoder.narrowest} pixels wide and more"
            raise Unsupported(f"{least}, not {size[0]}; x264 takes any")
        odd = (size[0] % (64 // form.chroma_width(64)), size[1] % (64 // form.chroma_height(64)))
        if encoder.even and any(odd):
            others = " or ".join(e.name for e in ENCODERS.values() if not e.even and self.pix_fmt in e.pix_fmts)
            raise Unsupported(
                f"encoder {encoder.name} does not take {size[0]}×{size[1]} in {self.pix_fmt}, a side being odd; "
                f"another scale makes it even, and --encoder {others} takes it"
            )

    def converted(self, frame: Any, video_stream: VideoStream) -> Any:
        """A frame in the pixel format that is encoded, its codes marked with what they mean; the time is kept."""
        if self.pix_fmt == self.layout.name:
            return frame
        matrix, full = _MATRICES.get(video_stream.tags.matrix, "DEFAULT"), 2 if video_stream.tags.full_range else 1
        return frame.reformat(
            format=self.pix_fmt,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=2 if self.layout.rgb else full,
            dst_color_range=2 if self.rgb else full,
        )

    def _apply(self, context: Any, video_stream: VideoStream) -> None:
        configure_context(context, video_stream, self.pix_fmt)
        context.thread_count = self.threads


def configure_context(context: Any, video_stream: VideoStream, pix_fmt: str) -> None:
    """Say to an encoder that is not yet open what its frames are."""
    tags = video_stream.tags
    context.width, context.height = video_stream.size
    context.pix_fmt = pix_fmt
    context.time_base = video_stream.time_base
    context.sample_aspect_ratio = video_stream.aspect
    context.color_primaries, context.color_trc, context.colorspace = tags.primaries, tags.transfer, tags.matrix
    context.color_range = 2 if tags.full_range else 1


def choose_encoding(
    name: str | None,
    layout: Layout,
    default: str,
    threads: int,
    *,
    pix_fmt: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    options: tuple[tuple[str, str], ...] = (),
) -> Encoding:
    """An encoder and what it is told.

    Args:
        name: one of :data:`ENCODERS`; None for the default.
        layout: of the frames.
        default: the container's.
        threads: how many it may use.
        pix_fmt: another pixel format than the frames have.
        crf: quality.
        preset: speed.
        options: of libavcodec besides.

    Raises:
        InvalidArgument: no such encoder, or a quality or preset that it does not have.
        Unsupported: it does not take the pixel format.
    """
    name = name or default
    if name not in ENCODERS:
        raise InvalidArgument(f"encoder={name!r}: one of {', '.join(ENCODERS)} is needed")
    encoder = ENCODERS[name]
    if encoder.codec not in av.codecs_available:
        raise Unsupported(f"encoder {name}: libavcodec here has no {encoder.codec}")
    wanted = pix_fmt or layout.name
    if wanted not in encoder.pix_fmts and _SAME_SAMPLES.get(wanted) in encoder.pix_fmts:
        wanted = _SAME_SAMPLES[wanted]
    if wanted not in encoder.pix_fmts:
        able = [other.name for other in ENCODERS.values() if other.codec in av.codecs_available]
        able = [n for n in able if {wanted, _SAME_SAMPLES.get(wanted)} & set(ENCODERS[n].pix_fmts)]
        others = f"; --encoder {' or '.join(able)} does" if able else ""
        near = f"--pix-fmt {_nearest(layout, encoder)} converts"
        raise Unsupported(f"encoder {name} does not take pixel format {wanted}{others}; {near}")
    if crf is not None and encoder.crf is None:
        raise InvalidArgument(f"--crf: encoder {name} has none")
    if crf is not None and encoder.crf is not None and not encoder.crf[1] <= crf <= encoder.crf[2]:
        raise InvalidArgument(f"crf={crf}: {encoder.crf[1]} to {encoder.crf[2]} is needed for encoder {name}")
    if preset is not None and preset not in encoder.presets:
        raise InvalidArgument(f"preset={preset!r}: {_listed(encoder.presets)} for encoder {name}")
    usual = None if encoder.crf is None else encoder.crf[0]
    return Encoding(
        encoder, layout, wanted, usual if crf is None else crf, preset or encoder.preset, options, max(1, threads)
    )


def default_encoder(container: str, layout: Layout) -> str:
    """The encoder for frames of a layout in a container, by its name, if nobody says.

    More than 8 bits are x265's, since many players that show H.265 of 10 bits do not show H.264 of as many; so is gray.
    """
    if container == "WebM":
        return "vp9" if layout.bits == 8 else "svt-av1"
    if layout.rgb:
        return "ffv1"
    return "x264" if layout.bits == 8 and layout.subsampling != "gray" else "x265"


def siting_options(codec: str, siting: str | None) -> tuple[tuple[str, str], ...]:
    """What tells an encoder where chroma lies, for those that can be told."""
    names = {"libx264": "x264-params", "libx265": "x265-params"}
    if siting is None or codec not in names:
        return ()
    return ((names[codec], f"chromaloc={_SITINGS.index(siting)}"),)


def parse_options(text: str | None) -> tuple[tuple[str, str], ...]:
    """``name=value`` with colons between, as libavcodec's options are written on a command line.

    A colon within a value is written ``\\:``.

    Raises:
        InvalidArgument: not of that form.

    >>> parse_options(r"tune=grain:x264-params=keyint=48\\:min-keyint=24")
    (('tune', 'grain'), ('x264-params', 'keyint=48:min-keyint=24'))
    """
    if not text:
        return ()
    found = []
    for part in text.replace("\\:", "\0").split(":"):
        name, equals, value = part.replace("\0", ":").partition("=")
        if not name or not equals:
            raise InvalidArgument(f"--encoder-options: {part!r} is not name=value")
        found.append((name, value))
    return tuple(found)


def _nearest(layout: Layout, encoder: Encoder) -> str:
    """A format that it takes, with the fewest samples changed: the same sampling, the same bits, else the first."""
    forms = encoder.pix_fmts

    def apart(name: str) -> tuple[int, int, int]:
        form = av.VideoFormat(name)
        chroma = abs(form.chroma_width(64) - av.VideoFormat(layout.name).chroma_width(64))
        return (int(form.is_rgb != layout.rgb), chroma, abs(form.components[0].bits - layout.bits))

    return min(forms, key=apart)


def _listed(names: tuple[str, ...]) -> str:
    return f"one of {', '.join(names)} is needed" if names else "there are none"
