"""conv_transpose, torch's, and torch's convolution with pixel_shuffle for the same sums.

Two ceilings: "copy" copies an array of the result's size, "adds" computes the multiply-adds alone. Our call splits and
packs the weights every time; torch's sub-pixel form gets them ready.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel import ops
from subpixel.bench import ceilings
from subpixel.bench.operators.case import Call, Case, torch_with_threads

__all__ = ["cases"]

# input channels, output channels, kernel, stride, padding, height, width
_CASES = {
    "32→1 k9 s3 p3": (32, 1, 9, 3, 3, 360, 640),
    "3→3 k4 s2 p1": (3, 3, 4, 2, 1, 360, 640),
    "64→32 k2 s2": (64, 32, 2, 2, 0, 180, 320),
    "56→1 k9 s3 p4": (56, 1, 9, 3, 4, 180, 320),
}


def cases(threads: int) -> Iterator[Case]:
    """Layers of published networks."""
    torch = torch_with_threads(threads)
    for name, case in _CASES.items():
        yield _case(torch, name, case, threads)


def _case(torch: Any, name: str, case: tuple[int, ...], threads: int) -> Case:
    inputs, outputs, k, stride, padding, h, w = case
    rng = np.random.default_rng(0)
    x = rng.random((1, inputs, h, w), np.float32)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    weight, bias = rng.random((inputs, outputs, k, k), np.float32), rng.random(outputs, np.float32)

    def ours(value: NDArray[Any] = x, layout: Any = "NCHW") -> NDArray[Any]:
        output: NDArray[Any] = ops.conv_transpose(value, weight, bias, stride=stride, padding=padding, layout=layout)
        return output

    result = ours()
    adds = ceilings.arithmetic("f32", ceilings.targets()[-1], threads, float(weight.size) * h * w)
    bounds: dict[str, Call] = {"copy": ceilings.array_copy(result, threads), "adds": adds}
    peers: dict[str, Call] = {}
    if torch is not None:
        tensors = [torch.from_numpy(v) for v in (x, weight, bias)]
        whole = torch.nn.functional.conv_transpose2d
        peers["torch"] = lambda: whole(*tensors, stride=stride, padding=padding)
        peers["torch sub-pixel"] = _subpixel(torch, x, weight, bias, stride, padding)
    called: dict[str, Call] = {"subpixel": ours, "subpixel NHWC": lambda: ours(last, "NHWC")}
    return Case("conv_transpose", f"{name} {w}×{h}", called, bounds, peers)


def _subpixel(torch: Any, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], stride: int, padding: int) -> Call:
    functional = torch.nn.functional
    form = ops.conv_transpose_to_subpixel(weight, bias, stride=stride, padding=padding)
    tensor, packed, biases = (torch.from_numpy(np.asarray(v)) for v in (x, form.weight, form.bias))
    (top, bottom), (left, right) = form.padding
    (t, b), (le, r) = form.crop

    def call() -> Any:
        small = functional.conv2d(functional.pad(tensor, (left, right, top, bottom)), packed, biases)
        y = functional.pixel_shuffle(small, stride)
        return y[..., t : y.shape[2] - b, le : y.shape[3] - r]

    return call
