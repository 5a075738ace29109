"""Each encoder takes what it says, gives the same bytes twice, and refuses the rest in a sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError
from subpixel.video.encoders import choose_encoding, parse_options
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.video_file import Tags, VideoStream

BASE = Fraction(1, 12288)
ACCEPTED = [
    ("x264", "yuv420p"),
    ("x264", "yuv422p10le"),
    ("x265", "yuv420p10le"),
    ("x265", "yuv444p12le"),
    ("svt-av1", "yuv420p10le"),
    ("vp9", "yuv444p"),
    ("ffv1", "yuv420p16le"),
    ("ffv1", "gbrp10le"),
    ("ffv1", "gbrp"),
    ("prores", "yuv422p10le"),
]


def video_of(pix_fmt: str) -> VideoStream:
    return VideoStream((128, 64), pix_fmt, Fraction(24), BASE, Fraction(4, 3), Tags(9, 16, 9, False), None)


def encoded(name: str, pix_fmt: str, frames: int = 8) -> tuple[Any, list[bytes]]:
    layout = layout_of(pix_fmt, "test")
    context = choose_encoding(name, layout, "x264", 2).context(video_of(pix_fmt))
    packets = []
    for number in range(frames):
        frame, planes = new_frame((128, 64), layout)
        rng = np.random.default_rng(number)
        for plane in planes:
            plane[:] = rng.integers(16 << (layout.bits - 8), 236 << (layout.bits - 8), plane.shape)
        frame.pts, frame.time_base = 512 * number, BASE
        packets += context.encode(choose_encoding(name, layout, "x264", 2).convert(frame, video_of(pix_fmt)))
    return context, [bytes(packet) for packet in [*packets, *context.encode(None)]]


@pytest.mark.parametrize(("name", "pix_fmt"), ACCEPTED)
def test_equal_frames_give_equal_bytes(name: str, pix_fmt: str) -> None:
    context, first = encoded(name, pix_fmt)
    assert first == encoded(name, pix_fmt)[1]
    assert len(first) == 8
    assert context.time_base == BASE
    assert (context.color_primaries, context.color_trc, context.colorspace) == (9, 16, 9)


def test_quality_and_speed_are_passed_to_each_encoder_in_its_own_options() -> None:
    eight, ten = layout_of("yuv420p", "t"), layout_of("yuv420p10le", "t")
    assert choose_encoding(None, eight, "x264", 2).options == {
        "crf": "18",
        "preset": "veryfast",
        "x264-params": "cpu-independent=1",
    }
    assert choose_encoding("vp9", eight, "x264", 2, crf=33, preset="6").options["cpu-used"] == "6"
    assert choose_encoding("vp9", eight, "x264", 2, crf=33).options["b"] == "0"
    extra = parse_options(r"x265-params=aq-mode=3\:psy-rd=1:tune=grain")
    messages = choose_encoding("x265", ten, "x264", 2, options=extra).options
    assert messages["x265-params"] == "log-level=error:aq-mode=3:psy-rd=1"
    assert messages["tune"] == "grain"


def test_what_is_the_same_is_described_the_same() -> None:
    eight = layout_of("yuv420p", "t")
    assert (
        choose_encoding(None, eight, "x264", 2).describe()
        == choose_encoding("x264", eight, "vp9", 2, crf=18).describe()
    )
    described = {
        choose_encoding(n, eight, "x264", t, crf=c).describe() for n, t, c in [("x264", 2, 18), ("x264", 2, 19)]
    }
    described |= {
        choose_encoding("x264", eight, "x264", 3).describe(),
        choose_encoding("x265", eight, "x264", 2).describe(),
    }
    assert len(described) == 4


@pytest.mark.parametrize(
    ("name", "pix_fmt", "asked", "error", "text"),
    [
        ("x266", "yuv420p", {}, InvalidArgument, "Unknown encoder 'x266'. Did you mean 'x265'"),
        (
            "svt-av1",
            "yuv422p",
            {},
            Unsupported,
            "not accept pixel format yuv422p; encoder='x264' or encoder='x265' or",
        ),
        ("x264", "gbrp", {}, Unsupported, "encoder='x265' or encoder='vp9' or encoder='ffv1' does"),
        ("prores", "yuv420p", {}, Unsupported, "pix_fmt='yuv422p10le' converts"),
        ("x264", "yuv420p", {"crf": 52}, InvalidArgument, "crf=52: encoder x264 accepts 0 to 51"),
        ("ffv1", "yuv420p", {"crf": 20}, InvalidArgument, "crf=20: encoder ffv1 has no such setting"),
        (
            "x264",
            "yuv420p",
            {"preset": "warp"},
            InvalidArgument,
            "encoder x264: unknown preset 'warp'.* Choices: ultrafast, superfast",
        ),
        ("prores", "yuv422p10le", {"preset": "fast"}, InvalidArgument, "preset='fast': encoder prores has no presets"),
        (
            "x264",
            "yuv420p",
            {"pix_fmt": "pal8"},
            Unsupported,
            "pix_fmt='pal8': encoder x264 does not accept it; pix_fmt='yuv420p' converts",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name: str, pix_fmt: str, asked: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        choose_encoding(name, layout_of(pix_fmt, "test"), "x264", 2, **asked)


@pytest.mark.parametrize("text", ["tune", "=grain", "tune=grain:", "a=b:c"])
def test_options_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is not name=value"):
        parse_options(text)


def test_an_unknown_option_of_the_encoder_is_an_error() -> None:
    encoding = choose_encoding("x264", layout_of("yuv420p", "t"), "x264", 2, options=(("tune", "nonsense"),))
    with pytest.raises(VideoWriteError, match=r"^x264: "):
        encoding.context(video_of("yuv420p"))


def test_options_that_the_encoder_does_not_have_are_named() -> None:
    extra = (("foo", "bar"), ("tune", "grain"), ("bf", "2"), ("baz", "1"))
    encoding = choose_encoding("x264", layout_of("yuv420p", "t"), "x264", 2, options=extra)
    with pytest.raises(InvalidArgument, match=r"^encoder_options='foo=bar:baz=1': encoder x264 has no such option$"):
        encoding.context(video_of("yuv420p"))


@pytest.mark.parametrize(("matrix", "full_range"), [(1, False), (6, False), (9, True)])
def test_another_pixel_format_keeps_the_colours(matrix: int, full_range: bool) -> None:
    layout = layout_of("gbrp", "test")
    encoding = choose_encoding("ffv1", layout, "x264", 2, pix_fmt="yuv444p16le")
    video_stream = replace(video_of("yuv444p16le"), tags=Tags(2, 2, matrix, full_range))
    frame, planes = new_frame((16, 8), layout)
    colour = (200, 90, 30)  # R, G, B
    for plane, value in zip(planes, (colour[1], colour[2], colour[0]), strict=True):
        plane[:] = value
    kr, kb = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    r, g, b = (c / 255 for c in colour)
    y = kr * r + (1 - kr - kb) * g + kb * b
    result = encoding.convert(frame, video_stream)
    code = np.frombuffer(result.planes[0], np.uint16)[0]
    wanted = y * 65535 if full_range else (16 + 219 * y) * 256
    assert abs(float(code) - wanted) < 300  # libswscale's tables have 8 bits and a little


def test_red_green_and_blue_of_8_bits_are_put_in_the_order_that_ffv1_takes() -> None:
    layout = layout_of("gbrp", "test")
    encoding = choose_encoding("ffv1", layout, "x264", 1)
    assert encoding.pix_fmt == "bgr0"
    frame, planes = new_frame((40, 24), layout)
    for number, plane in enumerate(planes):
        plane[:] = np.random.default_rng(number).integers(0, 256, plane.shape)
    back = planes_of(encoding.convert(frame, video_of("gbrp")), layout)
    for got, plane in zip(back, planes, strict=True):
        np.testing.assert_array_equal(got, plane)
