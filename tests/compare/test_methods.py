"""The methods that are compared: all of the product's, and what each promises."""

import numpy as np
import pytest

from subpixel import compare
from subpixel.compare.degradations import degradation_of
from subpixel.compare.methods import NotPossible, Sample, all_methods, methods_of
from subpixel.compare.methods.trained import subpixel_layer, train_layer, transposed_layer
from subpixel.errors import InvalidArgument
from subpixel.models.zoo import ZOO
from subpixel.ops import resize

AREA = degradation_of("area")


def image(height=32, width=48, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return resize(small, (height, width), mode="cubic")


def sample(scale=2, reference=True, size=(32, 48)):
    large = image(size[0] * scale, size[1] * scale)
    return Sample(AREA(large, scale), scale, large if reference else None, AREA, threads=1)


def result(name, one):
    return np.asarray(methods_of([name])[0].prepare(one).run())


def test_every_network_and_operator_of_the_product_is_there():
    names = {method.name for method in all_methods()}
    assert names >= {entry.name for entry in ZOO.values() if entry.trained}
    assert len({method.title for method in all_methods()}) == len(all_methods())
    assert all(method.about.endswith(".") for method in all_methods() if method.family != "own")


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("method", all_methods(), ids=lambda method: method.name)
def test_every_method_makes_the_size_or_says_why_not(method, scale):
    if method.name in ("high", "vespcn") and scale != 4:
        pytest.skip("slow, and measured at one scale")
    one = sample(scale, size=(16, 24) if method.name in ("high", "vespcn") else (32, 48))
    if method.family == "network" and scale not in ZOO[method.name].scales:
        with pytest.raises(NotPossible, match=f"not ×{scale}"):
            method.prepare(one)
        return
    prepared = method.prepare(one)
    image = np.asarray(prepared.run())
    assert image.shape == (*one.size, 3)
    assert prepared.macs is None or prepared.macs >= 0


def test_two_names_of_one_thing_give_one_image():
    one = sample()
    nearest = result("nearest", one)
    assert (nearest == result("average-unpooling", one)).all()
    assert (nearest == result("area", one)).all()
    bilinear = resize(one.small.astype(np.float32), one.size, mode="linear")
    np.testing.assert_allclose(result("grid-sample", one), bilinear, atol=1e-3)


def test_what_reads_the_reference():
    one = sample()
    assert (result("pixel-shuffle", one) == one.truth).all()
    unpooled = result("max-unpooling", one)
    kept = unpooled > 0
    assert (unpooled[kept] == one.truth[kept]).all()
    blocks = kept.reshape(32, 2, 48, 2, 3).sum(axis=(1, 3))
    assert blocks.max() == 1
    assert blocks.mean() > 0.9
    assert all(method.sees_truth == (method.name in ("pixel-shuffle", "max-unpooling")) for method in all_methods())


@pytest.mark.parametrize("name", ["pixel-shuffle", "max-unpooling"])
def test_without_a_reference_nothing_can_be_put_back(name):
    with pytest.raises(NotPossible, match="needs the reference"):
        result(name, sample(reference=False))


def test_the_affine_grid_turns_without_a_shear():
    """A disc stays a disc, whatever the aspect of the image."""
    y, x = np.mgrid[:40, :80]
    disc = np.repeat((((y - 19.5) ** 2 + (x - 39.5) ** 2 < 144) * 255).astype(np.uint8)[..., None], 3, 2)
    turned = result("grid-sample-affine", Sample(disc, 2, None, AREA))[..., 0] > 127
    rows, columns = np.nonzero(turned)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1
    assert np.ptp(rows) == pytest.approx(24 * 2 * 1.05, abs=2)


def test_training_lowers_the_loss_and_repeats():
    pytest.importorskip("torch")
    large = image(64, 64)
    small = AREA(large, 2)
    for make in (transposed_layer, subpixel_layer):
        layer, losses = train_layer(make(2, "random", 3), small, large, steps=30)
        again, same = train_layer(make(2, "random", 3), small, large, steps=30)
        assert losses == same
        assert (layer.weight == again.weight).all()
        assert losses[-1] < losses[0]
        assert (make(2, "random", 3).weight != layer.weight).any()


def test_training_needs_an_image_that_can_be_made_smaller():
    pytest.importorskip("torch")
    with pytest.raises(NotPossible, match="too small to train on"):
        result("transposed", sample(8, size=(8, 24)))


def test_one_s_own_upsampler():
    method = compare.register("my-way", lambda small, scale: small.repeat(scale, 0).repeat(scale, 1), title="Mine")
    assert all_methods()[-1] is method
    assert (result("my-way", sample()) == result("nearest", sample())).all()
    other = compare.register("my-way", lambda small, scale: small)
    assert [one for one in all_methods() if one.name == "my-way"] == [other]


@pytest.mark.parametrize(
    ("name", "function", "text"),
    [
        ("My way", len, "lower-case letters, digits and hyphens"),
        ("bilinear", len, "the product has a method of this name"),
        ("mine", 3, "a function of an image and a scale is needed"),
    ],
)
def test_what_cannot_be_registered(name, function, text):
    with pytest.raises(InvalidArgument, match=text):
        compare.register(name, function)


def test_unknown_names():
    with pytest.raises(InvalidArgument, match="bilinear"):
        methods_of(["bilinea"])
    with pytest.raises(InvalidArgument, match="at least one"):
        methods_of([])
