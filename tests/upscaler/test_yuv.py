"""Frames of video: every subsampling, siting, range and number of bits beside a slow version of each."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import subpixel.backends.bands
from networks import residual
from oracle import frame as oracle
from subpixel import Upscaler
from subpixel.models import Model, save
from subpixel.models.integer import quantise
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

SUBSAMPLINGS = list(oracle.FACTORS)
SITINGS = list(oracle.SITINGS)
PLAIN = {"subsampling": "420", "siting": "left", "bits": 8, "full_range": False}


def chain(scale: int, *, base: bool = True, border: str = "replicate", detail: float = 0.1) -> Model:
    """What the engine streams, small: two convolutions and a shuffle, with int8 parameters."""
    layers: list[Any] = [
        Conv("first", INPUT, 1, 6, (5, 5), "relu"),
        Conv("second", "first", 6, scale**2, (3, 3)),
        PixelShuffle("detail", "second", scale),
    ]
    if base:
        layers += [Resize("base", INPUT, scale, "nearest"), Add("sum", ("base", "detail"))]
    spec = Spec(tuple(layers), scale, "luma", border)  # type: ignore[arg-type]
    rng = np.random.default_rng(scale)
    weights = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in spec.weight_shapes.items()}
    for name in ("second.weight", "second.bias"):
        weights[name] *= np.float32(detail)
    return Model("chain", spec, weights, quantisation=quantise(spec, weights, {"first": (0.0, 3.0)}))


MODELS = {
    "chain x2": chain(2),
    "chain x3": chain(3),
    "chain x5": chain(5),
    "no base": chain(2, base=False, detail=1),
    "zeros": chain(2, border="zero"),
    "nothing added": chain(2, detail=0),
    "graph": replace(residual(2, "luma", "replicate", seed=3), name="graph"),
}


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    """Made once for each model, backend and so on."""
    folder, known = tmp_path_factory.mktemp("models"), {}

    def make(name, precision="f32", backend="native", threads=2):
        key = (name, precision, backend, threads)
        if key not in known:
            path = folder / f"{name}.safetensors"
            save(MODELS[name], path) if not path.exists() else None
            known[key] = Upscaler(
                MODELS[name].spec.scale, model=str(path), backend=backend, precision=precision, threads=threads
            )
        return known[key]

    return make


@pytest.fixture(params=native.targets())
def target(request, monkeypatch):
    monkeypatch.setenv("SUBPIXEL_TARGET", request.param)
    return request.param


def chroma_size(height, width, subsampling):
    f, g = oracle.FACTORS[subsampling]
    return math.ceil(height / f), math.ceil(width / g)


def frame(height, width, subsampling="420", bits=8, seed=0):
    """Waves with noise, of the whole range."""
    rng = np.random.default_rng(seed)
    planes = []
    for k, shape in enumerate([(height, width), *([chroma_size(height, width, subsampling)] * 2)]):
        i, j = np.mgrid[: shape[0], : shape[1]]
        wave = 0.5 + 0.45 * np.sin(i / 3 + k) * np.cos(j / 4 - k) + rng.normal(0, 0.1, shape)
        planes.append(np.round(np.clip(wave, 0, 1) * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16))
    return planes


def apart(a, b):
    """The largest difference of two frames, plane by plane."""
    assert [p.dtype for p in a] == [p.dtype for p in b]
    assert [p.shape for p in a] == [p.shape for p in b]
    return [int(np.abs(p.astype(int) - q.astype(int)).max()) for p, q in zip(a, b, strict=True)]


def assert_rounds(result, exact, bits, slack):
    """Codes are those nearest to the exact values, which f32 knows to a slack."""
    assert np.abs(result - np.clip(exact, 0, 2**bits - 1)).max() <= 0.5 + slack


# ---- against the slow version


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 16])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("precision", "backend"), [("f32", "native"), ("int8", "native"), ("f32", "reference")])
@pytest.mark.parametrize("name", ["chain x2", "chain x3", "no base", "zeros", "graph"])
def test_luma_is_the_network_on_the_values_of_the_codes(upscaler, name, precision, backend, full_range, bits):
    if name == "graph" and precision == "int8":
        pytest.skip("such a network has f32")
    ready = upscaler(name, precision, backend)
    y, u, v = frame(13, 17, bits=bits)
    values = oracle.value(y.astype(float), bits, full_range).astype(np.float32)
    exact = oracle.code(ready.plane(values).astype(float), bits, full_range)
    result = ready.yuv(y, u, v, subsampling="420", siting="left", bits=bits, full_range=full_range)[0]
    assert result.dtype == y.dtype
    assert_rounds(result, exact, bits, 2**bits * 1e-6)


@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("name", ["chain x2", "chain x3", "chain x5"])
def test_chroma_lies_where_its_siting_says(upscaler, name, subsampling, siting):
    scale = MODELS[name].spec.scale
    for bits, (height, width) in itertools.product((8, 10, 16), ((7, 9), (8, 6), (1, 3), (5, 1))):
        planes = frame(height, width, subsampling, bits)
        form = {"subsampling": subsampling, "siting": siting, "bits": bits, "full_range": bits == 10}
        exact = [oracle.chroma(plane, (height, width), subsampling, siting, scale) for plane in planes[1:]]
        for backend in ("native", "reference"):
            output = upscaler(name, backend=backend).yuv(*planes, **form)[1:]
            for result, wanted in zip(output, exact, strict=True):
                assert result.shape == chroma_size(height * scale, width * scale, subsampling)
                assert_rounds(result, wanted, bits, 2**bits * 1e-6)


@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("scale", [2, 3, 5])
def test_a_ramp_of_chroma_stays_with_the_ramp_of_luma(upscaler, scale, subsampling, siting):
    """Luma and chroma of an image that rises evenly have the same code at the same place, before and after."""
    ready = upscaler(f"chain x{scale}")
    height, width, factors = 24, 32, oracle.FACTORS[subsampling]
    offsets = [float(where(f)) for where, f in zip(oracle.SITINGS[siting], factors, strict=True)]

    def ramp(i, j):
        return 9000 + 700 * i + 500 * j

    i, j = np.mgrid[:height, :width]
    ci, cj = np.mgrid[: height // factors[0], : width // factors[1]]
    y = ramp(i, j).astype(np.uint16)
    u = ramp(factors[0] * ci + offsets[0], factors[1] * cj + offsets[1]).astype(np.uint16)
    result = ready.yuv(y, u, u, subsampling=subsampling, siting=siting, bits=16, full_range=False)
    for plane in result[1:]:
        ci, cj = np.mgrid[: plane.shape[0], : plane.shape[1]]
        # Beside which luma of the result this chroma lies, and what the image is there.
        p, q = factors[0] * ci + offsets[0], factors[1] * cj + offsets[1]
        wanted = ramp((p + 0.5) / scale - 0.5, (q + 0.5) / scale - 0.5)
        inside = (slice(2 * scale, -2 * scale),) * 2
        assert np.abs(plane - wanted)[inside].max() <= 0.51


# ---- one way against the other


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("name", ["chain x2", "chain x3"])
def test_native_and_reference_on_every_small_size(upscaler, name, subsampling):
    for n, (height, width) in enumerate(itertools.product(range(1, 10), repeat=2)):
        bits, full_range = (8, 10, 12, 16)[n % 4], bool(n % 3)
        planes = frame(height, width, subsampling, bits, seed=n)
        form = {"subsampling": subsampling, "siting": SITINGS[n % 6], "bits": bits, "full_range": full_range}
        for precision in ("int8", "f32"):
            one, two = (upscaler(name, precision, backend).yuv(*planes, **form) for backend in ("native", "reference"))
            luma, *chroma = apart(one, two)
            assert chroma == [0, 0], (height, width)
            assert luma <= (0 if precision == "int8" else 1), (height, width)


@pytest.mark.parametrize(("bits", "full_range"), [(8, False), (8, True), (10, False), (16, True)])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_wide_frames_on_every_target(upscaler, tmp_path, target, subsampling, bits, full_range):
    """Several strips, around which no column may be missing or made twice."""
    save(MODELS["chain x3"], tmp_path / "m.safetensors")
    form = {"subsampling": subsampling, "siting": "left", "bits": bits, "full_range": full_range}
    for height, width in ((5, 95), (9, 97), (3, 5003)):
        planes = frame(height, width, subsampling, bits)
        for precision, most in (("int8", 0), ("f32", 1), ("bf16", 1 if bits < 16 else 40)):
            result = Upscaler(
                3, model=str(tmp_path / "m.safetensors"), backend="native", precision=precision, threads=2
            ).yuv(*planes, **form)
            luma, *chroma = apart(result, upscaler("chain x3", precision, "reference").yuv(*planes, **form))
            assert chroma == [0, 0]
            assert luma <= most


@pytest.mark.parametrize("precision", ["int8", "f32", "bf16"])
def test_threads_change_no_byte(upscaler, precision):
    planes = frame(211, 333, "420", 10)
    form = {**PLAIN, "bits": 10}
    alone = upscaler("chain x2", precision, threads=1).yuv(*planes, **form)
    for threads in (2, 5):
        assert apart(alone, upscaler("chain x2", precision, threads=threads).yuv(*planes, **form)) == [0, 0, 0]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_one_upscaler_serves_many_callers(upscaler, backend):
    ready = upscaler("chain x2", "int8", backend)
    frames = [frame(20 + k, 50 - k, "420", seed=k) for k in range(16)]
    alone = [ready.yuv(*planes, **PLAIN) for planes in frames]
    with ThreadPoolExecutor(6) as pool:
        for result, wanted in zip(pool.map(lambda planes: ready.yuv(*planes, **PLAIN), frames), alone, strict=True):
            assert apart(result, wanted) == [0, 0, 0]


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_bands_change_no_byte(monkeypatch, upscaler, backend):
    if backend == "torch":
        pytest.importorskip("torch")
    planes = frame(31, 12)
    whole = upscaler("chain x2", backend=backend).yuv(*planes, **PLAIN)
    monkeypatch.setattr(subpixel.backends.bands, "_SAMPLES", 12 * 4 * 3)
    assert max(apart(whole, upscaler("chain x2", backend=backend).yuv(*planes, **PLAIN))) <= (backend == "torch")


@pytest.mark.parametrize("name", ["chain x2", "no base", "zeros"])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_int8_of_studio_bytes_is_the_plane_to_the_byte(upscaler, name, backend):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 256, (61, 83)).astype(np.uint8)
    _, u, v = frame(61, 83)
    ready = upscaler(name, "int8", backend)
    np.testing.assert_array_equal(ready.yuv(y, u, v, **PLAIN)[0], ready.plane(y))


@pytest.mark.parametrize("precision", ["int8", "f32"])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 9, 10, 11, 12, 13, 14, 15, 16])
def test_the_input_keeps_its_precision(upscaler, precision, full_range, bits):
    """A network that adds nothing gives every code back as it was, whatever the precision of its arithmetic."""
    codes = np.arange(2**bits).astype(np.uint8 if bits == 8 else np.uint16)
    y = codes.reshape(2 ** (bits // 2), -1)
    form = {"subsampling": "gray", "bits": bits, "full_range": full_range}
    for backend in ("native", "reference"):
        result = upscaler("nothing added", precision, backend).yuv(y, **form)[0]
        np.testing.assert_array_equal(result, y.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("name", ["chain x2", "graph"])
def test_gray_is_the_luma_of_a_colour_frame(upscaler, name):
    y, u, v = frame(20, 30)
    ready = upscaler(name)
    result = ready.yuv(y, subsampling="gray", bits=8, full_range=True)
    assert result[1:] == (None, None)
    np.testing.assert_array_equal(result[0], ready.yuv(y, u, v, **{**PLAIN, "full_range": True})[0])


def test_nothing_is_clipped_to_the_studio_range_and_nothing_wraps(upscaler):
    y, u = np.zeros((12, 16), np.uint16), np.zeros((6, 8), np.uint16)
    y[:, 8:], u[:, 4:] = 1023, 1023  # cubic overshoots on both sides
    result = upscaler("nothing added").yuv(y, u, u, **{**PLAIN, "bits": 10})
    for plane in result:
        half = plane.shape[1] // 2
        assert (plane[:, : half - 6] == 0).all()
        assert (plane[:, half + 6 :] == 1023).all()
        assert plane.max() == 1023


# ---- where planes lie


def inside(plane, rows=3, left=16, right=5, value=77):
    """The plane as a decoder has it: a view into something larger, rows padded."""
    height, width = plane.shape
    whole = np.full((height + 2 * rows, left + width + right), value, plane.dtype)
    view = whole[rows : rows + height, left : left + width]
    view[...] = plane
    return whole, view


VIEWS = {
    "padded rows": lambda p: inside(p)[1],
    "bottom up": lambda p: np.ascontiguousarray(p[::-1])[::-1],
    "every other row": lambda p: np.repeat(p, 2, axis=0)[::2],
    "interleaved": lambda p: np.repeat(p, 2, axis=1)[:, ::2],
    "columns first": np.asfortranarray,
    "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1])[:, ::-1],
    "odd address": lambda p: np.frombuffer(b"\0" + p.tobytes(), np.uint8)[1:].view(p.dtype).reshape(p.shape),
    "read-only": lambda p: np.frombuffer(p.tobytes(), p.dtype).reshape(p.shape),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("bits", [8, 10])
def test_planes_of_any_strides_are_taken_and_left_alone(upscaler, bits, backend, view):
    planes = frame(21, 33, "422", bits)
    form = {**PLAIN, "subsampling": "422", "bits": bits}
    ready = upscaler("chain x2", "int8", backend)
    views = [VIEWS[view](plane) for plane in planes]
    assert apart(ready.yuv(*views, **form), ready.yuv(*planes, **form)) == [0, 0, 0]
    assert apart(views, planes) == [0, 0, 0]


@pytest.mark.parametrize("view", [name for name in VIEWS if name not in ("read-only", "odd address")])
@pytest.mark.parametrize(("name", "backend"), [("chain x2", "native"), ("chain x2", "reference"), ("graph", "native")])
@pytest.mark.parametrize("bits", [8, 10])
def test_results_are_written_where_they_are_wanted(upscaler, bits, name, backend, view):
    planes = frame(21, 33, "420", bits)
    form = {**PLAIN, "bits": bits}
    ready = upscaler(name, backend=backend)
    wanted = ready.yuv(*planes, **form)
    out = [VIEWS[view](np.zeros_like(plane)) for plane in wanted]
    result = ready.yuv(*planes, **form, out=out)
    assert all(mine is theirs for mine, theirs in zip(result, out, strict=True))
    assert apart(out, wanted) == [0, 0, 0]


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("width", [31, 32, 33, 193])
def test_nothing_is_written_beside_the_results(upscaler, backend, width):
    planes = frame(9, width, "420")
    ready = upscaler("chain x3", "int8", backend)
    places = [inside(plane) for plane in ready.yuv(*planes, **PLAIN)]
    before = [whole.copy() for whole, _ in places]
    for _, view in places:
        view[...] = 0
    ready.yuv(*planes, **PLAIN, out=[view for _, view in places])
    assert apart([whole for whole, _ in places], before) == [0, 0, 0]


def test_two_planes_may_share_their_lines(upscaler):
    """U and V side by side in one array, as some formats have them, or taking turns, as NV12 has them."""
    y, u, v = frame(20, 30)
    ready = upscaler("chain x2")
    wanted = ready.yuv(y, u, v, **PLAIN)
    for both in (np.zeros((20, 64), np.uint8), np.zeros((20, 30, 2), np.uint8)):
        out = (
            np.zeros_like(wanted[0]),
            *((both[:, :30], both[:, 32:62]) if both.ndim == 2 else (both[..., 0], both[..., 1])),
        )
        assert apart(ready.yuv(y, u, v, **PLAIN, out=out), wanted) == [0, 0, 0]


def test_an_out_for_gray(upscaler):
    y, out = frame(5, 6)[0], np.zeros((10, 12), np.uint8)
    form = {"subsampling": "gray", "bits": 8, "full_range": False}
    assert upscaler("chain x2").yuv(y, **form, out=(out, None, None))[0] is out
    np.testing.assert_array_equal(out, upscaler("chain x2").yuv(y, **form)[0])


def test_no_siting_is_needed_where_nothing_is_subsampled(upscaler):
    form = {"subsampling": "444", "bits": 8, "full_range": False}
    y = frame(6, 9)[0]
    result = upscaler("chain x2").yuv(y, y, y, **form)
    assert apart(result, upscaler("chain x2").yuv(y, y, y, **form, siting="topleft")) == [0, 0, 0]


def test_numpy_numbers_are_numbers(upscaler):
    y, u, _ = frame(6, 9)
    form = {**PLAIN, "bits": np.int64(8), "full_range": np.False_}
    assert apart(upscaler("chain x2").yuv(y, u, u, **form), upscaler("chain x2").yuv(y, u, u, **PLAIN)) == [0, 0, 0]


def test_what_the_module_refuses(upscaler):
    engine = upscaler("chain x2").network()._session._engine
    (y, u, v), out = frame(6, 9), frame(12, 18)
    taps = ([-2, -1], [0.25] * 8)
    for change, message in (
        ({"x": [y, u]}, "one plane or three"),
        ({"y": out[:1]}, "one plane or three"),
        ({"bits": 10}, "bits"),
        ({"down": 3}, "fit each other"),
        ({"across": 5}, "factors"),
        ({"row_first": [-3, -1]}, "too far"),
        ({"row_weight": [0.25] * 4, "row_first": [-1]}, "taps"),
        ({"x": [y[:, ::2], u, v]}, "in order"),
        ({"y": [out[0][:-1], *out[1:]]}, "fit each other"),
        ({"x": [y[:0], u, v]}, "a side"),
    ):
        given = {"x": [y, u, v], "y": out, "bits": 8, "full_range": False, "down": 2, "across": 2}
        given |= {"row_first": taps[0], "row_weight": taps[1], "column_first": taps[0], "column_weight": taps[1]}
        with pytest.raises(ValueError, match=message):
            engine.frame(**{**given, **change})
    out[2].setflags(write=False)
    with pytest.raises(TypeError):
        engine.frame(**{**given, "y": out})
