"""The compiled sums of a resize: the plain version's bytes, in every dialect and on every target."""

import itertools

import numpy as np
import pytest

from helpers import leaves_the_lock
from subpixel.errors import BackendUnavailable
from subpixel.ops import resize
from subpixel.ops.native import native_module
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.dialects import DIALECTS, OWN

native = native_module()
pytestmark = pytest.mark.skipif(native is None, reason="this installation has no compiled module")

TARGETS = native.targets() if native else []
DTYPES = ("uint8", "uint16", "float32", "float64", "float16")
MODES_OF_LIBRARIES = [(dialect.name, mode) for dialect in (OWN, *DIALECTS.values()) for mode in dialect.modes]
# Height, width and the same afterwards: around vectors of 4 to 64 lanes, around squares of 16, one sample, one pixel.
SIDES = [
    (1, 1, 1, 1),
    (1, 1, 5, 7),
    (7, 1, 2, 9),
    (5, 4, 5, 13),
    (13, 17, 39, 51),
    (16, 15, 33, 16),
    (31, 63, 17, 70),
    (65, 33, 22, 11),
    (70, 61, 3, 64),
    (2, 67, 64, 5),
]


@pytest.fixture
def both(monkeypatch):
    """Calls resize as it is and in NumPy alone, and says whether the compiled module had a part in it."""

    def call(x, *given, target="", threads=1, **options):
        used = []

        class Spy:
            ResizeAxis = native.ResizeAxis

            def resize(*arrays, **named):
                used.append("sums")
                native.resize(*arrays, **named)

            def resize_nearest(*arrays, **named):
                used.append("copies")
                native.resize_nearest(*arrays, **named)

        monkeypatch.setenv("SUBPIXEL_TARGET", target)
        with monkeypatch.context() as patched:
            patched.setattr(compiled, "available_threads", lambda: threads)
            patched.setattr(compiled, "native_module", lambda: Spy)
            result = resize(x, *given, **options)
            patched.setattr(compiled, "native_module", lambda: None)
            plain = resize(x, *given, **options)
        return result, plain, used

    return call


def random_image(rng, shape, dtype):
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    top = np.iinfo(dtype).max
    # Many samples at both ends, where sums are clipped.
    return np.clip(rng.integers(-top // 4, top + top // 4, shape), 0, top).astype(dtype)


def layout_of(like, k):
    if like in ("torch", "paddle"):
        return "NCHW"
    return ("HWC", "HW", "HWC")[k % 3]


def shape_of(layout, k, height, width):
    sizes = {"N": 1 + k % 2, "C": (3, 1, 4, 33, 2)[k % 5], "H": height, "W": width}
    return tuple(sizes[letter] for letter in layout)


def same(result, plain):
    assert result.dtype == plain.dtype
    assert result.shape == plain.shape
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, plain)
    assert result.tobytes() == plain.tobytes()  # the sign of a zero too


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("way", MODES_OF_LIBRARIES, ids="-".join)
def test_every_target_gives_the_bytes_of_the_plain_version(rng, both, way, target):
    like, mode = way
    like = None if like == OWN.name else like
    for k, ((height, width, high, wide), dtype) in enumerate(itertools.product(SIDES, DTYPES)):
        layout = layout_of(like, k)
        x = random_image(rng, shape_of(layout, k, height, width), dtype)
        axes = [k for k, letter in enumerate(layout) if letter in "HW"]
        result, plain, used = both(x, (high, wide), mode=mode, like=like, axes=axes, target=target)
        same(result, plain)
        assert used or (height, width) == (high, wide)
        assert mode == "nearest" or "copies" not in used or like == "torch"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("like", "options"),
    [
        ("torch", {"mode": "linear", "antialias": True}),
        ("torch", {"mode": "cubic", "antialias": True}),
        ("torch", {"mode": "cubic", "align_corners": True}),
        ("onnx", {"mode": "cubic", "antialias": True, "exclude_outside": True}),
        ("onnx", {"mode": "linear", "coordinates": "align_corners"}),
        ("matlab", {"mode": "cubic", "border": "replicate"}),
        ("tensorflow", {"mode": "cubic", "antialias": True}),
        (None, {"mode": "lanczos", "antialias": True, "border": "symmetric"}),
        (None, {"mode": "linear", "coordinates": "align_corners"}),
    ],
)
def test_options(rng, both, like, options, target):
    for (height, width, high, wide), dtype in itertools.product(SIDES, ("uint8", "uint16", "float32")):
        x = random_image(rng, (height, width, 3), dtype)
        result, plain, used = both(x, (high, wide), like=like, axes=(0, 1), target=target, **options)
        same(result, plain)
        assert used or (height, width) == (high, wide)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("roi", [(-0.3, 0.2, 1.4, 0.9), (1, 1, 0, 0), (2, 0, 3, 1), (0.4, 0.4, 0.6, 0.6)])
def test_positions_outside_get_the_extrapolation_value(rng, both, roi, target):
    for (height, width, high, wide), dtype, mode in itertools.product(SIDES, DTYPES, ("linear", "cubic", "nearest")):
        x = random_image(rng, (height, width, 3), dtype)
        for like, value in ((None, 77.5), ("onnx", 300.25)):
            crop = {"coordinates": "tf_crop_and_resize", "roi": roi, "extrapolation": value}
            result, plain, _ = both(x, (high, wide), mode=mode, like=like, axes=(0, 1), target=target, **crop)
            same(result, plain)


@pytest.mark.parametrize("mode", ["linear", "cubic", "area", "nearest"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("target", TARGETS)
def test_any_axes_of_any_array(rng, both, mode, dtype, target):
    x = random_image(rng, (5, 9, 7, 6), dtype)
    for axes in ((0,), (1,), (3,), (0, 1), (2, 3), (0, 2), (1, 3), (0, 1, 2), (1, 2, 3), (0, 2, 3)):
        for sizes in ((11, 4, 8, 13), (3, 20, 5, 2)):
            result, plain, used = both(x, sizes[: len(axes)], mode=mode, axes=axes, target=target)
            same(result, plain)
            assert used
    for like, layout in (("torch", "NCW"), ("torch", "NCDHW"), ("paddle", "NCDHW"), ("onnx", None)):
        cube = random_image(rng, {"NCW": (2, 3, 40), None: (3, 4, 5)}.get(layout, (2, 3, 4, 5, 6)), dtype)
        if (like, mode) in (("onnx", "area"), ("paddle", "nearest")) or (layout == "NCDHW" and mode == "cubic"):
            continue
        result, plain, used = both(cube, scale=1.7, mode=mode, like=like, layout=layout, target=target)
        same(result, plain)
        assert used


@pytest.mark.parametrize("like", ["pillow", "torch", "opencv"])
def test_whole_numbers_along_any_axes(rng, both, like):
    x = random_image(rng, (6, 9, 5, 8), "uint8")
    for mode in ("linear", "cubic", "lanczos"):
        for axes in itertools.permutations(range(4), 2):
            result, plain, used = both(x, (7, 10), mode=mode, like=like, axes=axes)
            same(result, plain)
            # OpenCV's do not round between the axes: of what stands apart nothing is made of bytes there.
            assert used or (like == "opencv" and abs(axes[0] - axes[1]) != 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_opencv_to_exactly_half(rng, both, channels):
    x = random_image(rng, (26, 34, channels), "uint8")
    result, plain, used = both(x, (13, 17), mode="linear", like="opencv")
    same(result, plain)
    assert bool(used) == (channels in (1, 3, 4))


@pytest.mark.parametrize("way", MODES_OF_LIBRARIES, ids="-".join)
def test_any_number_of_threads_gives_the_same_bytes(rng, both, way):
    like, mode = way
    like = None if like == OWN.name else like
    for dtype in ("uint8", "float32"):
        x = random_image(rng, (151, 203, 3), dtype)
        for size in ((430, 610), (71, 90)):
            one = resize(x, size, mode=mode, like=like, axes=(0, 1))
            for threads in (1, 2, 5):
                result, _, _ = both(x[:, :, :], size, mode=mode, like=like, axes=(0, 1), threads=threads)
                assert result.tobytes() == one.tobytes()


def test_infinite_samples_and_those_that_are_no_numbers(rng, both):
    x = rng.standard_normal((20, 30, 3)).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.inf
    x[rng.random(x.shape) < 0.05] = np.nan
    x[rng.random(x.shape) < 0.2] = -0.0
    x[3] *= 1e-44
    for target, size in itertools.product(TARGETS, ((61, 88), (9, 13))):
        for like in (None, "pillow", "torch"):
            with np.errstate(invalid="ignore"):  # of which only NumPy warns
                result, plain, _ = both(x, size, mode="linear", like=like, axes=(0, 1), target=target)
            np.testing.assert_array_equal(result, plain)


def test_arrays_in_any_order_of_memory(rng, both):
    for dtype in ("uint8", "float32", ">f4", ">u2"):
        x = random_image(rng, (3, 40, 25), dtype).astype(dtype).transpose(2, 1, 0)[::-1, ::3]
        for mode in ("cubic", "nearest"):
            result, plain, used = both(x, scale=(1.5, 2.5), mode=mode)
            assert result.dtype == plain.dtype
            np.testing.assert_array_equal(result, plain)
            assert used
    line = random_image(rng, (30, 1, 1), "uint8")
    wide = np.broadcast_to(line, (30, 40, 3))
    same(*both(wide, scale=2)[:2])


def test_empty_arrays(both):
    for shape in ((4, 5, 0), (0, 4, 5), (4, 5, 0, 3)):
        for mode, dtype in itertools.product(("cubic", "nearest"), ("uint8", "float32")):
            axes = (1, 2) if shape[0] == 0 else (0, 1)
            for like in (None, "pillow"):
                result, plain, _ = both(np.zeros(shape, dtype), (7, 9), mode=mode, like=like, axes=axes)
                same(result, plain)


def test_nearest_copies_any_dtype(rng, both):
    for dtype in ("bool", "int64", "complex128", "S3", "u1,f8", "datetime64[s]", ">i4"):
        x = rng.integers(0, 2, (5, 6, 2)).astype(dtype)
        result, plain, used = both(x, (7, 15), mode="nearest")
        assert result.dtype == plain.dtype == x.dtype
        assert result.tobytes() == plain.tobytes()
        assert used == ["copies"]
    words = np.array([["a", None], [3.5, [1]]], object)
    result, _, used = both(words, 4, mode="nearest", layout="HW")
    assert (result[0].tolist(), used) == (["a", "a", None, None], [])


def test_dtypes_that_stay_with_numpy(rng, both):
    for dtype in ("int8", "int16", "uint32", "int32"):
        result, plain, used = both(rng.integers(0, 99, (5, 6, 3)).astype(dtype), scale=2)
        same(result, plain)
        assert used == []


def test_linear_light(rng, both):
    x = random_image(rng, (17, 20, 3), "uint8")
    result, plain, used = both(x, (9, 31), transfer="srgb")
    same(result, plain)
    assert used


def test_the_remembered_tables_are_not_changed(rng):
    x = rng.integers(0, 256, (12, 13, 3), np.uint8)
    calls = [
        {"like": like, "mode": mode, "size": (25, 9)}
        for like in (None, "pillow", "opencv")
        for mode in ("linear", "cubic")
    ]
    first = [resize(x, **call).tobytes() for call in calls]
    for call in (*calls, *calls):
        assert resize(x, **call).tobytes() == first[calls.index(call)]
    half = {"coordinates": "tf_crop_and_resize", "mode": "linear", "roi": (0, 0, 2, 2)}
    for value in (1.0, 2.0, 1.0):
        assert resize(x, (4, 4), extrapolation=value, **half)[3, 3, 0] == value


def test_the_forced_target_is_obeyed_or_refused(rng, both, monkeypatch):
    x = rng.random((5, 6, 3)).astype(np.float32)
    seen = []
    spy = type("spy", (), {"ResizeAxis": native.ResizeAxis, "resize": lambda *_, **given: seen.append(given["target"])})
    with monkeypatch.context() as patched:
        patched.setattr(compiled, "native_module", lambda: spy)
        patched.setenv("SUBPIXEL_TARGET", "scalar")
        resize(x, scale=2)
    assert seen == ["scalar"]
    monkeypatch.setenv("SUBPIXEL_TARGET", "abacus")
    with pytest.raises(BackendUnavailable, match="SUBPIXEL_TARGET: target 'abacus' is not one of this build"):
        resize(x, scale=2)


def test_it_refuses_what_does_not_fit():
    index = np.array([[0, 1], [1, 2], [2, 3]], np.int32)
    weight = np.full((3, 2), 0.5, np.float32)
    for bad in (-1, 4, 2**31 - 1):
        wrong = index.copy()
        wrong[2, 1] = bad
        with pytest.raises(ValueError, match="not within the axis"):
            native.ResizeAxis(4, wrong, weight)
    for arguments, message in (
        ((0, index, weight), "at least one sample"),
        ((2**31, index, weight), "too long"),
        ((4, index[:, :0], weight[:, :0]), "one tap"),
        ((4, index[:0], weight[:0]), "at least one sample"),
        ((4, index, weight[:2]), "weights do not fit"),
        ((4, index, weight.astype(np.int64)), "weights must be"),
        ((4, index, np.full((3, 2), 2**30, np.int32)), r"2\^30 or more"),
        ((4, index, weight, np.zeros(2, bool)), "outside must be"),
    ):
        with pytest.raises(ValueError, match=message):
            native.ResizeAxis(*arguments)
    axis, fixed = native.ResizeAxis(4, index, weight), native.ResizeAxis(4, index, np.ones((3, 2), np.int32))
    x, y = np.zeros((1, 4, 4, 2), np.float32), np.zeros((1, 3, 3, 2), np.float32)
    good = {
        "x": x,
        "y": y,
        "rows": axis,
        "columns": axis,
        "rows_first": True,
        "between": "float32",
        "first_shift": 0,
        "last_shift": 0,
        "even": False,
        "high": 0.0,
        "outside": 0.0,
        "threads": 1,
        "target": "",
    }
    native.resize(**good)
    for bad, message in (
        ({"x": x[:, :3]}, "do not fit the axes"),
        ({"y": y[:, :, :2].copy()}, "do not fit the axes"),
        ({"x": np.zeros((2, 4, 4, 2), np.float32)}, "do not fit the axes"),
        ({"x": np.zeros((1, 4, 4, 3), np.float32)}, "do not fit the axes"),
        ({"x": np.zeros((0, 4, 4, 2), np.float32)}, "a side is 0"),
        ({"rows": None}, "do not fit the axes"),
        ({"rows": None, "columns": None}, "an axis is needed"),
        ({"x": x.astype(np.int64)}, "another dtype"),
        ({"x": x.astype(np.float64)}, "no kernel sums"),
        ({"between": "int32"}, "no kernel sums"),
        ({"between": "text"}, "a dtype must be"),
        ({"rows": fixed}, "no kernel sums"),
        ({"first_shift": 31}, "a shift must be"),
        ({"last_shift": -1}, "a shift must be"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"target": "abacus"}, "not one of this build"),
    ):
        with pytest.raises(ValueError, match=message):
            native.resize(**{**good, **bad})
    u8 = {"x": x.astype(np.uint8), "y": y.astype(np.uint8), "rows": fixed, "columns": fixed, "between": "uint8"}
    with pytest.raises(ValueError, match="a shift is needed"):
        native.resize(**{**good, **u8})
    for bad in ({"y": y[..., ::-1]}, {"x": x[0]}, {"y": y.tolist()}):
        with pytest.raises(TypeError):
            native.resize(**{**good, **bad})
    bytes_in, bytes_out = x.astype(np.uint8), y.astype(np.uint8)
    with pytest.raises(ValueError, match="more than one tap"):
        native.resize_nearest(bytes_in, bytes_out, axis, axis, threads=1)
    with pytest.raises(ValueError, match="bytes are copied"):
        native.resize_nearest(x, y, axis, axis, threads=1)


def test_other_threads_go_on_while_it_runs(rng):
    x = rng.random((1400, 1400, 3)).astype(np.float32)

    def work():
        resize(x, scale=2, mode="lanczos5")

    assert leaves_the_lock(work)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("mode", ["linear", "linear-exact", "cubic"])
def test_opencv_of_rows_around_the_length_of_a_vector(rng, both, mode, target):
    for channels, width in itertools.product((1, 2, 3, 4, 5), (1, 3, 4, 5, 6, 15, 16, 17, 22)):
        x = random_image(rng, (5, width, channels), "uint8")
        for wide in (width, width + 1, 3 * width, max(1, width * 2 // 3), 65 * 4 // channels + 1):
            result, plain, used = both(x, (9, wide), mode=mode, like="opencv", target=target)
            same(result, plain)
            assert used
