import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers import UNCOMPILED
from subpixel.backends import BACKENDS
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models import ZOO, bicubic, espcn, find
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec
from subpixel.models.srcnn import srcnn

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

TARGETS = native.targets()


def awkward(border, colour):
    """Odd channel counts, both orders of join, convolutions at both resolutions, a base."""
    c = 1 if colour == "luma" else 3
    layers = (
        Conv("a", INPUT, c, 7, (3, 5), "prelu"),
        Conv("b", "a", 7, 7, (3, 3), "relu"),
        Add("s", ("a", "b")),
        Concat("j", ("s", "b", INPUT)),
        Conv("d", "j", 14 + c, 4 * c, (1, 1), "none", False),
        PixelShuffle("u", "d", 2, "DCR"),
        Conv("h", "u", c, c, (3, 3), "tanh"),
        Resize("r", INPUT, 2, "linear"),
        Add("o", ("r", "h")),
    )
    return Spec(layers, 2, colour, border)


def chain(border, colour):
    """All that the engine streams row by row: awkward channels and kernels, skips, the input added."""
    c = 1 if colour == "luma" else 3
    layers = (
        Conv("a", INPUT, c, 7, (5, 3), "clip"),
        Conv("b", "a", 7, 9, (3, 3), "prelu"),
        Conv("d", "b", 9, 9, (1, 5), "relu"),
        Add("s", ("b", "d")),
        Conv("e", "s", 9, 4 * c, (3, 1), "none", False),
        PixelShuffle("u", "e", 2, "DCR"),
        Resize("r", INPUT, 2, "nearest"),
        Add("o", ("r", "u")),
    )
    return Spec(layers, 2, colour, border)


SPECS = {
    **{f"espcn x{s}": espcn(s) for s in ZOO["espcn"].scales},
    "espcn rgb": espcn(3, colour="rgb"),
    **{f"bicubic x{s}": bicubic(s) for s in ZOO["bicubic"].scales},
    "bicubic rgb": bicubic(3, colour="rgb"),
    **{f"awkward {b} {c}": awkward(b, c) for b in ("replicate", "zero") for c in ("luma", "rgb")},
    **{f"chain {b} {c}": chain(b, c) for b in ("replicate", "zero") for c in ("luma", "rgb")},
    **{f"fsrcnn x{s} {b}": fsrcnn(s, border=b) for s, b in ((2, "replicate"), (3, "zero"))},
    "srcnn": srcnn(2, middle=1),
    "transposed, no chain": Spec(
        (ConvTranspose("t", INPUT, 1, 3, (4, 7), 2, (0, 5)), Conv("c", "t", 3, 1, (3, 3), "tanh")), 2, "luma", "zero"
    ),
    "base first, zero": Spec((Resize("z", INPUT, 3, "cubic"), Conv("c", "z", 1, 1, (9, 9))), 3, "luma", "zero"),
    "base last, zero": Spec((Conv("c", INPUT, 1, 1, (3, 3)), Resize("z", "c", 2, "cubic")), 2, "luma", "zero"),
    "tall and wide": Spec(
        (Conv("a", INPUT, 1, 9, (7, 1), "clip"), Conv("b", "a", 9, 1, (1, 7)), Resize("r", "b", 4, "nearest")), 4
    ),
}
CHAINS = [name for name in SPECS if name.startswith(("espcn", "chain", "fsrcnn"))]
# One of each kind, for tests that need not go through all.
FEW = ["espcn x3", "bicubic x2", "chain zero luma", "awkward replicate rgb", "awkward zero luma", "base first, zero"]
FEW += ["fsrcnn x3 zero", "transposed, no chain"]


def weights_for(spec):
    rng = np.random.default_rng(len(spec.layers))
    shapes = spec.weight_shapes
    # Transposed weights have what is summed first.
    fans = {
        k: max(4, np.prod(s[1:]), s[0] * np.prod(s[2:]) if k in ("up.weight", "t.weight") else 1)
        for k, s in shapes.items()
    }
    return {k: (rng.standard_normal(s) / fans[k] ** 0.5).astype(np.float32) for k, s in shapes.items()}


def planes_for(spec, height, width):
    return np.random.default_rng(height * 1000 + width).random((spec.channels, height, width), np.float32)


def session_of(backend, spec, threads=2):
    return BACKENDS[backend].prepare(spec, weights_for(spec), "f32", threads)


# The engine cuts a convolution into parts of this many columns and, with few channels, of more rows than here. How an
# image is cut into tiles depends on its size and the number of threads.
PART_ROWS, PART_COLUMNS = 32, 144


@pytest.fixture(params=TARGETS)
def target(request, monkeypatch):
    """Each instruction set of this machine in turn, forced."""
    monkeypatch.setenv("SUBPIXEL_TARGET", request.param)
    return request.param


@pytest.fixture(scope="module")
def reference():
    """The reference's result, computed once a network and size."""
    known = {}

    def result(name, height, width):
        key = (name, height, width)
        if key not in known:
            known[key] = session_of("reference", SPECS[name])(planes_for(SPECS[name], height, width))
        return known[key]

    return result


# f32 sums of up to 800 terms of unit scale, in another order, and a tanh that is right to 4e-7.
def assert_agrees(result, expected):
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


SIZES = [(1, 1), (1, 7), (7, 1), (2, 3), (17, 33), (97, 61)]


@pytest.mark.parametrize("name", SPECS)
def test_native_agrees_with_the_reference(target, reference, name):
    spec = SPECS[name]
    session = session_of("native", spec)
    seams = [(PART_ROWS + i, PART_COLUMNS + j) for i in (-1, 0, 1) for j in (-1, 0, 1)] if name in FEW else []
    for size in [*SIZES, (PART_ROWS + 1, PART_COLUMNS + 1), *seams]:
        assert_agrees(session(planes_for(spec, *size)), reference(name, *size))


@pytest.mark.parametrize("name", SPECS)
def test_torch_agrees_with_the_reference(reference, name):
    session = session_of("torch", SPECS[name])
    for size in SIZES:
        assert_agrees(session(planes_for(SPECS[name], *size)), reference(name, *size))


# Sums that lie between two numbers of 8 bits are rounded to either, which the next layers add up.
@pytest.mark.parametrize("name", CHAINS)
def test_native_bf16_agrees_with_the_reference(target, name):
    spec = SPECS[name]
    session, reference = (
        BACKENDS[backend].prepare(spec, weights_for(spec), "bf16", 2) for backend in ("native", "reference")
    )
    for size in [*SIZES, (70, 150)]:
        x = planes_for(spec, *size)
        np.testing.assert_allclose(session(x), reference(x), rtol=0, atol=0.015)


@pytest.mark.parametrize("name", [name for name in SPECS if name not in CHAINS])
def test_native_bf16_of_what_is_no_chain_is_refused(name):
    with pytest.raises(Unsupported, match=r"bf16 (supports|needs)"):
        BACKENDS["native"].prepare(SPECS[name], weights_for(SPECS[name]), "bf16", 1)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("backend", ["torch", "reference"])
def test_bf16_rounds_what_is_multiplied(backend, precision):
    """One weight of 1 + 2**-9 and one sample: in bf16 it is 1."""
    spec = Spec((Conv("only", INPUT, 1, 1, (1, 1), bias=False), PixelShuffle("sum", "only", 1)), 1)
    weights = {"only.weight": np.full((1, 1, 1, 1), 1 + 2**-9, np.float32)}
    result = BACKENDS[backend].prepare(spec, weights, precision, 1)(np.ones((1, 1, 1), np.float32))
    assert result[0, 0, 0] == (1 if precision == "bf16" else np.float32(1 + 2**-9))


@pytest.mark.parametrize("name", FEW)
def test_bf16_is_near(reference, name):
    session = BACKENDS["torch"].prepare(SPECS[name], weights_for(SPECS[name]), "bf16", 2)
    result = session(planes_for(SPECS[name], 17, 33))
    assert result.dtype == np.float32
    # 8 bits of a number of up to about 4, through a handful of layers: at most 0.02 is seen
    np.testing.assert_allclose(result, reference(name, 17, 33), rtol=0, atol=0.03)


@pytest.mark.parametrize(("name", "scale"), [(e.name, s) for e in ZOO.values() if not e.video for s in e.scales])
def test_shipped_models_agree(name, scale):
    model = find(name, scale)
    x = planes_for(model.spec, 33, 150)
    results = {b: BACKENDS[b].prepare(model.spec, model.weights, "f32", 2)(x) for b in UNCOMPILED}
    assert results["reference"].shape == (model.spec.channels, 33 * scale, 150 * scale)
    for result in results.values():
        assert_agrees(result, results["reference"])


@pytest.mark.parametrize("name", FEW)
def test_threads_do_not_change_a_byte(target, name):
    spec = SPECS[name]
    x = planes_for(spec, 3 * PART_ROWS + 5, 2 * PART_COLUMNS + 3)
    one, two, five = (session_of("native", spec, threads)(x) for threads in (1, 2, 5))
    np.testing.assert_array_equal(two, one)
    np.testing.assert_array_equal(five, one)
    np.testing.assert_array_equal(session_of("native", spec, 5)(x), one)


def assert_crops_agree(session, spec):
    """Parts with their halo, cut at odd places, against the whole; bits, not values."""
    height, width = 2 * PART_ROWS + 9, 2 * PART_COLUMNS + 11
    x, halo, scale = planes_for(spec, height, width), spec.halo, spec.scale
    whole = session(x)
    for top, left, rows, columns in [(halo, halo, 1, 1), (halo + 3, halo + 37, 13, 150), (height - halo - 7, 91, 7, 5)]:
        part = session(x[:, top - halo : top + rows + halo, left - halo : left + columns + halo])
        inner = part[:, halo * scale : (halo + rows) * scale, halo * scale : (halo + columns) * scale]
        expected = whole[:, top * scale : (top + rows) * scale, left * scale : (left + columns) * scale]
        np.testing.assert_array_equal(inner.view(np.int32), np.ascontiguousarray(expected).view(np.int32))


@pytest.mark.parametrize("name", FEW)
def test_native_crop_is_the_same_part_of_the_whole(target, name):
    assert_crops_agree(session_of("native", SPECS[name]), SPECS[name])


@pytest.mark.parametrize("name", FEW)
def test_reference_crop_is_the_same_part_of_the_whole(name):
    assert_crops_agree(session_of("reference", SPECS[name]), SPECS[name])


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_one_session_serves_many_threads(backend):
    spec = SPECS["awkward replicate luma"]
    session = session_of(backend, spec)
    planes = [planes_for(spec, 20 + k, 310 - 11 * k) for k in range(8)]
    alone = [session(x) for x in planes]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(session, planes * 4))
    for k, result in enumerate(together):
        np.testing.assert_array_equal(result, alone[k % 8])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", [*FEW[:6], "tall and wide", "awkward zero rgb"])
def test_values_that_are_not_finite_go_as_far_as_in_the_reference(target, name, bad):
    spec = SPECS[name]
    x = planes_for(spec, 40, 170)
    clean = session_of("native", spec)(x)
    x[0, 21, 140] = bad
    with np.errstate(all="ignore"):
        expected = session_of("reference", spec)(x)
    result = session_of("native", spec)(x)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_allclose(result, expected, atol=1e-5)
    if math.isnan(bad):
        assert np.isnan(result).any()
    rows = slice((21 - spec.halo) * spec.scale, (22 + spec.halo) * spec.scale)
    columns = slice((140 - spec.halo) * spec.scale, (141 + spec.halo) * spec.scale)
    result[:, rows, columns] = clean[:, rows, columns] = 0
    np.testing.assert_array_equal(result, clean)


def test_nan_of_one_call_does_not_reach_the_next(target):
    # The engine keeps its memory from tile to tile; what a NaN left behind there must not show.
    spec = SPECS["awkward zero luma"]
    session = session_of("native", spec, 1)
    x = planes_for(spec, 70, 290)
    clean = session(x)
    bad = x.copy()
    bad[:, :60, :140] = np.nan
    result = session(bad)
    np.testing.assert_array_equal(result[:, :, 300:], clean[:, :, 300:])
    np.testing.assert_array_equal(session(x), clean)


@pytest.mark.parametrize("backend", UNCOMPILED)
@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_empty_planes_give_empty_planes(backend, size):
    spec = SPECS["awkward replicate rgb"]
    result = session_of(backend, spec)(np.empty((3, *size), np.float32))
    assert result.shape == (3, 2 * size[0], 2 * size[1])
    assert result.dtype == np.float32


@pytest.mark.parametrize("backend", UNCOMPILED)
@pytest.mark.parametrize(
    ("planes", "what"),
    [
        (np.zeros((1, 4, 4)), "planes of dtype float64 and shape (1, 4, 4)"),
        (np.zeros((1, 4, 4), np.uint8), "planes of dtype uint8 and shape (1, 4, 4)"),
        (np.zeros((4, 4), np.float32), "planes of dtype float32 and shape (4, 4)"),
        (np.zeros((1, 1, 4, 4), np.float32), "planes of dtype float32 and shape (1, 1, 4, 4)"),
        (np.zeros((3, 4, 4), np.float32), "planes of dtype float32 and shape (3, 4, 4)"),
        (np.zeros((0, 4, 4), np.float32), "planes of dtype float32 and shape (0, 4, 4)"),
        ([[[0.0]]], "planes of dtype float64 and shape (1, 1, 1)"),
        (None, "planes of dtype object and shape ()"),
    ],
)
def test_wrong_planes_are_refused(backend, planes, what):
    with pytest.raises(InvalidArgument) as caught:
        session_of(backend, espcn(2))(planes)
    assert str(caught.value) == f"session: {what}: f32 of shape (1, H, W) is needed"


@pytest.mark.parametrize("backend", UNCOMPILED)
def test_planes_need_not_be_contiguous_and_are_left_alone(backend):
    spec = SPECS["awkward replicate rgb"]
    wide = planes_for(spec, 30, 40)
    before = wide.copy()
    session = session_of(backend, spec)
    view = wide[::-1, ::2, ::-3]
    result = session(view)
    np.testing.assert_array_equal(result, session(view.copy()))
    wide.flags.writeable = False
    np.testing.assert_array_equal(session(view), result)
    np.testing.assert_array_equal(wide, before)


@pytest.mark.parametrize("backend", UNCOMPILED)
def test_a_result_is_the_callers_own(backend):
    spec = Spec((PixelShuffle("same", INPUT, 1),), 1)
    x = planes_for(spec, 5, 6)
    session = session_of(backend, spec)
    first = session(x)
    kept = first.copy()
    first[...] = -1
    np.testing.assert_array_equal(x, planes_for(spec, 5, 6))
    np.testing.assert_array_equal(session(x), kept)


@pytest.mark.parametrize("backend", UNCOMPILED)
def test_weights_may_change_after_prepare(backend):
    # A session packs its weights when made; the caller's arrays are the caller's again.
    spec = espcn(2)
    weights, x = weights_for(spec), planes_for(spec, 9, 9)
    session = BACKENDS[backend].prepare(spec, weights, "f32", 1)
    before = session(x)
    for tensor in weights.values():
        tensor[...] = 0
    np.testing.assert_array_equal(session(x), before)
