"""Whole images by the compiled module, beside the same network plane by plane in NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.models import find
from subpixel.models.files import save
from subpixel.models.integer import quantise

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")


class PlanesOnly:
    """A session without its way for whole images."""

    def __init__(self, session):
        self.session = session

    def __call__(self, planes):
        return self.session(planes)


@pytest.fixture(params=native.targets())
def target(request, monkeypatch):
    monkeypatch.setenv("SUBPIXEL_TARGET", request.param)
    return request.param


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Model files with int8 parameters, by scale."""
    folder = tmp_path_factory.mktemp("models")
    for scale in (2, 3, 4, 8):
        model = find("espcn", scale)
        save(replace(model, quantisation=quantise(model.spec, model.weights, {})), folder / f"{scale}.safetensors")
    return folder


def both(model, scale, precision):
    fused, plain = (
        Upscaler(scale, model=str(model), backend="native", precision=precision, threads=2) for _ in range(2)
    )
    network = plain.network()
    network._session = PlanesOnly(network._session)
    return fused, plain


def random_image(height, width, channels, dtype, seed=0):
    rng = np.random.default_rng(seed)
    rough = np.cumsum(rng.standard_normal((height, width, channels)), axis=1) * 12 + 128
    if channels in (2, 4):
        rough[..., -1] = rng.choice([0, 40, 255], (height, width))
    pixels = np.clip(rough, 0, 255)
    return (pixels * (257 if dtype == np.uint16 else 1)).astype(dtype)


@pytest.mark.parametrize("precision", ["f32", "int8"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_images_equal_planes_but_for_rounding(target, whole, precision, channels, dtype):
    for scale in (2, 3, 4, 8):
        fused, plain = both(whole / f"{scale}.safetensors", scale, precision)
        for height, width in ((1, 1), (2, 3), (19, 33), (5, 1100)):
            x = random_image(height, width, channels, dtype)
            result, wanted = fused(x), plain(x)
            assert result.dtype == dtype
            assert result.shape == wanted.shape
            apart = np.abs(result.astype(int) - wanted)
            if channels in (2, 4):
                # Where next to nothing shows, dividing it out makes the last bits of both large.
                apart[wanted[..., -1] < (257 if dtype == np.uint16 else 1) * 8] = 0
            # Sums of other order, rounded: one unit, of 16 bits a few.
            assert apart.max() <= (1 if dtype == np.uint8 else 8), (scale, height, width)
            assert dtype == np.uint16 or (apart > 0).mean() < 0.01


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_every_target_gives_the_same_int8_image(whole, precision, monkeypatch):
    x = random_image(41, 57, 4, np.uint8)
    result = []
    for name in native.targets():
        monkeypatch.setenv("SUBPIXEL_TARGET", name)
        result.append(
            Upscaler(3, model=str(whole / "3.safetensors"), backend="native", precision=precision)(x).astype(int)
        )
    for other in result[1:]:
        # f32 sums convolutions with wider registers in the same order, but merges products and sums where it can
        assert np.abs(result[0] - other)[result[0][..., 3] > 8].max() <= (0 if precision == "int8" else 1)


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_threads_and_bands_change_no_byte(whole, precision):
    x = random_image(700, 900, 3, np.uint8)
    one, five = (
        Upscaler(2, model=str(whole / "2.safetensors"), backend="native", precision=precision, threads=n)(x)
        for n in (1, 5)
    )
    np.testing.assert_array_equal(one, five)
    part = Upscaler(2, model=str(whole / "2.safetensors"), backend="native", precision=precision, threads=2)(
        x[300:400, 200:330]
    )
    np.testing.assert_array_equal(part[40:-40, 40:-40], one[640:760, 440:620])


def test_opaque_alpha_stays_opaque_and_changes_no_colour(whole):
    x = random_image(30, 40, 3, np.uint8)
    rgba = np.concatenate([x, np.full((30, 40, 1), 255, np.uint8)], axis=2)
    upscaler = Upscaler(2, model=str(whole / "2.safetensors"), backend="native", precision="int8")
    result = upscaler(rgba)
    assert (result[..., 3] == 255).all()
    np.testing.assert_array_equal(result[..., :3], upscaler(x))


def test_an_image_that_does_not_lie_in_order(whole):
    x = random_image(20, 30, 3, np.uint8)
    upscaler = Upscaler(2, model=str(whole / "2.safetensors"), backend="native", precision="int8")
    np.testing.assert_array_equal(upscaler(x[:, ::-1][::2]), upscaler(np.ascontiguousarray(x[:, ::-1][::2])))


def test_bytes_of_a_plane_go_through_as_they_are(whole):
    y = random_image(20, 30, 1, np.uint8)[..., 0]
    upscaler = Upscaler(2, model=str(whole / "2.safetensors"), backend="native", precision="int8")
    reference = Upscaler(2, model=str(whole / "2.safetensors"), backend="reference", precision="int8")
    np.testing.assert_array_equal(upscaler.plane(y), reference.plane(y))


def test_what_the_module_refuses():
    x, y, net = np.zeros((2, 3, 3), np.uint8), np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.float32)
    taps = [-2, -1], [0.25] * 8
    for change, message in (
        ({"alpha": "opaque"}, "alpha"),
        ({"alpha": "x"}, "alpha"),
        ({"bottom": 3}, "rows"),
        ({"net": net[:2]}, "net"),
        ({"y": y[:3]}, "scale times"),
        ({"first": [-3, -1]}, "too far"),
        ({"weight": [0.25] * 7}, "four weights"),
        ({"threads": 0}, "threads"),
    ):
        given = {"x": x, "top": 0, "bottom": 2, "net": net, "y": y, "first": taps[0], "weight": taps[1]}
        with pytest.raises(ValueError, match=message):
            native.compose(**{**given, "alpha": "none", "threads": 1, "target": "", **change})


def test_calibrated_models_are_int8_by_themselves(tmp_path):
    model = find("espcn", 2)
    quantisation = {**quantise(model.spec, model.weights, {}), "loss_db": 0.01}
    save(replace(model, quantisation=quantisation), tmp_path / "m.safetensors")
    assert Upscaler(2, model=str(tmp_path / "m.safetensors")).precision == "int8"
    assert Upscaler(2, model=str(tmp_path / "m.safetensors"), precision="f32").precision == "f32"
