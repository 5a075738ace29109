"""ONNX's own cases of Resize and Upsample: every one runs; and more of them against its reference evaluator."""

import itertools

import numpy as np
import pytest

from ops.onnx_cases import cases, report
from subpixel.errors import InvalidArgument
from subpixel.ops import resize

# ONNX's attribute and the parameter that it is.
NAMES = {
    "mode": "mode",
    "coordinate_transformation_mode": "coordinates",
    "nearest_mode": "nearest",
    "cubic_coeff_a": "a",
    "antialias": "antialias",
    "exclude_outside": "exclude_outside",
    "extrapolation_value": "extrapolation",
    "keep_aspect_ratio_policy": "keep_aspect",
    "axes": "axes",
}


def run_node(x, attributes, roi=None, scales=None, sizes=None):
    arguments = {NAMES[name]: value for name, value in attributes.items()}
    for flag in ("antialias", "exclude_outside"):
        if flag in arguments:
            arguments[flag] = bool(arguments[flag])
    if scales is not None and len(scales):
        arguments["scale"] = scales
    return resize(x, sizes, roi=roi, like="onnx", **arguments)


def run_resize(case):
    x, roi, scales, sizes = (*case.inputs, None, None)[:4]
    result = run_node(x, case.attributes, roi, scales, sizes)
    assert result.dtype == case.outputs[0].dtype
    np.testing.assert_allclose(result, case.outputs[0], rtol=1e-5, atol=1e-6)


def run_upsample(case):
    x, scales = case.inputs
    np.testing.assert_array_equal(resize(x, scale=scales, like="onnx_upsample", **case.attributes), case.outputs[0])


@pytest.mark.parametrize(("op", "run", "count"), [("Resize", run_resize, 39), ("Upsample", run_upsample, 1)])
def test_every_case(op, run, count):
    passed, total = report(op, run)
    assert passed == total == len(list(cases(op))) >= count


def beside_a_sample(lengths, scales):
    """A position that only rounding keeps from a sample: there the evaluator takes weights and samples apart."""
    for n, scale in zip(lengths, scales, strict=True):
        m = int(n * scale)
        position = n / 2 * (1 - m / (n * scale)) + (np.arange(m) + 0.5) / scale - 0.5
        if (np.abs(position - np.rint(position)) < 1e-9).any():
            return True
    return False


ROI = np.array([0.4, -0.3, 1.2, 0.7])


def crop_beside_a_sample(shape, lengths):
    """The same for a crop: where a position is whole but for its rounding."""
    for n, length, start, end in zip(shape, lengths, ROI[:2], ROI[2:], strict=True):
        position = np.arange(int(length)) * (end - start) * (n - 1) / (length - 1) + start * (n - 1)
        away = np.abs(position - np.rint(position))
        if ((away > 0) & (away < 1e-9)).any():
            return True
    return False


COORDINATES = ("half_pixel", "half_pixel_symmetric", "align_corners", "asymmetric", "tf_crop_and_resize")


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("coordinates", [*COORDINATES, "pytorch_half_pixel"])
def test_is_the_reference_evaluator(rng, mode, coordinates):
    evaluate = pytest.importorskip("onnx.reference.ops.op_resize")._interpolate_nd
    module = pytest.importorskip("onnx.reference.ops.op_resize")
    roundings = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else (None,)
    done = 0
    for nearest, antialias, exclude in itertools.product(roundings, (0, 1), (0, 1)):
        if mode == "nearest" and (antialias or exclude):
            continue
        for _ in range(14):
            shape = tuple(int(n) for n in rng.integers(2, 9, 2))
            scales = rng.choice([0.4, 0.5, 0.6, 0.8, 1.5, 2.0, 2.6, 3.0], 2).astype(np.float32).astype(float)
            given = {"scale_factors": scales}
            if rng.random() < 0.4:
                given = {"output_size": [int(n) for n in rng.integers(2, 14, 2)]}
            lengths = given.get("output_size", np.floor(scales * shape).astype(int))
            if "output_size" not in given and (lengths != np.float32(scales) * np.float32(shape) // 1).any():
                continue  # the evaluator multiplies in double precision, ONNX Runtime in single
            if min(lengths) < 2:  # of one sample: the formula of the specification, which the evaluator leaves
                continue
            if coordinates == "half_pixel_symmetric" and "output_size" not in given and beside_a_sample(shape, scales):
                continue
            x = rng.random(shape)
            crop = {}
            if coordinates == "tf_crop_and_resize":
                if crop_beside_a_sample(shape, given.get("output_size", scales * shape)):
                    continue
                crop = {"roi": ROI, "extrapolation_value": 5.5}
            coefficients = {
                "nearest": lambda r, s, n=nearest: module._nearest_coeffs(r, mode=n),
                "linear": module._linear_coeffs_antialias if antialias else module._linear_coeffs,
                "cubic": module._cubic_coeffs_antialias if antialias else module._cubic_coeffs,
            }[mode]
            theirs = evaluate(
                x,
                coefficients,
                exclude_outside=bool(exclude),
                coordinate_transformation_mode=coordinates,
                **given,
                **crop,
            )
            attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
            attributes |= {"nearest_mode": nearest} if nearest else {"antialias": antialias, "exclude_outside": exclude}
            attributes |= {"extrapolation_value": 5.5} if crop else {}
            ours = run_node(x, attributes, crop.get("roi"), given.get("scale_factors"), given.get("output_size"))
            np.testing.assert_allclose(ours, theirs, atol=1e-12, err_msg=f"{attributes} {shape} {given}")
            done += 1
    assert done >= 20


def runtime(inputs, **attributes):
    """A session of ONNX Runtime with one Resize of f32 arrays of four axes; ``inputs`` is sizes or scales."""
    from onnx import TensorProto, helper
    from onnxruntime import InferenceSession

    sizes = inputs == "sizes"
    count = len(attributes.get("axes", range(4)))
    second = helper.make_tensor_value_info(inputs, TensorProto.INT64 if sizes else TensorProto.FLOAT, [count])
    first, last = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in "xy")
    node = helper.make_node("Resize", ["x", "", "", inputs] if sizes else ["x", "", inputs], ["y"], **attributes)
    graph = helper.make_graph([node], "resize", [first, second], [last])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    return InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_sizes_of_onnx_runtime(rng, mode):
    session = runtime("scales", mode=mode)
    written = [0.1, 0.2, 0.3, 0.7, 1.1, 1.3, 1.7, 2.3, 0.05, 1 / 3, 2 / 3, 4 / 3, 5 / 3, 1 / 7]
    near = 0
    for n, m in [(706, 224), *rng.integers(1, 1500, (1500, 2)).tolist()]:
        for factor in (m / n, float(rng.choice(written))):
            if not 1.01 < n * factor < 2000:
                continue
            scales, x = np.array([1, 1, factor, 1], np.float32), np.zeros((1, 1, n, 1), np.float32)
            theirs = session.run(None, {"x": x, "scales": scales})[0]
            for given in (scales, [1, 1, factor, 1]):
                assert resize(x, scale=given, mode=mode, like="onnx").shape == theirs.shape, (n, factor)
            near += theirs.shape[2] != int(n * factor)
    assert near > 50  # where the precision of the product decides


@pytest.mark.parametrize("keep_aspect", ["not_larger", "not_smaller"])
def test_sizes_of_onnx_runtime_with_the_aspect(rng, keep_aspect):
    session = runtime("sizes", mode="linear", keep_aspect_ratio_policy=keep_aspect, axes=[2, 3])
    for n, size in zip(rng.integers(1, 300, (1500, 2)), rng.integers(1, 300, (1500, 2)), strict=True):
        x = np.zeros((1, 1, *n), np.float32)
        theirs = session.run(None, {"x": x, "sizes": size})[0]
        if 0 in theirs.shape:
            with pytest.raises(InvalidArgument, match="both must be from 1"):
                resize(x, size, axes=(2, 3), mode="linear", like="onnx", keep_aspect=keep_aspect)
        else:
            ours = resize(x, size, axes=(2, 3), mode="linear", like="onnx", keep_aspect=keep_aspect)
            assert ours.shape == theirs.shape, (n, size)
