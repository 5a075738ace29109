"""A finished video says what it was made from, in every container, and a damaged one does not count."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from subpixel.errors import VideoWriteError
from subpixel.storage.locks import scratch_path
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, TimeRange, probe
from subpixel.video.provenance import read_provenance
from video.clips import CLIPS, make_clip

SUFFIXES = (".mkv", ".mp4", ".mov", ".nut")


@pytest.fixture(scope="module")
def bicubic() -> Upscaler:
    return Upscaler(2, model="bicubic", threads=1)


def finished(tmp_path: Path, upscaler: Upscaler, suffix: str = ".mkv") -> tuple[Path, Path]:
    """A video and its result."""
    source, out = CLIPS["plain.mp4"](tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    Job(source, upscaler, out).run()
    return source, out


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_finished_video_is_not_made_again(tmp_path: Path, bicubic: Upscaler, suffix: str) -> None:
    source, out = finished(tmp_path, bicubic, suffix)
    before = out.stat()
    result = Job(source, Upscaler(2, model="bicubic", threads=2), out).run()
    assert result.done_before
    assert (result.frames, result.resumed, result.size_out) == (12, 12, (96, 64))
    assert out.stat() == before
    assert not scratch_path(out, "video").exists()
    again = Job(source, bicubic, out, overwrite=True).run()
    assert not again.done_before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_differs_is_an_error_that_says_so(tmp_path: Path, bicubic: Upscaler, suffix: str) -> None:
    source, out = finished(tmp_path, bicubic, suffix)
    content = out.read_bytes()
    settings = ", made from this video with other settings; overwrite=True"
    part = TimeRange(Fraction(0), Fraction(1, 4))
    for job, why in (
        (Job(source, bicubic, out, Settings(crf=30)), settings),
        (Job(source, Upscaler(2, model="fast", threads=1), out), settings),
        (Job(source, bicubic, out, time_range=part), settings),
        (Job(source, bicubic, out, side_by_side=True), settings),
        (Job(CLIPS["b_frames.mp4"](tmp_path / "b.mp4"), bicubic, out), ", made from another video or an older version"),
    ):
        with pytest.raises(VideoWriteError, match=f"exists already{why}"):
            job.run()
    assert out.read_bytes() == content


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_a_result_that_was_cut_off_does_not_count(tmp_path: Path, bicubic: Upscaler, suffix: str) -> None:
    source, out = finished(tmp_path, bicubic, suffix)
    assert read_provenance(out) is not None
    whole = out.read_bytes()
    for content in (whole[:-1], whole[: len(whole) // 2], whole + b"0", b""):
        out.write_bytes(content)
        assert read_provenance(out) is None
        with pytest.raises(VideoWriteError, match=r"exists already; overwrite=True"):
            Job(source, bicubic, out).run()


def test_a_result_of_a_result_says_only_what_it_was_made_from(tmp_path: Path, bicubic: Upscaler) -> None:
    _, first = finished(tmp_path, bicubic)
    second = tmp_path / "second.mkv"
    Job(first, bicubic, second).run()
    one, two = read_provenance(first), read_provenance(second)
    assert one is not None
    assert two is not None
    assert one.source != two.source
    assert not any("SUBPIXEL" in note for note in Job(first, bicubic, tmp_path / "x.mp4").run().notes)


def test_a_file_of_someone_else_is_an_error(tmp_path: Path, bicubic: Upscaler) -> None:
    source, out = CLIPS["plain.mp4"](tmp_path / "in.mp4"), make_clip(tmp_path / "out.mkv")
    with pytest.raises(VideoWriteError, match="exists already; overwrite=True"):
        Job(source, bicubic, out).run()
    link = tmp_path / "link.mkv"
    link.symlink_to(tmp_path / "nothing.mkv")
    with pytest.raises(VideoWriteError, match="exists already; overwrite=True"):
        Job(source, bicubic, link).run()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *((name, "h264") for name in ("x264", "libx264", "h264", "H.264", "avc")),
        *((name, "hevc") for name in ("x265", "libx265", "hevc", "h265")),
        *((name, "av1") for name in ("svt-av1", "av1", "libsvtav1")),
        ("libvpx-vp9", "vp9"),
    ],
)
def test_encoders_have_other_names(tmp_path: Path, bicubic: Upscaler, name: str, codec: str) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(2))
    out = Job(source, bicubic, tmp_path / "out.mkv", Settings(name)).run().destination
    assert probe(out).codec == codec


@pytest.mark.parametrize(("suffix", "tag"), [(".mp4", "hvc1"), (".mov", "hvc1")])
def test_h265_in_mp4_has_the_tag_that_quicktime_plays(tmp_path: Path, bicubic: Upscaler, suffix: str, tag: str) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(2))
    out = Job(source, bicubic, tmp_path / f"out{suffix}", Settings("hevc")).run().destination
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.codec_tag == tag


SCRIPT = """
import hashlib, sys
from fractions import Fraction
from subpixel.video.encoders import choose_encoding
from subpixel.video.formats import layout_of
from video.clips import frame
import av
layout = layout_of("yuv420p", "test")
context = av.CodecContext.create("libx264", "w")
context.width, context.height, context.pix_fmt, context.time_base = 180, 100, "yuv420p", Fraction(1, 24)
context.options = choose_encoding("x264", layout, "x264", 1).options
packets = []
for number in range(40):
    each = frame(number, (180, 100))
    each.pts, each.time_base = number, Fraction(1, 24)
    packets += context.encode(each)
packets += context.encode(None)
print(hashlib.sha256(b"".join(map(bytes, packets))).hexdigest())
"""


def test_x264_gives_the_same_packets_whatever_lies_in_memory() -> None:
    """Its macroblock tree would read what the allocator left there."""
    found = set()
    for fill in ("0", "85", "170"):
        environment = {"MALLOC_PERTURB_": fill, "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    assert len(found) == 1
    assert len(found.pop()) == 64
