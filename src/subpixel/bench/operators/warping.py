"""grid_sample on 3×1080×1920 images, and affine_grid, with torch and OpenCV.

The grids are the identity with normal noise (motion) and a slow rotation (addresses that leave the row). torch runs on
f32 planes. OpenCV runs on u8, u16 and f32 with channels last: its remap pads with zeros, reads maps in samples that
are prepared for it, and has fixed-point weights for u8. The ceiling copies what every call must at least read and
write.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.bench.ceilings import array_copy, run_on_threads
from subpixel.bench.operators.case import Call, Case, dtype_label, optional, torch_with_threads
from subpixel.ops import affine_grid, grid_sample

__all__ = ["cases"]

_CHANNELS, _HEIGHT, _WIDTH = 3, 1080, 1920
_SIZE = (1, _CHANNELS, _HEIGHT, _WIDTH)
_TURN = np.array([[[0.98, -0.1, 0.0], [0.05, 0.98, 0.0]]], np.float32)
_REMAP = {"nearest": "INTER_NEAREST", "bilinear": "INTER_LINEAR", "bicubic": "INTER_CUBIC"}


def cases(threads: int) -> Iterator[Case]:
    """Planes with torch, images with OpenCV, then volumes and the grids themselves."""
    torch, cv2 = torch_with_threads(threads), optional("cv2")
    if cv2 is not None:
        cv2.setNumThreads(threads)
    noise = np.random.default_rng(0).normal(0, 1 / 200, (1, _HEIGHT, _WIDTH, 2)).astype(np.float32)
    flat = affine_grid(np.eye(2, 3, dtype=np.float32)[None], _SIZE)
    grids = {"noise": flat + noise, "turned": affine_grid(_TURN, _SIZE)}
    for name, grid in grids.items():
        for mode in _REMAP:
            for outside in ("zeros", "border", "reflection"):
                yield _planes(torch, name, grid, mode, outside, threads)
    for name, grid in grids.items():
        for mode in _REMAP:
            for dtype in (np.uint8, np.uint16, np.float32):
                yield _images(cv2, name, grid, mode, dtype, threads)
    yield _volume(torch, threads)
    yield _grid(torch)


def _planes(torch: Any, name: str, grid: NDArray[Any], mode: str, outside: str, threads: int) -> Case:
    x = np.random.default_rng(1).random(_SIZE, np.float32)
    how: Any = {"mode": mode, "padding_mode": outside, "align_corners": False}
    peers: dict[str, Call] = {}
    if torch is not None:
        tensor, positions = torch.from_numpy(x), torch.from_numpy(grid)
        peers["torch"] = lambda: torch.nn.functional.grid_sample(tensor, positions, **how)
    ours: dict[str, Call] = {"subpixel": lambda: grid_sample(x, grid, **how)}
    return Case("grid_sample", f"{name} f32 planes {mode} {outside}", ours, {"copy": _copy(x, grid, threads)}, peers)


def _images(cv2: Any, name: str, grid: NDArray[Any], mode: Any, dtype: Any, threads: int) -> Case:
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    x = (np.random.default_rng(1).random(_SIZE, np.float32) * top).astype(dtype)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    peers: dict[str, Call] = {}
    if cv2 is not None:
        sides = enumerate((_WIDTH, _HEIGHT))
        maps = [np.ascontiguousarray((grid[0, ..., k] + 1) * (side / 2) - 0.5) for k, side in sides]
        how = getattr(cv2, _REMAP[mode])
        peers["OpenCV"] = lambda: cv2.remap(last[0], *maps, how)
    ours: dict[str, Call] = {
        "subpixel": lambda: grid_sample(last, grid, mode, layout="NHWC"),
        "subpixel planes": lambda: grid_sample(x, grid, mode),
    }
    return Case("grid_sample", f"{name} {dtype_label(x)} images {mode}", ours, {"copy": _copy(x, grid, threads)}, peers)


def _volume(torch: Any, threads: int) -> Case:
    size = (1, 2, 64, 128, 128)
    x = np.random.default_rng(1).random(size, np.float32)
    grid = affine_grid(np.eye(3, 4, dtype=np.float32)[None] * 0.9, size)
    peers: dict[str, Call] = {}
    if torch is not None:
        tensor, positions = torch.from_numpy(x), torch.from_numpy(grid)
        peers["torch"] = lambda: torch.nn.functional.grid_sample(tensor, positions, align_corners=False)
    ours: dict[str, Call] = {"subpixel": lambda: grid_sample(x, grid, layout="NCDHW")}
    return Case("grid_sample", "f32 volume 2×64×128×128 trilinear", ours, {"copy": _copy(x, grid, threads)}, peers)


def _grid(torch: Any) -> Case:
    peers: dict[str, Call] = {}
    if torch is not None:
        theta = torch.from_numpy(_TURN)
        peers["torch"] = lambda: torch.nn.functional.affine_grid(theta, list(_SIZE), align_corners=False)
    ours: dict[str, Call] = {"subpixel": lambda: affine_grid(_TURN, _SIZE)}
    writing: dict[str, Call] = {"write": lambda: np.ones((1, _HEIGHT, _WIDTH, 2), np.float32)}
    return Case("affine_grid", f"{_WIDTH}×{_HEIGHT}", ours, writing, peers)


def _copy(x: NDArray[Any], grid: NDArray[Any], threads: int) -> Call:
    images, positions = array_copy(x, threads), np.array_split(grid.reshape(-1), threads)
    reading = run_on_threads(lambda thread: positions[thread].sum(), threads)

    def call() -> None:
        images()
        reading()

    return call
