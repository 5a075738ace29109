"""Videos with every kind of stream beside the image, made on the spot."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

from video import clips

__all__ = ["MAKERS", "attached", "big_second", "picture", "telemetry", "transparent", "transport_data", "two_alike"]

_FRAMES = 3
_CHAPTERS = [
    {"id": 1, "start": 0, "end": 60, "time_base": Fraction(1, 1000), "metadata": {"title": "Begin"}},
    {"id": 2, "start": 60, "end": 125, "time_base": Fraction(1, 1000), "metadata": {"title": "End"}},
]


def _data_packets(out: Any, stream: Any, content: bytes) -> Callable[[Any], None]:
    stream.time_base = Fraction(1, 1000)

    def write(_out: Any) -> None:
        for number in range(_FRAMES):
            packet = av.Packet(content + bytes([number]) * 20)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = 40 * number
            packet.duration, packet.is_keyframe = 40, True
            out.mux(packet)

    return write


def telemetry(path: Path, tag: bytes = b"gpmd", chapters: bool = True) -> Path:
    """MP4 with a track of data in some camera's format, and a track with the titles of chapters."""
    clips.make_clip(
        path,
        times=range(_FRAMES),
        others=lambda out: _data_packets(out, out.add_data_stream("bin_data"), b"DEVC"),
        chapters=_CHAPTERS if chapters else (),
        format_name="mp4",
    )
    path.write_bytes(path.read_bytes().replace(b"gpmd", tag))
    return path


def transport_data(path: Path, codec: str) -> Path:
    """A transport stream with data or subtitles that its packets need not be."""
    return clips.make_clip(
        path,
        times=range(_FRAMES),
        others=lambda out: _data_packets(out, out.add_mux_stream(codec), b"\x10"),
        format_name="mpegts",
    )


def splice_points(path: Path) -> Path:
    """SCTE 35 in a transport stream: libavformat cannot write it, so the table of streams is changed (PMT)."""
    content = bytearray(transport_data(path, "klv").read_bytes())
    for start in range(0, len(content), 188):
        packet = content[start : start + 188]
        if int.from_bytes(packet[1:3], "big") & 0x1FFF == 0x1000:
            content[start : start + 188] = packet[:5] + _with_splice_points(packet[5:])
    path.write_bytes(content)
    return path


def _with_splice_points(section: bytes) -> bytes:
    """The section with the registration ``CUEI`` of its program, and type 0x86 for the stream after the image."""
    length = 3 + (int.from_bytes(section[1:3], "big") & 0xFFF)
    streams, found = section[12 : length - 4], bytearray()
    while streams:
        size = 5 + (int.from_bytes(streams[3:5], "big") & 0xFFF)
        kind, pid = streams[0], streams[1:3]
        found += streams[:size] if kind == 0x1B else bytes([0x86]) + pid + b"\xf0\0"
        streams = streams[size:]
    body = section[8:10] + b"\xf0\x06\x05\x04CUEI" + bytes(found)
    changed = section[:1] + (0xB000 | (5 + len(body) + 4)).to_bytes(2, "big") + section[3:8] + body
    return (changed + _crc(changed).to_bytes(4, "big")).ljust(len(section), b"\xff")


def _crc(content: bytes) -> int:
    """The CRC-32 of MPEG-2: that of zlib with the bits of each byte, and of the result, in the other order."""
    turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in content)
    return int(f"{zlib.crc32(turned) ^ 0xFFFFFFFF:032b}"[::-1], 2)


def sounds(path: Path, codecs: tuple[str, ...]) -> Path:
    """Matroska with a tone in each of some formats."""

    def others(out: Any) -> Callable[[Any], None]:
        writers = [clips.sound(out, codec, Fraction(1, 10)) for codec in codecs]
        return lambda _out: [write() for write in writers] and None

    return clips.make_clip(path, times=range(_FRAMES), others=others, format_name="matroska")


def texts(path: Path, codecs: tuple[str, ...], format_name: str = "matroska") -> Path:
    """Subtitles in each of some formats."""

    def others(out: Any) -> Callable[[Any], None]:
        writers = [clips.text(out, [(0, 100, "0,0,Default,,0,0,0,,Words")], codec) for codec in codecs]
        return lambda _out: [write() for write in writers] and None

    return clips.make_clip(path, times=range(_FRAMES), others=others, format_name=format_name)


def picture(form: str) -> bytes:
    """An image of 16×16 pixels."""
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 40, 90)).save(content, form)
    return content.getvalue()


def attached(path: Path) -> Path:
    """Matroska with a cover of each format that libavformat shows as one, and an attachment that is none."""

    def others(out: Any) -> Callable[[Any], None]:
        for form in ("jpeg", "png", "tiff", "gif"):
            out.add_attachment(f"cover.{form}", f"image/{form}", picture(form.upper()))
        out.add_attachment("cover.webp", "image/webp", picture("WEBP"))
        return lambda _out: None

    return clips.make_clip(path, times=range(_FRAMES), others=others, format_name="matroska")


def big_second(
    path: Path, flags: tuple[int, int] = (0, 1), sizes: tuple[tuple[int, int], tuple[int, int]] = ((16, 16), (48, 32))
) -> Path:
    """Two video streams of some dispositions and sizes; by default a small one, then the default one, which is larger.

    The first has three frames, the second four.
    """
    with av.open(str(path), "w") as out:
        streams = []
        for flag, size in zip(flags, sizes, strict=True):
            stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
            stream.width, stream.height = size
            stream.pix_fmt, stream.disposition = "yuv420p", flag
            streams.append(stream)
        for stream, size, count in zip(streams, sizes, (3, 4), strict=True):
            for number in range(count):
                each = clips.frame(number, size)
                each.pts, each.time_base = number, clips.RATE
                out.mux(stream.encode(each))
            out.mux(stream.encode(None))
    return path


def two_alike(path: Path, codec: str) -> Path:
    """Two video streams of the same codec, the first of 96×64 and the second of 64×64."""
    options = {"libsvtav1": {"preset": "12"}, "libx265": {"x265-params": "log-level=none"}}.get(codec, {})
    if codec == "libvpx-vp9":
        options = {"cpu-used": "8", "deadline": "realtime"}

    def others(out: Any) -> Callable[[Any], None]:
        stream = out.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"

        def write(_out: Any) -> None:
            for number in range(6):
                each = clips.frame(number, (64, 64))
                each.pts, each.time_base = number, clips.RATE
                out.mux(stream.encode(each))
            out.mux(stream.encode(None))

        return write

    return clips.make_clip(path, others=others, size=(96, 64), times=range(6))


def transparent(path: Path, codec: str = "libvpx-vp9", pix_fmt: str = "yuva420p") -> Path:
    """A video with an alpha channel."""
    options = {"auto-alt-ref": "0", "cpu-used": "8", "deadline": "realtime"} if codec.startswith("libvpx") else {}
    return clips.make_clip(path, codec=codec, pix_fmt=pix_fmt, times=range(_FRAMES), options=options)


def _named(maker: Callable[..., Path], *values: Any) -> Callable[[Path], Path]:
    return lambda path: maker(path, *values)


def _makers() -> Iterator[tuple[str, Callable[[Path], Path]]]:
    yield "sounds.mkv", _named(sounds, ("aac", "mp3", "ac3", "eac3", "flac", "libopus", "alac", "pcm_s16le"))
    yield "texts.mkv", _named(texts, ("subrip", "ass", "webvtt", "hdmv_pgs_subtitle", "dvbsub"))
    yield "text.mp4", _named(texts, ("mov_text",), "mp4")
    yield "attached.mkv", attached
    yield "big_second.mkv", big_second
    for tag in ("gpmd", "camm", "rtmd", "mett"):
        yield f"{tag}.mp4", _named(telemetry, tag.encode())
    for codec in ("klv", "smpte_2038", "timed_id3", "dvb_teletext"):
        yield f"{codec}.ts", _named(transport_data, codec)
    yield "private.ts", _named(transport_data, "hdmv_pgs_subtitle")
    yield "splice.ts", splice_points
    yield "timecode.mov", clips.timecode
    yield "rich.mkv", clips.rich


# Name of the file, and its maker.
MAKERS = dict(_makers())
