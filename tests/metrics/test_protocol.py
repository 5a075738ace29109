"""The protocol of ``evaluate`` is right if bicubic gets the figures that are published for bicubic."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image.compression import Jpeg
from subpixel.metrics import evaluate, psnr, ssim
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.models import Model, bicubic, save

SETS = Path(__file__).parents[3] / "shared" / "data" / "images" / "test"
needs_sets = pytest.mark.skipif(
    not (SETS / "Set5" / "HR").is_dir(),
    reason=f"the standard test sets are not at {SETS}; they are never in the project",
)

# PSNR of luma by MATLAB's bicubic, as published since SRCNN (Dong et al., TPAMI 2016, tables 2 to 4).
PUBLISHED = {
    ("Set5", 2): 33.68,
    ("Set5", 3): 30.41,
    ("Set5", 4): 28.43,
    ("Set14", 2): 30.33,
    ("Set14", 3): 27.63,
    ("Set14", 4): 26.09,
    ("BSD100", 2): 29.56,
    ("BSD100", 3): 27.21,
    ("BSD100", 4): 25.96,
}


def without_times(one: dict[str, Any]) -> dict[str, Any]:
    """A set's figures, or an image's, but for what differs from run to run."""
    kept = {key: value for key, value in one.items() if key not in ("seconds", "megapixels_per_second")}
    return {**kept, "images": [without_times(image) for image in kept["images"]]} if "images" in kept else kept


@needs_sets
@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), PUBLISHED)
def test_bicubic_gets_its_published_figure(name: str, scale: int) -> None:
    report = evaluate(Upscaler(scale, model="bicubic"), SETS / name)
    assert set(report["sets"]) == {name}
    assert len(report["sets"][name]["images"]) == {"Set5": 5, "Set14": 14, "BSD100": 100}[name]
    assert report["sets"][name]["psnr_y"] == pytest.approx(PUBLISHED[name, scale], abs=0.01)


@needs_sets
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_images_made_here_are_those_given(tmp_path: Path, scale: int) -> None:
    """A set with HR alone gets the figures of the set with the small images that MATLAB made."""
    (tmp_path / "Set5").mkdir()
    (tmp_path / "Set5" / "HR").symlink_to(SETS / "Set5" / "HR")
    upscaler = Upscaler(scale, model="bicubic")
    result, given = (without_times(evaluate(upscaler, folder)["sets"]["Set5"]) for folder in (tmp_path, SETS / "Set5"))
    assert result == given


@needs_sets
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["Set5", "Set14"])
def test_shrinking_makes_the_bytes_that_matlab_made(name: str, scale: int) -> None:
    for path in sorted((SETS / name / "HR").iterdir()):
        large = pyvips.Image.new_from_file(str(path)).numpy()
        given = np.atleast_3d(pyvips.Image.new_from_file(str(SETS / name / f"LR_x{scale}" / path.name)).numpy())
        small, cropped = shrink(np.atleast_3d(large), scale)
        assert cropped.shape[:2] == (given.shape[0] * scale, given.shape[1] * scale)
        np.testing.assert_array_equal(small, given)


@needs_sets
def test_a_folder_of_sets_gives_every_set(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).symlink_to(SETS / "Set5")
    (tmp_path / "notes.txt").write_text("not a set")
    (tmp_path / "other").mkdir()
    seen: list[str] = []
    report = evaluate(Upscaler(4, model="bicubic"), tmp_path, seen.append)
    assert list(report["sets"]) == ["a", "b"]
    assert without_times(report["sets"]["a"]) == without_times(report["sets"]["b"])
    assert len(seen) == 10
    assert seen[0].startswith("a/")


# With images made here


def scene(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    bands = [128 + 90 * np.sin(x / (3 + k)) * np.cos(y / (4 + k)) + rng.normal(0, 6, x.shape) for k in range(channels)]
    return np.clip(np.dstack(bands), 0, 255).astype(np.uint8)


def put(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    space = "b-w" if pixels.shape[2] == 1 else "srgb"
    if pixels.dtype == np.uint16:
        space = "rgb16"
    pyvips.Image.new_from_array(pixels).copy(interpretation=space).write_to_file(str(path))


@pytest.fixture
def luma_bicubic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Upscaler]:
    """Bicubic as a network on luma, from a file: what the protocol does with luma networks."""
    folder = tmp_path_factory.mktemp("models")

    def make(scale: int) -> Upscaler:
        path = folder / f"plain_x{scale}.safetensors"
        save(Model("plain", bicubic(scale, colour="luma"), {}), path)
        return Upscaler(scale, model=str(path))

    return make


def test_the_report_has_the_shape_that_is_documented(tmp_path: Path) -> None:
    put(tmp_path / "Mine" / "HR" / "one.png", scene(40, 50))
    put(tmp_path / "Mine" / "HR" / "two.png", scene(36, 33, seed=1))
    report = json.loads(json.dumps(evaluate(Upscaler(2, model="bicubic"), tmp_path / "Mine")))
    parts = {"model", "scale", "backend", "precision", "threads", "ensemble", "strength", "exact", "time"}
    parts |= {"protocol", "sets"}
    assert set(report) == parts
    assert (report["model"], report["scale"]) == ("bicubic", 2)
    assert report["protocol"]["crop"] == 2
    topics = {"colour", "prediction", "crop", "psnr", "ssim", "rgb", "round_trip", "low_resolution"}
    assert set(report["protocol"]) == topics
    assert set(report["sets"]) == {"Mine"}
    one = report["sets"]["Mine"]
    means = {"psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "round_trip_psnr_y"}
    assert set(one) == means | {"seconds", "megapixels_per_second", "images"}
    assert [set(image) for image in one["images"]] == [means | {"name", "seconds", "megapixels"}] * 2
    assert [image["name"] for image in one["images"]] == ["one.png", "two.png"]
    for key in means:
        values = [image[key] for image in one["images"]]
        assert one[key] == pytest.approx(sum(values) / 2)
        assert all(math.isfinite(value) for value in values)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_figures_are_those_worked_out_step_by_step(
    tmp_path: Path, luma_bicubic: Callable[[int], Upscaler], scale: int
) -> None:
    large = scene(61, 47)
    put(tmp_path / "HR" / "a.png", large)
    small, cropped = shrink(large, scale)
    truth = 16 + cropped @ np.array([65.481, 128.553, 24.966]) / 255
    upscaler = Upscaler(scale, model="bicubic")
    result = 16 + upscaler(small) @ np.array([65.481, 128.553, 24.966]) / 255
    image = evaluate(upscaler, tmp_path)["sets"][tmp_path.name]["images"][0]
    assert image["psnr_y"] == pytest.approx(psnr(result, truth, data_range=255, crop=scale), abs=1e-6)
    assert image["ssim_y"] == pytest.approx(ssim(result, truth, data_range=255, crop=scale), abs=1e-6)
    # A luma network gets luma, unrounded, and its result is rounded and clipped.
    upscaler = luma_bicubic(scale)
    plane = upscaler.plane((16 / 255 + small @ np.array([65.481, 128.553, 24.966]) / 255**2).astype(np.float32))
    result = np.clip(np.floor(plane.astype(np.float64) * 255 + 0.5), 0, 255)
    image = evaluate(upscaler, tmp_path)["sets"][tmp_path.name]["images"][0]
    assert image["psnr_y"] == pytest.approx(psnr(result, truth, data_range=255, crop=scale), abs=1e-3)


def test_given_small_images_are_used_and_large_ones_cropped_to_them(tmp_path: Path) -> None:
    large = scene(41, 50)
    put(tmp_path / "HR" / "a.png", large)
    put(tmp_path / "LR_x2" / "a.png", np.full((18, 23, 3), 128, np.uint8))
    report = evaluate(Upscaler(2, model="bicubic"), tmp_path)
    truth = luma_255(large[:36, :46])
    expected = psnr(
        np.full(truth.shape, luma_255(np.full((1, 1, 3), 128, np.uint8))[0, 0]), truth, data_range=255, crop=2
    )
    assert report["sets"][tmp_path.name]["psnr_y"] == pytest.approx(expected, abs=1e-9)
    assert "given" in report["protocol"]["low_resolution"]


def test_gray_images_count_as_rgb_of_equal_channels(tmp_path: Path) -> None:
    gray = scene(40, 44, channels=1)
    put(tmp_path / "gray" / "HR" / "a.png", gray)
    put(tmp_path / "same" / "HR" / "a.png", np.repeat(gray, 3, axis=2))
    sets = evaluate(Upscaler(2, model="bicubic"), tmp_path)["sets"]
    assert sets["gray"]["psnr_y"] == pytest.approx(sets["same"]["psnr_y"], abs=1e-9)


@pytest.mark.parametrize("value", [0, 1, 77, 255])
def test_luma_of_white_and_black_is_exact(value: int) -> None:
    expected = 16 + 219 * value / 255
    for channels in (1, 3):
        assert luma_255(np.full((2, 2, channels), value, np.uint8)) == pytest.approx(expected, abs=1e-8)


def test_shrinking_crops_to_whole_multiples() -> None:
    pixels = scene(11, 14)
    small, large = shrink(pixels, 3)
    assert (small.shape, large.shape) == ((3, 4, 3), (9, 12, 3))
    np.testing.assert_array_equal(large, pixels[:9, :12])
    with pytest.raises(InvalidArgument, match="too small to shrink by 4"):
        shrink(scene(3, 40), 4)


@pytest.mark.parametrize(
    ("files", "error", "text"),
    [
        ({}, InvalidArgument, "HR/"),
        ({"HR": None}, InvalidArgument, "no image"),
        ({"HR/a.txt": b"text"}, InvalidArgument, "no image"),
        ({"HR/a.png": (20, 20), "LR_x2": None}, ImageReadError, "same images"),
        ({"HR/a.png": (20, 20), "LR_x2/b.png": (10, 10)}, ImageReadError, r"same images.*a, b"),
        ({"HR/a.png": (40, 40), "HR/b.png": (40, 40), "LR_x2/a.png": (20, 20)}, ImageReadError, "same images: b"),
        ({"HR/a.png": (39, 40), "LR_x2/a.png": (20, 20)}, ImageReadError, "smaller than 2 times"),
        ({"HR/a.png": b"not an image"}, ImageReadError, r"a\.png"),
        ({"HR/a.png": (40, 40), "LR_x2/a.png": b""}, ImageReadError, "empty"),
        ({"HR/a.png": (1, 40)}, InvalidArgument, "too small to shrink by 2"),
        ({"HR/a.png": (12, 12)}, InvalidArgument, "11×11"),
        ({"HR/a.png": "16 bits"}, ImageReadError, "8-bit"),
    ],
    ids=str,
)
def test_a_malformed_set_is_one_clear_error(tmp_path: Path, files: dict[str, Any], error: type, text: str) -> None:
    for name, content in files.items():
        path = tmp_path / name
        if content is None:
            path.mkdir(parents=True)
        elif content == "16 bits":
            put(path, scene(40, 40).astype(np.uint16) * 257)
        elif isinstance(content, bytes):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        else:
            put(path, scene(*content))
    with pytest.raises(error, match=text):
        evaluate(Upscaler(2, model="bicubic"), tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no such folder"):
        evaluate(Upscaler(2, model="bicubic"), tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="no such folder"):
        evaluate(Upscaler(2, model="bicubic"), tmp_path / "file")


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_degradation_befalls_the_small_images_alone(tmp_path: Path, given: bool, channels: int) -> None:
    large = scene(48, 60, channels)
    put(tmp_path / "HR" / "a.png", large)
    small, _ = shrink(large, 2)
    if given:
        put(tmp_path / "LR_x2" / "a.png", small)
    upscaler = Upscaler(2, model="bicubic")
    report = evaluate(upscaler, tmp_path, degradation=Jpeg(40))
    image = report["sets"][tmp_path.name]["images"][0]
    result = upscaler(Jpeg(40)(small[..., : min(channels, 3)]))
    assert image["psnr_y"] == pytest.approx(psnr(luma_255(result), luma_255(large), data_range=255, crop=2), abs=1e-9)
    clean = evaluate(upscaler, tmp_path)
    assert image["psnr_y"] < clean["sets"][tmp_path.name]["psnr_y"] - 0.5
    assert report["protocol"]["low_resolution"].endswith("; then JPEG of quality 40, 4:2:0 (libvips)")
    assert "JPEG" not in clean["protocol"]["low_resolution"]
