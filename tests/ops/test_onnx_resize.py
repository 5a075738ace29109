"""ONNX's own cases of Resize and Upsample: every one runs; and more of them against its reference evaluator."""

import itertools

import numpy as np
import pytest

from ops.onnx_cases import cases, report
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
            scales = rng.choice([0.4, 0.5, 0.6, 0.8, 1.5, 2.0, 2.6, 3.0], 2)
            given = {"scale_factors": scales}
            if rng.random() < 0.4:
                given = {"output_size": [int(n) for n in rng.integers(2, 14, 2)]}
            lengths = given.get("output_size", np.floor(scales * shape).astype(int))
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
