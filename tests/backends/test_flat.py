"""Flat cells in every backend: the full network and the full resize, chosen cell by cell, on every instruction set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.test_integer import chain, prepared, residual
from tests.models.test_flat import image_with_flat_parts
from tests.oracle import flat as oracle

from subpixel.backends import BACKENDS, FrameFormat
from subpixel.backends.frames import upscale
from subpixel.backends.integer import halves_of, to_halves
from subpixel.errors import Unsupported
from subpixel.models.flat import flat_samples, plain_detail, plain_resize
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.spec import INPUT, Conv, PixelShuffle, Spec

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

SPECS = {
    "small": chain(16, 6, 2),
    "odd channels, no base": chain(7, 2, 4, ends=7, base=False),
    "prelu, zero": chain(20, 3, 3, "prelu", border="zero"),
    "skips": residual(),
    "skips, zero": residual("zero", "none"),
    "fsrcnn": fsrcnn(3, features=10, shrunk=6, mappings=2),
    "tall and wide": Spec(
        (Conv("a", INPUT, 1, 5, (7, 1), "relu"), Conv("b", "a", 5, 4, (1, 5)), PixelShuffle("u", "b", 2)), 2
    ),
}
SIZES = [(1, 1), (7, 5), (8, 8), (9, 17), (33, 70)]
T = 12


@pytest.fixture(params=native.targets())
def target(request, monkeypatch):
    monkeypatch.setenv("SUBPIXEL_TARGET", request.param)
    return request.param


def session_of(backend, spec, precision="int8", flat=T, threads=1):
    weights, quantisation = prepared(spec)
    return BACKENDS[backend].prepare(spec, weights, precision, threads, quantisation, flat)


def plane_for(seed, height, width, dtype):
    """A plane with flat and busy parts; f32 with values between codes."""
    codes = image_with_flat_parts(seed, height, width) // 2
    if dtype == np.uint8:
        return codes.astype(np.uint8)[None]
    part = np.random.default_rng(seed).random(codes.shape) - 0.5
    return ((codes + part) / 255).astype(np.float32)[None]


def expected(spec, x, network, choose=oracle.chosen):
    """The choice of the oracle between a full result of the network and a full resize."""
    halves = halves_of(x)[0]
    if x.dtype == np.uint8:
        near = np.repeat(np.repeat(x[0].astype(int), spec.scale, 0), spec.scale, 1)
        plain = np.clip((16 * near + plain_detail(halves, spec.scale, base=True) + 8) >> 4, 0, 255).astype(np.uint8)
    elif network.dtype == np.float32:
        plain = plain_resize(x[0], spec.scale)
    return choose(halves, T, spec.scale, network[0], plain)


def quick_choice(halves, threshold, scale, network, plain):
    """As the oracle's, by the definition that tests/models/test_flat.py compares with it."""
    return np.where(flat_samples(halves, threshold, scale), plain, network)


@pytest.mark.parametrize("name", SPECS)
def test_the_reference_is_the_choice_between_network_and_resize(name):
    spec = SPECS[name]
    x = plane_for(5, 41, 35, np.uint8)
    result = session_of("reference", spec)(x)[0]
    full = session_of("reference", spec, flat=None)(x)
    assert np.array_equal(result, expected(spec, x, full))
    assert not np.array_equal(result, full[0])


@pytest.mark.parametrize("backend", ["reference", "torch", "native"])
def test_f32_is_the_choice_between_network_and_resize(backend):
    pytest.importorskip("torch") if backend == "torch" else None
    spec = SPECS["small"]
    x = plane_for(5, 41, 35, np.float32)
    result = session_of(backend, spec, "f32")(x)[0]
    full = session_of(backend, spec, "f32", flat=None)(x)
    wanted = expected(spec, x, full)
    assert np.abs(result - wanted).max() < 1e-6
    assert not np.array_equal(result, full[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("name", SPECS)
def test_every_target_has_the_bytes_of_the_reference(name, dtype, target):
    spec = SPECS[name]
    reference, engine = session_of("reference", spec), session_of("native", spec)
    for seed, (height, width) in enumerate(SIZES):
        x = plane_for(seed, height, width, dtype)
        assert np.array_equal(engine(x), reference(x)), (height, width)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("name", ["small", "skips, zero", "odd channels, no base"])
def test_floats_of_every_target_are_near_the_reference(name, precision, target):
    spec = SPECS[name]
    reference, engine = session_of("reference", spec, precision), session_of("native", spec, precision)
    exact = session_of("native", spec, precision, flat=None)
    for seed, (height, width) in enumerate(SIZES):
        x = plane_for(seed, height, width, np.float32)
        result = engine(x)
        assert np.abs(result - reference(x)).max() < (1e-5 if precision == "f32" else 0.05)
        flat = flat_samples(to_halves(x[0]), T, spec.scale)
        assert np.array_equal(result[0][~flat], exact(x)[0][~flat])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 300), st.integers(1, 3))
def test_any_image_has_the_bytes_of_the_reference(seed, height, width, threads):
    spec = SPECS["skips"]
    x = plane_for(seed, height, width, np.uint8)
    full = session_of("native", spec, flat=None)(x)
    result = session_of("native", spec, threads=threads)(x)[0]
    assert np.array_equal(result, expected(spec, x, full, quick_choice))


@pytest.mark.parametrize("precision", ["int8", "f32"])
def test_the_result_does_not_depend_on_threads(precision):
    spec = SPECS["small"]
    x = plane_for(3, 200, 150, np.float32)
    first = session_of("native", spec, precision)(x)
    for threads in (2, 3, 7):
        assert np.array_equal(session_of("native", spec, precision, threads=threads)(x), first)


def test_wide_images_are_cut_into_strips(target):
    spec = chain(64, 2, 2)
    x = plane_for(8, 9, 2500, np.uint8)
    full = session_of("native", spec, flat=None)(x)
    assert np.array_equal(session_of("native", spec)(x)[0], expected(spec, x, full, quick_choice))


def test_all_flat_and_none_flat(target):
    spec = SPECS["small"]
    engine, exact = session_of("native", spec), session_of("native", spec, flat=None)
    flat = np.full((1, 30, 50), 77, np.uint8)
    assert (engine(flat) == 77).all()
    busy = np.random.default_rng(1).integers(0, 256, (1, 30, 50), np.uint8)
    assert np.array_equal(engine(busy), exact(busy))
    assert np.array_equal(session_of("native", spec, flat=510)(flat), engine(flat))


@pytest.mark.parametrize("form", [("420", "left", 8, False), ("420", "left", 8, True), ("422", "left", 10, False)])
def test_frames_have_the_bytes_of_planes(form):
    spec, form = SPECS["small"], FrameFormat(*form)
    luma = (image_with_flat_parts(4, 50, 70) / 510 * form.max_code).astype(form.dtype)
    planes = [luma, *(np.full(form.chroma(luma.shape), 99, form.dtype) for _ in range(2))]
    engine, reference = session_of("native", spec), session_of("reference", spec)
    results = [form.output_planes(planes, 2, None) for _ in range(2)]
    engine.frame(planes, results[0], form)
    upscale(reference, planes, results[1], form, 2, 16, True)
    assert np.array_equal(results[0][0], results[1][0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_images_have_the_luma_of_planes(dtype):
    spec = SPECS["small"]
    most = np.iinfo(dtype).max
    gray = (image_with_flat_parts(9, 40, 60) / 510 * most).astype(dtype)
    pixels = np.repeat(gray[..., None], 3, axis=2)
    engine, exact = session_of("native", spec), session_of("native", spec, flat=None)
    result, full = engine.image(pixels, "none"), exact.image(pixels, "none")
    luma = (gray / most * 219 / 255 + 16 / 255).astype(np.float32)
    flat = flat_samples(to_halves(luma), T, 2)
    assert 0 < flat.mean() < 1
    assert np.array_equal(result[~flat], full[~flat])
    assert np.abs(result[..., 0] - oracle.cubic(gray, 2))[flat].max() <= most / 255


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (chain(8, 2, 2, colour="rgb"), "luma"),
        (Spec((Conv("a", INPUT, 1, 4, (3, 3)), PixelShuffle("u", "a", 2)), 2), "two samples"),
    ],
)
@pytest.mark.parametrize("backend", ["reference", "native"])
def test_networks_without_flat_cells_are_refused(backend, spec, words):
    with pytest.raises(Unsupported, match=words):
        session_of(backend, spec)
