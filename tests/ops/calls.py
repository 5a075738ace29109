"""One call of every operator, for tests of what all of them have in common."""

from typing import Any, NamedTuple

import numpy as np

from subpixel import ops


class Call(NamedTuple):
    """The shapes of an operator's arrays by what they hold, and the operator applied to them."""

    arrays: list[tuple[str, tuple[int, ...]]]
    run: Any
    # It looks at the values of an array to check them.
    looks: bool = False


def data(*shape):
    return ("data", shape)


def real(*shape):
    return ("real", shape)


CALLS = {
    "affine_grid": Call([real(2, 2, 3)], lambda t: ops.affine_grid(t, (2, 1, 3, 4))),
    "average_unpool": Call([data(1, 2, 3, 2)], lambda x: ops.average_unpool(x, (2, 3))),
    "conv": Call([data(1, 4, 5, 4), data(2, 2, 3, 3), data(2)], lambda *v: ops.conv(*v, padding=1, groups=2)),
    "conv_transpose": Call(
        [data(1, 4, 5, 4), data(4, 1, 3, 3), data(2)],
        lambda *v: ops.conv_transpose(*v, stride=2, padding=((1, 0), (0, 2)), groups=2),
    ),
    "conv_transpose_to_subpixel": Call(
        [data(2, 3, 5, 4), data(3)], lambda *v: ops.conv_transpose_to_subpixel(*v, stride=2, padding=1)
    ),
    "depth_to_space": Call([data(1, 8, 2, 3)], lambda x: ops.depth_to_space(x, 2)),
    "grid_sample": Call([data(1, 2, 4, 5), real(1, 3, 6, 2)], lambda x, g: ops.grid_sample(x, g, "bicubic", "border")),
    "icnr": Call([data(2, 3, 3, 3)], lambda w: ops.icnr((8, 3, 3, 3), 2, init=lambda shape: w)),
    "max_pool": Call([data(1, 2, 6, 5)], lambda x: ops.max_pool(x, 2, padding=1, return_indices=True)),
    "max_unpool": Call([data(1, 2, 2, 3), ("index", (1, 2, 2, 3))], lambda *v: ops.max_unpool(*v, 2), looks=True),
    "pixel_shuffle": Call([data(1, 8, 2, 3)], lambda x: ops.pixel_shuffle(x, 2)),
    "pixel_unshuffle": Call([data(1, 2, 4, 6)], lambda x: ops.pixel_unshuffle(x, 2)),
    "resize": Call([data(1, 2, 4, 5)], lambda x: ops.resize(x, (7, 3), layout="NCHW", antialias=True)),
    "space_to_depth": Call([data(1, 2, 4, 6)], lambda x: ops.space_to_depth(x, 2)),
    "subpixel_conv": Call(
        [data(1, 2, 4, 3), data(4, 2, 3, 3), data(4)], lambda *v: ops.subpixel_conv(*v, 2, padding=1, crop=1)
    ),
    "subpixel_to_conv_transpose": Call(
        [data(8, 2, 3, 2)], lambda w: ops.subpixel_to_conv_transpose(w, 2, padding=1), looks=True
    ),
    "upsample": Call([data(1, 2, 4, 5)], lambda x: ops.upsample(x, scale=2, mode="bicubic")),
    "upsample_bilinear": Call([data(1, 2, 4, 5)], lambda x: ops.upsample_bilinear(x, (7, 6))),
    "upsample_nearest": Call([data(1, 2, 4, 5)], lambda x: ops.upsample_nearest(x, (7, 3))),
    "warp": Call([data(1, 2, 4, 5), real(1, 2, 4, 5)], lambda *v: ops.warp(*v, padding_mode="reflection")),
}


def arrays(name, rng, dtype):
    """NumPy arrays for a call: data of the dtype, what must be real in f32, indices that fit."""
    result = []
    for role, shape in CALLS[name].arrays:
        if role == "data":
            result.append(rng.integers(0, 9, shape).astype(dtype))
        elif role == "real":
            result.append(rng.uniform(-1, 1, shape).astype(np.float32))
        else:
            result.append(rng.permutation(24)[: np.prod(shape) // 2].reshape(shape[2:])[None, None].repeat(2, 1))
    return result


def parts(result):
    """The arrays of a result: one, several, or those of a converted layer."""
    if isinstance(result, (ops.SubpixelForm, ops.ConvTransposeForm)):
        result = (result.weight, result.bias)
    return [y for y in (result if isinstance(result, tuple) else (result,)) if y is not None]
