"""Small videos of every container that is read, what mutations of them are read by, and hostile ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from video.clips import RATE, make_clip, sound, text

__all__ = ["upscale_video", "video_files"]


def upscale_video(path: Path) -> object:
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
    """Videos by name, of 32×32 pixels and a few frames, of a few kilobytes each."""
    h264 = {"codec": "libx264", "options": {"g": "3", "x264-params": "bframes=1:b-adapt=0"}}
    mpeg2 = {"codec": "mpeg2video", "options": {"g": "3"}}
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
    }
    files = {}
    with TemporaryDirectory() as folder:
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
