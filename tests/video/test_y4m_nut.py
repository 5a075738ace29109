"""What goes into a pipe is read back by libavformat as it was."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from subpixel.errors import Unsupported
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.video_file import Tags, VideoStream
from subpixel.video.y4m_nut import open_writer

FORMATS = ["yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv411p"]


def video_of(pix_fmt: str, *, full_range: bool = False) -> VideoStream:
    tags = Tags(1, 1, 1, full_range)
    return VideoStream((50, 37), pix_fmt, Fraction(24000, 1001), Fraction(1, 12288), Fraction(4, 3), tags, None)


@pytest.mark.parametrize("form", ["y4m", "nut"])
@pytest.mark.parametrize("pix_fmt", [*FORMATS, "gbrp", "gbrp10le"])
def test_frames_come_out_as_they_went_in(form: str, pix_fmt: str) -> None:
    layout, video_stream, file = layout_of(pix_fmt, "test"), video_of(pix_fmt, full_range=True), io.BytesIO()
    rng, went_in = np.random.default_rng(1), []
    if form == "y4m" and layout.rgb:
        with (
            pytest.raises(Unsupported, match="format='nut' does"),
            open_writer("y4m", file, video_stream, layout, "left"),
        ):
            pass
        return
    times = [0, 512, 1500, 2000]
    with open_writer(form, file, video_stream, layout, "left") as at_work:  # type: ignore[arg-type]
        for time in times:
            frame, planes = new_frame(video_stream.size, layout)
            for plane in planes:
                plane[:] = rng.integers(0, 1 << layout.bits, plane.shape)
            went_in.append([plane.copy() for plane in planes])
            at_work.add(frame, time)
    with av.open(io.BytesIO(file.getvalue())) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert (stream.codec_context.width, stream.codec_context.height) == video_stream.size
        if form == "y4m":
            assert stream.sample_aspect_ratio == Fraction(4, 3)
            assert stream.average_rate == video_stream.rate
            assert int(frames[0].color_range) == 2
        else:
            assert [frame.pts * stream.time_base for frame in frames] == [t * video_stream.time_base for t in times]
    assert len(frames) == len(times)
    for frame, planes in zip(frames, went_in, strict=True):
        for got, plane in zip(planes_of(frame, layout), planes, strict=True):
            np.testing.assert_array_equal(got, plane)


@pytest.mark.parametrize(("siting", "name"), [("left", "mpeg2"), ("center", "jpeg"), ("topleft", "paldv")])
def test_y4m_says_where_chroma_lies(siting: str, name: str) -> None:
    file = io.BytesIO()
    with open_writer("y4m", file, video_of("yuv420p"), layout_of("yuv420p", "test"), siting):
        pass
    assert f" C420{name} ".encode() in file.getvalue()
    assert file.getvalue().endswith(b" XCOLORRANGE=LIMITED\n")
