"""Frames upscaled in part give the bytes of whole ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.upscaler import Network, Upscaler
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.incremental import IncrementalUpscaler, changes

FORMATS = ["yuv420p", "yuv422p10le", "yuv444p", "yuv440p", "yuv411p", "gray", "gray10le", "yuv420p12le"]


def filled(layout: Any, size: tuple[int, int], seed: int) -> Any:
    frame, planes = new_frame(size, layout)
    rng = np.random.default_rng(seed)
    for plane in planes:
        plane[:] = rng.integers(16 << (layout.bits - 8), 235 << (layout.bits - 8), plane.shape)
    return frame


def copied(frame: Any, layout: Any) -> tuple[Any, list[NDArray[Any]]]:
    result, planes = new_frame((frame.width, frame.height), layout)
    for to, plane in zip(planes, planes_of(frame, layout), strict=True):
        to[:] = plane
    return result, planes


def values(frame: Any, layout: Any) -> list[NDArray[Any]]:
    return [plane.copy() for plane in planes_of(frame, layout)]


def network_of(model: str, scale: int, **options: str) -> Network:
    network = Upscaler(scale, model=model, **options).network()  # type: ignore[arg-type]
    assert isinstance(network, Network)
    return network


@pytest.fixture(scope="module")
def networks() -> dict[tuple[str, int, str], Network]:
    return {
        (model, scale, precision): network_of(model, scale, backend="native", precision=precision)
        for model, scale, precision in (("fast", 2, "int8"), ("fast", 3, "f32"), ("espcn", 2, "f32"))
    }


@pytest.mark.parametrize("pix_fmt", FORMATS)
@pytest.mark.parametrize("which", [("fast", 2, "int8"), ("fast", 3, "f32"), ("espcn", 2, "f32")])
@pytest.mark.parametrize("full_range", [False, True])
def test_what_did_not_change_is_not_computed_and_has_the_same_bytes(
    networks: dict[tuple[str, int, str], Network], pix_fmt: str, which: tuple[str, int, str], full_range: bool
) -> None:
    layout, size = layout_of(pix_fmt, "test"), (333, 271)

    def fresh() -> IncrementalUpscaler:
        return IncrementalUpscaler(networks[which], layout, "left", full_range, size)

    first = filled(layout, size, 0)
    second, planes = copied(first, layout)
    planes[0][40, 50] ^= 9
    planes[-1][-1, -1] ^= 5  # the last corner, beside the edge of an odd side
    third, _ = copied(second, layout)
    fourth, planes = copied(third, layout)
    planes[0][130:135, 10:14] ^= 3
    upscaler = fresh()
    for number, frame in enumerate((first, second, third, fourth)):
        together, alone = values(upscaler.upscale(frame), layout), values(fresh().upscale(frame), layout)
        assert all(map(np.array_equal, together, alone)), number
    assert (upscaler.repeated_frames, upscaler.partial_frames) == (1, 2)


def test_a_frame_that_is_new_all_over_is_computed_whole() -> None:
    layout = layout_of("yuv420p", "test")
    upscaler = IncrementalUpscaler(network_of("bicubic", 2), layout, "left", False, (96, 64))
    for seed in range(3):
        upscaler.upscale(filled(layout, (96, 64), seed))
    assert (upscaler.repeated_frames, upscaler.partial_frames) == (0, 0)


@pytest.mark.parametrize("pix_fmt", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le"])
def test_red_green_and_blue_go_through_as_an_image(pix_fmt: str) -> None:
    layout = layout_of(pix_fmt, "test")
    frame = filled(layout, (40, 30), 3)
    upscaler = IncrementalUpscaler(network_of("bicubic", 2), layout, "left", True, (40, 30))
    result = values(upscaler.upscale(frame), layout)
    most = (1 << layout.bits) - 1
    g, b, r = (plane.astype(np.float32) / np.float32(most) for plane in values(frame, layout))
    wanted = Upscaler(2, model="bicubic")(np.stack([r, g, b], axis=-1))
    for plane, channel in zip(result, (1, 2, 0), strict=True):
        wished = np.clip(wanted[..., channel], 0, 1) * most
        assert np.abs(plane.astype(np.float64) - wished).max() <= 0.51
    again, _ = copied(frame, layout)
    assert all(map(np.array_equal, values(upscaler.upscale(again), layout), result))
    assert upscaler.repeated_frames == 1


def test_changes_cover_every_sample_that_differs() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        old = [rng.integers(0, 9, shape, np.uint8) for shape in ((101, 130), (51, 65), (51, 65))]
        new = [plane.copy() for plane in old]
        for plane, f in zip(new, (1, 2, 2), strict=True):
            for _ in range(rng.integers(0, 3)):
                y, x = rng.integers(0, plane.shape[0]), rng.integers(0, plane.shape[1])
                plane[y, x] += 1
                covered = changes(old, new, (2, 2))
                assert any(c.top <= y * f < c.bottom and c.left <= x * f < c.right for c in covered)
    assert changes(old, old, (2, 2)) == []
