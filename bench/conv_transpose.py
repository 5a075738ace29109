"""conv_transpose f32 beside torch's, torch's own convolution + pixel_shuffle of the same sums, and the ceilings.

    python bench/conv_transpose.py [--threads N] [--runs N]

Two ceilings, the larger of which no program goes below: "adds" is the multiply-adds of the sums at the rate of one
large matrix product of torch (f32 FMA throughput), "copy" is a copy of an array of the result's size to new memory.
Weights are taken apart and packed in every call of ours; torch's sub-pixel form is given them ready.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F
from alternating import alternating

from subpixel import ops
from subpixel.ops.native import forced_target, native_module

# input channels, output channels, kernel, stride, padding, height, width
CASES = {
    "32→1 k9 s3 p3": (32, 1, 9, 3, 3, 360, 640),
    "3→3 k4 s2 p1": (3, 3, 4, 2, 1, 360, 640),
    "64→32 k2 s2": (64, 32, 2, 2, 0, 180, 320),
    "56→1 k9 s3 p4": (56, 1, 9, 3, 4, 180, 320),
}
SIDE = 1024  # of the matrix product


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    torch.set_num_threads(arguments.threads)
    module = native_module()
    target = (forced_target() or module.targets()[-1]) if module else "NumPy"
    square = torch.rand(SIDE, SIDE)
    rate = SIDE**3 / alternating({"product": lambda: square @ square}, arguments.runs)["product"]
    print(
        f"{arguments.threads} threads, subpixel on {target}, torch {torch.__version__}, medians of {arguments.runs} "
        f"alternating runs, ms; {rate / 1e6:.0f} GMAC/s in a matrix product"
    )
    print(
        f"{'':24}{'adds':>7}{'copy':>7}{'subpixel':>10}{'NHWC':>7}{'torch':>8}{'torch conv+shuffle':>20}"
        f"{'torch to':>10}{'to ceiling':>11}"
    )
    for name, case in CASES.items():
        compare(name, case, rate, arguments.runs)


def compare(name: str, case: tuple[int, ...], rate: float, runs: int) -> None:
    inputs, outputs, k, s, p, h, w = case
    rng = np.random.default_rng(0)
    x = rng.random((1, inputs, h, w), np.float32)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    weight, bias = rng.random((inputs, outputs, k, k), np.float32), rng.random(outputs, np.float32)
    form = ops.conv_transpose_to_subpixel(weight, bias, stride=s, padding=p)
    tensors = [torch.from_numpy(v) for v in (x, weight, bias)]
    packed, biases = torch.from_numpy(form.weight), torch.from_numpy(form.bias)
    (top, bottom), (left, right) = form.padding
    (t, b), (le, r) = form.crop

    def sub() -> torch.Tensor:
        small = F.conv2d(F.pad(tensors[0], (left, right, top, bottom)), packed, biases)
        y = F.pixel_shuffle(small, s)
        return y[..., t : y.shape[2] - b, le : y.shape[3] - r]

    result = ops.conv_transpose(x, weight, bias, stride=s, padding=p)
    assert np.allclose(result, sub().numpy(), rtol=1e-4)
    times = alternating(
        {
            "copy": lambda: result.copy(),
            "ours": lambda: ops.conv_transpose(x, weight, bias, stride=s, padding=p),
            "last": lambda: ops.conv_transpose(last, weight, bias, stride=s, padding=p, layout="NHWC"),
            "torch": lambda: F.conv_transpose2d(*tensors, stride=s, padding=p),
            "sub": sub,
        },
        runs,
    )
    adds = weight.size * h * w / rate
    ours = times["ours"]
    print(
        f"{name:16}{h:4}×{w:<3}{adds:7.2f}{times['copy']:7.2f}{ours:10.2f}{times['last']:7.2f}{times['torch']:8.2f}"
        f"{times['sub']:20.2f}{times['torch'] / ours:10.2f}{ours / max(adds, times['copy']):11.2f}"
    )


if __name__ == "__main__":
    main()
