"""The right upscaler for a network and a video, and errors for what does not fit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.models import Model
from subpixel.models.bicubic import bicubic
from subpixel.models.recurrent import recurrent
from subpixel.upscaler import MotionNetwork, Network, Upscaler
from subpixel.video.formats import layout_of
from subpixel.video.frame_upscalers import chroma_siting, frame_upscaler
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.motion import MotionUpscaler
from subpixel.video.realtime import RealtimeUpscaler
from subpixel.video.side_by_side import SideBySide
from subpixel.video.video_file import VideoFile, probe
from video.clips import make_clip

LAYOUT = layout_of("yuv420p", "test")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> VideoFile:
    return probe(make_clip(tmp_path_factory.mktemp("video") / "video.mkv", times=range(2)))


def network(model: str = "fast") -> Network:
    found = Upscaler(2, model=model).network()
    assert isinstance(found, Network)
    return found


def motion_network() -> MotionNetwork:
    spec = recurrent(2, width=8, middle=1, state=4)
    return MotionNetwork(Model("motion", spec, {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()}))


def test_each_kind(video: VideoFile) -> None:
    assert isinstance(frame_upscaler([network()], video, LAYOUT), IncrementalUpscaler)
    assert isinstance(frame_upscaler([motion_network()], video, LAYOUT), MotionUpscaler)
    assert isinstance(frame_upscaler([network()], video, LAYOUT, realtime=True), RealtimeUpscaler)
    for each in (network(), motion_network()):
        both = frame_upscaler([each], video, LAYOUT, side_by_side=True)
        assert isinstance(both, SideBySide)
        assert both.result_size == (192, 64)


def test_a_scale_without_cheaper_networks_is_held_by_the_network_alone(video: VideoFile) -> None:
    lone = Network(Model("lone", bicubic(5), {}))
    assert frame_upscaler([lone], video, LAYOUT, realtime=True).result_size == (240, 160)


def test_what_does_not_fit(video: VideoFile) -> None:
    rgb = layout_of("gbrp", "test")
    with pytest.raises(InvalidArgument, match="'motion' reads several frames and does not support RGB videos"):
        frame_upscaler([motion_network()], video, rgb)
    with pytest.raises(InvalidArgument, match="'motion' reads several frames and does not support realtime=True"):
        frame_upscaler([motion_network()], video, LAYOUT, realtime=True)
    for rate, realtime in ((Fraction(0), True), (Fraction(30), False)):
        with pytest.raises(InvalidArgument, match=f"rate={rate}: a rate above 0 and realtime=True are needed"):
            frame_upscaler([network()], video, LAYOUT, realtime=realtime, rate=rate)
    colour = Network(Model("colour", bicubic(2, colour="rgb"), {}))
    with pytest.raises(InvalidArgument, match="'colour' works on RGB, but the video has YUV frames"):
        frame_upscaler([colour], video, LAYOUT)
    assert frame_upscaler([colour], video, rgb).result_size == (96, 64)


def test_a_still_upscaler_has_no_state(video: VideoFile) -> None:
    upscaler = frame_upscaler([network()], video, LAYOUT)
    assert upscaler.state() == {}
    upscaler.restore({})
    with pytest.raises(InvalidArgument, match="no state to restore"):
        upscaler.restore({"memory": np.zeros(1)})


@pytest.mark.parametrize(
    ("codec", "siting", "wanted"),
    [("h264", None, "left"), ("mpeg1video", None, "center"), ("mjpeg", None, "center"), ("mjpeg", "top", "top")],
)
def test_the_default_siting_is_that_of_the_codec(video: VideoFile, codec: str, siting: str | None, wanted: str) -> None:
    tags = replace(video.stream.tags, siting=siting)
    changed = replace(
        video,
        streams=(replace(video.streams[0], codec=codec),),
        stream=replace(video.stream, tags=tags),
        path=Path("x"),
    )
    assert chroma_siting(changed) == wanted
