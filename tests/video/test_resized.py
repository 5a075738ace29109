"""Frames of any size, against the public network and the public resize, and against plain sums for chroma."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel import ops
from subpixel.backends.frames import FrameFormat, resize_plane
from subpixel.upscaler import Network, Upscaler
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.resized import ResizedUpscaler

SOURCE = (46, 30)
# Where chroma lies in its cell, down and across.
CENTRES = {"left": (0.5, 0.25), "center": (0.5, 0.5), "topleft": (0.25, 0.25), "bottom": (0.75, 0.5)}


def network_of(scale: int, model: str = "fast") -> Network:
    network = Upscaler(scale, model=model, threads=1).network()
    assert isinstance(network, Network)
    return network


def random_frame(pix_fmt: str, seed: int = 0, size: tuple[int, int] = SOURCE) -> Any:
    layout = layout_of(pix_fmt, "test")
    frame, planes = new_frame(size, layout)
    rng = np.random.default_rng(seed)
    for plane in planes:
        plane[:] = rng.integers(0, 1 << layout.bits, plane.shape)
    return frame


def upscaler_of(
    pix_fmt: str, size: tuple[int, int], factors: tuple[int, ...], siting: str = "left", threads: int = 1
) -> ResizedUpscaler:
    layout = layout_of(pix_fmt, "test")
    return ResizedUpscaler([network_of(f) for f in factors], layout, siting, layout.rgb, SOURCE, size, threads)


def planes_in(frame: Any, pix_fmt: str) -> list[NDArray[Any]]:
    return [plane.copy() for plane in planes_of(frame, layout_of(pix_fmt, "test"))]


def rounded(x: NDArray[Any], bits: int) -> NDArray[Any]:
    return np.clip(np.floor(x.astype(np.float64) + 0.5), 0, (1 << bits) - 1).astype(
        np.uint8 if bits == 8 else np.uint16
    )


def public_resize(codes: NDArray[Any], size: tuple[int, int], bits: int) -> NDArray[Any]:
    resized = ops.resize(codes.astype(np.float32), (size[1], size[0]), layout="HW", antialias=True)
    return rounded(resized, bits)


def keys(x: float) -> float:
    """Keys 1981, equation 4."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def weights(n_in: int, n_out: int, scale: float, centre: float) -> NDArray[np.float64]:
    """``(n_out, n_in)``: sample j of the result lies at (j + centre) / scale - centre."""
    table = np.zeros((n_out, n_in))
    widen = min(1.0, scale)
    for j in range(n_out):
        at = (j + centre) / scale - centre
        for k in range(math.floor(at - 2 / widen) - 1, math.ceil(at + 2 / widen) + 2):
            table[j, min(max(k, 0), n_in - 1)] += keys((k - at) * widen)
    return table / table.sum(axis=1, keepdims=True)


def plain_chroma(
    codes: NDArray[Any], shape: tuple[int, int], scales: tuple[float, float], centres: tuple[float, float]
) -> NDArray[np.float64]:
    """Before rounding."""
    down, across = (
        weights(n_in, n_out, scale, centre)
        for n_in, n_out, scale, centre in zip(codes.shape, shape, scales, centres, strict=True)
    )
    result: NDArray[np.float64] = down @ codes.astype(np.float64) @ across.T
    return result


def assert_rounded(found: NDArray[Any], exact: NDArray[np.float64], bits: int) -> None:
    """Codes are values rounded to the nearest, with the error of sums in f32."""
    clipped = np.clip(exact, 0, (1 << bits) - 1)
    assert np.abs(found - clipped).max() <= 0.5 + (1 << bits) * 1e-6


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "yuv440p", "yuv411p", "gray", "gray12le"])
@pytest.mark.parametrize(
    ("size", "factors"), [((108, 68), (3,)), ((80, 90), (3,)), ((84, 44), (2,)), ((288, 180), (2, 3)), ((20, 14), ())]
)
def test_luma_is_the_network_and_one_resize_and_chroma_one_resize(
    pix_fmt: str, size: tuple[int, int], factors: tuple[int, ...]
) -> None:
    layout = layout_of(pix_fmt, "test")
    assert layout.subsampling is not None
    frame = random_frame(pix_fmt)
    result = upscaler_of(pix_fmt, size, factors).upscale(frame)
    assert (result.width, result.height) == size
    luma, *chroma = planes_in(result, pix_fmt)
    large, *given = planes_in(frame, pix_fmt)
    for factor in factors:
        large, _, _ = Upscaler(factor, model="fast", threads=1).yuv(
            large, subsampling="gray", bits=layout.bits, full_range=False
        )
    np.testing.assert_array_equal(luma, public_resize(large, size, layout.bits))
    form = layout.frame_format("left", False)
    assert len(chroma) == len(given)
    for plane, codes in zip(chroma, given, strict=True):
        assert plane.shape == form.chroma(size[::-1])
        scales = (size[1] / SOURCE[1], size[0] / SOURCE[0])
        assert_rounded(plane, plain_chroma(codes, plane.shape, scales, form.centres), layout.bits)


@pytest.mark.parametrize("siting", CENTRES)
def test_chroma_keeps_its_siting(siting: str) -> None:
    frame, size = random_frame("yuv420p", 3), (104, 66)
    result = upscaler_of("yuv420p", size, (3,), siting).upscale(frame)
    for plane, codes in zip(planes_in(result, "yuv420p")[1:], planes_in(frame, "yuv420p")[1:], strict=True):
        exact = plain_chroma(codes, plane.shape, (size[1] / SOURCE[1], size[0] / SOURCE[0]), CENTRES[siting])
        assert_rounded(plane, exact, 8)


def test_a_line_of_luma_and_of_chroma_stays_in_place() -> None:
    """A ramp along an axis is a ramp afterwards, wherever chroma lies: position p is (p + 1/2) / r - 1/2."""
    layout = layout_of("yuv420p", "test")
    frame, planes = new_frame((64, 64), layout)
    columns = np.arange(64)
    planes[0][:] = 20 + 3 * columns
    for plane in planes[1:]:
        plane[:] = 20 + 3 * np.arange(0, 64, 2)  # with the first of two columns of luma
    result = ResizedUpscaler([], layout, "left", False, (64, 64), (144, 144), 1).upscale(frame)
    luma, u, _ = planes_in(result, "yuv420p")
    where = (np.arange(144) + 0.5) / 2.25 - 0.5
    inside = slice(10, 134)
    assert np.abs(luma[70] - (20 + 3 * where))[inside].max() <= 0.51
    assert np.abs(u[35] - (20 + 3 * where[::2]))[5:67].max() <= 0.51


def test_rgb_goes_through_the_network_as_an_image_does() -> None:
    frame, size = random_frame("gbrp", 4), (97, 71)
    result = upscaler_of("gbrp", size, (3,)).upscale(frame)
    g, b, r = planes_in(frame, "gbrp")
    large = Upscaler(3, model="fast", threads=1)(np.stack([r, g, b], axis=-1))
    for plane, channel in zip(planes_in(result, "gbrp"), (1, 2, 0), strict=True):
        np.testing.assert_array_equal(plane, public_resize(large[..., channel], size, 8))


def test_an_image_of_the_same_size_has_the_same_luma() -> None:
    """A gray image and a gray frame of full range: each goes through the network and the same resize."""
    frame = random_frame("gray", 5)
    layout = layout_of("gray", "test")
    upscaler = ResizedUpscaler([network_of(3, "bicubic")], layout, "left", True, SOURCE, (108, 68), 1)
    luma = planes_in(upscaler.upscale(frame), "gray")[0]
    large = Upscaler(3, model="bicubic", threads=1)(planes_in(frame, "gray")[0])
    np.testing.assert_array_equal(luma, public_resize(large, (108, 68), 8))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "gbrp"])
def test_what_did_not_change_has_the_bytes_of_what_is_computed(pix_fmt: str) -> None:
    """Equal frames, equal luma, equal chroma, and small changes in a row."""
    frames = [random_frame(pix_fmt, 6, SOURCE)]
    for changed in ((), (0,), (1,), (0, 2), ()):
        frame, planes = new_frame(SOURCE, layout_of(pix_fmt, "test"))
        for number, (plane, old) in enumerate(zip(planes, planes_in(frames[-1], pix_fmt), strict=True)):
            plane[:] = old
            if number in changed:
                plane[3:5, 2:4] ^= 85
        frames.append(frame)
    running = upscaler_of(pix_fmt, (104, 66), (3,))
    for frame in frames:
        found = planes_in(running.upscale(frame), pix_fmt)
        wanted = planes_in(upscaler_of(pix_fmt, (104, 66), (3,)).upscale(frame), pix_fmt)
        for plane, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_threads_and_numpy_give_the_same_bytes(bits: int) -> None:
    form = FrameFormat("420", "left", bits, False)
    codes = np.random.default_rng(bits).integers(0, 1 << bits, (37, 53)).astype(form.dtype)
    for shape in ((61, 71), (20, 111), (37, 30), (5, 3)):
        scales = (shape[0] / 37, shape[1] / 53)
        results = []
        for threads in (None, 1, 2, 3):
            results.append(np.zeros(shape, form.dtype))
            resize_plane(codes, results[-1], form.centres, form, scales, threads)
        for other in results[1:]:
            np.testing.assert_array_equal(other, results[0])
