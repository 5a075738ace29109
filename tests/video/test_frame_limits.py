"""Frames that nothing could hold are refused before the work, with what would hold them."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path

import av
import pytest

from subpixel.errors import Unsupported
from subpixel.upscaler import Upscaler
from subpixel.video import ENCODERS, Job, PipeOutput, Settings
from subpixel.video.encoders import choose_encoding
from subpixel.video.formats import Layout, layout_of
from subpixel.video.frame_limits import check_frame_size, encoding_memory, memory_note


def gray(path: Path, size: tuple[int, int]) -> Path:
    """A video of one gray frame."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame(*size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return path


YUV, DEEP = Layout("yuv420p", "420", 8), layout_of("yuv422p10le", "test")


@pytest.mark.parametrize(
    ("size", "scale", "encoder", "suffix", "text"),
    [
        ((4096, 2160), 8, None, "mp4", "would be 32768×17280, and libavcodec holds frames of at most 268 megapixels; "
         "scale=4 fits (16384×8640)"),
        ((16000, 16), 2, "x264", "mkv", "encoder='x264': it does not accept frames of more than 16384×16384, and these "
         "are 32000×32; encoder='x265' or "),
        ((16, 6000), 2, "svt-av1", "mkv", "encoder='svt-av1': it does not accept frames of more than 16384×8704"),
        ((40000, 16), 2, "x265", "mp4", "MP4 holds frames of at most 65535×65535, and the result would be 80000×32; "
         "Matroska, WebM, NUT can"),
        ((40000, 16), 2, None, "mp4", "MP4 cannot hold frames of 80000×32 in pixel format yuv420p from any encoder "
         "here; Matroska"),
    ],
)  # fmt: skip
def test_frames_that_are_too_large_are_refused_before_the_work(
    tmp_path: Path, size: tuple[int, int], scale: int, encoder: str | None, suffix: str, text: str
) -> None:
    source = gray(tmp_path / "in.mkv", size)
    model = "fast" if scale == 8 else "bicubic"
    with pytest.raises(Unsupported, match=re.escape(text)):
        Job(source, Upscaler(scale, model=model, threads=1), tmp_path / f"out.{suffix}", Settings(encoder)).run()
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_an_encoder_that_the_error_names_holds_them(tmp_path: Path) -> None:
    source = gray(tmp_path / "in.mkv", (8300, 32))
    upscaler = Upscaler(2, model="bicubic", threads=1)
    with pytest.raises(Unsupported, match="encoder='x264': it does not accept frames of more than") as caught:
        Job(source, upscaler, tmp_path / "out.mkv", Settings("x264")).run()
    named = re.findall("encoder='([^']+)'", str(caught.value).split(";")[1])
    assert named == ["x265", "vp9", "ffv1"]
    for encoder in (*named, None):  # the default is one of them
        result = Job(source, upscaler, tmp_path / f"{encoder}.mkv", Settings(encoder)).run()
        assert result.size_out == (16600, 64)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_opens_at_its_largest_sides_and_the_table_is_no_larger(name: str) -> None:
    """The table says what the encoders themselves say, of frames that are long and narrow."""
    encoder = ENCODERS[name]
    layout = DEEP if name == "prores" else YUV
    encoding = choose_encoding(name, layout, name, 1)
    for side, across in ((0, 1), (1, 0)):
        size = [64, 64]
        size[side], size[across] = min(encoder.max_size[side], 65536), 64
        context = av.CodecContext.create(encoder.codec, "w")
        context.width, context.height = size
        context.pix_fmt, context.time_base, context.options = encoding.pix_fmt, Fraction(1, 24), encoding.options
        context.open()
        assert context.is_open
        encoding.check_size((size[0], size[1]))
        if encoder.max_size[side] < 1 << 20:
            size[side] += 2
            with pytest.raises(Unsupported, match="of more than"):
                encoding.check_size((size[0], size[1]))


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_encodes_its_smallest_frames(name: str) -> None:
    encoder = ENCODERS[name]
    layout = DEEP if name == "prores" else YUV
    width, height = (max(2, side) for side in encoder.min_size)
    # The other side is long: some encoders fail at combinations.
    for size in ((width, max(height, 128)), (max(width, 128), height)):
        encoding = choose_encoding(name, layout, name, 2)
        encoding.check_size(size)
        context = av.CodecContext.create(encoder.codec, "w")
        context.width, context.height = size
        context.pix_fmt, context.time_base, context.options = encoding.pix_fmt, Fraction(1, 24), encoding.options
        context.framerate, packets = Fraction(24), []
        for number in range(3):
            frame = av.VideoFrame(*size, encoding.pix_fmt)
            frame.pts = number
            packets += context.encode(frame)
        assert len(packets + context.encode(None)) == 3
    for axis in (0, 1):
        if encoder.min_size[axis] > 1:
            small = [512, 512]
            small[axis] = encoder.min_size[axis] - 2
            with pytest.raises(Unsupported, match="of less than"):
                encoding.check_size((small[0], small[1]))


def test_the_limit_of_libavcodec_is_its_own() -> None:
    for size in ((16256, 16255), (16256, 16256)):
        fits = True
        try:
            av.VideoFrame(*size, "gray").planes  # noqa: B018
        except (ValueError, av.error.FFmpegError):
            fits = False
        if fits:
            check_frame_size(size)
        else:
            with pytest.raises(Unsupported, match="268 megapixels"):
                check_frame_size(size)


def test_a_pipe_has_the_limit_too(tmp_path: Path) -> None:
    source = gray(tmp_path / "in.mkv", (4096, 2160))
    with pytest.raises(Unsupported, match="32768×17280, and libavcodec holds"):
        PipeOutput(source, Upscaler(8, model="fast", threads=1)).run(io.BytesIO())


def test_the_memory_of_large_frames_is_noted_or_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 32 * 10**9 // 4096}
    monkeypatch.setattr("os.sysconf", lambda name: pages[name])
    assert memory_note((1920, 1080), "x264", YUV) == []
    wanted = "frames of 16384×8640 take about 16 GB of memory with encoder x264; this machine has 32 GB"
    assert memory_note((16384, 8640), "x264", YUV) == [wanted]
    assert encoding_memory((100, 100), "ffv1", DEEP) == encoding_memory((100, 100), "ffv1", YUV) * 8 // 3
    pages["SC_PHYS_PAGES"] //= 4
    with pytest.raises(Unsupported, match="this machine has 8 GB; a smaller scale or encoder='ffv1' takes less"):
        memory_note((16384, 8640), "x264", YUV)
