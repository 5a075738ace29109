"""Videos of any size from file to file: frames against the networks, and everything else that a video has."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from subpixel import ops
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.models import Model
from subpixel.models.recurrent import recurrent
from subpixel.upscaler import Upscaler
from subpixel.video import Job, PipeOutput, Settings, estimate_job, probe, upscale_file
from video.clips import CLIPS, FRAMES, make_clip
from video.tracks import decoded


def planes_in(path: Path) -> list[list[np.ndarray[Any, Any]]]:
    return [planes for _, planes in decoded(path)]


def resized(codes: np.ndarray[Any, Any], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    values = ops.resize(codes.astype(np.float32), (size[1], size[0]), layout="HW", antialias=True)
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def made(source: Path, out: str, **options: Any) -> Any:
    return upscale_file(source, source.with_name(out), model="fast", threads=1, encoder="ffv1", **options)


def test_frames_are_those_of_the_network_resized(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv")
    result = made(source, "out.mkv", scale=2.25)
    assert (result.size_in, result.size_out, result.notes) == ((48, 32), (108, 72), ())
    before, after = decoded(source), decoded(result.destination)
    assert [time for time, _ in before] == [time for time, _ in after]
    network = Upscaler(3, model="fast", threads=1)
    for (_, (y, *_rest)), (_, (luma, u, v)) in zip(before, after, strict=True):
        large, _, _ = network.yuv(y, subsampling="gray", bits=8, full_range=False)
        np.testing.assert_array_equal(luma, resized(large, (108, 72)))
        assert u.shape == v.shape == (36, 54)


@pytest.mark.parametrize(
    ("options", "scale"),
    [({"width": 96}, 2), ({"height": 96}, 3), ({"fit": (96, 500)}, 2), ({"fit": (500, 128)}, 4), ({"scale": 2.0}, 2)],
)
def test_a_size_that_a_network_reaches_has_the_bytes_of_the_scale(
    tmp_path: Path, options: dict[str, Any], scale: int
) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "plain.mp4")  # 48×32
    asked = upscale_file(source, tmp_path / "asked.mp4", threads=1, **options)
    scaled = upscale_file(source, tmp_path / "scaled.mp4", scale, threads=1)
    assert asked.size_out == (scale * 48, scale * 32)
    assert asked.destination.read_bytes() == scaled.destination.read_bytes()


def test_a_whole_factor_of_odd_sides_is_kept_and_others_become_even(tmp_path: Path) -> None:
    source = CLIPS["odd_420.mkv"](tmp_path / "odd.mkv")  # 45×33
    assert made(source, "three.mkv", scale=3).size_out == (135, 99)
    assert made(source, "width.mkv", width=135).size_out == (135, 99)
    assert planes_in(tmp_path / "three.mkv")[1][1].shape == (50, 68)
    assert upscale_file(source, tmp_path / "x264.mkv", 2.5, model="fast", encoder="x264").size_out == (112, 82)


def test_interlaced_frames_are_made_whole_first(tmp_path: Path) -> None:
    source = CLIPS["interlaced.mp4"](tmp_path / "interlaced.mp4")
    scaled, whole = (made(source, f"{scale}.mkv", scale=scale, deinterlace=True) for scale in (1.5, 2))
    width, height = probe(source).stream.size
    assert scaled.size_out == (width * 3 // 2, height * 3 // 2)
    for (luma, *_), (large, *_others) in zip(planes_in(scaled.destination), planes_in(whole.destination), strict=True):
        np.testing.assert_array_equal(luma, resized(large, scaled.size_out))


def test_a_pipe_gets_the_frames_and_the_shape_of_a_file(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv")
    wanted = [y for y, *_ in planes_in(made(source, "out.mkv", width=101).destination)]
    out = io.BytesIO()
    result = PipeOutput(source, Upscaler(width=101, model="fast", threads=1)).run(out)
    assert result.notes[0] == "101×67 became 102×68: pixel format yuv420p needs even sides"
    assert out.getvalue().startswith(b"YUV4MPEG2 W102 H68 F24:1 Ip ")
    with av.open(io.BytesIO(out.getvalue())) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == FRAMES
    for frame, luma in zip(frames, wanted, strict=True):
        np.testing.assert_array_equal(frame.to_ndarray()[:68], luma)


def test_rounding_keeps_the_shape_of_the_image_in_every_container(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", size=(854, 480), times=range(1))
    for name, encoder in (
        ("a.mp4", "x264"),
        ("b.mkv", "x265"),
        ("c.mkv", "ffv1"),
        ("d.webm", "vp9"),
        ("e.mov", "x264"),
        ("f.nut", "x264"),
        ("g.nut", "x265"),
    ):
        result = upscale_file(source, tmp_path / name, width=1308, model="bicubic", encoder=encoder)
        stream = probe(result.destination).stream
        assert stream.size == (1308, 736)  # 735.2 high
        assert stream.aspect == Fraction(854 * 736, 480 * 1308), name
        assert result.notes[:2] == (
            "1308×735 became 1308×736: pixel format yuv420p needs even sides",
            "1308×736 has pixels of 9821:9810, so that the image keeps its shape",
        )


def test_pixels_that_are_not_square_become_so_at_a_size_in_pixels(tmp_path: Path) -> None:
    def set_up(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)

    source = make_clip(tmp_path / "a.mp4", size=(90, 72), set_up=set_up, times=range(2))
    assert probe(source).stream.aspect == Fraction(64, 45)
    whole = upscale_file(source, tmp_path / "b.mp4", height=144, model="fast")
    assert whole.size_out == (256, 144)
    assert probe(whole.destination).stream.aspect in (None, 1)
    scaled = upscale_file(source, tmp_path / "c.mp4", 2.5, model="fast")
    assert scaled.size_out == (226, 180)  # exactly 225
    assert probe(scaled.destination).stream.aspect == Fraction(64, 45) * Fraction(225, 226)


def test_the_width_of_a_turned_video_is_that_of_the_upright_image(tmp_path: Path) -> None:
    source = CLIPS["rotated.mp4"](tmp_path / "rotated.mp4")
    width, height = probe(source).stream.size
    result = upscale_file(source, width=3 * height // 2, model="fast")
    assert result.size_out == (3 * width // 2, 3 * height // 2)
    assert probe(result.destination).stream.matrix == probe(source).stream.matrix


@pytest.mark.parametrize("name", ["hdr.mkv", "gray.mkv", "variable.mkv", "sound.mp4", "tagged.mp4", "rich.mkv"])
def test_everything_else_is_kept(tmp_path: Path, name: str) -> None:
    source = CLIPS[name](tmp_path / name)
    was = probe(source)
    result = upscale_file(source, width=was.stream.size[0] * 5 // 4, model="fast")
    now = probe(result.destination)
    assert result.size_out[0] == now.stream.size[0]
    assert abs(result.size_out[0] - was.stream.size[0] * 5 // 4) <= 1
    assert [s.kind for s in now.streams] == [s.kind for s in was.streams]
    assert now.stream.tags.transfer == was.stream.tags.transfer
    assert bool(now.stream.tags.full_range) == bool(was.stream.tags.full_range)
    assert now.display == was.display
    before, after = decoded(source), decoded(result.destination)
    assert len(after) == len(before)
    for (was_at, _), (now_at, _) in zip(before, after, strict=True):
        assert abs((now_at - after[0][0]) - (was_at - before[0][0])) <= Fraction(1, 1000)


def test_rgb_of_any_size(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "rgb.mkv", codec="ffv1", pix_fmt="bgr0", times=range(2), format_name="matroska")
    result = made(source, "out.mkv", width=101)
    assert result.size_out == (101, 67)
    with av.open(str(source)) as one, av.open(str(result.destination)) as other:
        for before, after in zip(one.decode(video=0), other.decode(video=0), strict=True):
            large = Upscaler(3, model="fast", threads=1)(before.to_ndarray(format="rgb24"))
            rgb = after.to_ndarray(format="rgb24")
            for channel in range(3):
                np.testing.assert_array_equal(rgb[..., channel], resized(large[..., channel], (101, 67)))


def test_a_smaller_video_is_resized_and_says_so(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv")
    result = made(source, "out.mkv", scale=0.5)
    assert str(result.choice) == "resize (no network is needed)"
    assert result.notes == ("24×16 is not larger than the video: its frames are resized, and no network runs",)
    for (y, *_), (luma, *_others) in zip(planes_in(source), planes_in(result.destination), strict=True):
        np.testing.assert_array_equal(luma, resized(y, (24, 16)))
    same = made(source, "same.mkv", width=48)
    assert same.notes == ("48×32 is the size of the video: its frames are encoded as they are",)
    for before, after in zip(planes_in(source), planes_in(same.destination), strict=True):
        assert all(map(np.array_equal, before, after))


def test_a_scale_of_1_cleans_a_compressed_video(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv")
    result = upscale_file(source, tmp_path / "clean.mkv", 1, threads=1, encoder="ffv1")
    assert (result.size_out, result.choice.model) == ((48, 32), "fast-compressed")
    network = Upscaler(2, model="fast-compressed", threads=1)
    for (y, *chroma), (luma, *others) in zip(planes_in(source), planes_in(result.destination), strict=True):
        large, _, _ = network.yuv(y, subsampling="gray", bits=8, full_range=False)
        np.testing.assert_array_equal(luma, resized(large, (48, 32)))
        assert all(map(np.array_equal, others, chroma))
    lossless = make_clip(tmp_path / "lossless.mkv", codec="ffv1")
    with pytest.raises(InvalidArgument, match="scale=1: no compression is seen; model 'fast-compressed' cleans it"):
        upscale_file(lossless, scale=1)


def test_two_networks_in_a_row(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", times=range(3))
    result = made(source, "out.mkv", scale=6)
    first, second = (Upscaler(factor, model="fast", threads=1) for factor in (2, 3))
    for (y, *_), (luma, *_others) in zip(planes_in(source), planes_in(result.destination), strict=True):
        for network in (first, second):
            y, _, _ = network.yuv(y, subsampling="gray", bits=8, full_range=False)
        np.testing.assert_array_equal(luma, y)
    # Of a compressed video, the variant runs alone up to its ×4.
    names = [upscale_file(source, scale=scale, threads=1).choice.model for scale in (3.5, 4.5)]
    assert names == ["fast-compressed", "fast"]


def motion_model() -> Model:
    spec = recurrent(2, width=8, middle=1, state=4)
    rng = np.random.default_rng(1)
    weights = {k: rng.normal(0, 0.05, s).astype(np.float32) for k, s in spec.weight_shapes.items()}
    return Model("motion", spec, weights)


def test_a_network_that_uses_motion_reaches_any_size(tmp_path: Path) -> None:
    source, upscaler = make_clip(tmp_path / "a.mkv"), Upscaler(1.75, model=motion_model(), threads=1)
    result = Job(source, upscaler, tmp_path / "out.mkv", Settings("ffv1"), side_by_side=True).run()
    assert result.size_out == (168, 56)
    frames = Upscaler(2, model=motion_model(), threads=1).network().frames(None)
    plain = made(source, "plain.mkv", scale=1.75).destination
    for (y, *_), (both, u, _), (_, chroma, _) in zip(
        planes_in(source), planes_in(tmp_path / "out.mkv"), planes_in(plain), strict=True
    ):
        large = frames.push_luma(y.astype(np.float32) / 255)
        assert large is not None
        codes = np.clip(np.floor(large.astype(np.float64) * 255 + 0.5), 0, 255).astype(np.uint8)
        assert np.abs(both[:, 84:].astype(int) - resized(codes, (84, 56)).astype(int)).max() <= 1
        # The plain resize on the left is one resize of the source; chroma is that of any network.
        np.testing.assert_array_equal(both[:, :84], resized(y, (84, 56)))
        np.testing.assert_array_equal(u[:, 42:], chroma)
        np.testing.assert_array_equal(u[:, :42], chroma)


def test_realtime_falls_back_to_one_resize(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv")
    upscaler = Upscaler(2.25, model="high", threads=1)
    result = Job(source, upscaler, tmp_path / "out.mkv", realtime=True, rate=Fraction(100_000)).run()
    assert result.size_out == (108, 72)
    assert result.notes[-1].startswith("upscaled ")


def test_a_stopped_run_resumes_only_at_its_size(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", times=range(300))
    out = tmp_path / "out.mkv"

    def job(width: int, path: Path = out) -> Job:
        return Job(source, Upscaler(width=width, model="fast", threads=1), path, Settings("ffv1"))

    def stop(done: int, total: int | None) -> None:
        if done > 245:
            raise InterruptedError("stop")

    with pytest.raises(InterruptedError):
        job(108).run(stop)
    assert job(108).can_resume
    result = job(108).run()
    assert (result.frames, result.resumed) == (300, 240)
    whole = job(108, tmp_path / "whole.mkv").run()
    for one, other in zip(planes_in(result.destination), planes_in(whole.destination), strict=True):
        assert all(map(np.array_equal, one, other))
    assert job(108).run().done_before
    with pytest.raises(SubpixelError, match="exists already, made from this video with other settings"):
        job(110).run()
    out.unlink()
    with pytest.raises(InterruptedError):
        job(108).run(stop)
    assert job(110).run().resumed == 0


def test_an_estimate_states_the_size_and_the_memory_of_both_sizes(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", size=(320, 240))
    found = {
        scale: estimate_job(Job(source, Upscaler(scale, model="fast", threads=1), tmp_path / "out.mkv"))
        for scale in (2.0, 2.25, 3.0)
    }
    assert [each.size_out for each in found.values()] == [(640, 480), (720, 540), (960, 720)]
    assert found[2.0].memory < found[2.25].memory
    by_size = {scale: each.memory / (each.size_out[0] * each.size_out[1]) for scale, each in found.items()}
    assert by_size[2.25] > by_size[3.0]  # the network's ×3 is in memory too
