"""Videos whose files count from somewhere else than 0: options count from the first frame, and results begin at 0."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from subpixel.upscaler import Upscaler
from subpixel.video import PipeOutput, TimeRange, probe, upscale_file
from subpixel.video.video_file import open_video
from video import clips

HOURS = 36000
SOURCES = ["mkv", "mp4", "ts", "nut"]


def shifted(path: Path, seconds: Fraction | int, sound_at: Fraction | int | None = None, **more: Any) -> Path:
    """48 frames at 24 a second from a time on, and a tone of 2 s that begins at another."""
    first = Fraction(seconds)

    def others(out: Any) -> Callable[[Any], None]:
        stream = out.add_stream("mp2", rate=48000)
        stream.codec_context.layout = "mono"
        base = round((first if sound_at is None else Fraction(sound_at)) * 48000)

        def write(_out: Any) -> None:
            for start in range(0, 96000, 1152):
                wave = np.sin(np.arange(start, start + 1152) / 20)[None] * 8000
                each = av.AudioFrame.from_ndarray(wave.astype(np.int16), format="s16", layout="mono")
                each.sample_rate, each.pts, each.time_base = 48000, base + start, Fraction(1, 48000)
                out.mux(stream.encode(each))
            out.mux(stream.encode(None))

        return write

    options = {"ts": {"muxpreload": "0", "muxdelay": "0"}}.get(path.suffix[1:], {})
    return clips.make_clip(
        path,
        times=(round(first * 24) + n for n in range(48)),
        options={"g": "12", "bf": "0"},
        others=None if sound_at is None else others,
        container_options={"avoid_negative_ts": "disabled", **options, **more.pop("container_options", {})},
        **more,
    )


def times(path: Path, kind: str) -> list[Fraction]:
    """The times of the frames or samples that are decoded, in seconds."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [each.pts * stream.time_base for each in container.decode(stream)]


def number(path: Path) -> int:
    """Which frame of the source the first one is."""
    with av.open(str(path)) as container:
        found = next(container.decode(video=0)).to_ndarray(format="rgb24", width=48, height=32).astype(int)
    errors = [np.abs(clips.frame(n, pix_fmt="rgb24").to_ndarray() - found).mean() for n in range(48)]
    return int(np.argmin(errors))


@pytest.mark.parametrize("suffix", SOURCES)
@pytest.mark.parametrize("first", [HOURS, Fraction(1, 2)])
def test_a_result_begins_at_0(tmp_path: Path, suffix: str, first: Fraction) -> None:
    source = shifted(tmp_path / f"in.{suffix}", first, first)
    offset = times(source, "audio")[0] - times(source, "video")[0]
    for target in ("mp4", "mkv", "mov"):
        result = upscale_file(source, tmp_path / f"out.{target}", model="bicubic")
        assert result.frames == 48
        image, sound = times(result.destination, "video"), times(result.destination, "audio")
        assert min(image[0], sound[0]) < Fraction(1, 500)
        assert abs(sound[0] - image[0] - offset) <= Fraction(1, 500)
        assert abs(image[-1] - image[0] - Fraction(47, 24)) <= Fraction(1, 500)


@pytest.mark.parametrize("suffix", SOURCES)
def test_options_count_from_the_first_frame(tmp_path: Path, suffix: str) -> None:
    source = shifted(tmp_path / f"in.{suffix}", HOURS)
    for start, end, first, count in ((Fraction(1, 2), 1, 12, 12), (1, None, 24, 24), (0, Fraction(1, 4), 0, 6)):
        result = upscale_file(
            source, tmp_path / "out.mkv", model="bicubic", start=start, end=end, overwrite=True, encoder="ffv1"
        )
        assert result.frames == count
        assert number(result.destination) == first
        assert times(result.destination, "video")[0] == 0


def test_sound_that_begins_first_is_not_cut_off(tmp_path: Path) -> None:
    source = shifted(tmp_path / "in.mkv", HOURS + 1, HOURS)
    for target in ("mp4", "mkv"):
        result = upscale_file(source, tmp_path / f"out.{target}", model="bicubic")
        assert times(result.destination, "audio")[0] < Fraction(1, 500)
        assert abs(times(result.destination, "video")[0] - 1) < Fraction(1, 500)
    part = upscale_file(source, tmp_path / "part.mkv", model="bicubic", start=0.5)
    assert part.frames == 36


def test_times_below_0(tmp_path: Path) -> None:
    source = shifted(tmp_path / "in.mkv", -1, 0, codec="mpeg4")
    assert -1 < times(source, "video")[0] < Fraction(-9, 10)
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic")
    assert (times(result.destination, "video")[0], result.frames) == (0, 48)
    assert times(result.destination, "audio")[0] == -times(source, "video")[0]


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_the_duration_counts_from_the_first_frame(tmp_path: Path, suffix: str) -> None:
    duration = probe(shifted(tmp_path / f"in.{suffix}", HOURS)).duration
    assert duration is not None
    assert abs(duration - 2) < Fraction(1, 10)


def test_variable_rates_and_late_starts_stay_exact(tmp_path: Path) -> None:
    ticks = [0, 40, 73, 120, 121, 640, 700, 733, 1000]
    source = clips.make_clip(tmp_path / "in.mkv", times=[9000 + t for t in ticks], time_base=Fraction(1, 1000))
    for target in ("mp4", "mkv"):
        result = upscale_file(source, tmp_path / f"out.{target}", model="bicubic")
        assert times(result.destination, "video") == [Fraction(t, 1000) for t in ticks]


def test_chapters_move_along(tmp_path: Path) -> None:
    titles = [("Before", 0, 35000), ("A", 35000, 36001), ("B", 36001, 36002)]
    chapters = [
        {"id": n, "start": 1000 * a, "end": 1000 * b, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
        for n, (title, a, b) in enumerate(titles, 1)
    ]
    source = shifted(tmp_path / "in.mkv", HOURS, chapters=chapters)
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic")
    found = [(each.metadata["title"], each.start * each.time_base) for each in probe(result.destination).chapters]
    assert found == [("A", 0), ("B", 1)]
    assert result.notes == ("1 of 3 chapters end before the first frame and are left out",)


def test_subtitles_before_the_first_frame(tmp_path: Path) -> None:
    lines = [(0, 500, "gone"), (800, 400, "cut"), (1500, 200, "whole")]
    source = clips.make_clip(
        tmp_path / "in.mkv",
        times=range(24, 48),
        others=lambda out: clips._written(clips.text(out, lines)),
    )
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic")
    assert result.notes == ("1 packets of subtitle stream 1 (subrip) end before the first frame and are left out",)
    with open_video(result.destination) as container:
        found = [(bytes(p), p.pts, p.duration) for p in container.demux(container.streams[1]) if p.size]
    assert found == [(b"cut", 0, 200), (b"whole", 500, 200)]


def test_a_pipe_counts_alike(tmp_path: Path) -> None:
    source, path = shifted(tmp_path / "in.mkv", HOURS), tmp_path / "out.nut"
    with path.open("wb") as out:
        PipeOutput(source, Upscaler(2, model="bicubic"), "nut", TimeRange(Fraction(1, 2), Fraction(1))).run(out)
    found = times(path, "video")
    assert (found[0], len(found)) == (0, 12)


# Edit lists.


def boxes(content: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Where the boxes of a file begin, and what they are (ISO/IEC 14496-12)."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", content, start)
        yield start, kind
        if kind in (b"moov", b"trak", b"edts"):
            yield from boxes(content, start + 8, start + size)
        start += size


def edited(path: Path, image: tuple[int, int] | None, sound: tuple[int, int] | None) -> Path:
    """Two seconds of image and sound, of which an edit list shows a part: its length in ms, and where it begins."""
    clips.make_clip(
        path,
        times=range(48),
        options={"g": "12", "bf": "0"},
        others=lambda out: clips._written(clips.sound(out, "aac", Fraction(2))),
        format_name="mp4",
    )
    content = bytearray(path.read_bytes())
    lists = [start for start, kind in boxes(content, 0, len(content)) if kind == b"elst"]
    for start, values in zip(lists, (image, sound), strict=True):
        if values is not None:
            struct.pack_into(">Ii", content, start + 16, *values)
    path.write_bytes(content)
    return path


def heard(path: Path) -> tuple[Fraction, int, np.ndarray]:
    """Where sound begins, how many samples there are, and the samples."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        samples = np.concatenate([each.to_ndarray() for each in frames], axis=1)
        return frames[0].pts * stream.time_base, samples.shape[1], samples


@pytest.mark.parametrize("target", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(
    ("image", "sound"),
    [
        (None, None),  # the encoder's own samples are cut off
        (None, (1000, 24000 + 1124)),  # the first half second of sound is
        ((1000, 12288 // 4), (1000, 12000 + 1024)),  # the first quarter of both, and the end
        ((1000, 12288 // 2 + 512), None),
    ],
)
def test_what_an_edit_list_hides_stays_hidden(
    tmp_path: Path, target: str, image: tuple[int, int] | None, sound: tuple[int, int] | None
) -> None:
    source = edited(tmp_path / "in.mp4", image, sound)
    result = upscale_file(source, tmp_path / f"out.{target}", model="bicubic")
    assert times(result.destination, "video") == pytest.approx(times(source, "video"), abs=0.001)
    start, count, samples = heard(source)
    start_after, count_after, samples_after = heard(result.destination)
    assert abs(start_after - start) <= Fraction(1, 1000)
    # Matroska counts in milliseconds, and so does libavformat when it reads how many samples to skip.
    assert abs(count_after - count) <= 48
    length = min(count, count_after)
    offset = count_after - count if target == "mkv" else 0
    assert np.allclose(samples[:, 2048:length], samples_after[:, 2048:length], atol=0.3) or offset
