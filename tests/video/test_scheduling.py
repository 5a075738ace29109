"""No thread becomes real-time, whatever an encoder asks of the system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import av
import pytest

from subpixel.video import upscale_file
from subpixel.video.encoders import choose_encoding
from subpixel.video.formats import layout_of
from subpixel.video.scheduling import ordinary_scheduling
from video.test_encoders import video_of

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs Linux and root, whose threads may become real-time"
)


def policies() -> dict[int, int]:
    return {int(name): os.sched_getscheduler(int(name)) for name in os.listdir("/proc/self/task")}


def test_an_open_encoder_leaves_all_threads_as_they_were() -> None:
    before = set(policies())
    encoding = choose_encoding("svt-av1", layout_of("yuv420p", "test"), "x264", 2)
    context = encoding.context(video_of("yuv420p"))
    found = policies()
    assert len(set(found) - before) > 4  # its own threads are there
    assert set(found.values()) == {os.SCHED_OTHER}
    del context


def test_a_video_leaves_the_scheduling_of_its_process(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        out.mux(stream.encode(None))
    upscale_file(tmp_path / "in.mkv", tmp_path / "out.mkv", model="bicubic", encoder="svt-av1")
    assert set(policies().values()) == {os.SCHED_OTHER}


def test_threads_that_were_real_time_before_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pytest.skip("real-time threads are not allowed here")
    try:
        with ordinary_scheduling():
            pass
        assert os.sched_getscheduler(0) == os.SCHED_RR
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, own)
