"""Encoders of graphics cards: their options, which libavcodec checks without a card, and what is said without one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError
from subpixel.video import upscale_file
from subpixel.video.containers import CONTAINERS
from subpixel.video.default_encoder import fitting_encoders
from subpixel.video.encoders import ENCODERS, Encoding, choose_encoding, encoder_name
from subpixel.video.formats import layout_of, new_frame
from subpixel.video.hardware_encoders import HARDWARE_ENCODERS, UNUSABLE
from subpixel.video.video_file import Tags, VideoStream
from video import clips

INSTALLED = [name for name, each in HARDWARE_ENCODERS.items() if each.codec in av.codecs_available]


def encoding(name: str, crf: int, preset: str | None = None, pix_fmt: str = "yuv420p") -> Encoding:
    return Encoding(HARDWARE_ENCODERS[name], layout_of(pix_fmt, "test"), pix_fmt, crf, preset, (), 1)


@pytest.mark.parametrize(
    ("name", "crf", "options"),
    [
        ("h264_nvenc", 23, {"rc": "vbr", "b": "0", "cq": "23", "preset": "p4"}),
        ("av1_nvenc", 30, {"rc": "vbr", "b": "0", "cq": "30", "preset": "p4"}),
        ("hevc_qsv", 23, {"global_quality": "23", "preset": "medium"}),
        ("h264_amf", 23, {"rc": "cqp", "qp_i": "23", "qp_p": "23", "quality": "balanced"}),
        ("hevc_videotoolbox", 35, {"flags": "+qscale", "global_quality": str(65 * 118)}),
    ],
)
def test_quality_is_passed_in_the_encoder_s_own_options(name: str, crf: int, options: dict[str, str]) -> None:
    assert encoding(name, crf, HARDWARE_ENCODERS[name].preset).options == options


def reason(name: str, options: dict[str, str]) -> str:
    """Why an encoder cannot be opened; a wrong option is found before the card is looked for."""
    context = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = 640, 360, next(iter(HARDWARE_ENCODERS[name].given.values()))
    context.time_base = Fraction(1, 25)
    context.options = options
    with pytest.raises((av.error.FFmpegError, ValueError)) as caught:
        context.open()
    return type(caught.value).__name__


@pytest.mark.parametrize("name", INSTALLED)
def test_libavcodec_knows_the_options(name: str) -> None:
    """An option of a wrong value is another error than a missing card, if libavcodec has the option."""
    encoder = HARDWARE_ENCODERS[name]
    try:
        encoding(name, encoder.crf[1] if encoder.crf else 0, encoder.preset).context(
            VideoStream((640, 360), "yuv420p", Fraction(25), Fraction(1, 25), None, Tags(), None)
        )
    except VideoWriteError:
        missing = reason(name, encoding(name, 20, encoder.preset).options)
    else:
        pytest.skip("this machine has such a card")
    for preset in encoder.presets:
        assert reason(name, {encoder.preset_option: preset}) == missing
    assert reason(name, {encoder.preset_option: "nonsense"}) != missing
    for option, _, _ in encoder.quality:
        if option != "global_quality":
            assert reason(name, {option: "100000"}) != missing, option
    given = [each.name for each in av.Codec(name, "w").video_formats or ()]
    assert set(encoder.given.values()) <= set(given)


@pytest.mark.parametrize("name", INSTALLED)
def test_without_a_card_it_is_an_error_before_the_work(tmp_path: Path, name: str) -> None:
    path = clips.plain(tmp_path / "in.mkv")
    with pytest.raises(Unsupported, match=rf"^encoder='{name}': it cannot be opened .*; it needs .*; "):
        upscale_file(path, tmp_path / "out.mkv", model="bicubic", encoder=name)
    assert [each.name for each in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.parametrize("name", sorted({*HARDWARE_ENCODERS} - {*INSTALLED}))
def test_an_encoder_that_libavcodec_lacks(tmp_path: Path, name: str) -> None:
    path = clips.plain(tmp_path / "in.mkv")
    with pytest.raises(Unsupported, match=f"^encoder='{name}': the installed libavcodec has no {name}$"):
        upscale_file(path, tmp_path / "out.mkv", model="bicubic", encoder=name)


@pytest.mark.parametrize("name", UNUSABLE)
def test_encoders_that_need_frames_on_the_device(name: str) -> None:
    with pytest.raises(Unsupported, match="PyAV cannot put them there"):
        encoder_name(name)


def test_wrong_quality_and_preset() -> None:
    layout = layout_of("yuv420p", "test")
    with pytest.raises(InvalidArgument, match=r"crf=60: encoder h264_nvenc accepts 1 to 51"):
        choose_encoding("h264_nvenc", layout, "x264", 1, crf=60)
    with pytest.raises(InvalidArgument, match=r"encoder h264_nvenc: unknown preset 'slow'. Choices: p1, p2"):
        choose_encoding("h264_nvenc", layout, "x264", 1, preset="slow")
    with pytest.raises(Unsupported, match=r"h264_qsv.*does not accept pixel format yuv444p"):
        choose_encoding("h264_qsv", layout_of("yuv444p", "test"), "x264", 1)


def test_they_are_never_chosen_or_advised() -> None:
    for container in CONTAINERS:
        for pix_fmt in ("yuv420p", "yuv420p10le", "gbrp"):
            assert set(fitting_encoders(container, pix_fmt, (64, 64))) <= set(ENCODERS)


def test_frames_are_given_in_the_order_that_the_encoder_takes() -> None:
    one = encoding("h264_qsv", 20)
    frame, planes = new_frame((32, 16), layout_of("yuv420p", "test"))
    for number, plane in enumerate(planes):
        plane[:] = 40 * number + 50
    video = VideoStream((32, 16), "yuv420p", Fraction(25), Fraction(1, 25), None, Tags(1, 1, 1, False), None)
    result = one.convert(frame, video)
    assert (result.format.name, one.pix_fmt) == ("nv12", "yuv420p")
    assert bytes(result.planes[1])[:4] == bytes([90, 130, 90, 130])


@pytest.mark.parametrize("name", ["x264", "x265", "svt-av1", "vp9", "ffv1"])
def test_encoders_of_segments_describe_their_packets_alike(name: str) -> None:
    video = VideoStream((64, 64), "yuv420p", Fraction(25), Fraction(1, 25), None, Tags(), None)
    one = choose_encoding(name, layout_of("yuv420p", "test"), "x264", 1)
    assert one.context(video).extradata == one.context(video).extradata
