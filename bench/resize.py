"""Resize beside OpenCV, Pillow, torch and a copy of the result's bytes, in alternating runs.

    python bench/resize.py [--threads N] [--runs N] [--only TEXT]

Prints the median of each in ms and how many times as long the peer takes. The copy is the ceiling: every byte of the
result is written once, to new memory. Up is 640x360 to 1920x1080, down the way back. Pillow knows one thread only.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from alternating import alternating
from PIL import Image

from subpixel import ops

SMALL, LARGE = (360, 640), (1080, 1920)
CV = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4, "nearest": cv2.INTER_NEAREST}
PIL = {
    "linear": Image.Resampling.BILINEAR,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

Call = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    print(f"{arguments.threads} threads, medians of {arguments.runs} alternating runs, ms")
    print(f"{'':36}{'copy':>8}{'subpixel':>10}{'peer':>9}{'peer takes':>12}")
    for name, ours, peer in cases():
        if arguments.only in name:
            result = ours()
            times = alternating({"copy": result.copy, "ours": ours, "peer": peer}, arguments.runs)
            ratio = times["peer"] / times["ours"]
            print(f"{name:36}{times['copy']:8.3f}{times['ours']:10.3f}{times['peer']:9.3f}{ratio:11.2f}x")


def cases() -> list[tuple[str, Call, Call]]:
    """Each with a name, our call and the peer's."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (*SMALL, 3), np.uint8)
    large = random.integers(0, 256, (*LARGE, 3), np.uint8)
    planes = random.random((1, 3, *SMALL), np.float32)
    return [
        *(against_opencv(small, mode, "opencv") for mode in CV),
        *(against_opencv(small, mode, None) for mode in CV),
        against_opencv(planes[0].transpose(1, 2, 0).copy(), "cubic", None),
        *(against_pillow(small, mode, LARGE) for mode in PIL),
        *(against_pillow(large, mode, SMALL) for mode in PIL),
        *(against_torch(x, mode) for x in (planes, small.transpose(2, 0, 1)[None].copy()) for mode in CV),
    ]


def against_opencv(x: np.ndarray, mode: str, like: str | None) -> tuple[str, Call, Call]:
    return (
        f"{x.dtype} HWC up {mode}, {like or 'own'} | OpenCV",
        lambda: ops.resize(x, LARGE, mode=mode, like=like),
        lambda: cv2.resize(x, LARGE[::-1], interpolation=CV[mode]),
    )


def against_pillow(x: np.ndarray, mode: str, size: tuple[int, int]) -> tuple[str, Call, Call]:
    image = Image.fromarray(x)
    return (
        f"{x.dtype} HWC {'up' if size == LARGE else 'down'} {mode}, pillow | Pillow",
        lambda: ops.resize(x, size, mode=mode, like="pillow"),
        lambda: image.resize(size[::-1], PIL[mode]),
    )


def against_torch(x: np.ndarray, mode: str) -> tuple[str, Call, Call]:
    tensor = torch.from_numpy(x)
    theirs = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    more = {"antialias": True} if mode == "lanczos" else {}
    return (
        f"{x.dtype} NCHW up {mode}, torch | torch",
        lambda: ops.resize(x, LARGE, mode=mode, like="torch"),
        lambda: F.interpolate(tensor, LARGE, mode=theirs, **more),
    )


if __name__ == "__main__":
    main()
