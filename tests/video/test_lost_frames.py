"""Damage in the middle of a video: every frame that is lost is counted, at its time, and nothing else moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, TimeRange, probe
from subpixel.video.decoding import Damage, read_frames
from video.clips import make_clip, sound

FRAMES = 48


def tone(codec: str) -> Callable[[Any], Callable[[Any], None]]:
    def others(out: Any) -> Callable[[Any], None]:
        write = sound(out, codec, Fraction(2))
        return lambda _out: write()

    return others


# Suffix, codec, sound, and options of the encoder.
KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "libx264.mp4": ("libx264", "aac", {"g": "12", "preset": "veryfast"}),
    "libx265.mkv": ("libx265", "aac", {"g": "12"}),
    "libvpx-vp9.mkv": ("libvpx-vp9", "libopus", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    "ffv1.mkv": ("ffv1", "flac", {"slicecrc": "1", "level": "3"}),
    "mjpeg.avi": ("mjpeg", "mp3", {}),
    "mpeg4.avi": ("mpeg4", "mp3", {"g": "12"}),
}


def damaged(path: Path, name: str, numbers: Sequence[int] = (20, 21, 40)) -> tuple[Path, set[Fraction]]:
    """A video with noise in the place of some of its packets, and the times of all frames that it had."""
    codec, other, options = KINDS[name]
    make_clip(
        path,
        codec=codec,
        pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p",
        size=(96, 64),
        times=range(FRAMES),
        options=options,
        others=tone(other),
    )
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        places = [(each.pos, each.size) for each in container.demux(stream) if each.size]
    with av.open(str(path)) as container:
        times = {each.pts * each.time_base for each in container.decode(video=0)}
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(3)
    for number in numbers:
        start, end = places[number][0] + places[number][1] // 3, sum(places[number]) - 2
        content[start:end] = rng.integers(0, 256, end - start, dtype=np.uint8).tobytes()
    path.write_bytes(content)
    return path, times


@pytest.mark.parametrize("name", KINDS)
def test_every_lost_frame_is_counted_and_all_others_keep_their_times(tmp_path: Path, name: str) -> None:
    source, times = damaged(tmp_path / name, name)
    damage, time_base = Damage(), probe(source).stream.time_base
    found = {frame.time * time_base for frame in read_frames(probe(source), damage)}
    assert found <= times
    assert len(found) >= FRAMES // 3
    if name == "mpeg4.avi":  # all frames come, as well as the decoder can repair them
        assert found == times
        assert len(damage.damaged_frames) == 3
    else:
        assert set(damage.lost_packets) == times - found
        assert damage.lost_packets or "x264" in name  # whose decoder repairs frames as well as it can
    assert damage.moved_frames == 0


@pytest.mark.parametrize("name", ["libx265.mkv", "libvpx-vp9.mkv"])
def test_sound_stays_in_sync_and_the_notes_say_where(tmp_path: Path, name: str) -> None:
    source, times = damaged(tmp_path / name, name)
    out = tmp_path / f"out{source.suffix}"
    result = Job(source, Upscaler(2, model="bicubic", threads=1), out, Settings("x264")).run()
    (lost,) = [note for note in result.notes if "gave no frame" in note]
    assert f"{len(times) - result.frames} damaged packet" in lost
    with av.open(str(out)) as container:
        shown = {packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size}
    assert all(min(abs(time - each) for each in times) <= Fraction(1, 1000) for time in shown)
    with av.open(str(source)) as before, av.open(str(out)) as after:
        assert [bytes(p) for p in before.demux(audio=0)] == [bytes(p) for p in after.demux(audio=0)]


def test_damage_outside_of_the_part_that_is_needed_is_not_noted(tmp_path: Path) -> None:
    source, _ = damaged(tmp_path / "ffv1.mkv", "ffv1.mkv")
    job = Job(
        source,
        Upscaler(2, model="bicubic", threads=1),
        tmp_path / "out.mkv",
        time_range=TimeRange(Fraction(1), Fraction(3, 2)),
    )
    assert job.run().notes == ()


def test_frames_without_a_packet_of_their_own_are_not_lost(tmp_path: Path) -> None:
    """Packets of VP8 that are not shown, and those of interlaced fields, are no loss."""
    vp8 = make_clip(
        tmp_path / "a.mkv",
        codec="libvpx",
        options={"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good", "cpu-used": "5", "b": "200k"},
        times=range(40),
    )
    fields = make_clip(tmp_path / "b.ts", options={"x264-params": "tff=1"}, format_name="mpegts")
    for path in (vp8, fields):
        damage = Damage()
        assert len(list(read_frames(probe(path), damage, deinterlace=True))) in (12, 40)
        assert list(damage.notes()) == []


def test_no_frame_is_damaged_where_whole_files_are_joined(tmp_path: Path) -> None:
    part = make_clip(tmp_path / "part.ts", size=(192, 128), format_name="mpegts")
    path = tmp_path / "joined.ts"
    path.write_bytes(part.read_bytes() * 2)
    result = Job(path, Upscaler(2, model="bicubic", threads=1), tmp_path / "out.mkv", Settings("ffv1")).run()
    assert result.frames == 24
    assert [note for note in result.notes if "damaged" in note] == []
