"""Videos by networks that read several frames: the results of the network itself, through stops as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.models import Model
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import Spec
from subpixel.models.vespcn import vespcn
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, encode_segments, probe
from subpixel.video.formats import layout_of, planes_of
from video.clips import make_clip

NETWORKS = {"recurrent": recurrent(2, width=8, middle=1, state=4), "vespcn": vespcn(2)}


def model_of(name: str) -> Model:
    spec: Spec = NETWORKS[name]
    rng = np.random.default_rng(7)
    weights = {k: (rng.standard_normal(s) * 0.05).astype(np.float32) for k, s in spec.weight_shapes.items()}
    return Model(name, spec, weights)


def upscaler_of(name: str) -> Upscaler:
    backend = "auto" if name == "recurrent" else "torch"
    if backend == "torch":
        pytest.importorskip("torch", reason="frames of this network take seconds without torch")
    return Upscaler(2, model=model_of(name), backend=backend, threads=1)


def planes_in(path: Path) -> list[list[NDArray[Any]]]:
    with av.open(str(path)) as container:
        layout = layout_of(container.streams.video[0].codec_context.pix_fmt, path)
        return [[p.copy() for p in planes_of(frame, layout)] for frame in container.decode(video=0)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "video.mkv", times=[*range(11), 30, 31, 32, 33, 34, 35])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_video_is_what_the_network_makes_of_its_frames(tmp_path: Path, source: Path, name: str) -> None:
    out = tmp_path / "out.mkv"
    result = Job(source, upscaler_of(name), out, Settings("ffv1")).run()
    form = layout_of("yuv420p", source).frame_format(probe(source).stream.tags.siting or "left", False)
    alone, wanted = upscaler_of(name).network().frames(form), []
    for planes in planes_in(source):
        output = alone.push(planes)
        wanted += [] if output is None else [output]
    wanted += alone.flush()
    found = planes_in(out)
    assert result.frames == len(found) == len(wanted) == 17
    for one, other in zip(found, wanted, strict=True):
        assert all(map(np.array_equal, one, other))


class Stop(Exception):
    pass


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("stops", [(5,), (9, 13)])
def test_stopped_in_the_middle_it_resumes_to_the_same_bytes(
    tmp_path: Path, source: Path, name: str, stops: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 4)
    whole, out = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    Job(source, upscaler_of(name), whole, Settings("ffv1")).run()
    for stops_at in stops:

        def progress(done: int, total: int | None, stops_at: int = stops_at) -> None:
            if done == stops_at:
                raise Stop

        with pytest.raises(Stop):
            Job(source, upscaler_of(name), out, Settings("ffv1")).run(progress)
    result = Job(source, upscaler_of(name), out, Settings("ffv1")).run()
    assert result.resumed >= 4
    for one, other in zip(planes_in(whole), planes_in(out), strict=True):
        assert all(map(np.array_equal, one, other))


def test_side_by_side_each_frame_meets_its_own(tmp_path: Path, source: Path) -> None:
    right, left, both = (tmp_path / f"{name}.mkv" for name in ("right", "left", "both"))
    upscaler = upscaler_of("vespcn")
    Job(source, upscaler, right, Settings("ffv1")).run()
    Job(source, Upscaler(2, model="bicubic", backend=upscaler.backend), left, Settings("ffv1")).run()
    Job(source, upscaler, both, Settings("ffv1"), side_by_side=True).run()
    for one, other, two in zip(planes_in(left), planes_in(right), planes_in(both), strict=True):
        for plane_left, plane_right, plane in zip(one, other, two, strict=True):
            np.testing.assert_array_equal(plane, np.concatenate([plane_left, plane_right], axis=1))


def test_realtime_is_not_for_them(tmp_path: Path, source: Path) -> None:
    with pytest.raises(
        InvalidArgument, match="reads several frames and does not support realtime=True; model 'fast' does"
    ):
        Job(source, upscaler_of("recurrent"), tmp_path / "out.mkv", realtime=True).run()
