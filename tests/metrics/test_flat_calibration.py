"""The threshold of flat cells: what is measured, written, and used."""

from dataclasses import replace

import numpy as np
import pytest
from tests.models.test_flat import image_with_flat_parts

from subpixel.cli import main
from subpixel.errors import ModelFileError, Unsupported
from subpixel.image import ImageData, write
from subpixel.metrics.flat_calibration import measure_flat
from subpixel.models import Model, espcn, find, load, save
from subpixel.upscaler import Upscaler


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "images"
    path.mkdir()
    for seed in range(2):
        gray = (image_with_flat_parts(seed, 96, 128) // 2).astype(np.uint8)
        write(ImageData(np.repeat(gray[..., None], 3, axis=2)), path / f"{seed}.png")
    return path


def near_bicubic(detail=0.0):
    """A network whose result is the input repeated, plus some detail everywhere."""
    spec = espcn(2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    last = next(name for name in reversed(list(weights)) if name.endswith("bias"))
    weights[last] += np.float32(detail)
    return Model("m", spec, weights)


def test_a_network_far_from_the_resize_has_no_flat_cells(folder):
    said = []
    assert measure_flat(near_bicubic(0.5), folder, said.append).flat is None
    assert said == ["flat cells cost too much at any threshold; the network computes everything"]


def test_the_command_only_adds_the_threshold(folder, tmp_path, capsys):
    model = replace(find("fast", 2), flat=None)
    path = tmp_path / "fast.safetensors"
    save(model, path)
    assert main(["quantise", str(path), "--data", str(folder), "--flat"]) == 0
    assert "flat cells" in capsys.readouterr().out
    after = load(path)
    assert after.quantisation == model.quantisation
    assert all(np.array_equal(after.weights[name], model.weights[name]) for name in model.weights)


def test_the_threshold_is_used_unless_everything_is_wanted():
    model = replace(find("fast", 2), flat={"threshold": 6, "loss_db": 0.005})
    gray = (image_with_flat_parts(3, 90, 70) // 2).astype(np.uint8)
    exact = Upscaler(2, model=replace(model, flat=None))(gray)
    skipped = Upscaler(2, model=model)
    result = skipped(gray)
    assert not np.array_equal(result, exact)
    assert not skipped.exact
    assert np.array_equal(Upscaler(2, model=model, exact=True)(gray), exact)
    assert Upscaler(2, model=model, ensemble=True).exact
    for tile in (8, 21, 64):
        assert np.array_equal(Upscaler(2, model=model, tile=tile)(gray), result)
    for tile in (8, 21):
        half = Upscaler(2, model=model, strength=0.5, tile=tile)(gray)
        assert np.array_equal(half, Upscaler(2, model=model, strength=0.5)(gray))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiles_of_colour_and_transparency_have_the_bytes_of_the_whole(channels):
    model = replace(find("fast", 2), flat={"threshold": 6})
    gray = (image_with_flat_parts(7, 90, 70) // 2).astype(np.uint8)
    image = np.stack([gray if k < 3 else gray[::-1] for k in range(channels)], axis=2)
    whole = Upscaler(2, model=model)(image)
    assert np.array_equal(Upscaler(2, model=model, tile=27)(image), whole)


def test_a_wrong_threshold_in_a_file_is_refused():
    with pytest.raises(ModelFileError, match=r"multiple of 0\.5"):
        replace(find("fast", 2), flat={"threshold": "much"})


def test_a_network_for_rgb_is_refused(folder):
    with pytest.raises(Unsupported, match="flat"):
        measure_flat(find("bicubic", 2), folder)
