"""The video encoders: what each accepts, and how quality and speed are passed to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags

from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError, unknown
from subpixel.storage.os_errors import os_error_text
from subpixel.video.encoder import ALL_TAGS, Encoder
from subpixel.video.formats import Layout, layout_of
from subpixel.video.hardware_encoders import HARDWARE_ENCODERS, UNUSABLE
from subpixel.video.scheduling import ordinary_scheduling
from subpixel.video.video_file import VideoStream

__all__ = [
    "ALL_TAGS",
    "ENCODERS",
    "Encoder",
    "Encoding",
    "accepted_format",
    "accepting_encoders",
    "choose_encoding",
    "configure_context",
    "encoder_name",
    "encoder_of",
    "nearest_format",
    "parse_options",
    "siting_options",
]


# Chroma sitings in the order of ITU-T H.264's numbers (chroma_sample_loc_type).
_SITINGS = ("left", "center", "topleft", "top", "bottomleft", "bottom")
# Formats with the same samples in another order, for encoders that accept only that order.
_SAME_SAMPLES = {"gbrp": "bgr0"}
# libswscale's names of colour matrices, by their number in ITU-T H.273.
_MATRICES = {1: "ITU709", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
# Frames a second if a video does not say; encoders only use it for planning.
_RATE = Fraction(25)


# Other names of encoders: of formats, libraries, and libavcodec.
_ALIASES = {
    **dict.fromkeys(("h264", "h.264", "avc", "libx264"), "x264"),
    **dict.fromkeys(("h265", "h.265", "hevc", "libx265"), "x265"),
    **dict.fromkeys(("av1", "svtav1", "libsvtav1"), "svt-av1"),
    **dict.fromkeys(("libvpx-vp9", "libvpx"), "vp9"),
    **dict.fromkeys(("prores_ks", "prores-ks"), "prores"),
}

_X26X = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")

# Upscaling makes four times the pixels, so the encoders' own default presets would be slower than the network. These
# defaults keep up with it. The default qualities are high enough to keep the detail that the network adds.
ENCODERS = {
    each.name: each
    for each in (
        Encoder(
            "x264",
            "libx264",
            (18, 0, 51),
            "veryfast",
            _X26X,
            # Otherwise the vector code of its macroblock tree reads uninitialised memory if the width is no multiple
            # of 128, and the same frames give other packets in each run. Of 120 frames of 1708×960, packets became
            # 0.2 % larger with it, at the same PSNR (0.002 dB less) and in the same time. Without the tree (mbtree=0)
            # they were reproducible as well, but 0.5 dB worse at the same size.
            options={"x264-params": "cpu-independent=1"},
            stores_aspect=True,
            colours=ALL_TAGS,
            even=True,
            max_size=(16384, 16384),
        ),
        Encoder(
            "x265",
            "libx265",
            (20, 0, 51),
            "superfast",
            _X26X,
            options={"x265-params": "log-level=error"},
            stores_aspect=True,
            colours=ALL_TAGS,
            even=True,
            # At widths of 34 to 60, x265 4.2 writes outside its memory and crashes the process.
            min_size=(64, 16),
        ),
        Encoder(
            "svt-av1",
            "libsvtav1",
            (28, 1, 63),
            "9",
            tuple(str(n) for n in range(14)),
            colours=ALL_TAGS,
            # If a side is up to 24 and the other more than 64, SVT-AV1 4 waits for itself and never ends.
            min_size=(32, 32),
            max_size=(16384, 8704),
        ),
        Encoder(
            "vp9",
            "libvpx-vp9",
            (28, 0, 63),
            "5",
            tuple(str(n) for n in range(9)),
            "cpu-used",
            # With a rate of 0, crf alone sets the quality. Rows are encoded by several threads.
            {"b": "0", "deadline": "good", "row-mt": "1"},
            colours=frozenset({"matrix", "full_range"}),
            max_size=(65536, 65536),
        ),
        Encoder(
            "ffv1",
            "ffv1",
            None,
            None,
            options={"level": "3", "slicecrc": "1", "g": "1"},
            min_size=(4, 4),  # smaller frames have no slices
        ),
        Encoder(
            "prores",
            "prores_ks",
            None,
            None,
            options={"vendor": "apl0"},
            colours=frozenset({"primaries", "transfer", "matrix"}),
            full_range=False,
            max_size=(65535, 65535),
        ),
    )
}
"""The encoders by name, each with its presets, its default quality and the formats of pixels that it takes."""


@dataclass(frozen=True)
class Encoding:
    """An encoder and its settings, the same for every segment of a video.

    Args:
        encoder: the encoder.
        layout: of the upscaled frames.
        pix_fmt: the pixel format that is encoded.
        crf: quality; None if the encoder has no such setting.
        preset: speed; likewise.
        extra: additional options of libavcodec.
        threads: the number of threads. The packets of some encoders depend on it.
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
        """libavcodec's options."""
        options = dict(self.encoder.options)
        if self.crf is not None:
            options |= {name: str(first + factor * self.crf) for name, first, factor in self.encoder.quality}
        if self.preset is not None:
            options[self.encoder.preset_option] = self.preset
        for name, value in self.extra:
            # Parameters for the encoder's own library are appended to those set above.
            options[name] = f"{options[name]}:{value}" if name.endswith("-params") and name in options else value
        return options

    @property
    def given(self) -> str:
        """The pixel format of frames as they are given to the encoder."""
        return self.encoder.given.get(self.pix_fmt, self.pix_fmt)

    @property
    def rgb(self) -> bool:
        """Whether frames are encoded as RGB."""
        return bool(av.VideoFormat(self.pix_fmt).is_rgb)

    def describe(self) -> str:
        """All settings in one line. Equal lines mean equal packets for equal frames."""
        options = " ".join(f"{name}={value}" for name, value in sorted(self.options.items()))
        return f"{self.encoder.codec} {self.pix_fmt} {options} threads={self.threads}"

    def add_to(self, container: Any, video_stream: VideoStream) -> Any:
        """Add a stream with this encoder to an output container, and return the stream.

        Args:
            container: PyAV's output container.
            video_stream: the image to encode: size, time base, rate, aspect, tags. An unspecified range means limited.

        Raises:
            VideoWriteError: the encoder rejects the settings.
        """
        try:
            stream = container.add_stream(self.encoder.codec, rate=video_stream.rate or _RATE, options=self.options)
            stream.time_base = video_stream.time_base
            self._apply(stream.codec_context, video_stream)
            if av.Codec(self.encoder.codec, "w").canonical_name == "hevc" and container.format.name in ("mp4", "mov"):
                stream.codec_context.codec_tag = "hvc1"  # libavformat's default is hev1, which QuickTime does not play
        except (ValueError, av.error.FFmpegError) as error:
            raise VideoWriteError(f"{self.encoder.name}: {os_error_text(error)}") from None
        return stream

    def context(self, video_stream: VideoStream) -> Any:
        """An open encoder without a container, with global headers; arguments and errors as in :meth:`add_to`.

        Raises:
            InvalidArgument: an option that the encoder does not have.
        """
        os.environ.setdefault("SVT_LOG", "1")  # otherwise SVT-AV1 prints about itself on standard error
        try:
            context: Any = av.CodecContext.create(self.encoder.codec, "w")
            context.options = self.options
            context.framerate = video_stream.rate or _RATE
            context.flags |= Flags.global_header
            self._apply(context, video_stream)
            with ordinary_scheduling():
                context.open()
        except (ValueError, av.error.FFmpegError) as error:
            raise VideoWriteError(f"{self.encoder.name}: {os_error_text(error)}") from None
        # An open context lists the options that libavcodec did not use.
        unused = [f"{name}={value}" for name, value in self.extra if name in context.options]
        if unused:
            raise InvalidArgument(
                f"encoder_options={':'.join(unused)!r}: encoder {self.encoder.name} has no such option"
            )
        return context

    def check_size(self, size: tuple[int, int], fitting: Sequence[str] | None = None) -> None:
        """Check that the encoder accepts frames of (width, height).

        Args:
            size: of the frames.
            fitting: the encoders that an error may advise, by name; None for all that accept the pixel format.

        Raises:
            Unsupported: it does not.
        """
        encoder = self.encoder
        others = accepting_encoders(self.pix_fmt) if fitting is None else fitting
        able = [f"encoder={name!r}" for name in others if ENCODERS[name].accepts_size(self.pix_fmt, size)]
        advice = f"; {' or '.join(able)} does" if able else ""
        if encoder.is_too_small(size) or encoder.is_too_large(size):
            word, limit = ("less", encoder.min_size) if encoder.is_too_small(size) else ("more", encoder.max_size)
            raise Unsupported(
                f"encoder={encoder.name!r}: it does not accept frames of {word} than {limit[0]}×{limit[1]}, and these "
                f"are {size[0]}×{size[1]}{advice}"
            )
        if not encoder.accepts_size(self.pix_fmt, size):
            raise Unsupported(
                f"encoder={encoder.name!r}: it does not accept {size[0]}×{size[1]} in {self.pix_fmt}, which has an odd "
                f"side{advice}; an even scale gives even sides"
            )

    def convert(self, frame: Any, video_stream: VideoStream) -> Any:
        """Convert a frame to the pixel format that is encoded, and tag it; its time is kept."""
        tags = video_stream.tags
        if self.layout.rgb and not self.rgb and _is_layout(self.pix_fmt):
            from subpixel.video.rgb_conversion import matrix_name, yuv_frame  # libvips comes with it

            named, siting = matrix_name(tags, video_stream.size, "frame"), tags.siting or "left"
            frame = yuv_frame(frame, self.layout, self.pix_fmt, named, bool(tags.full_range), siting)
        elif self.given != self.layout.name:
            matrix, full = _MATRICES.get(tags.matrix, "DEFAULT"), 2 if tags.full_range else 1
            frame = frame.reformat(
                format=self.given,
                src_colorspace=matrix,
                dst_colorspace=matrix,
                src_color_range=2 if self.layout.rgb else full,
                dst_color_range=2 if self.rgb else full,
            )
        # The encoder of ProRes reads the tags of frames, not its own.
        frame.color_primaries, frame.color_trc, frame.colorspace = tags.primaries, tags.transfer, tags.matrix
        return frame

    def _apply(self, context: Any, video_stream: VideoStream) -> None:
        configure_context(context, video_stream, self.given)
        context.thread_count = self.threads


def _is_layout(pix_fmt: str) -> bool:
    """Whether a pixel format is one that frames are upscaled in, in planes and without alpha."""
    try:
        return layout_of(pix_fmt, "frame").name == pix_fmt
    except Unsupported:
        return False


def configure_context(context: Any, video_stream: VideoStream, pix_fmt: str) -> None:
    """Set the properties of the frames of an encoder that is not open yet."""
    tags = video_stream.tags
    context.width, context.height = video_stream.size
    context.pix_fmt = pix_fmt
    context.time_base = video_stream.time_base
    if video_stream.aspect is not None:
        context.sample_aspect_ratio = video_stream.aspect
    context.color_primaries, context.color_trc, context.colorspace = tags.primaries, tags.transfer, tags.matrix
    context.color_range = {None: 0, False: 1, True: 2}[tags.full_range]


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
    fitting: Sequence[str] | None = None,
) -> Encoding:
    """Choose an encoder and its settings.

    Args:
        name: one of :data:`ENCODERS`; None for the default.
        layout: of the frames.
        default: the container's default encoder.
        threads: the number of threads.
        pix_fmt: the pixel format to encode; None for that of the frames.
        crf: quality; None for the encoder's default.
        preset: speed; likewise.
        options: additional options of libavcodec.
        fitting: the encoders that an error may advise, by name; None for all that accept the pixel format.

    Raises:
        InvalidArgument: no such encoder, or a quality or preset that it does not have.
        Unsupported: the encoder is not available, or does not accept the pixel format.
    """
    name = name or default
    name = encoder_name(name)
    encoder = encoder_of(name)
    if encoder.codec not in av.codecs_available:
        raise Unsupported(f"encoder={name!r}: the installed libavcodec has no {encoder.codec}")
    wanted = pix_fmt or layout.name
    accepted = accepted_format(encoder, wanted)
    if accepted is None:
        able = accepting_encoders(wanted) if fitting is None else fitting
        others = f"; {' or '.join(f'encoder={each!r}' for each in able)} does" if able else ""
        nearest = f"pix_fmt={nearest_format(layout, encoder)!r} converts the frames"
        if pix_fmt is not None:
            raise Unsupported(f"pix_fmt={pix_fmt!r}: encoder {name} does not accept it{others}; {nearest}")
        raise Unsupported(f"encoder={name!r}: it does not accept pixel format {wanted}{others}; {nearest}")
    if crf is not None and encoder.crf is None:
        raise InvalidArgument(f"crf={crf}: encoder {name} has no such setting")
    if crf is not None and encoder.crf is not None and not encoder.crf[1] <= crf <= encoder.crf[2]:
        raise InvalidArgument(f"crf={crf}: encoder {name} accepts {encoder.crf[1]} to {encoder.crf[2]}")
    if preset is not None and not encoder.presets:
        raise InvalidArgument(f"preset={preset!r}: encoder {name} has no presets")
    if preset is not None and preset not in encoder.presets:
        raise unknown("preset", preset, encoder.presets, where=f"encoder {name}")
    if crf is None and encoder.crf is not None:
        crf = encoder.crf[0]
    return Encoding(encoder, layout, accepted, crf, preset or encoder.preset, options, max(1, threads))


def accepting_encoders(pix_fmt: str) -> tuple[str, ...]:
    """The names of the encoders that are installed and accept frames of a pixel format."""
    installed = (each for each in ENCODERS.values() if each.codec in av.codecs_available)
    return tuple(each.name for each in installed if accepted_format(each, pix_fmt) is not None)


def encoder_name(name: str) -> str:
    """The name of an encoder in :data:`ENCODERS` or :data:`HARDWARE_ENCODERS`, from any name that it is known by.

    Raises:
        InvalidArgument: no such encoder.
        Unsupported: an encoder of graphics cards that cannot be used from here.

    >>> encoder_name("hevc"), encoder_name("libx264"), encoder_name("AV1")
    ('x265', 'x264', 'svt-av1')
    >>> encoder_name("hvec")
    Traceback (most recent call last):
    subpixel.errors.InvalidArgument: Unknown encoder 'hvec'. Did you mean 'hevc'? Choices: x264, x265, svt-av1, vp9, \
ffv1, prores; \
of graphics cards: h264_nvenc, hevc_nvenc, av1_nvenc, h264_qsv, hevc_qsv, av1_qsv, h264_amf, hevc_amf, av1_amf, \
h264_videotoolbox, hevc_videotoolbox.
    """
    folded = name.casefold()
    if folded in ENCODERS or folded in HARDWARE_ENCODERS:
        return folded
    if folded in UNUSABLE:
        raise Unsupported(f"encoder={name!r}: {UNUSABLE[folded]}")
    if folded not in _ALIASES:
        hint = f"Choices: {', '.join(ENCODERS)}; of graphics cards: {', '.join(HARDWARE_ENCODERS)}."
        raise unknown("encoder", name, [*ENCODERS, *_ALIASES, *HARDWARE_ENCODERS], hint=hint)
    return _ALIASES[folded]


def encoder_of(name: str) -> Encoder:
    """The encoder of a name that :func:`encoder_name` gives."""
    return ENCODERS[name] if name in ENCODERS else HARDWARE_ENCODERS[name]


def accepted_format(encoder: Encoder, pix_fmt: str) -> str | None:
    """The name by which an encoder accepts frames of a pixel format, whose samples it may order otherwise."""
    names = encoder.pix_fmts
    return next((name for name in (pix_fmt, _SAME_SAMPLES.get(pix_fmt)) if name in names), None)


def siting_options(codec: str, siting: str | None) -> tuple[tuple[str, str], ...]:
    """libavcodec's options that set the chroma siting, for encoders that have such an option.

    ``left`` is what their streams mean if they say nothing, and what libavcodec reports then.
    """
    names = {"libx264": "x264-params", "libx265": "x265-params"}
    if siting in (None, "left") or codec not in names:
        return ()
    return ((names[codec], f"chromaloc={_SITINGS.index(siting)}"),)


def aspect_options(codec: str, aspect: Fraction | None) -> tuple[tuple[str, str], ...]:
    """libavcodec's options that set the shape of pixels: it gives x264 the nearest one of numbers up to 4096 itself."""
    if codec != "libx264" or aspect is None or max(aspect.numerator, aspect.denominator) <= 4096:
        return ()
    return (("x264-params", f"sar={aspect.numerator}/{aspect.denominator}"),)


def parse_options(text: str | None) -> tuple[tuple[str, str], ...]:
    """Parse options of libavcodec: ``name=value`` pairs separated by colons.

    Write a colon within a value as ``\\:``.

    Raises:
        InvalidArgument: a part is not ``name=value``.

    >>> parse_options(r"tune=grain:x264-params=keyint=48\\:min-keyint=24")
    (('tune', 'grain'), ('x264-params', 'keyint=48:min-keyint=24'))
    """
    if not text:
        return ()
    options = []
    for part in text.replace("\\:", "\0").split(":"):
        name, equals, value = part.replace("\0", ":").partition("=")
        if not name or not equals:
            raise InvalidArgument(f"encoder_options={text!r}: {part!r} is not name=value")
        options.append((name, value))
    return tuple(options)


def nearest_format(layout: Layout, encoder: Encoder, size: tuple[int, int] | None = None) -> str:
    """The accepted format nearest to a layout: of the same kind, then subsampling, then bits.

    Args:
        layout: of the frames.
        encoder: the encoder.
        size: (width, height) of the frames; None for any.
    """

    def distance(name: str) -> tuple[int, int, int]:
        pixel_format = av.VideoFormat(name)
        chroma = abs(pixel_format.chroma_width(64) - av.VideoFormat(layout.name).chroma_width(64))
        bits = abs(pixel_format.components[0].bits - layout.bits)
        return (int(pixel_format.is_rgb != layout.rgb), chroma, bits)

    fitting = [name for name in encoder.pix_fmts if size is None or encoder.accepts_size(name, size)]
    return min(fitting or encoder.pix_fmts, key=distance)
