"""RGB, time and the round trip of ``evaluate``, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metrics.scenes import LUMA, in_db, put, scene
from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.metrics import evaluate, record, ssim
from subpixel.metrics.protocol import score_sets, shrink


@pytest.mark.parametrize("kind", ["luma", "rgb"])
@pytest.mark.parametrize("scale", [2, 3])
def test_rgb_and_the_round_trip_step_by_step(
    tmp_path: Path, model: Callable[[str, int], str], kind: str, scale: int
) -> None:
    put(tmp_path / "HR" / "a.png", scene(61, 52))
    small, large = shrink(scene(61, 52), scale)
    upscaler = Upscaler(scale, model=model(kind, scale))
    result = upscaler(small)
    inside = np.s_[scale:-scale, scale:-scale]
    one = evaluate(upscaler, tmp_path)["sets"][tmp_path.name]
    (image,) = one["images"]
    difference = result[inside].astype(np.float64) - large[inside]
    assert image["psnr_rgb"] == pytest.approx(in_db(difference), abs=1e-9)
    channels = [ssim(result[..., c], large[..., c], crop=scale) for c in range(3)]
    assert image["ssim_rgb"] == pytest.approx(sum(channels) / 3, abs=1e-12)
    again, _ = shrink(result, scale)
    assert again.shape == small.shape
    assert image["round_trip_psnr_y"] == pytest.approx(in_db((again.astype(np.float64) - small) @ LUMA), abs=1e-6)
    assert image["megapixels"] == large.shape[0] * large.shape[1] / 1e6
    assert one["seconds"] == image["seconds"] > 0
    assert one["megapixels_per_second"] == pytest.approx(image["megapixels"] / image["seconds"])


def test_gray_images_have_one_channel_and_compare_with_colour(tmp_path: Path) -> None:
    gray = scene(40, 44, channels=1)
    triple = np.repeat(gray, 3, axis=2)
    small, _ = shrink(gray, 2)
    put(tmp_path / "gray" / "HR" / "a.png", gray)
    put(tmp_path / "same" / "HR" / "a.png", triple)
    put(tmp_path / "mixed" / "HR" / "a.png", triple)
    put(tmp_path / "mixed" / "LR_x2" / "a.png", small)
    sets = evaluate(Upscaler(2, model="bicubic"), tmp_path)["sets"]
    for key in ("psnr_rgb", "ssim_rgb", "round_trip_psnr_y"):
        assert sets["gray"][key] == pytest.approx(sets["same"][key], abs=1e-9)
        assert sets["mixed"][key] == pytest.approx(sets["same"][key], abs=1e-9)


def test_transparency_is_left_out(tmp_path: Path) -> None:
    pixels = scene(40, 44)
    alpha = np.random.default_rng(0).integers(0, 256, (40, 44, 1), np.uint8)
    put(tmp_path / "clear" / "HR" / "a.png", np.dstack([pixels, alpha]))
    put(tmp_path / "plain" / "HR" / "a.png", pixels)
    sets = evaluate(Upscaler(2, model="bicubic"), tmp_path)["sets"]
    for key in ("psnr_y", "psnr_rgb", "ssim_rgb", "round_trip_psnr_y"):
        assert sets["clear"][key] == sets["plain"][key]


def test_what_comes_back_unchanged_is_infinitely_good(tmp_path: Path) -> None:
    put(tmp_path / "HR" / "flat.png", np.full((32, 30, 3), 90, np.uint8))
    one = evaluate(Upscaler(2, model="bicubic"), tmp_path)["sets"][tmp_path.name]
    assert one["psnr_rgb"] == one["round_trip_psnr_y"] == math.inf


def test_other_programs_are_measured_by_the_same_protocol(tmp_path: Path) -> None:
    put(tmp_path / "HR" / "a.png", scene(40, 44))
    upscaler = Upscaler(2, model="bicubic")
    ours = evaluate(upscaler, tmp_path)
    theirs = score_sets(lambda small: upscaler(small), 2, tmp_path)
    assert theirs["protocol"] == ours["protocol"]
    for key in ("psnr_y", "ssim_y", "psnr_rgb"):
        assert theirs["sets"][tmp_path.name][key] == ours["sets"][tmp_path.name][key]


def test_only_the_networks_own_figures_are_recorded(tmp_path: Path) -> None:
    put(tmp_path / "HR" / "a.png", scene(40, 44))
    for options in ({"ensemble": True}, {"strength": 0.5}):
        upscaler = Upscaler(2, model="bicubic", **options)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="not the network's own"):
            record(upscaler.model, evaluate(upscaler, tmp_path))
