"""The comparisons with torch, Pillow, OpenCV and the definitions again and again, with other random numbers each time.

make test-long runs this. A failure names the seed, with which ``test_x(np.random.default_rng(seed), …)`` repeats it.
"""

import itertools

import numpy as np
import pytest
import torch

from ops import (
    test_conv,
    test_convert,
    test_onnx_resize,
    test_pool,
    test_resize_dialects,
    test_resize_torch,
    test_torch_gradients,
    test_warp,
)

pytestmark = pytest.mark.long

SEEDS = range(1, 21)
DIMS = (1, 2, 3)
COORDINATES = (*test_onnx_resize.COORDINATES, "pytorch_half_pixel")
BOTH = (False, True)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# Each of these tests, and the arguments that it is otherwise parametrized with.
AGAIN = [
    (
        test_resize_torch.test_values,
        [(*case, dtype) for case in test_resize_torch.MODE_CASES for dtype in test_resize_torch.TOLERANCE],
    ),
    (test_resize_torch.test_gradients, test_resize_torch.MODE_CASES),
    (
        test_resize_torch.test_bytes,
        [("linear", False), ("linear", True), ("cubic", False), ("cubic", True), ("lanczos", True)],
    ),
    (test_resize_dialects.test_pillow_to_the_byte, itertools.product(test_resize_dialects.PILLOW, [(), (3,), (4,)])),
    (
        test_resize_dialects.test_opencv,
        itertools.product(test_resize_dialects.OPENCV, [np.uint8, np.uint16, np.float32, np.float64]),
    ),
    (test_onnx_resize.test_is_the_reference_evaluator, itertools.product(["nearest", "linear", "cubic"], COORDINATES)),
    (test_conv.test_is_torch, itertools.product(DIMS, BOTH)),
    (test_convert.test_both_networks_agree_whatever_the_arguments, [(d,) for d in DIMS]),
    (test_convert.test_back_agrees_whatever_the_arguments, [(d,) for d in DIMS]),
    (test_pool.test_is_torch, [(d,) for d in DIMS]),
    (test_pool.test_unpool_is_torch, [(d,) for d in DIMS]),
    (test_pool.test_duplicates_keep_the_last_in_raster_order, [()]),
    (test_warp.test_images_as_torch_samples_them, test_warp.OPTIONS),
    (test_warp.test_volumes_as_torch_samples_them, [w for w in test_warp.OPTIONS if w[0] != "bicubic"]),
    (test_warp.test_flows_against_the_oracle, itertools.product(test_warp.MODES, test_warp.OUTSIDE)),
    (test_torch_gradients.test_pixel_shuffle, [(b,) for b in BOTH]),
    (test_torch_gradients.test_convolutions, itertools.product(DIMS, BOTH)),
    (test_torch_gradients.test_subpixel_convolution, [()]),
    (test_torch_gradients.test_a_converted_layer_learns_what_the_transposed_convolution_learns, [(d,) for d in DIMS]),
    (test_torch_gradients.test_pooling_and_unpooling, [(d,) for d in DIMS]),
    (test_torch_gradients.test_grid_sampling, itertools.product(test_warp.MODES, test_warp.OUTSIDE)),
    (test_torch_gradients.test_warping_is_sampling_at_displaced_positions,
     itertools.product(("bilinear", "bicubic"), test_warp.OUTSIDE)),
]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("test", "arguments"),
    [pytest.param(t, list(arguments), id=f"{t.__module__}.{t.__name__}") for t, arguments in AGAIN],
)
def test_again(test, arguments, seed):
    for given in arguments:
        test(np.random.default_rng(seed), *given)
