"""The operators that upscaling is made of: arrays in, arrays out, every convention a named argument.

python examples/operators.py
"""

from __future__ import annotations

import numpy as np

from subpixel import ops


def main() -> None:
    rng = np.random.default_rng(0)

    # Sub-pixel convolution: compute at the low resolution, then move channels into space.
    channels = rng.standard_normal((1, 12, 8, 8), np.float32)
    image = ops.pixel_shuffle(channels, 2, order="CRD")
    assert np.array_equal(ops.pixel_unshuffle(image, 2, order="CRD"), channels)
    print("pixel_shuffle:", channels.shape, "→", image.shape)

    # A resize as torch does it, and the one that made the small images of the standard test sets.
    photo = rng.integers(0, 256, (48, 64, 3), np.uint8)
    print("resize as torch:", ops.resize(photo, (96, 128), mode="cubic", like="torch", layout="HWC").shape)
    print("resize as MATLAB:", ops.resize(photo, scale=0.5, antialias=True).shape)

    # A transposed convolution, and the sub-pixel convolution that computes the same.
    weight = rng.standard_normal((12, 3, 4, 4), np.float32)
    expected = ops.conv_transpose(channels, weight, stride=2, padding=1)
    form = ops.conv_transpose_to_subpixel(weight, stride=2, padding=1)
    print("conv_transpose_to_subpixel:", weight.shape, "→", form.weight.shape)
    result = ops.subpixel_conv(channels, **vars(form))
    print("largest difference:", np.abs(result - expected).max())


if __name__ == "__main__":
    main()
