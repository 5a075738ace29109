"""Pixel shuffle beside a copy of the same bytes and torch, in alternating runs.

    python bench/pixel_shuffle.py [--threads N] [--runs N]

Prints the median of each and two ratios: to ``x.copy()`` (the ceiling: every byte is read once and written once, to new
memory, as the operators do) and to torch. "large" lies beyond last-level caches, "small" within them.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import torch
from alternating import alternating

from subpixel import ops

SIZES = {"small": (360, 640), "large": (2160, 3840)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, medians of {arguments.runs} alternating runs, ms; r, 3 channels out")
    print(f"{'':34}{'copy':>9}{'subpixel':>10}{'torch':>9}{'to copy':>9}{'torch to':>10}")
    for size, (height, width) in SIZES.items():
        for dtype in (np.float32, np.uint8):
            for layout in ("NCHW", "NHWC"):
                for r in (2, 3, 4):
                    compare(size, height // r, width // r, dtype, layout, r, arguments.runs)


def compare(size: str, h: int, w: int, dtype: type, layout: str, r: int, runs: int) -> None:
    shape = {"N": 1, "C": 3 * r * r, "H": h, "W": w}
    x = np.ones([shape[letter] for letter in layout], dtype)
    tensor = torch.from_numpy(x)
    if layout == "NHWC":
        tensor = tensor.permute(0, 3, 1, 2)
    names = {
        "copy": lambda: x.copy(),
        "subpixel": lambda: ops.pixel_shuffle(x, r, layout=layout),
        "torch": lambda: torch.nn.functional.pixel_shuffle(tensor, r),
    }
    times = alternating(names, runs)
    copy, ours, torchs = (times[name] for name in names)
    case = f"{size} {np.dtype(dtype).name} {layout} r={r}"
    print(f"{case:34}{copy:9.3f}{ours:10.3f}{torchs:9.3f}{ours / copy:9.2f}{torchs / ours:10.2f}")


if __name__ == "__main__":
    main()
