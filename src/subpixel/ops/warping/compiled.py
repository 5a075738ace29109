"""Sampling and affine grids by the compiled module, to the bit what sampling.py and affine.py give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from subpixel.ops.native import available_threads, forced_target, native_module
from subpixel.ops.warping.sampling import Sampling

__all__ = ["IMAGES", "affine_native", "sample_native"]

# The dtypes of images; volumes are f32.
IMAGES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))

# Places on longer sides are no exact numbers in f32, and offsets in a plane are ints there.
_MAX_SIDE, _MAX_PLANE = 1 << 24, 1 << 30


def sample_native(x: Any, values: Any, how: Sampling, *, flow: bool, channels_last: bool) -> Any | None:
    """:func:`.sampling.sample` of NumPy arrays; None where the module is not here or has no such dtype or size.

    ``x`` ``(N, C, *S)``, with ``flow`` the values too, are in memory as they came: with ``channels_last`` the channels
    lie innermost, and so they do in the result. u8 and u16 come back rounded half up.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names what is not in this build or machine.
    """
    module = native_module()
    if module is None or x.dtype not in (IMAGES if x.ndim == 4 else IMAGES[2:]):
        return None
    places = tuple(values.shape[2:] if flow else values.shape[1:-1])
    if max(x.shape[2:]) > _MAX_SIDE or math.prod(x.shape[2:]) > _MAX_PLANE or max(x.shape[1], *places) > _MAX_PLANE:
        return None
    shared = {"threads": available_threads(), "target": forced_target()}
    if x.ndim == 5:
        y = np.empty((*x.shape[:2], *places), np.float32)
        module.warp_volumes(
            np.ascontiguousarray(x),
            np.ascontiguousarray(values, np.float32),
            y,
            align_corners=how.align_corners,
            mode=how.mode,
            padding_mode=how.outside,
            **shared,
        )
        return y
    if channels_last:
        x, values = x.transpose(0, 2, 3, 1), values.transpose(0, 2, 3, 1) if flow else values
    y = np.empty((x.shape[0], *places, x.shape[3]) if channels_last else (*x.shape[:2], *places), x.dtype)
    module.warp(
        np.ascontiguousarray(x),
        np.ascontiguousarray(values, np.float32),
        y,
        channels_last=channels_last,
        flow=flow,
        places_last=channels_last or not flow,
        align_corners=how.align_corners,
        mode=how.mode,
        padding_mode=how.outside,
        a=how.a,
        **shared,
    )
    return y.transpose(0, 3, 1, 2) if channels_last else y


def affine_native(theta: Any, lines: Sequence[Any]) -> Any | None:
    """Where f32 maps ``(N, d, d + 1)`` send the places of each axis, the innermost first; None as above.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names what is not in this build or machine.
    """
    module = native_module()
    if module is None or theta.dtype != np.float32 or max(line.size for line in lines) > _MAX_PLANE:
        return None
    at = [np.ascontiguousarray(line.ravel()) for line in reversed(lines)]
    y = np.empty((theta.shape[0], *(line.size for line in at), len(at)), np.float32)
    module.affine_grid(
        np.ascontiguousarray(theta), at, y.reshape(-1, len(at)), threads=available_threads(), target=forced_target()
    )
    return y
