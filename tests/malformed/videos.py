"""Small videos of every container that is read, what mutations of them are read by, and hostile ones."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from subpixel.video import Result
from video import clips, stream_clips
from video.clips import RATE, make_clip, sound, text

__all__ = ["hostile", "hostile_videos", "upscale_video", "video_files"]

# Chapters of five frames.
_CHAPTERS = [
    {"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000), "metadata": {"title": "Begin"}},
    {"id": 2, "start": 100, "end": 208, "time_base": Fraction(1, 1000), "metadata": {"title": "End"}},
]


def upscale_video(path: Path) -> Result:
    """All that is read of a video file: it is upscaled into another one, which is verified.

    Raises:
        AssertionError: something is left of a run that failed.
    """
    from subpixel.errors import SubpixelError
    from subpixel.upscaler import Upscaler
    from subpixel.video import Job, Settings

    folder = path.with_name("run")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    job = Job(path, Upscaler(2, model="bicubic", threads=1), folder / "out.mkv", Settings("ffv1"), deinterlace=True)
    try:
        return job.run()
    except SubpixelError:
        # Complete segments are kept for another run; nothing else is.
        left = [each.name for each in folder.iterdir() if not each.name.endswith(".subpixel-video")]
        assert not left, f"the run failed and left {left}"
        raise


@lru_cache(1)
def video_files() -> dict[str, bytes]:
    """Videos by name, of about 32×32 pixels and a few frames, of a few kilobytes each."""
    h264 = {"codec": "libx264", "options": {"g": "3", "x264-params": "bframes=1:b-adapt=0"}}
    mpeg2 = {"codec": "mpeg2video", "options": {"g": "3"}}
    timecode = {"timecode": "01:00:00:00"}
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    kinds: dict[str, dict[str, Any]] = {
        "plain.mp4": {**h264, "others": _tone("aac")},
        "fragments.mp4": {**h264, "others": _tone("aac"), "container_options": fragments},
        "hevc.mp4": {"codec": "libx265", "size": (64, 32), "container_options": {"movflags": "faststart"}},
        "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "others": _tone("pcm_s16le")},
        "subtitles.mkv": {**h264, "others": _tone("flac", lines=True), "metadata": {"title": "A title"}},
        "ffv1.mkv": {"codec": "ffv1", "options": {"level": "3", "slicecrc": "1"}, "others": _tone("libopus")},
        "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}},
        "plain.ts": {**h264, "others": _tone("aac"), "format_name": "mpegts"},
        "mpeg2.ts": {**mpeg2, "others": _tone("mp2"), "format_name": "mpegts"},
        "plain.mpg": {**mpeg2, "others": _tone("mp2"), "format_name": "mpeg"},
        "plain.avi": {"codec": "mpeg4", "options": {"bf": "1"}, "others": _tone("mp3")},
        "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "others": _tone("pcm_s16le")},
        "plain.flv": {**h264, "others": _tone("aac"), "format_name": "flv"},
        "plain.nut": {**h264, "others": _tone("flac"), "format_name": "nut"},
        "plain.ogv": {"codec": "libvpx", "others": _tone("libopus"), "format_name": "ogg"},
        "raw.h264": {**h264, "format_name": "h264"},
        "frames.y4m": {"codec": "wrapped_avframe", "format_name": "yuv4mpegpipe"},
        "palette.gif": {"codec": "gif", "pix_fmt": "rgb8", "format_name": "gif"},
        "animated.apng": {"codec": "apng", "pix_fmt": "rgb24", "format_name": "apng"},
        "chapters.mov": {**h264, "others": _tone("aac"), "chapters": _CHAPTERS, "metadata": timecode},
    }
    makers: dict[str, Callable[[Path], Path]] = {
        "rich.mkv": clips.rich,
        "attached.mkv": stream_clips.attached,
        "cover.mkv": clips.cover_attached,
        "cover.mp4": clips.cover,
        "telemetry.mp4": stream_clips.telemetry,
        "two_images.mkv": stream_clips.big_second,
    }
    files = {}
    with TemporaryDirectory() as folder:
        for name, make in makers.items():
            files[name] = make(Path(folder) / name).read_bytes()
        for name, how in kinds.items():
            path = make_clip(Path(folder) / name, **{"size": (32, 32), "times": range(5), "time_base": RATE, **how})
            files[name] = path.read_bytes()
    return files


def _tone(codec: str, *, lines: bool = False) -> Callable[[Any], Callable[[Any], None]]:
    def others(out: Any) -> Callable[[Any], None]:
        tone = sound(out, codec, Fraction(1, 5))
        words = text(out, [(40, 100, "one"), (100, 50, "two")]) if lines else lambda: None

        def write(_out: Any) -> None:
            tone()
            words()

        return write

    return others


@lru_cache(1)
def hostile_videos() -> dict[str, bytes]:
    """Videos that claim far more than they hold: counts, sizes, durations and resolutions."""
    files = video_files()
    mp4, fragments, matroska = files["plain.mp4"], files["fragments.mp4"], files["subtitles.mkv"]
    found = {
        "empty.mp4": b"",
        "one_byte.mkv": b"\x1a",
        "zeros.ts": bytes(100_000),
        "noise.mp4": random.Random(1).randbytes(100_000),
        "signature.mkv": matroska[:40],
        "moov_of_10_gigabytes.mp4": _with_size(mp4, b"moov", 10 << 30),
        "mdat_of_10_gigabytes.mp4": _with_size(mp4, b"mdat", 10 << 30),
        "box_in_itself.mp4": mp4.replace(b"mdia", b"moov", 1).replace(b"minf", b"trak", 1),
        "thousands_of_tracks.mp4": _repeated(mp4, b"trak", 5000),
        "nested_boxes.mp4": mp4[:32] + b"".join(struct.pack(">I4s", 1 << 30, b"moov") for _ in range(20000)),
    }
    for table in (b"stsz", b"stts", b"stsc", b"stco", b"ctts", b"stss"):
        for count in (0x7FFFFFFF, 0x0FFFFFFF, 0x01000000):
            found[f"{table.decode()}_{count:x}.mp4"] = _with_count(mp4, table, count)
    # One entry that stands for very many samples, each of which is there by the size that all have.
    found["stts_bomb.mp4"] = _with_entries(mp4, b"stts", [(0x7FFFFFFF, 1)])
    found["stsz_bomb.mp4"] = _with_common_size(mp4, 1, 0x7FFFFFF0)
    found["long_samples.mp4"] = _with_entries(mp4, b"stts", [(5, 0x7FFFFFFF)])
    found["trun_bomb.mp4"] = _with_count(fragments, b"trun", 0x0FFFFFFF)
    for side in (65535, 32767, 16384, 8192):
        found[f"{side}_squared.mp4"] = _with_side(mp4, side)
        found[f"{side}_squared.mkv"] = _matroska_side(files["ffv1.mkv"], side)
        found[f"{side}_squared.avi"] = _avi_side(files["mjpeg.avi"], side)
        found[f"{side}_squared.y4m"] = f"YUV4MPEG2 W{side} H{side} F24:1 C420\nFRAME\n".encode() + bytes(64)
        found[f"{side}_squared.nut"] = files["plain.nut"].replace(b"\x20\x20", struct.pack(">H", side % 0x7F7F), 2)
    for name, identity in (("attachment", 0x465C), ("block", 0xA3), ("private", 0x63A2), ("title", 0x7BA9)):
        for size in (0xFFFFFFFFFFFFFE, 0x7FFFFFFF, 0x3FFFFFFF):
            found[f"{name}_{size:x}.mkv"] = _with_element_size(matroska, identity, size)
    found["unknown_sizes.mkv"] = matroska[:5] + b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + matroska[48:]
    found["huge_duration.mkv"] = matroska.replace(b"\x44\x89\x88", b"\x44\x89\x88\x7f\xe0", 1)
    found["garbage_between.ts"] = _with_garbage(files["plain.ts"], 188)
    found["garbage_between.mpg"] = _with_garbage(files["plain.mpg"], 2048)
    found["no_frames.ts"] = files["plain.ts"][: 188 * 3]
    found["headers_only.mkv"] = matroska[: matroska.index(b"\x1f\x43\xb6\x75")]
    found["headers_only.flv"] = files["plain.flv"][:13]
    found["headers_only.avi"] = files["plain.avi"][: files["plain.avi"].index(b"movi") + 4]
    return found


def hostile(_originals: list[tuple[str, bytes]], seed: int) -> tuple[str, bytes]:
    """One of the hostile videos, for :func:`malformed.fuzzing.fuzz`."""
    return list(hostile_videos().items())[seed]


def _with_size(content: bytes, kind: bytes, size: int) -> bytes:
    """A box of ISO/IEC 14496-12 with a size of 64 bits."""
    start = content.index(kind) - 4
    return content[:start] + struct.pack(">I4sQ", 1, kind, size) + content[start + 8 :]


def _with_count(content: bytes, kind: bytes, count: int) -> bytes:
    """A table of a box that claims a number of entries."""
    if kind not in content:  # composition offsets
        return content
    place = content.index(kind) + 8 + (4 if kind == b"stsz" else 0)
    return content[:place] + struct.pack(">I", count) + content[place + 4 :]


def _with_entries(content: bytes, kind: bytes, entries: list[tuple[int, int]]) -> bytes:
    place = content.index(kind) + 8
    table = b"".join(struct.pack(">II", *each) for each in entries)
    return content[:place] + struct.pack(">I", len(entries)) + table + content[place + 4 + len(table) :]


def _with_common_size(content: bytes, size: int, count: int) -> bytes:
    place = content.index(b"stsz") + 8
    return content[:place] + struct.pack(">II", size, count) + content[place + 8 :]


def _repeated(content: bytes, kind: bytes, times: int) -> bytes:
    """A file whose first box of a kind is there very often; sizes around it are renewed."""
    start, outer = content.index(kind) - 4, content.index(b"moov") - 4
    size = int.from_bytes(content[start : start + 4], "big")
    box = content[start : start + size]
    whole = int.from_bytes(content[outer : outer + 4], "big") + size * times
    return content[:outer] + struct.pack(">I", whole) + content[outer + 4 : start] + box * times + content[start:]


def _with_side(content: bytes, side: int) -> bytes:
    """An MP4 whose description of samples, and sequence parameters, claim a size."""
    place = content.index(b"avc1") + 4 + 24
    return content[:place] + struct.pack(">HH", side % 65536, side % 65536) + content[place + 4 :]


def _matroska_side(content: bytes, side: int) -> bytes:
    """PixelWidth and PixelHeight of FFV1, whose packets do not say their size."""
    for identity in (b"\xb0\x81", b"\xba\x81"):
        place = content.index(identity)
        # The element takes two bytes more; a Void behind is not there, so the track's name must give way.
        content = content[:place] + identity[:1] + b"\x82" + struct.pack(">H", side) + content[place + 3 :]
    return content


def _avi_side(content: bytes, side: int) -> bytes:
    place = content.index(b"strf") + 8 + 4
    return content[:place] + struct.pack("<ii", side, side) + content[place + 8 :]


def _with_element_size(content: bytes, identity: int, size: int) -> bytes:
    """A Matroska element with another size, in eight bytes; the element is put in if there is none."""
    key = identity.to_bytes((identity.bit_length() + 7) // 8, "big")
    element = key + (size | 1 << 56).to_bytes(8, "big") + bytes(16)
    place = content.index(b"\x1f\x43\xb6\x75")  # before the first cluster
    return content[:place] + element + content[place:]


def _with_garbage(content: bytes, unit: int) -> bytes:
    """A file with noise between its packets."""
    rng = random.Random(2)
    found = []
    for place in range(0, len(content), unit):
        found += [content[place : place + unit], rng.randbytes(rng.randrange(300)) if rng.random() < 0.2 else b""]
    return b"".join(found)
