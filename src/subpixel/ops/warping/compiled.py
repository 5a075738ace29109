"""Sampling and affine grids by the compiled module, with the same bits as sampling.py and affine.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from subpixel.ops.native import available_threads, forced_target, native_module
from subpixel.ops.warping.sampling import Sampling

__all__ = ["IMAGES", "affine_grid_compiled", "sample_compiled"]

# The supported dtypes of images. Volumes are f32 only.
IMAGES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))

# Positions on longer sides are not exact in f32, and offsets in a plane are 32-bit integers in the module.
_MAX_SIDE, _MAX_PLANE = 1 << 24, 1 << 30


def sample_compiled(x: Any, values: Any, options: Sampling, *, flow: bool, channels_last: bool) -> Any | None:
    """:func:`.sampling.sample` of NumPy arrays; None if the module is not installed or does not support dtype or size.

    ``x`` has the shape ``(N, C, *S)``. With ``channels_last``, the channels lie innermost in the memory of ``x``, of
    the result and, with ``flow``, of the values. Results in u8 and u16 are rounded half up.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names an instruction set that this build or machine
            does not have.
    """
    module = native_module()
    if module is None or x.dtype not in (IMAGES if x.ndim == 4 else IMAGES[2:]):
        return None
    grid_shape = tuple(values.shape[2:] if flow else values.shape[1:-1])
    if max(x.shape[2:]) > _MAX_SIDE or math.prod(x.shape[2:]) > _MAX_PLANE or max(x.shape[1], *grid_shape) > _MAX_PLANE:
        return None
    shared = {"threads": available_threads(), "target": forced_target()}
    if x.ndim == 5:
        y = np.empty((*x.shape[:2], *grid_shape), np.float32)
        module.warp_volumes(
            np.ascontiguousarray(x),
            np.ascontiguousarray(values, np.float32),
            y,
            align_corners=options.align_corners,
            mode=options.mode,
            padding_mode=options.padding_mode,
            **shared,
        )
        return y
    if channels_last:
        x, values = x.transpose(0, 2, 3, 1), values.transpose(0, 2, 3, 1) if flow else values
    y = np.empty((x.shape[0], *grid_shape, x.shape[3]) if channels_last else (*x.shape[:2], *grid_shape), x.dtype)
    module.warp(
        np.ascontiguousarray(x),
        np.ascontiguousarray(values, np.float32),
        y,
        channels_last=channels_last,
        flow=flow,
        places_last=channels_last or not flow,
        align_corners=options.align_corners,
        mode=options.mode,
        padding_mode=options.padding_mode,
        a=options.a,
        **shared,
    )
    return y.transpose(0, 3, 1, 2) if channels_last else y


def affine_grid_compiled(theta: Any, lines: Sequence[Any]) -> Any | None:
    """Apply f32 maps ``(N, d, d + 1)`` to the positions of each axis, innermost first.

    None if the module is not installed or does not support dtype or size.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names an instruction set that this build or machine
            does not have.
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
