"""Ensembles and strengths beside eight images turned by hand and mixtures written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import subpixel
import subpixel.backends.bands
from networks import residual
from subpixel import Upscaler
from subpixel.backends import FrameSession, ImageSession
from subpixel.backends.ensemble import ensemble_session
from subpixel.errors import InvalidArgument
from subpixel.models import Model, bicubic, save
from subpixel.models.flat import CELL
from subpixel.models.integer import quantise
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec

DTYPES = [np.uint8, np.uint16, np.float32]
SHAPES = [(23, 17), (23, 17, 1), (11, 30, 2), (23, 17, 3), (14, 19, 4)]
YUV: dict[str, Any] = {"subsampling": "420", "siting": "left", "full_range": False}


def random_image(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> NDArray[Any]:
    values = np.random.default_rng(seed).uniform(0, 1, shape)
    values = (values + np.roll(values, 1, 0) + np.roll(values, 1, 1)) / 3
    if len(shape) == 3 and shape[2] in (2, 4):
        values[..., -1] = np.clip(2 * values[..., -1] - 0.4, 0, 1)
    if dtype == np.float32:
        return values.astype(np.float32)
    return np.round(values * np.iinfo(dtype).max).astype(dtype)


def eight(x: NDArray[Any]) -> Iterator[tuple[NDArray[Any], Callable[[NDArray[Any]], NDArray[Any]]]]:
    """Each of the square's symmetries of the first two axes, with what undoes it."""
    for across in (False, True):
        for down in (False, True):
            for swapped in (False, True):

                def undo(
                    y: NDArray[Any], down: bool = down, across: bool = across, swapped: bool = swapped
                ) -> NDArray[Any]:
                    y = y.swapaxes(0, 1) if swapped else y
                    y = y[::-1] if down else y
                    return y[:, ::-1] if across else y

                y = x[:, ::-1] if across else x
                y = y[::-1] if down else y
                yield np.ascontiguousarray(y.swapaxes(0, 1) if swapped else y), undo


def mean_of_eight(x: NDArray[Any], call: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    return np.mean([undo(call(y)).astype(np.float64) for y, undo in eight(x)], axis=0)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that the engine streams, lopsided and with int8 parameters."""
    layers: tuple[Any, ...] = (
        Conv("first", INPUT, 1, 6, (5, 3), "relu"),
        Conv("second", "first", 6, 4, (3, 3)),
        PixelShuffle("detail", "second", 2),
        Resize("base", INPUT, 2, "nearest"),
        Add("sum", ("base", "detail")),
    )
    spec = Spec(layers, 2)
    rng = np.random.default_rng(4)
    weights = {name: rng.normal(0, 0.15, shape).astype(np.float32) for name, shape in spec.weight_shapes.items()}
    path = tmp_path_factory.mktemp("chain") / "chain.safetensors"
    save(Model("chain", spec, weights, quantisation=quantise(spec, weights, {"first": (0.0, 1.5)})), path)
    return str(path)


@pytest.fixture(scope="module")
def luma_bicubic(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The baseline on luma, which takes planes and frames."""
    path = tmp_path_factory.mktemp("plain") / "plain.safetensors"
    save(Model("plain", bicubic(2, colour="luma"), {}), path)
    return str(path)


# Ensembles


def test_the_eight_are_all_different() -> None:
    x = np.arange(6).reshape(2, 3)
    turned = [y for y, _ in eight(x)]
    assert len({(y.shape, y.tobytes()) for y in turned}) == 8
    for y, undo in eight(x):
        np.testing.assert_array_equal(undo(y), x)
    seen: list[bytes] = []

    def session(planes: NDArray[Any]) -> NDArray[Any]:
        seen.append(str(planes.shape[1:]).encode() + planes.tobytes())
        return planes

    result = ensemble_session(session, session, ensemble=True, strength=1)(x[None].astype(np.float32))
    np.testing.assert_array_equal(result[0], x)
    assert set(seen) == {str(y.shape).encode() + y.astype(np.float32).tobytes() for y in turned}


@pytest.mark.parametrize("backend", ["native", "reference", "torch"])
@pytest.mark.parametrize("kind", ["luma", "zero"])
@pytest.mark.parametrize("full_range", [False, True])
def test_a_plane_is_the_mean_of_eight(model: Callable[..., str], kind: str, backend: str, full_range: bool) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    plain, ensemble = (Upscaler(2, model=model(kind), backend=backend, ensemble=wanted) for wanted in (False, True))
    x = random_image((21, 14), np.float32)
    expected = mean_of_eight(x, lambda y: plain.plane(y, full_range))
    result = ensemble.plane(x, full_range)
    np.testing.assert_allclose(result, expected, atol=2e-6)
    assert np.abs(result - plain.plane(x, full_range)).max() > 1e-3  # the network is not symmetric by itself
    narrow = random_image((21, 14), np.uint8)
    exact = mean_of_eight(narrow.astype(np.float32) / np.float32(255), lambda y: plain.plane(y, full_range))
    rounded = np.clip(exact * 255, 0, 255)
    assert np.abs(ensemble.plane(narrow, full_range) - rounded).max() <= 0.501  # rounded once, at the end


@pytest.mark.parametrize("kind", ["luma", "rgb", "zero", "bicubic"])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_image_is_the_mean_of_eight(model: Callable[..., str], kind: str, shape: tuple[int, ...]) -> None:
    """Colour and alpha too: bicubic is the same of a turned image, so only the network gains."""
    plain, ensemble = (Upscaler(2, model=model(kind), ensemble=wanted) for wanted in (False, True))
    x = random_image(shape, np.float32)
    expected = mean_of_eight(x, plain)
    result = ensemble(x)
    shown = result[..., -1:] > 1 / 500 if len(shape) == 3 and shape[2] in (2, 4) else np.full_like(result, True, bool)
    assert np.abs(np.where(shown, result - expected, 0)).max() < 1e-3 * (shape[-1] in (2, 4)) + 5e-6
    for dtype in (np.uint8, np.uint16):
        codes = random_image(shape, dtype)
        if shape[-1] in (2, 4) and len(shape) == 3:
            codes[..., -1] = 77  # where alpha varies, colours are mixed, and rounded to the image's own codes
        assert (ensemble(codes).dtype, ensemble(codes).shape) == (dtype, expected.shape)
        step = np.iinfo(dtype).max
        exact = ensemble(codes.astype(np.float32) / np.float32(step))
        assert np.abs(ensemble(codes) - np.clip(exact.astype(np.float64) * step, 0, step)).max() <= 0.51


@pytest.mark.parametrize("precision", ["f32", "bf16", "int8"])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_every_precision_has_an_ensemble(chain: str, backend: str, precision: str) -> None:
    plain, ensemble = (
        Upscaler(2, model=chain, backend=backend, precision=precision, ensemble=wanted) for wanted in (False, True)
    )
    assert ensemble.precision == precision
    x = random_image((12, 31), np.uint8)
    values = x.astype(np.float32) / np.float32(255)
    expected = mean_of_eight(values, plain.plane)
    np.testing.assert_allclose(ensemble.plane(values), expected, atol=1e-6)
    # Not the mean of eight rounded ones: of the results before they are rounded.
    assert np.abs(ensemble.plane(x) - np.clip(expected * 255, 0, 255)).max() <= 0.5001
    pixels = random_image((12, 31, 3), np.float32)
    np.testing.assert_allclose(ensemble(pixels), mean_of_eight(pixels, plain), atol=3e-6)


@pytest.mark.parametrize("precision", ["f32", "int8"])
@pytest.mark.parametrize("bits", [8, 10, 16])
def test_frames_have_their_luma_from_the_ensemble(chain: str, precision: str, bits: int) -> None:
    plain, ensemble = (Upscaler(2, model=chain, precision=precision, ensemble=wanted) for wanted in (False, True))
    dtype, most = (np.uint8 if bits == 8 else np.uint16), 2**bits - 1
    y, u, v = (
        np.round(random_image(s, np.float32, n) * most).astype(dtype) for n, s in enumerate([(13, 18), (7, 9), (7, 9)])
    )
    result = ensemble.yuv(y, u, v, bits=bits, **YUV)
    usual = plain.yuv(y, u, v, bits=bits, **YUV)
    for mine, theirs in zip(result[1:], usual[1:], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    unit = 255 * 2 ** (bits - 8)
    expected = np.clip(mean_of_eight((y / unit).astype(np.float32), plain.plane) * unit, 0, most)
    assert np.abs(result[0] - expected).max() <= 0.5 + 2e-6 * unit


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(
    "options", [{"ensemble": True}, {"strength": 0.3}, {"ensemble": True, "strength": 0.6}, {"strength": 0}]
)
@pytest.mark.parametrize("kind", ["luma", "rgb", "zero", "chain", "int8"])
def test_bands_and_threads_change_no_byte(
    monkeypatch: pytest.MonkeyPatch, model: Callable[..., str], chain: str, kind: str, backend: str, options: Any
) -> None:
    name = chain if kind in ("chain", "int8") else model(kind)
    precision = "int8" if kind == "int8" else "f32"
    upscalers = [
        Upscaler(2, model=name, backend=backend, precision=precision, threads=threads, **options) for threads in (1, 3)
    ]
    images = [
        random_image((15, 13, 3), np.uint8),
        random_image((15, 13), np.float32),
        random_image((15, 13, 4), np.uint16),
    ]
    y, u, v = random_image((15, 13), np.uint8), random_image((8, 7), np.uint8), random_image((8, 7), np.uint8)
    results = []
    for samples in (1 << 20, 1, 13 * 4 * 5):  # all rows at once, one, five
        monkeypatch.setattr(subpixel.backends.bands, "_SAMPLES", samples)
        for upscaler in upscalers:
            result = [upscaler(image) for image in images]
            if kind != "rgb":
                result += [upscaler.plane(y), upscaler.plane(y, True), *upscaler.yuv(y, u, v, bits=8, **YUV)]
            results.append([one.tobytes() for one in result])
    assert all(one == results[0] for one in results)


# Strengths


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("kind", ["luma", "rgb", "zero", "bicubic", "chain"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_strength_0_is_bicubic_and_1_the_network_to_the_byte(
    model: Callable[..., str], chain: str, kind: str, dtype: Any, shape: tuple[int, ...], backend: str
) -> None:
    name = chain if kind == "chain" else model(kind)
    image = random_image(shape, dtype)
    plain = Upscaler(2, model="bicubic", backend=backend)(image).tobytes()
    for ensemble in (False, True):
        assert Upscaler(2, model=name, backend=backend, ensemble=ensemble, strength=0)(image).tobytes() == plain
    assert (
        Upscaler(2, model=name, backend=backend, strength=1)(image).tobytes()
        == Upscaler(2, model=name, backend=backend)(image).tobytes()
    )


@pytest.mark.parametrize("precision", ["f32", "bf16", "int8"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_planes_and_frames_of_strength_0_and_1(chain: str, luma_bicubic: str, precision: str, dtype: Any) -> None:
    plane = random_image((15, 22), dtype)
    none, plain = Upscaler(2, model=chain, precision=precision, strength=0), Upscaler(2, model=luma_bicubic)
    full, network = (
        Upscaler(2, model=chain, precision=precision, strength=1),
        Upscaler(2, model=chain, precision=precision),
    )
    u, v = (np.zeros((8, 11), dtype) for _ in range(2))
    for one, other in ((none, plain), (full, network)):
        for full_range in (False, True):
            assert one.plane(plane, full_range).tobytes() == other.plane(plane, full_range).tobytes()
        if dtype != np.float32:
            frames = [x.yuv(plane, u, v, bits=8 * dtype().itemsize, **YUV) for x in (one, other)]
            assert [p.tobytes() for p in frames[0]] == [p.tobytes() for p in frames[1]]


def test_full_strength_upscales_images_and_frames_by_itself(chain: str) -> None:
    pytest.importorskip("subpixel._native", reason="this installation has no compiled module")
    for options, fast in (({}, True), ({"strength": 1}, True), ({"strength": 0.5}, False), ({"ensemble": True}, False)):
        network = Upscaler(2, model=chain, **options).network()._session
        assert isinstance(network, ImageSession) == isinstance(network, FrameSession) == fast


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("strength", [1e-9, 0.25, np.float32(0.7), 1 - 1e-7])
def test_a_plane_lies_between_as_written(chain: str, luma_bicubic: str, backend: str, strength: float) -> None:
    x = random_image((17, 20), np.float32) * np.float32(3) - 1
    plain, network = (
        Upscaler(2, model=luma_bicubic, backend=backend).plane(x),
        Upscaler(2, model=chain, backend=backend).plane(x),
    )
    expected = plain + np.float32(strength) * (network - plain)
    np.testing.assert_array_equal(Upscaler(2, model=chain, backend=backend, strength=strength).plane(x), expected)


@pytest.mark.parametrize("kind", ["luma", "rgb", "zero"])
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("shape", [(23, 17), (23, 17, 3)])
def test_an_image_lies_between_bicubic_and_the_network(
    model: Callable[..., str], kind: str, shape: tuple[int, ...], ensemble: bool
) -> None:
    x = random_image(shape, np.float32)
    plain, network = Upscaler(2, model="bicubic")(x), Upscaler(2, model=model(kind), ensemble=ensemble)(x)
    assert np.abs(plain - network).max() > 0.01
    result = Upscaler(2, model=model(kind), ensemble=ensemble, strength=0.4)(x)
    np.testing.assert_allclose(result, 0.6 * plain + 0.4 * network, atol=2e-6)


# Both, wherever they are offered


def test_upscale_and_pil_images(model: Callable[..., str]) -> None:
    image = random_image((9, 12, 3), np.uint8)
    for name in ("bicubic", "espcn", model("luma")):
        for options in ({"ensemble": True}, {"strength": 0.5}, {"strength": 0}):
            expected = Upscaler(2, model=name, **options)(image)
            np.testing.assert_array_equal(subpixel.upscale(image, 2, model=name, **options), expected)
            np.testing.assert_array_equal(
                np.asarray(subpixel.upscale(Image.fromarray(image), 2, model=name, **options)), expected
            )
    upscaler = Upscaler(2, model="espcn", ensemble=np.True_, strength=1)
    assert (upscaler.ensemble, upscaler.strength) == (True, 1.0)


@pytest.mark.parametrize(
    "strength", [-0.001, 1.001, 2, math.nan, math.inf, -math.inf, True, False, np.True_, "1", None, [1]]
)
def test_other_strengths_are_refused(strength: Any) -> None:
    subpixel.upscale(np.zeros((2, 2), np.uint8), 2, model="bicubic", strength=1)
    for use in (
        lambda s: Upscaler(model="bicubic", strength=s),
        lambda s: subpixel.upscale(None, 2, model="bicubic", strength=s),
    ):
        with pytest.raises(InvalidArgument, match=r"strength=.*: a number from 0 \(plain bicubic\) to 1"):
            use(strength)


@pytest.mark.parametrize("ensemble", [1, 0, 8, "yes", None, math.nan])
def test_an_ensemble_is_wanted_or_not(ensemble: Any) -> None:
    subpixel.upscale(np.zeros((2, 2), np.uint8), 2, model="bicubic", ensemble=True)
    for use in (
        lambda e: Upscaler(model="bicubic", ensemble=e),
        lambda e: subpixel.upscale(None, 2, model="bicubic", ensemble=e),
    ):
        with pytest.raises(InvalidArgument, match=r"ensemble=.*: True or False"):
            use(ensemble)


def test_memory_does_not_grow_with_the_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No session ever sees more than a band and its halo."""
    save(residual(2, "luma", "replicate", 1), tmp_path / "m.safetensors")
    upscaler = Upscaler(2, model=str(tmp_path / "m.safetensors"), backend="reference", ensemble=True, strength=0.5)
    network, seen = upscaler.network(), []
    inner = network._session

    def watching(planes: NDArray[Any]) -> NDArray[Any]:
        seen.append(planes.shape[1])
        return inner(planes)

    monkeypatch.setitem(vars(network), "_session", watching)
    monkeypatch.setattr(subpixel.backends.bands, "_SAMPLES", 6 * 8 * 4)
    upscaler(random_image((60, 8, 3), np.uint8))
    upscaler.plane(random_image((60, 8), np.uint8))
    upscaler.yuv(random_image((60, 8), np.uint8), subsampling="gray", bits=8, full_range=False)
    assert len(seen) == 30
    assert max(seen) <= 6 + 2 * network.halo + CELL - 1  # a part begins where a cell does
