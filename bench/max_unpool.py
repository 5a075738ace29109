"""max_unpool beside torch, in alternating runs: 32 planes of 360×640 values, kernel 2, to 720×1280.

    python bench/max_unpool.py [--threads N] [--runs N]

Two ceilings: "pages" makes an array of zeros of the result's size and writes one byte of each page, what any new result
costs on these threads before a value is in it; "copy" copies a result to new memory. torch takes f32 and int64 only.
"""

from __future__ import annotations

import argparse
import os
import threading

import numpy as np
import torch
import torch.nn.functional as F
from alternating import alternating
from numpy.typing import NDArray

from subpixel import ops

PLANES, HEIGHT, WIDTH = 32, 720, 1280
PAGE = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, medians of {arguments.runs} alternating runs, ms, torch {torch.__version__}")
    print(f"{'':22}{'pages':>8}{'copy':>8}{'subpixel':>10}{'torch':>8}{'torch to':>10}{'to pages':>10}")
    for dtype in (np.float32, np.uint16, np.uint8):
        for index in (np.int64, np.int32):
            compare(dtype, index, arguments.threads, arguments.runs)


def compare(dtype: type, index: type, threads: int, runs: int) -> None:
    x = np.random.default_rng(0).integers(0, 255, (1, PLANES, HEIGHT, WIDTH)).astype(dtype)
    values, where = ops.max_pool(x, 2, return_indices=True)
    where = where.astype(index)
    calls = {
        "pages": lambda: pages(x, threads),
        "copy": lambda: x.copy(),
        "ours": lambda: ops.max_unpool(values, where, 2),
    }
    if dtype is np.float32 and index is np.int64:
        tensors = torch.from_numpy(values), torch.from_numpy(where)
        calls["torch"] = lambda: F.max_unpool2d(*tensors, 2)
    times = alternating(calls, runs)
    theirs = times.get("torch", float("nan"))
    name = f"{np.dtype(dtype).name}, {np.dtype(index).name}"
    print(
        f"{name:22}{times['pages']:8.2f}{times['copy']:8.2f}{times['ours']:10.2f}{theirs:8.2f}"
        f"{theirs / times['ours']:10.2f}{times['ours'] / times['pages']:10.2f}"
    )


def pages(like: NDArray[np.generic], threads: int) -> None:
    y = np.zeros(like.nbytes, np.uint8)

    def touch(part: NDArray[np.uint8]) -> None:
        part[::PAGE] = 1

    parts = np.array_split(y, threads)
    others = [threading.Thread(target=touch, args=(part,)) for part in parts[1:]]
    for other in others:
        other.start()
    touch(parts[0])
    for other in others:
        other.join()


if __name__ == "__main__":
    main()
