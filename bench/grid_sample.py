"""grid_sample on a 3×1080×1920 f32 picture beside torch, in alternating runs: medians and their ratio.

    python bench/grid_sample.py [--threads 2] [--rounds 15]

The grids: the identity shifted by normal noise (motion), and a slow rotation (addresses that leave the line). As the
ceiling, copying what every call must at least read and write. Both sides allocate their results.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F
from alternating import alternating

from subpixel.ops import affine_grid, grid_sample
from subpixel.ops.native import available_threads, forced_target, native_module

CHANNELS, HEIGHT, WIDTH = 3, 1080, 1920


def grids() -> dict[str, np.ndarray]:
    size = (1, CHANNELS, HEIGHT, WIDTH)
    noise = np.random.default_rng(0).normal(0, 1 / 200, (1, HEIGHT, WIDTH, 2)).astype(np.float32)
    flat = affine_grid(np.eye(2, 3, dtype=np.float32)[None], size)
    turned = affine_grid(np.array([[[0.98, -0.1, 0.0], [0.05, 0.98, 0.0]]], np.float32), size)
    return {"noise": flat + noise, "turned": turned}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--threads", type=int, default=available_threads())
    options.add_argument("--rounds", type=int, default=15)
    given = options.parse_args()
    if given.threads < available_threads():
        # The product takes what it may use; so it is this that is made less.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    torch.set_num_threads(given.threads)
    module = native_module()
    target = (forced_target() or module.targets()[-1]) if module else "NumPy"
    print(
        f"{CHANNELS}x{HEIGHT}x{WIDTH} f32, {given.threads} threads, subpixel on {target}, torch {torch.__version__}, "
        f"medians of {given.rounds} alternating runs, load average {os.getloadavg()[0]:.1f}"
    )
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
                    given.rounds,
                )
                print(
                    f"{name:7} {mode:9} {outside:11} {took['subpixel']:9.1f} {took['torch']:9.1f} "
                    f"{took['torch'] / took['subpixel']:6.2f} {took['copy']:7.1f}"
                )


if __name__ == "__main__":
    main()
