"""ONNX's own cases of the shuffles, of pooling and of transposed convolution: every one runs."""

import numpy as np
import pytest

from ops.layouts import FIRST
from ops.onnx_cases import cases, expanded, report
from subpixel.ops import conv_transpose, depth_to_space, max_pool, max_unpool, space_to_depth


def pairs(pads):
    """ONNX's (begin …, end …) as (before, after) of each axis."""
    return [(int(b), int(e)) for b, e in zip(pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True)]


def shuffle(op):
    def run(case):
        y = op(case.inputs[0], case.attributes["blocksize"], order=case.attributes.get("mode", "DCR"))
        np.testing.assert_array_equal(y, case.outputs[0])
        assert y.dtype == case.outputs[0].dtype

    return run


def pool(case):
    x, given = case.inputs[0], dict(case.attributes)
    kernel = given.pop("kernel_shape")
    arguments = {
        "stride": given.pop("strides", 1),
        "padding": pairs(given.pop("pads", [0, 0] * len(kernel))),
        "dilation": given.pop("dilations", 1),
        "ceil_mode": bool(given.pop("ceil_mode", 0)),
        "storage_order": given.pop("storage_order", 0),
    }
    rule = {"NOTSET": None, "SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}[
        given.pop("auto_pad", "NOTSET")
    ]
    arguments |= {"padding": rule} if rule else {}
    assert not given, f"attributes that this test does not know: {given}"
    layout = FIRST[x.ndim - 2]
    values, where = max_pool(x, kernel, indices="onnx", return_indices=True, layout=layout, **arguments)
    np.testing.assert_array_equal(values, case.outputs[0])
    assert values.dtype == case.outputs[0].dtype
    if len(case.outputs) > 1:
        np.testing.assert_array_equal(where, case.outputs[1])
    np.testing.assert_array_equal(max_pool(x, kernel, indices="onnx", layout=layout, **arguments), values)


def unpool(case):
    values, positions, shape = (*case.inputs, None)[:3]
    kernel, stride = case.attributes["kernel_shape"], case.attributes.get("strides", 1)
    assert set(case.attributes) <= {"kernel_shape", "strides"}
    arguments = {"stride": stride, "indices": "onnx"}
    if shape is not None:
        # ONNX counts in the plane that follows from kernel and stride, and adds zeros up to output_shape.
        plane = max_unpool(values, positions, kernel, **arguments).shape
        arguments |= {"output_size": tuple(int(n) for n in shape), "indices_size": plane}
    np.testing.assert_array_equal(max_unpool(values, positions, kernel, **arguments), case.outputs[0])


def transpose(case):
    x, weight = case.inputs[:2]
    bias = case.inputs[2] if len(case.inputs) > 2 else None
    given, dims = dict(case.attributes), x.ndim - 2
    given.pop("kernel_shape", None)
    strides, dilations = given.pop("strides", [1] * dims), given.pop("dilations", [1] * dims)
    extra, padding = given.pop("output_padding", [0] * dims), pairs(given.pop("pads", [0] * 2 * dims))
    size, rule = given.pop("output_shape", None), given.pop("auto_pad", "NOTSET")
    groups = given.pop("group", 1)
    assert not given, f"attributes that this test does not know: {given}"
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        size, extra = [n * s for n, s in zip(x.shape[2:], strides, strict=True)], [0] * dims
        total = [
            (n - 1) * s + d * (k - 1) + 1 - m
            for n, s, d, k, m in zip(x.shape[2:], strides, dilations, weight.shape[2:], size, strict=True)
        ]
        padding = [(t // 2, t - t // 2) if rule == "SAME_UPPER" else (t - t // 2, t // 2) for t in total]
    y = conv_transpose(
        x, weight, bias, stride=strides, padding=padding, dilation=dilations, groups=groups, layout=FIRST[dims],
        **({"output_padding": extra} if size is None else {"output_size": size}),
    )  # fmt: skip
    np.testing.assert_allclose(y, case.outputs[0], rtol=1e-5, atol=1e-6)
    assert y.dtype == case.outputs[0].dtype


@pytest.mark.parametrize(
    ("op_type", "run", "least"),
    [
        ("DepthToSpace", shuffle(depth_to_space), 2),
        ("SpaceToDepth", shuffle(space_to_depth), 4),
        ("ConvTranspose", transpose, 11),
        ("MaxUnpool", unpool, 2),
        ("MaxPool", pool, 19),
    ],
)
def test_every_case(op_type, run, least, capsys):
    with capsys.disabled():
        print()
        passed, total = report(op_type, run)
    assert passed == total >= least  # as many as onnx 1.23 has


@pytest.mark.parametrize("op_type", ["DepthToSpace", "SpaceToDepth"])
def test_expanded_cases_are_the_same_arrays(op_type):
    """The remaining cases of these operators spell one of the above out in reshapes: they test those, not us."""
    arrays = {case.name: case for case in cases(op_type)}
    for name, inputs, outputs in expanded(op_type):
        twin = arrays[name.partition("_expanded")[0]]
        np.testing.assert_array_equal(inputs[0], twin.inputs[0])
        np.testing.assert_array_equal(outputs[0], twin.outputs[0])
