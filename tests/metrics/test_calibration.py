"""Calibration: int8 parameters from images, and an honest loss."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from subpixel.backends import BACKENDS, choose_backend
from subpixel.cli import main
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.image import ImageData, write
from subpixel.metrics.calibration import calibrate, int8_loss
from subpixel.metrics.video_calibration import pan
from subpixel.models import espcn, find
from subpixel.models.files import Model, load, save
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Conv, PixelShuffle, Spec
from subpixel.upscaler.motion_network import MotionNetwork
from subpixel.upscaler.options import NetworkOptions

from .conftest import small_relu


def test_a_network_gets_its_parameters(images):
    values = []
    model = calibrate(small_relu(), images, values.append)
    quantisation = model.quantisation
    assert set(quantisation["layers"]) == {"a", "b", "c"}
    assert quantisation["calibration"]["images"] == quantisation["calibration"]["measured_on"] == 3
    assert abs(quantisation["loss_db"]) < 0.05
    assert quantisation["layers"]["a"]["zero"] == 0
    assert quantisation["layers"]["b"]["zero"] > 0
    assert values[0].startswith("ranges: a 0.000 … ")
    assert values[1].startswith("weights: the square error of int8 is 0.")
    assert values[2].startswith("int8 costs ")
    assert choose_backend("auto", "auto", quantisation)[1] == "int8"


def test_a_transposed_convolution_is_calibrated_as_what_the_engine_runs(images):
    spec = fsrcnn(2, features=8, shrunk=4, mappings=1)
    rng = np.random.default_rng(3)
    weights = {k: (rng.standard_normal(s) / 8).astype(np.float32) for k, s in spec.weight_shapes.items()}
    model = calibrate(Model("fsrcnn", spec, weights), images)
    assert set(model.quantisation["layers"]) == {"first", "shrink", "map1", "expand", "up.phases"}
    results = [BACKENDS[name].prepare(spec, weights, "int8", 1, model.quantisation) for name in ("native", "reference")]
    x = rng.integers(0, 256, (1, 20, 23), np.uint8)
    np.testing.assert_array_equal(results[0](x), results[1](x))
    f32 = BACKENDS["reference"].prepare(spec, weights, "f32", 1)(x.astype(np.float32) / 255)
    np.testing.assert_allclose(results[0](x.astype(np.float32) / 255), f32, atol=0.05)


def test_the_ranges_hold_what_the_network_makes(images):
    model = calibrate(small_relu(), images)
    session = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)
    whole = BACKENDS["reference"].prepare(model.spec, model.weights, "int8", 1, model.quantisation)
    x = np.linspace(0.1, 0.9, 400, dtype=np.float32).reshape(1, 20, 20)
    assert np.abs(session(x) - whole(x)).max() < 2 / 255


def test_the_command_writes_what_it_measured(images, tmp_path, capsys):
    path = tmp_path / "small.safetensors"
    save(small_relu(), path)
    out = tmp_path / "whole.safetensors"
    assert main(["quantise", str(path), "--data", str(images), "-o", str(out)]) == 0
    assert "int8 costs" in capsys.readouterr().out
    assert load(path).quantisation is None
    assert load(out).quantisation["loss_db"] == pytest.approx(0, abs=0.05)
    assert main(["quantise", str(path), "--data", str(images)]) == 0
    assert load(path).quantisation == load(out).quantisation


def test_what_cannot_be_calibrated(images, tmp_path):
    with pytest.raises(Unsupported, match="layer"):
        calibrate(find("bicubic", 2), images)
    rgb = espcn(2, colour="rgb")
    weights = {k: np.zeros(s, np.float32) for k, s in rgb.weight_shapes.items()}
    with pytest.raises(InvalidArgument, match="is an RGB network"):
        calibrate(Model("rgb", rgb, weights), images)
    with pytest.raises(InvalidArgument, match="no such folder"):
        calibrate(small_relu(), tmp_path / "nowhere")
    with pytest.raises(InvalidArgument, match="at least 2"):
        calibrate(small_relu(), images / "below")


def small_video():
    spec = recurrent(2, width=8, middle=2, state=3)
    rng = np.random.default_rng(5)
    weights = {k: (rng.standard_normal(s) / 12).astype(np.float32) for k, s in spec.weight_shapes.items()}
    return Model("video", spec, weights)


def test_a_network_for_videos_is_calibrated_on_what_moves(images, tmp_path):
    values = []
    model = calibrate(small_video(), images, values.append)
    assert set(model.quantisation["layers"]) == {"conv1", "conv2", "conv3", "end+kept"}
    assert abs(model.quantisation["loss_db"]) < 0.1
    assert values[1].startswith("int8 costs ")
    save(model, tmp_path / "video.safetensors")
    again = MotionNetwork(load(tmp_path / "video.safetensors"))
    assert (again.backend, again.precision) == ("native", "int8")
    videos = [MotionNetwork(model, NetworkOptions(precision=precision)).frames() for precision in ("int8", "f32")]
    y, x = np.mgrid[:20, :24].astype(np.float32)
    for t in range(12):  # what is kept is rounded as well, and errors do not grow
        frame = 0.5 + 0.3 * np.sin(x / 3 + t / 2) * np.cos(y / 4)
        one, other = (video.push_luma(frame) for video in videos)
        assert np.abs(one - other).max() < 6 / 255
    with pytest.raises(InvalidArgument, match="too small for a window that moves"):
        pan(Path("p.png"), np.zeros((30, 40, 3), np.uint8), 3, 2 * 30)


def test_a_window_pans_by_whole_pixels_over_the_middle(images):
    pixels = np.random.default_rng(1).integers(0, 256, (90, 80, 3), np.uint8)
    frames = pan(Path("p.png"), pixels, 3, 2)  # three down, three to the left
    assert len(frames) == 8
    for (_, a), (small, b) in pairwise(frames):
        assert np.array_equal(a[3:, :-3], b[:-3, 3:])
        assert small.shape[1:] == (b.shape[0] // 2, b.shape[1] // 2)
    for way in range(8):
        assert len(pan(Path("p.png"), pixels, way, 3)) == 8


def test_one_convolution_needs_no_ranges(images):
    spec = Spec((Conv("end", INPUT, 1, 4, (3, 3)), PixelShuffle("up", "end", 2)), 2)
    weights = {"end.weight": np.full((4, 1, 3, 3), 1 / 9, np.float32), "end.bias": np.zeros(4, np.float32)}
    model = calibrate(Model("one", spec, weights), images)
    assert set(model.quantisation["layers"]) == {"end"}
    assert abs(model.quantisation["loss_db"]) < 0.1


def test_images_of_16_bits_are_refused(images):
    write(ImageData(np.zeros((40, 40, 3), np.uint16)), images / "9.png")
    with pytest.raises(InvalidArgument, match="8-bit"):
        calibrate(small_relu(), images)


def test_the_loss_is_measured_on_the_images_that_a_list_names(images, tmp_path, capsys):
    path, names = tmp_path / "small.safetensors", tmp_path / "names.txt"
    save(small_relu(), path)
    names.write_text("below/*\n5.png\n")
    assert main(["quantise", str(path), "--data", str(images), "--held-out", str(names)]) == 0
    assert load(path).quantisation["calibration"]["images"] == 4
    assert load(path).quantisation["calibration"]["measured_on"] == 2
    with pytest.raises(InvalidArgument, match="holds no other images than those to measure with"):
        calibrate(small_relu(), images, None, sorted(images.rglob("*.png")))


def test_what_nobody_sees_is_no_loss(images):
    model = calibrate(small_relu(), images)
    sessions = [
        BACKENDS["reference"].prepare(model.spec, model.weights, precision, 1, model.quantisation)
        for precision in ("f32", "int8")
    ]
    small = np.linspace(0.1, 0.9, 400, dtype=np.float32).reshape(1, 20, 20)
    # Near both results, their PSNR is above 45 dB and counts as 45; 9 codes off, it is 29 dB.
    truth = np.clip(sum(session(small)[0].astype(np.float64) for session in sessions) / 2 * 255, 0, 255)
    assert int8_loss(model, model.quantisation, [(small, truth)])["loss_db"] == 0
    assert int8_loss(model, model.quantisation, [(small, truth + 9)])["loss_db"] != 0
