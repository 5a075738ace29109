"""Pixel shuffle, torch's, and a copy of the same bytes: each byte is read once and written once to new memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from subpixel import ops
from subpixel.bench.ceilings import array_copy
from subpixel.bench.operators.case import Call, Case, dtype_label, torch_with_threads

__all__ = ["cases"]

# "large" exceeds last-level caches, "small" fits.
_SIZES = {"small": (360, 640), "large": (2160, 3840)}


def cases(threads: int) -> Iterator[Case]:
    """Cases in f32 and u8, channels first and last."""
    torch = torch_with_threads(threads)
    for size, (height, width) in _SIZES.items():
        for dtype in (np.float32, np.uint8):
            for layout in ("NCHW", "NHWC"):
                for r in (2, 3, 4):
                    yield _case(torch, size, (height // r, width // r), dtype, layout, r, threads)


def _case(torch: Any, size: str, shape: tuple[int, int], dtype: Any, layout: Any, r: int, threads: int) -> Case:
    sides = {"N": 1, "C": 3 * r * r, "H": shape[0], "W": shape[1]}
    x = np.ones([sides[letter] for letter in layout], dtype)
    peers: dict[str, Call] = {}
    if torch is not None:
        tensor = torch.from_numpy(x)
        tensor = tensor.permute(0, 3, 1, 2) if layout == "NHWC" else tensor
        peers["torch"] = lambda: torch.nn.functional.pixel_shuffle(tensor, r)
    ours: dict[str, Call] = {"subpixel": lambda: ops.pixel_shuffle(x, r, layout=layout)}
    return Case(
        "pixel_shuffle", f"{size} {dtype_label(x)} {layout} r={r}", ours, {"copy": array_copy(x, threads)}, peers
    )
