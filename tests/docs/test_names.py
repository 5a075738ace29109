"""What docs/operators.md says of other libraries, asked of those that are installed here."""

import inspect

import cv2
import numpy as np
import onnx
import pytest
import torch.nn.functional as F
from PIL import Image
from skimage import transform

from subpixel import ops

LINE = np.array([[0.0, 10.0, 20.0, 30.0]], np.float32)


def defaults(function):
    return {name: p.default for name, p in inspect.signature(function).parameters.items()}


def attribute(op, name):
    return onnx.helper.get_attribute_value(onnx.defs.get_schema(op).attributes[name].default_value)


def test_defaults_of_torch():
    assert defaults(F.interpolate)["mode"] == "nearest"
    assert defaults(F.interpolate)["antialias"] is False
    sampling = defaults(F.grid_sample)
    assert (sampling["mode"], sampling["padding_mode"], sampling["align_corners"]) == ("bilinear", "zeros", None)
    assert defaults(F.max_unpool2d)["stride"] is None


def test_defaults_of_onnx():
    assert attribute("DepthToSpace", "mode") == b"DCR"
    for op, since in (("DepthToSpace", 11), ("SpaceToDepth", 28)):
        assert "mode" in onnx.defs.get_schema(op, since).attributes
        assert "mode" not in onnx.defs.get_schema(op, since - 1).attributes
    assert attribute("Resize", "mode") == b"nearest"
    assert attribute("Resize", "coordinate_transformation_mode") == b"half_pixel"
    assert attribute("Resize", "nearest_mode") == b"round_prefer_floor"
    assert attribute("Resize", "cubic_coeff_a") == -0.75
    assert [attribute("Resize", name) for name in ("antialias", "exclude_outside")] == [0, 0]
    assert (attribute("GridSample", "mode"), attribute("GridSample", "padding_mode")) == (b"linear", b"zeros")
    assert [attribute(op, "align_corners") for op in ("GridSample", "AffineGrid")] == [0, 0]
    assert attribute("MaxPool", "storage_order") == 0


def test_defaults_of_opencv_pillow_and_scikit_image():
    u8 = (LINE * 5).astype(np.uint8)
    np.testing.assert_array_equal(cv2.resize(u8, (7, 1)), cv2.resize(u8, (7, 1), interpolation=cv2.INTER_LINEAR))
    image = Image.fromarray(u8)
    np.testing.assert_array_equal(image.resize((7, 1)), image.resize((7, 1), Image.Resampling.BICUBIC))
    assert defaults(transform.resize)["mode"] == "reflect"
    assert defaults(transform.resize)["anti_aliasing"] is None
    assert defaults(transform.warp)["mode"] == "constant"


def test_positions_in_opencv():
    # Sample numbers, outside a constant 0 that takes part in the mean; warpAffine's matrix leads from input to output.
    places = np.array([[0, 0.5, 1, -0.5, 3.5]], np.float32)
    assert cv2.remap(LINE, places, np.zeros_like(places), cv2.INTER_LINEAR).tolist() == [[0, 5, 10, 0, 15]]
    grid = np.stack([(2 * places + 1) / 4 - 1, np.zeros_like(places)], -1)[None]
    np.testing.assert_allclose(ops.grid_sample(LINE[None, None], grid).ravel(), [0, 5, 10, 0, 15], atol=1e-5)
    right = np.array([[1, 0, 1], [0, 1, 0]], np.float32)
    assert cv2.warpAffine(LINE, right, (4, 1)).tolist() == [[0, 0, 10, 20]]


def test_positions_in_pillow():
    # Pixels counted from the outer edge, from output to input, nearest unless said otherwise.
    image, half = Image.fromarray(LINE), (0.5, 0, 0, 0, 1, 0)
    smooth = image.transform((8, 1), Image.Transform.AFFINE, half, Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(smooth, ops.resize(LINE, (1, 8), mode="linear", layout="HW"))
    np.testing.assert_array_equal(image.transform((8, 1), Image.Transform.AFFINE, half), np.repeat(LINE, 2, axis=1))
    assert np.asarray(image.transform((4, 1), Image.Transform.AFFINE, (1, 0, 1, 0, 1, 0))).tolist() == [[10, 20, 30, 0]]


def test_positions_in_scikit_image():
    left = transform.AffineTransform(translation=(1, 0))
    assert transform.warp(np.vstack([LINE, LINE]), left, preserve_range=True)[0].tolist() == [10, 20, 30, 0]


@pytest.mark.long
def test_what_jax_does():
    import jax
    from jax import numpy as jnp

    x, weight = jnp.asarray([[[1.0], [10.0]]]), jnp.asarray([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    assert jax.lax.conv_transpose(x, weight, (2,), "VALID").ravel().tolist() == [3, 2, 31, 20, 10]
    as_torch = jax.lax.conv_transpose(x, weight, (2,), "VALID", transpose_kernel=True)
    assert as_torch.ravel().tolist() == [1, 2, 13, 20, 30]
    shape = jax.lax.conv_transpose(jnp.ones((1, 4, 4, 2)), jnp.ones((3, 3, 2, 5)), (2, 2), "SAME").shape
    assert shape == (1, 8, 8, 5)
    corner = jax.scipy.ndimage.map_coordinates(jnp.arange(6.0).reshape(2, 3), [jnp.array([0.0]), jnp.array([2.0])], 1)
    assert corner.tolist() == [2]
    assert defaults(jax.scipy.ndimage.map_coordinates)["mode"] == "constant"
    assert defaults(jax.image.resize)["antialias"] is True
    assert defaults(jax.image.resize)["method"] is inspect.Parameter.empty
