"""What a pass over the packets finds is mended or refused before the work, and every stream is moved alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from subpixel.errors import Unsupported, VideoReadError
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, TimeRange, probe, upscale_file
from subpixel.video.job import SegmentEncoder
from subpixel.video.packet_scan import scan_packets
from subpixel.video.time_range import span_of
from video.clips import CLIPS, frame, make_clip, sound, text
from video.clocks import B_FRAMES, join, rewritten, timed_clip

HOUR = Fraction(3600)


@pytest.fixture(scope="module")
def bicubic() -> Upscaler:
    return Upscaler(2, model="bicubic", threads=1)


def part(path: Path, name: str, **how: object) -> Path:
    """A small transport stream, made once in the folder of a path."""
    target = path.with_name(f"part_{name}.ts")
    return target if target.exists() else timed_clip(target, **how)  # type: ignore[arg-type]


def plain(path: Path) -> Path:
    return part(path, "plain")


def reordered(path: Path) -> Path:
    return part(path, "reordered", options=B_FRAMES)


def late(path: Path) -> Path:
    return part(path, "late", start=3 * HOUR)


def silent(path: Path) -> Path:
    return part(path, "silent", sound=None)


def vob(path: Path) -> Path:
    how = {"codec": "mpeg2video", "options": {"bf": "2"}, "format_name": "vob"}
    return timed_clip(path.with_name("part.vob"), **how)  # type: ignore[arg-type]


def joined_matroska(path: Path) -> Path:
    source = timed_clip(path.with_name("part.mkv"), format_name="matroska")
    return join(path, source, source)


# Name, maker, and how many frames of 1/24 s it has without a gap.
JOINED: dict[str, tuple[Callable[[Path], Path], int]] = {
    "twice.ts": (lambda path: join(path, plain(path), plain(path)), 24),
    "four times.ts": (lambda path: join(path, *[plain(path)] * 4), 48),
    "reordered.ts": (lambda path: join(path, reordered(path), reordered(path)), 24),
    "mixed.ts": (lambda path: join(path, plain(path), reordered(path), plain(path)), 36),
    "forward by hours.ts": (lambda path: join(path, plain(path), late(path)), 24),
    "back by hours.ts": (lambda path: join(path, plain(path), late(path), plain(path)), 36),
    "below the first.ts": (lambda path: join(path, late(path), plain(path)), 24),
    "a silent part.ts": (lambda path: join(path, plain(path), silent(path), plain(path)), 36),
    "AAC.ts": (lambda path: join(path, *[part(path, "aac", sound="aac")] * 2), 24),
    "H.265.ts": (lambda path: join(path, *[part(path, "hevc", codec="libx265", size=(64, 48))] * 2), 24),
    "three.vob": (lambda path: join(path, *[vob(path)] * 3), 36),
    "twice.mkv": (joined_matroska, 24),
}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *((name, ".mkv") for name in JOINED),
        *((name, ".mp4") for name in ("twice.ts", "mixed.ts", "forward by hours.ts", "three.vob")),
    ],
)
def test_joined_videos_go_on_in_all_streams_alike(tmp_path: Path, bicubic: Upscaler, name: str, suffix: str) -> None:
    make, frames = JOINED[name]
    source, out = make(tmp_path / name), tmp_path / f"out{suffix}"
    result = Job(source, bicubic, out, Settings("x264", preset="ultrafast")).run()
    assert result.frames == frames
    assert sum(("start again" in note) or ("jump forward" in note) for note in result.notes) in (1, 2)
    assert not any("placed right after" in note for note in result.notes)
    image, tones = times_in(out)
    assert len(image) == frames
    # Parts follow one another: nothing overlaps, and between the parts is no more than the difference of their streams.
    assert all(0 < b - a < Fraction(1, 7) for a, b in pairwise(image))
    assert all(b > a for a, b in pairwise(tones))
    if "silent" not in name:
        assert all(b - a < Fraction(1, 7) for a, b in pairwise(tones))
        assert abs(image[-1] - tones[-1]) < Fraction(1, 10)


def times_in(path: Path) -> tuple[list[Fraction], list[Fraction]]:
    """The times of image and sound in a file, in order."""
    found: dict[str, list[Fraction]] = {"video": [], "audio": []}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                found[packet.stream.type].append(packet.pts * packet.time_base)
    return sorted(found["video"]), found["audio"]


def test_sound_stays_with_its_image_in_every_part(tmp_path: Path) -> None:
    """Between a stream's first packets of each part lies the same time, whichever stream ends later."""
    source = join(tmp_path / "a.ts", plain(tmp_path / "a.ts"), reordered(tmp_path / "a.ts"), plain(tmp_path / "a.ts"))
    scan = scan_packets(probe(source))
    image, tone = scan.timeline.streams[0].offsets, scan.timeline.streams[1].offsets
    assert [number for number, _ in image] == [12, 24]
    assert [seconds for _, seconds in image] == [seconds for _, seconds in tone]


def test_subtitles_go_with_the_part_they_lie_in(tmp_path: Path, bicubic: Upscaler) -> None:
    def others(out: object) -> Callable[[object], None]:
        tone, lines = sound(out), text(out, [(100, 200, "one"), (300, 100, "two")])

        def write(_out: object) -> None:
            tone()
            lines()

        return write

    one = make_clip(tmp_path / "one.mkv", others=others)
    source, out = join(tmp_path / "a.mkv", one, one), tmp_path / "out.mkv"
    Job(source, bicubic, out).run()
    with av.open(str(out)) as container:
        shown = [packet.pts for packet in container.demux(subtitles=0) if packet.size]
    assert shown[:2] == [100, 300]
    assert [b - a for a, b in zip(shown[:2], shown[2:], strict=True)] == [shown[2] - 100] * 2
    assert 500 <= shown[2] - 100 < 600


def jump(stream: int | None, number: int, seconds: Fraction) -> Callable[[int, int, Fraction], Fraction]:
    """A change of one packet's time."""
    return lambda index, n, time: time + (seconds if index == stream and n == number else 0)


# Times that a writer got wrong, and how many frames may be placed anew for them.
WRONG: dict[str, tuple[Callable[[int, int, Fraction], Fraction], int]] = {
    "none": (lambda index, n, time: time, 0),
    "a frame far ahead": (jump(0, 5, Fraction(1000)), 1),
    "a frame ahead": (jump(0, 5, Fraction(5)), 1),
    "a frame behind": (jump(0, 9, Fraction(-3, 10)), 1),
    "sound far ahead": (jump(1, 9, Fraction(1000)), 0),
    "all start again": (lambda index, n, time: time - (Fraction(1, 2) if n >= (12, 21)[index] else 0), 0),
    "uneven": (lambda index, n, time: time + Fraction(n * 7 % 5 - 2, 100), 2),
    "a gap of two hours": (lambda index, n, time: time + (7200 if time > Fraction(1, 2) else 0), 0),
    "equal": (lambda index, n, time: Fraction(round(time * 12), 12) if index == 0 else time, 12),
}


@pytest.mark.parametrize("options", [None, B_FRAMES], ids=["in order", "reordered"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_times_of_packets_move_nothing_else(
    tmp_path: Path, bicubic: Upscaler, name: str, options: dict[str, str] | None
) -> None:
    change, moved = WRONG[name]
    source = timed_clip(tmp_path / "source.ts", frames=24, options=options or {})
    path = rewritten(source, tmp_path / "a.mkv", change)
    out = tmp_path / "out.mkv"
    result = Job(path, bicubic, out).run()
    assert result.frames == 24
    image, tones = times_in(out)
    assert all(b > a for a, b in pairwise(image))
    steps = [b - a for a, b in pairwise(image)]
    if "gap" in name:
        assert sum(step > 7199 for step in steps) == 1
    elif name not in ("uneven", "equal"):
        assert max(steps) < Fraction(1, 8)
        assert sum(step > Fraction(1, 20) for step in steps) <= moved
        assert max(b - a for a, b in pairwise(tones)) < Fraction(1, 20)
    placed = [note for note in result.notes if "placed right after" in note]
    assert bool(placed) <= bool(moved)


def test_frames_stored_in_another_order_keep_their_order_in_avi(tmp_path: Path, bicubic: Upscaler) -> None:
    """AVI has no times of presentation, and libavformat guesses wrong ones for H.264."""
    source = make_clip(tmp_path / "a.avi", options=B_FRAMES, format_name="avi")
    result = Job(source, bicubic, tmp_path / "out.mkv").run()
    image, _ = times_in(tmp_path / "out.mkv")
    assert result.frames == len(image) == 12
    assert all(Fraction(41, 1000) <= b - a <= Fraction(42, 1000) for a, b in pairwise(image))
    assert not any("placed" in note for note in result.notes)


def test_a_joined_video_resumes_to_the_same_frames(
    tmp_path: Path, bicubic: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subpixel.video.encode_segments.SEGMENT_FRAMES", 5)
    source = join(tmp_path / "a.ts", plain(tmp_path / "a.ts"), reordered(tmp_path / "a.ts"))
    whole = tmp_path / "whole.mkv"
    Job(source, bicubic, whole, Settings("ffv1")).run()

    def stop(done: int, _total: int | None) -> None:
        if done >= stop_at:
            raise KeyboardInterrupt

    for stop_at in (7, 18, 23):
        out = tmp_path / f"out{stop_at}.mkv"
        with pytest.raises(KeyboardInterrupt):
            Job(source, bicubic, out, Settings("ffv1")).run(stop)
        result = Job(source, bicubic, out, Settings("ffv1")).run()
        assert result.resumed >= stop_at // 5 * 5 - 5
        assert [content(each) for each in (out, whole)] == [content(whole)] * 2


def content(path: Path) -> list[tuple[int, bytes]]:
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(video=0) if packet.size]


def test_a_change_of_size_is_fitted_and_noted_before_the_work(tmp_path: Path, bicubic: Upscaler) -> None:
    """A wider frame is shown between black bars."""
    other = part(tmp_path / "a.ts", "wide", size=(96, 32))
    source, out = join(tmp_path / "a.ts", plain(tmp_path / "a.ts"), other), tmp_path / "out.mkv"
    notes: list[str] = []
    result = Job(source, bicubic, out, Settings("ffv1"), on_note=notes.append).run()
    wanted = [note for note in notes if "frames are 96×32 yuv420p; they are fitted to the first frame, 48×32" in note]
    assert len(wanted) == 1
    assert result.notes.count(wanted[0]) == 1
    with av.open(str(out)) as container:
        frames = [each.to_ndarray() for each in container.decode(video=0)]
    assert [each.shape for each in frames] == [(96, 96)] * 24
    assert frames[0][:12, :96].max() > 20
    assert frames[20][:12, :96].max() == 16
    assert frames[20][20:40, :96].max() > 60


def test_the_first_size_again_is_not_noted(tmp_path: Path) -> None:
    other, first = part(tmp_path / "a.ts", "wide", size=(96, 32)), plain(tmp_path / "a.ts")
    notes = scan_packets(probe(join(tmp_path / "a.ts", first, other, first))).notes
    assert sum("are fitted" in note for note in notes) == 1


def test_a_change_of_pixel_format_is_converted(tmp_path: Path, bicubic: Upscaler) -> None:
    other = part(tmp_path / "a.ts", "deep", pix_fmt="yuv422p10le")
    source = join(tmp_path / "a.ts", plain(tmp_path / "a.ts"), other)
    result = Job(source, bicubic, tmp_path / "out.mkv", Settings("ffv1")).run()
    assert result.frames == 24
    assert any("48×32 yuv422p10le; they are fitted" in note for note in result.notes)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_fields_in_the_middle_are_refused_before_the_work(
    tmp_path: Path, bicubic: Upscaler, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"x264-params": "tff=1"} if codec == "libx264" else {"flags": "+ildct+ilme"}
    first = timed_clip(tmp_path / "first.ts", codec=codec)
    second = timed_clip(tmp_path / "second.ts", codec=codec, options=fields)
    source = join(tmp_path / "a.ts", first, second)
    with monkeypatch.context() as patch:
        patch.setattr(SegmentEncoder, "run", lambda *_: pytest.fail("the work has begun"))
        with pytest.raises(Unsupported, match=r"the frame at 0\.5\d s is interlaced; deinterlace=True"):
            Job(source, bicubic, tmp_path / "out.mkv").run()
    assert Job(source, bicubic, tmp_path / "out.mkv", deinterlace=True).run().frames == 24
    # What lies after the part that is needed does not matter.
    before = TimeRange(Fraction(0), Fraction(1, 4))
    assert Job(source, bicubic, tmp_path / "part.mkv", time_range=before).run().frames > 4


def test_deinterlacing_that_is_asked_for_later_uses_what_is_done(
    tmp_path: Path, bicubic: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass may not find a single interlaced frame; the run meets it then."""
    monkeypatch.setattr("subpixel.video.encode_segments.SEGMENT_FRAMES", 5)
    monkeypatch.setattr("subpixel.video.image_changes.KindFinder._decode", lambda *_: None)
    # Some frames are on their way when the run ends.
    progressive = part(tmp_path / "a.ts", "long", frames=60)
    interlaced = part(tmp_path / "a.ts", "fields", options={"x264-params": "tff=1"})
    source, out = join(tmp_path / "a.ts", progressive, interlaced), tmp_path / "out.mkv"
    with pytest.raises(Unsupported, match="is interlaced"):
        Job(source, bicubic, out, Settings("ffv1")).run()
    result = Job(source, bicubic, out, Settings("ffv1"), deinterlace=True).run()
    assert result.frames == 72
    assert 10 <= result.resumed <= 60
    whole = tmp_path / "whole.mkv"
    Job(source, bicubic, whole, Settings("ffv1"), deinterlace=True).run()
    assert content(out) == content(whole)


def test_a_stream_that_ends_early_and_a_file_that_is_cut_off_are_noted(tmp_path: Path) -> None:
    def others(out: object) -> Callable[[object], None]:
        tone = sound(out, "flac", Fraction(30))
        return lambda _out: tone()

    short = make_clip(tmp_path / "short.mkv", others=others)
    assert notes_of(short) == ("the image ends at 0.50 s, 29.55 s before audio stream 1 (flac)",)
    cut = CLIPS["truncated.mkv"](tmp_path / "cut.mkv")
    assert any("the file is cut off: it says that it lasts 1.2" in note for note in notes_of(cut))


def notes_of(path: Path) -> tuple[str, ...]:
    return scan_packets(probe(path)).notes


@pytest.mark.parametrize("suffix", ["mp4", "flv", "nut", "avi"])
def test_a_joined_file_of_which_only_the_first_part_is_read_is_noted(tmp_path: Path, suffix: str) -> None:
    one = make_clip(tmp_path / f"one.{suffix}", codec="mpeg4" if suffix == "avi" else "libx264")
    assert not any("another video begins" in note for note in notes_of(one))
    both = join(tmp_path / f"both.{suffix}", one, one)
    frames = scan_frames(both)
    # libavformat reads joined AVI files to their end.
    assert frames == 24 or any("another video begins at byte" in note for note in notes_of(both))


def scan_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


@pytest.mark.parametrize("name", [name for name in CLIPS if name not in ("truncated.mkv", "sparse.mkv")])
def test_ordinary_videos_need_no_correction(tmp_path: Path, name: str) -> None:
    scan = scan_packets(probe(CLIPS[name](tmp_path / name)))
    assert scan.timeline.is_identity
    assert scan.notes == ()
    assert scan.kinds == ()


@pytest.mark.parametrize("how", [{"size": (64, 48)}, {"codec": "mpeg4"}, {"options": {"preset": "veryfast"}}], ids=str)
def test_joined_matroska_files_of_other_settings_are_refused(
    tmp_path: Path, bicubic: Upscaler, how: dict[str, Any]
) -> None:
    """libavformat gives all packets to the first file's decoder."""
    first, second = make_clip(tmp_path / "first.mkv"), make_clip(tmp_path / "second.mkv", **how)
    path = join(tmp_path / "joined.mkv", first, second)
    with pytest.raises(Unsupported, match="another Matroska file begins at byte") as error:
        Job(path, bicubic, settings=Settings("ffv1")).run()
    found = re.search(r"at byte ([\d,]+), .* use end=([\d.]+)$", str(error.value))
    assert found is not None
    assert int(found[1].replace(",", "")) == first.stat().st_size
    result = upscale_file(path, tmp_path / "out.mkv", model="bicubic", encoder="ffv1", end=float(found[2]))
    assert result.frames == 12
    same = join(tmp_path / "same.mkv", first, first)
    assert Job(same, bicubic, settings=Settings("ffv1")).run().frames == 24


PAUSED = [*range(10), *range(290, 300)]
SLOW = [10 * 24 * number for number in range(8)]
SLIDES = [200 * 24 * number for number in range(8)]


# In a transport stream, a leap of minutes is another clock.
@pytest.mark.parametrize(
    ("suffix", "times"),
    [
        *((suffix, times) for suffix in (".mp4", ".mkv", ".ts") for times in (PAUSED, SLOW)),
        (".mp4", SLIDES),
        (".mkv", SLIDES),
    ],
)
def test_frames_that_last_long_are_no_other_clock(
    tmp_path: Path, bicubic: Upscaler, suffix: str, times: list[int]
) -> None:
    """Where frames are reordered, some before a pause are shown after it."""
    path = make_clip(tmp_path / f"clip{suffix}", options=B_FRAMES, times=times)
    scan = scan_packets(probe(path))
    assert scan.timeline.is_identity
    assert scan.notes == ()
    result = Job(path, bicubic, tmp_path / "out.mkv", Settings("ffv1")).run()
    assert result.notes == ()
    with av.open(str(result.destination)) as container:
        shown = [float(each.pts * each.time_base) for each in container.decode(video=0)]
    assert shown == pytest.approx([time / 24 for time in times], abs=0.001)


def test_a_late_part_of_a_long_video_is_scanned_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = probe(CLIPS["long.mkv"](tmp_path / "long.mkv"))
    seen: list[int] = []
    monkeypatch.setattr(
        "subpixel.video.packet_scan.KindFinder.see", lambda _self, packet, *_: seen.append(int(packet.pts))
    )
    scan_packets(video, span_of(video, (), TimeRange(Fraction(100), Fraction(110))))
    assert 20_000 < min(seen) <= 40_000
    assert 110_000 < max(seen) < 130_000


def test_frames_of_every_mjpeg_packet_are_checked_for_their_size(tmp_path: Path) -> None:
    """Each is a key frame; not all are decoded, but their headers are compared."""
    path = tmp_path / "sizes.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        for number in range(20):
            context = av.CodecContext.create("mjpeg", "w")
            context.width, context.height = size = (48, 32) if number < 7 else (32, 32)
            context.pix_fmt, context.time_base = "yuvj420p", Fraction(1, 24)
            each = frame(number, size, "yuvj420p")
            each.pts = number
            for packet in [*context.encode(each), *context.encode(None)]:
                packet.stream = stream
                out.mux(packet)
    ((time, change),) = scan_packets(probe(path)).kinds
    assert abs(time - Fraction(7, 24)) < Fraction(1, 1000)
    assert change.kind.size == (32, 32)


ENCRYPTION = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76" * 16, "encryption_kid": "a7" * 16}


def test_an_encrypted_video_is_refused(tmp_path: Path, bicubic: Upscaler) -> None:
    path = make_clip(tmp_path / "clip.mp4", container_options=ENCRYPTION)
    with pytest.raises(VideoReadError, match=r"clip\.mp4: its video is encrypted; a copy without encryption is needed"):
        Job(path, bicubic).run()


def test_an_encrypted_sound_is_named(tmp_path: Path, bicubic: Upscaler) -> None:
    def tone(out: Any) -> Callable[[Any], None]:
        write = sound(out)
        return lambda _: write()

    how = {"codec": "rawvideo", "pix_fmt": "rgb24", "container_options": ENCRYPTION}
    path = make_clip(tmp_path / "clip.mov", others=tone, **how)  # type: ignore[arg-type]
    # The image, of which any bytes are valid, is no longer called encrypted.
    content = path.read_bytes()
    format_of_image = content[content.index(b"frma") + 4 :][:4]
    content = content.replace(b"encv", format_of_image, 1)
    for box in (b"sinf", b"senc", b"saiz", b"saio"):
        content = content.replace(box, b"free", 1)
    path.write_bytes(content)
    notes = Job(path, bicubic, tmp_path / "out.mkv", Settings("ffv1")).run().notes
    assert "audio stream 1 (aac) is encrypted; it is copied as it is, without what players need to decrypt it" in notes


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".nut"])
def test_a_second_image_of_reordered_frames_keeps_its_times(tmp_path: Path, bicubic: Upscaler, suffix: str) -> None:
    """Matroska does not tell when the first of them are decoded."""

    def second(out: Any) -> Callable[[Any], None]:
        stream = out.add_stream("libx264", rate=24, options=B_FRAMES)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"

        def write(_out: Any) -> None:
            for number in range(12):
                each = frame(number, (32, 32))
                each.pts, each.time_base = number, Fraction(1, 24)
                out.mux(stream.encode(each))
            out.mux(stream.encode(None))

        return write

    def times(path: Path) -> list[float]:
        with av.open(str(path)) as container:
            return [float(packet.pts * packet.time_base) for packet in container.demux(video=1) if packet.size]

    path = make_clip(tmp_path / "two.mkv", others=second)
    settings = Settings("x264" if suffix == ".mp4" else "ffv1")
    result = Job(path, bicubic, tmp_path / f"out{suffix}", settings).run()
    assert not any("wrong" in note for note in result.notes)
    found, wanted = times(result.destination), times(path)
    shift = found[0] - wanted[0]  # NUT has no negative times
    assert [time - shift for time in found] == pytest.approx(wanted, abs=0.001)
