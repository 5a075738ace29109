"""grid_sample on 3×1080×1920 pictures, and affine_grid, beside torch and OpenCV in alternating runs: medians.

    python bench/grid_sample.py [--threads 2] [--rounds 15]

The grids: the identity shifted by normal noise (motion), and a slow rotation (addresses that leave the line). f32
planes beside torch; then u8, u16 and f32, planes and channels last, beside what OpenCV can do of it (remap, channels
last, zeros outside; given its maps in samples, so it is spared that step, and with fixed-point weights for u8). As
the ceiling, copying what every call must at least read and write. All sides allocate their results.
"""

from __future__ import annotations

import argparse
import os

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from alternating import alternating

from subpixel.ops import affine_grid, grid_sample
from subpixel.ops.native import available_threads, forced_target, native_module

CHANNELS, HEIGHT, WIDTH = 3, 1080, 1920
TURN = np.array([[[0.98, -0.1, 0.0], [0.05, 0.98, 0.0]]], np.float32)
REMAP = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


def grids() -> dict[str, np.ndarray]:
    size = (1, CHANNELS, HEIGHT, WIDTH)
    noise = np.random.default_rng(0).normal(0, 1 / 200, (1, HEIGHT, WIDTH, 2)).astype(np.float32)
    flat = affine_grid(np.eye(2, 3, dtype=np.float32)[None], size)
    turned = affine_grid(TURN, size)
    return {"noise": flat + noise, "turned": turned}


def planes_beside_torch(rounds: int) -> None:
    x = np.random.default_rng(1).random((1, CHANNELS, HEIGHT, WIDTH), np.float32)
    tensor = torch.from_numpy(x)
    print(f"{'grid':7} {'mode':9} {'outside':11} {'subpixel':>9} {'torch':>9} {'ratio':>6} {'copy':>7}   (ms)")
    for name, grid in grids().items():
        places = torch.from_numpy(grid)
        for mode in ("nearest", "bilinear", "bicubic"):
            for outside in ("zeros", "border", "reflection"):
                how = {"mode": mode, "padding_mode": outside, "align_corners": False}
                took = alternating(
                    {
                        "subpixel": lambda grid=grid, how=how: grid_sample(x, grid, **how),
                        "torch": lambda places=places, how=how: F.grid_sample(tensor, places, **how),
                        "copy": lambda grid=grid: (x.copy(), grid.sum()),
                    },
                    rounds,
                )
                print(
                    f"{name:7} {mode:9} {outside:11} {took['subpixel']:9.1f} {took['torch']:9.1f} "
                    f"{took['torch'] / took['subpixel']:6.2f} {took['copy']:7.1f}"
                )


def types_and_layouts(rounds: int) -> None:
    random = np.random.default_rng(1)
    print(f"{'grid':7} {'mode':9} {'type':5} {'planes':>9} {'last':>9} {'OpenCV':>9} {'ratio':>6} {'copy':>7}   (ms)")
    for name, grid in grids().items():
        maps = [
            np.ascontiguousarray((grid[0, ..., k] + 1) * (side / 2) - 0.5) for k, side in enumerate((WIDTH, HEIGHT))
        ]
        for mode, remap in REMAP.items():
            for dtype, top in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1)):
                x = (random.random((1, CHANNELS, HEIGHT, WIDTH), np.float32) * top).astype(dtype)
                last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
                took = alternating(
                    {
                        "planes": lambda x=x, grid=grid, mode=mode: grid_sample(x, grid, mode),
                        "last": lambda x=last, grid=grid, mode=mode: grid_sample(x, grid, mode, layout="NHWC"),
                        "OpenCV": lambda x=last[0], maps=maps, remap=remap: cv2.remap(x, *maps, remap),
                        "copy": lambda x=x, grid=grid: (x.copy(), grid.sum()),
                    },
                    rounds,
                )
                kind, ratio = f"{np.dtype(dtype).name[0]}{8 * x.itemsize}", took["OpenCV"] / took["last"]
                print(
                    f"{name:7} {mode:9} {kind:5} {took['planes']:9.1f} {took['last']:9.1f} {took['OpenCV']:9.1f} "
                    f"{ratio:6.2f} {took['copy']:7.1f}"
                )


def volumes_and_grids(rounds: int) -> None:
    size, volume_size = (1, CHANNELS, HEIGHT, WIDTH), (1, 2, 64, 128, 128)
    volume = np.random.default_rng(1).random(volume_size, np.float32)
    places = affine_grid(np.eye(3, 4, dtype=np.float32)[None] * 0.9, volume_size)
    theta, tensor, grid = torch.from_numpy(TURN), torch.from_numpy(volume), torch.from_numpy(places)
    calls = {
        "affine_grid": (
            lambda: affine_grid(TURN, size),
            lambda: F.affine_grid(theta, list(size), align_corners=False),
            lambda: np.ones((1, HEIGHT, WIDTH, 2), np.float32),
        ),
        "trilinear": (
            lambda: grid_sample(volume, places, layout="NCDHW"),
            lambda: F.grid_sample(tensor, grid, align_corners=False),
            lambda: (volume.copy(), places.sum()),
        ),
    }
    for name, (ours, theirs, least) in calls.items():
        took = alternating({"subpixel": ours, "torch": theirs, "least": least}, rounds)
        print(
            f"{name:12} subpixel {took['subpixel']:.1f}, torch {took['torch']:.1f}, "
            f"ratio {took['torch'] / took['subpixel']:.2f}, writing or copying the same {took['least']:.1f}   (ms)"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--threads", type=int, default=available_threads())
    options.add_argument("--rounds", type=int, default=15)
    given = options.parse_args()
    if given.threads < available_threads():
        # The product takes what it may use; so it is this that is made less.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(given.threads)
    module = native_module()
    target = (forced_target() or module.targets()[-1]) if module else "NumPy"
    print(
        f"{CHANNELS}x{HEIGHT}x{WIDTH}, {given.threads} threads, subpixel on {target}, torch {torch.__version__}, "
        f"OpenCV {cv2.__version__}, "
        f"medians of {given.rounds} alternating runs, load average {os.getloadavg()[0]:.1f}"
    )
    planes_beside_torch(given.rounds)
    types_and_layouts(given.rounds)
    volumes_and_grids(given.rounds)


if __name__ == "__main__":
    main()
