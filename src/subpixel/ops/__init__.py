"""The operators, from arrays to arrays. Every convention that libraries disagree on is a named argument."""

from subpixel.ops.convolution.conv import conv, conv_transpose, subpixel_conv
from subpixel.ops.convolution.convert import (
    ConvTransposeForm,
    SubpixelForm,
    conv_transpose_to_subpixel,
    subpixel_to_conv_transpose,
)
from subpixel.ops.convolution.icnr import icnr
from subpixel.ops.pooling.pool import average_unpool, max_pool, max_unpool
from subpixel.ops.resizing.resize import resize, upsample, upsample_bilinear, upsample_nearest
from subpixel.ops.shuffle import depth_to_space, pixel_shuffle, pixel_unshuffle, space_to_depth
from subpixel.ops.warping.affine import affine_grid
from subpixel.ops.warping.warp import grid_sample, warp

__all__ = [
    "ConvTransposeForm",
    "SubpixelForm",
    "affine_grid",
    "average_unpool",
    "conv",
    "conv_transpose",
    "conv_transpose_to_subpixel",
    "depth_to_space",
    "grid_sample",
    "icnr",
    "max_pool",
    "max_unpool",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize",
    "space_to_depth",
    "subpixel_conv",
    "subpixel_to_conv_transpose",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
    "warp",
]
