"""Clips measured: the figures are those of the frames."""

import itertools
import json
import math
from fractions import Fraction

import av
import numpy as np
import pytest

from subpixel.cli import main
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.metrics.quality import psnr, ssim
from subpixel.metrics.video import evaluate_video
from subpixel.models import Model, load, save
from subpixel.models.recurrent import recurrent
from subpixel.models.vespcn import vespcn
from subpixel.ops import resize
from subpixel.upscaler import Upscaler
from subpixel.upscaler.network import Network


def random_image(height=96, width=128):
    y, x = np.mgrid[: height + 40, : width + 40]
    waves = [np.sin((x * a + y * b) / 9) for a, b in ((1, 0.4), (-0.5, 1.2), (2, 1))]
    planes = [128 + 35 * waves[k] + 35 * waves[(k + 1) % 3] for k in range(3)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def frames_of(count, speed=(2, 1), size=(96, 128)):
    whole = random_image(*size)
    return [whole[k * speed[1] :, k * speed[0] :][: size[0], : size[1]] for k in range(count)]


def write(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25), options={"threads": "1"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return path


def still(spec):
    """Frames come out as they are, each sample repeated."""
    return Model("still", spec, {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()})


@pytest.mark.parametrize("spec", [recurrent(2, width=6, middle=1), vespcn(2, layers=2, width=4)])
def test_the_figures_are_those_of_the_frames(tmp_path, spec):
    """A video's network that repeats samples, beside the same done by hand: frames in order, none lost by the delay."""
    frames = [frame[:95] for frame in frames_of(4)]  # an odd side is cut
    save(still(spec), tmp_path / "still.safetensors")
    upscaler = Upscaler(2, model=str(tmp_path / "still.safetensors"), backend="reference")
    report = evaluate_video(upscaler, [write(tmp_path / "c.mkv", frames)])
    (clip,) = report["clips"].values()
    values, beside = [], []
    for frame in frames:
        small, large = shrink(frame, 2)
        truth, y = luma_255(large), luma_255(small)
        result = np.floor(y.repeat(2, 0).repeat(2, 1) + 0.5)
        values.append((psnr(result, truth, data_range=255, crop=8), ssim(result, truth, data_range=255, crop=8)))
        plain = np.floor(resize(y, scale=2, mode="cubic", a=-0.5, layout="HW") + 0.5)
        beside.append(psnr(np.clip(plain, 0, 255), truth, data_range=255, crop=8))
    assert clip["frames"] == 4
    assert (clip["psnr_y"], clip["ssim_y"]) == pytest.approx(np.mean(values, axis=0), abs=1e-3)
    assert clip["bicubic"]["psnr_y"] == pytest.approx(np.mean(beside), abs=1e-2)
    assert clip["bicubic"]["psnr_y"] > clip["psnr_y"] + 1
    assert report["protocol"]["crop"] == "8"
    assert "bicubic" in report["protocol"]["low_resolution"]


def test_flicker_raises_the_warping_error_and_motion_does_not(tmp_path, monkeypatch):
    upscaler = Upscaler(2, model="espcn", backend="reference", precision="f32")
    plane = Network.plane

    def error_of(flicker):
        """The figures of results of which every other frame is brighter."""
        count = itertools.count()
        with monkeypatch.context() as patch:
            patch.setattr(
                Network, "plane", lambda self, y: plane(self, y) + np.float32(next(count) % 2 * flicker / 255)
            )
            return evaluate_video(upscaler, [moving])["clips"]["moving.mkv"]

    moving = write(tmp_path / "moving.mkv", frames_of(4))
    figures = [error_of(flicker) for flicker in (0, 6)]
    assert figures[1]["warping_error"] == pytest.approx(math.hypot(figures[0]["warping_error"], 6), abs=0.5)
    assert figures[0]["warping_error"] < 3
    # What differs from frame to frame because it moved would be far more than that.
    a, b = (luma_255(frame) for frame in frames_of(2))
    assert np.sqrt(np.mean((a - b) ** 2)) > 3 * figures[0]["warping_error"]
    assert figures[0]["truth"]["warping_error"] < 2


def test_the_command(tmp_path, capsys):
    clips = [str(write(tmp_path / f"{k}.mkv", frames_of(3))) for k in "ab"]
    save(still(recurrent(2, width=6, middle=1)), tmp_path / "video.safetensors")
    arguments = ["evaluate", "--model", str(tmp_path / "video.safetensors"), "--backend", "reference"]
    assert main([*arguments, "--video", clips[0], "--video", clips[1], "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["clips"]) == ["a.mkv", "b.mkv"]
    assert report["mean"]["psnr_y"] == pytest.approx(report["clips"]["a.mkv"]["psnr_y"])
    assert main([*arguments, "--video", clips[0]]) == 0
    values = capsys.readouterr().out
    assert "warping error" in values
    assert "low_resolution: MATLAB imresize bicubic" in values
    for more, message in (
        ([], "evaluate needs either --data or --video, not both"),
        (["--video", clips[0], "--data", str(tmp_path)], "evaluate needs either --data or --video, not both"),
        (["--video", clips[0], "--degrade", "jpeg:75"], "--degrade works only with --data"),
        (["--video", clips[0], "--video", clips[0]], "clips of different names"),
    ):
        assert main([*arguments, *more]) == 2
        assert message in capsys.readouterr().err
    (tmp_path / "none.mkv").write_text("no video")
    assert main([*arguments, "--video", str(tmp_path / "none.mkv")]) == 1
    assert "not a readable video" in capsys.readouterr().err


def test_figures_go_into_the_file(tmp_path, capsys):
    clips = [str(write(tmp_path / f"{k}.mkv", frames_of(3))) for k in "ab"]
    path = tmp_path / "video.safetensors"
    save(still(recurrent(2, width=6, middle=1)), path)
    arguments = ["evaluate", "--model", str(path), "--backend", "reference", "--record"]
    assert main([*arguments, "--video", clips[0], "--video", clips[1], "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    scores = load(path).video_scores()
    assert list(scores) == ["a.mkv", "b.mkv", "mean"]
    for name, one in {**report["clips"], "mean": report["mean"]}.items():
        for key in ("psnr_y", "ssim_y", "warping_error"):
            assert scores[name][key] == pytest.approx(one[key], abs=1e-4)
        assert scores[name]["truth"] == {"warping_error": round(one["truth"]["warping_error"], 4)}
        assert "seconds" not in scores[name]
    assert load(path).figures["videos"]["protocol"] == report["protocol"]
    assert load(path).video_scores("int8") == {}
    assert main([*arguments, "--precision", "bf16", "--video", clips[0]]) == 0
    figures = load(path).figures
    assert list(figures["bf16"]["videos"]["clips"]) == ["a.mkv"]
    assert list(figures["videos"]["clips"]) == ["a.mkv", "b.mkv"]
    assert main(["evaluate", "--model", "fast", "--video", clips[0], "--record"]) == 2
    assert "--record needs the path of a .safetensors file as --model" in capsys.readouterr().err


def test_refusals(tmp_path):
    upscaler = Upscaler(2, model="espcn", backend="reference", precision="f32")
    with pytest.raises(InvalidArgument, match="at least one clip"):
        evaluate_video(upscaler, [])
    small = write(tmp_path / "small.mkv", [frame[:26, :40] for frame in frames_of(2)])
    with pytest.raises(InvalidArgument, match="frames of 40×26 are too small to measure"):
        evaluate_video(upscaler, [small])
    with pytest.raises(ImageReadError):
        evaluate_video(upscaler, [tmp_path / "nothing.mkv"])
