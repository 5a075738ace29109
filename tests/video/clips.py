"""Videos for tests: a few small frames each, made on the spot. Every maker takes a path and returns it.

The suffix of the path says the container, where a maker does not say that it wants one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

__all__ = ["CLIPS", "NOT_VIDEOS", "frame", "make_clip"]

SIZE = (48, 32)
FRAMES = 12
RATE = Fraction(1, 24)

# What HDR10 videos say of the display they were graded on: BT.2020 primaries, D65, 0.005 … 1000 cd/m², 800 and 200.
MASTERING = "G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)"
LIGHT = (800, 200)

# A quarter of a turn, as libavutil writes it: 16.16 fixed point, the last column 2.30.
QUARTER = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)

# Formats of sound: how loud a tone is, and the type of a sample.
SAMPLES: dict[str, tuple[float, type]] = {
    "s16": (8000, np.int16),
    "s32": (1 << 29, np.int32),
    "flt": (0.25, np.float32),
}


def frame(number: int, size: tuple[int, int] = SIZE, pix_fmt: str = "yuv420p") -> Any:
    """A gradient with a square that moves two pixels a frame."""
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    rgb = np.stack([x * 200 // width + 20, y * 200 // height + 20, (x + y) * 2 % 256], axis=-1).astype(np.uint8)
    left, top = 2 * number % max(width - 8, 1), number % max(height - 8, 1)
    rgb[top : top + 8, left : left + 8] = (235, 40, 90)
    result = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    return result if pix_fmt == "rgb24" else result.reformat(format=pix_fmt)


def make_clip(
    path: Path,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    times: Iterable[int] = range(FRAMES),
    time_base: Fraction = RATE,
    options: Mapping[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    set_up: Callable[[Any], None] | None = None,
    others: Callable[[Any], Callable[[Any], None]] | None = None,
    metadata: Mapping[str, str] | None = None,
    chapters: Sequence[Mapping[str, Any]] = (),
    container_options: Mapping[str, str] | None = None,
    format_name: str | None = None,
) -> Path:
    """Write a video.

    Args:
        path: where to.
        codec, pix_fmt, size, options: of the video.
        times: of the frames, in units of ``time_base``.
        time_base: in seconds.
        matrix: how it is turned for showing.
        set_up: changes the video stream before it is opened.
        others: adds other streams to the container and returns what writes their packets.
        metadata, chapters, container_options, format_name: of the container.
    """
    defaults = {"preset": "ultrafast"} if codec in ("libx264", "libx265") else {}
    if codec == "libx265":
        defaults["x265-params"] = "log-level=none"
    with av.open(
        str(path),
        "w",
        format=format_name,
        container_options=dict(container_options or {}),
        metadata_errors="surrogateescape",
    ) as out:
        out.metadata.update(metadata or {})
        if chapters:
            out.set_chapters([dict(chapter) for chapter in chapters])
        stream = out.add_stream(codec, rate=24, options={**defaults, **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        stream.time_base = time_base
        stream.codec_context.thread_count = 1
        if matrix is not None:
            stream.set_display_matrix(matrix)
        if set_up is not None:
            set_up(stream)
        write_others = others(out) if others is not None else None
        out.start_encoding()
        if write_others is not None:
            write_others(out)
        for number, time in enumerate(times):
            each = frame(number, size, pix_fmt)
            each.pts, each.time_base = time, time_base
            out.mux(stream.encode(each))
        out.mux(stream.encode(None))
    return path


def sound(out: Any, codec: str = "aac", seconds: Fraction = Fraction(1, 2), pitch: int = 440, **metadata: str) -> Any:
    """Add a tone to a container; what is returned writes it."""
    stream = out.add_stream(codec, rate=48000)
    stream.codec_context.layout = "mono"
    stream.metadata.update(metadata)

    def write() -> None:
        context = stream.codec_context
        block = context.frame_size or 1024
        kind = context.format.name
        amplitude, sort = SAMPLES[kind.rstrip("p")]
        for start in range(0, int(48000 * seconds), block):
            wave = np.sin(2 * np.pi * pitch * np.arange(start, start + block) / 48000)[None]
            samples = (wave * amplitude).astype(sort)
            each = av.AudioFrame.from_ndarray(samples, format=kind, layout="mono")
            each.sample_rate, each.pts, each.time_base = 48000, start, Fraction(1, 48000)
            out.mux(stream.encode(each))
        out.mux(stream.encode(None))

    return write


def text(out: Any, lines: Sequence[tuple[int, int, str]], codec: str = "subrip", **metadata: str) -> Any:
    """Add subtitles, (start, length, words) in milliseconds; what is returned writes them."""
    stream = out.add_mux_stream(codec)
    stream.time_base = Fraction(1, 1000)
    stream.metadata.update(metadata)

    def write() -> None:
        for start, length, words in lines:
            content = words.encode()
            if codec == "mov_text":
                content = len(content).to_bytes(2, "big") + content
            packet = av.Packet(content)
            packet.stream = stream
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = start
            packet.duration = length
            packet.is_keyframe = True
            out.mux(packet)

    return write


def _written(*writers: Callable[[], None]) -> Callable[[Any], None]:
    def write(_out: Any) -> None:
        for each in writers:
            each()

    return write


def plain(path: Path) -> Path:
    """12 frames at a constant rate, no sound."""
    return make_clip(path)


def with_sound(path: Path) -> Path:
    """AAC beside the image: its first packet lies before 0, for the decoder to run in."""
    return make_clip(path, others=lambda out: _written(sound(out, language="eng")))


def variable(path: Path) -> Path:
    """Frames at uneven times, a gap of half a second among them."""
    return make_clip(path, times=[0, 40, 73, 120, 121, 640, 700, 733, 1000], time_base=Fraction(1, 1000))


def b_frames(path: Path) -> Path:
    """Frames that are stored in another order than they are shown; dts begins below 0."""
    return make_clip(path, options={"preset": "medium", "bf": "3", "g": "12", "x264-params": "b-adapt=0:scenecut=0"})


def late(path: Path) -> Path:
    """It begins 10 s after 0, with frames in another order than they are shown."""
    return make_clip(path, times=range(240, 252), options={"preset": "medium", "bf": "2", "x264-params": "b-adapt=0"})


def transport(path: Path) -> Path:
    """An MPEG transport stream: it begins at some time of its own, in 90 kHz."""
    return make_clip(path, others=lambda out: _written(sound(out, "mp2", language="deu")), format_name="mpegts")


def transport_aac(path: Path) -> Path:
    """AAC in a transport stream, where each packet has a header of its own."""
    return make_clip(path, others=lambda out: _written(sound(out, language="deu")), format_name="mpegts")


def pcm(path: Path) -> Path:
    """Sound that is not compressed: its packets are what the container makes of it."""
    return make_clip(path, others=lambda out: _written(sound(out, "pcm_s16le")))


def two_images(path: Path) -> Path:
    """A second image beside the first, 12 frames of 32×32."""

    def others(out: Any) -> Callable[[Any], None]:
        stream = out.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.metadata["title"] = "Other side"

        def write() -> None:
            for number in range(FRAMES):
                each = frame(number, (32, 32))
                each.pts, each.time_base = number, RATE
                out.mux(stream.encode(each))
            out.mux(stream.encode(None))

        return _written(write)

    return make_clip(path, others=others)


def together(path: Path) -> Path:
    """Three subtitles at the same time (Matroska)."""
    lines = [(100, 50, "one"), (100, 50, "two"), (100, 70, "three"), (300, 10, "four")]
    return make_clip(path, others=lambda out: _written(text(out, lines)), format_name="matroska")


def long(path: Path) -> Path:
    """160 s, a frame and a subtitle each second, and a tone (Matroska)."""

    def others(out: Any) -> Callable[[Any], None]:
        lines = [(1000 * second, 500, f"{second}") for second in range(160)]
        return _written(sound(out, "flac", Fraction(160)), text(out, lines))

    return make_clip(
        path,
        times=range(160),
        time_base=Fraction(1),
        options={"g": "5"},
        others=others,
        container_options={"max_interleave_delta": "0"},
        format_name="matroska",
    )


def hdr(path: Path) -> Path:
    """HDR10: 10 bits, BT.2020, PQ, the mastering display and the light level said in the stream."""
    light = f"{LIGHT[0]},{LIGHT[1]}"
    params = f"log-level=none:hdr10=1:repeat-headers=1:master-display={MASTERING}:max-cll={light}:chromaloc=2"

    def set_up(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, 16, 9, 1

    return make_clip(
        path,
        codec="libx265",
        pix_fmt="yuv420p10le",
        size=(64, 48),
        times=range(4),
        options={"x265-params": params},
        set_up=set_up,
    )


def tagged(path: Path) -> Path:
    """Full range, BT.601 of the 525 lines, chroma on the left and above."""

    def set_up(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 6, 6, 6, 2

    return make_clip(path, options={"x264-params": "chromaloc=2"}, set_up=set_up)


def rotated(path: Path) -> Path:
    """To be turned by a quarter for showing."""
    return make_clip(path, matrix=QUARTER)


def rich(path: Path) -> Path:
    """Two tracks of sound, two of subtitles, chapters, an attachment, metadata (Matroska)."""

    def others(out: Any) -> Callable[[Any], None]:
        first = sound(out, language="eng", title="Talk")
        second = sound(out, "flac", pitch=660, language="jpn")
        one = text(out, [(50, 200, "Hello"), (300, 150, "again")], language="eng")
        two = text(out, [(450, 40, "spät")], language="deu", title="Deutsch")
        out.streams[2].disposition = 0
        out.streams[1].disposition = 1
        out.streams[3].disposition = 1
        out.streams[4].disposition = 64
        font = out.add_attachment("letters.ttf", "font/ttf", bytes(range(256)) * 3)
        font.metadata["title"] = "Letters"
        return _written(first, second, one, two)

    return make_clip(
        path,
        others=others,
        metadata={"title": "Everything", "artist": "Nobody"},
        chapters=[
            {"id": 1, "start": 0, "end": 250, "time_base": Fraction(1, 1000), "metadata": {"title": "Begin"}},
            {"id": 2, "start": 250, "end": 500, "time_base": Fraction(1, 1000), "metadata": {"title": "End"}},
        ],
        format_name="matroska",
    )


def sparse(path: Path) -> Path:
    """Its one subtitle comes at the very end, another track has none at all (Matroska)."""

    def others(out: Any) -> Callable[[Any], None]:
        return _written(sound(out), text(out, [(480, 20, "Fin")], language="fra"), text(out, [], language="ita"))

    return make_clip(path, others=others, format_name="matroska")


def subtitled_mp4(path: Path) -> Path:
    """DecodedFrame text, as MP4 has it."""
    return make_clip(
        path, others=lambda out: _written(sound(out), text(out, [(0, 100, "Hi"), (250, 100, "there")], "mov_text"))
    )


def anamorphic(path: Path) -> Path:
    """Pixels that are wider than high, 16:11."""

    def set_up(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    return make_clip(path, set_up=set_up)


def odd(path: Path) -> Path:
    """47×31 pixels, which x264 holds with 4:4:4 only."""
    return make_clip(path, size=(47, 31), pix_fmt="yuv444p")


def odd_420(path: Path) -> Path:
    """45×33 pixels with chroma of 23×17 (FFV1, Matroska)."""
    return make_clip(path, codec="ffv1", size=(45, 33), format_name="matroska")


def yuv422(path: Path) -> Path:
    """4:2:2."""
    return make_clip(path, pix_fmt="yuv422p")


def yuv422_10(path: Path) -> Path:
    """4:2:2 of 10 bits."""
    return make_clip(path, pix_fmt="yuv422p10le")


def yuv444(path: Path) -> Path:
    """4:4:4."""
    return make_clip(path, pix_fmt="yuv444p")


def gray(path: Path) -> Path:
    """No chroma (FFV1, Matroska)."""
    return make_clip(path, codec="ffv1", pix_fmt="gray", format_name="matroska")


def one_frame(path: Path) -> Path:
    """A single frame."""
    return make_clip(path, times=[0])


def two_times_equal(path: Path) -> Path:
    """The image stands still: each frame is shown three times."""

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "0"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(FRAMES):
            each = frame(number // 3)
            each.pts, each.time_base = number, RATE
            out.mux(stream.encode(each))
        out.mux(stream.encode(None))
    return path


def timecode(path: Path) -> Path:
    """A track of timecodes, which is data and has no decoder (QuickTime, MP4)."""
    return make_clip(path, metadata={"timecode": "01:00:00:00"}, others=lambda out: _written(sound(out)))


def cover(path: Path) -> Path:
    """An image that belongs to the video as a whole stands beside it."""

    def others(out: Any) -> Callable[[Any], None]:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        stream.metadata["title"] = "Cover"
        tone = sound(out)

        def write() -> None:
            each = frame(0, (16, 16), "yuvj420p")
            each.pts, each.time_base = 0, Fraction(1)
            out.mux(stream.encode(each))
            out.mux(stream.encode(None))

        return _written(write, tone)

    return make_clip(path, others=others)


def cover_attached(path: Path) -> Path:
    """The same in Matroska: an attachment, which libavformat shows as a video stream."""

    def others(out: Any) -> Callable[[Any], None]:
        tone = sound(out)
        out.add_attachment("cover.jpg", "image/jpeg", jpeg())
        return _written(tone)

    return make_clip(path, others=others, format_name="matroska")


def jpeg() -> bytes:
    """A JPEG of 16×16 pixels."""
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 16, 16, "yuvj420p", Fraction(1)
    each = frame(0, (16, 16), "yuvj420p")
    each.pts, each.time_base = 0, Fraction(1)
    return b"".join(bytes(packet) for packet in [*context.encode(each), *context.encode(None)])


def interlaced(path: Path) -> Path:
    """Two fields a frame, the upper first."""
    return make_clip(path, options={"x264-params": "tff=1"}, times=range(8))


def avi(path: Path) -> Path:
    """AVI: its packets have no times of showing (MPEG-4 with frames in another order, MP3)."""
    return make_clip(
        path,
        codec="mpeg4",
        options={"bf": "2"},
        others=lambda out: _written(sound(out, "mp3")),
        format_name="avi",
    )


def nameless(path: Path) -> Path:
    """Its title is not UTF-8 (Matroska)."""
    return make_clip(path, metadata={"title": b"caf\xe9".decode("utf-8", "surrogateescape")}, format_name="matroska")


def truncated(path: Path) -> Path:
    """The last two fifths are missing (Matroska, which can be read up to there)."""
    make_clip(
        path,
        times=range(30),
        options={"g": "5"},
        others=lambda out: _written(sound(out, seconds=Fraction(1))),
        format_name="matroska",
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 5])
    return path


def garbage(path: Path) -> Path:
    """Some bytes in the middle are others (of images, not of the structure: MP4 keeps that apart)."""
    make_clip(path, times=range(30), options={"g": "5", "preset": "veryfast"}, format_name="mp4")
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + (content.index(b"moov") - content.index(b"mdat")) // 2
    noise = np.random.default_rng(5).integers(0, 256, 300, dtype=np.uint8)
    content[start : start + 300] = noise.tobytes()
    path.write_bytes(content)
    return path


def sound_alone(path: Path) -> Path:
    """No image."""
    with av.open(str(path), "w") as out:
        sound(out)()
    return path


def cover_alone(path: Path) -> Path:
    """Sound and a cover: a song, not a video."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        tone = sound(out)
        each = frame(0, (16, 16), "yuvj420p")
        each.pts, each.time_base = 0, Fraction(1)
        out.mux(stream.encode(each))
        out.mux(stream.encode(None))
        tone()
    return path


def empty(path: Path) -> Path:
    """0 bytes."""
    path.write_bytes(b"")
    return path


def words(path: Path) -> Path:
    """Text with the suffix of a video."""
    path.write_text("This is not a video.\n" * 40)
    return path


def headless(path: Path) -> Path:
    """An MP4 whose end, where the table of contents lies, is missing."""
    make_clip(path, format_name="mp4")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") - 4])
    return path


# Name of the file, and its maker.
CLIPS: dict[str, Callable[[Path], Path]] = {
    "plain.mp4": plain,
    "plain.mkv": plain,
    "plain.webm": lambda path: make_clip(path, codec="libvpx-vp9", options={"cpu-used": "8", "deadline": "realtime"}),
    "sound.mp4": with_sound,
    "sound.mkv": with_sound,
    "variable.mp4": variable,
    "variable.mkv": variable,
    "b_frames.mp4": b_frames,
    "b_frames.mkv": b_frames,
    "late.mp4": late,
    "late.mkv": late,
    "transport.ts": transport,
    "transport_aac.ts": transport_aac,
    "pcm.mov": pcm,
    "two_images.mp4": two_images,
    "two_images.mkv": two_images,
    "together.mkv": together,
    "long.mkv": long,
    "hdr.mp4": hdr,
    "hdr.mkv": hdr,
    "tagged.mp4": tagged,
    "rotated.mp4": rotated,
    "rotated.mkv": rotated,
    "rich.mkv": rich,
    "sparse.mkv": sparse,
    "subtitled.mp4": subtitled_mp4,
    "anamorphic.mp4": anamorphic,
    "anamorphic.mkv": anamorphic,
    "odd.mp4": odd,
    "odd_420.mkv": odd_420,
    "yuv422.mp4": yuv422,
    "yuv422_10.mp4": yuv422_10,
    "yuv444.mp4": yuv444,
    "gray.mkv": gray,
    "one_frame.mp4": one_frame,
    "still.mp4": two_times_equal,
    "timecode.mov": timecode,
    "timecode.mp4": timecode,
    "cover.mp4": cover,
    "cover.mkv": cover_attached,
    "interlaced.mp4": interlaced,
    "video.avi": avi,
    "nameless.mkv": nameless,
    "truncated.mkv": truncated,
    "garbage.mp4": garbage,
}

# What is none.
NOT_VIDEOS: dict[str, Callable[[Path], Path]] = {
    "empty.mp4": empty,
    "words.mp4": words,
    "headless.mp4": headless,
    "sound.m4a": sound_alone,
    "cover_alone.m4a": cover_alone,
}
