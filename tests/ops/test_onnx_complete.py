"""That no case of ONNX is left out; and the models converted from torch, which its node cases do not contain."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ops.onnx_cases import Case, _collected, cases, expanded
from ops.test_onnx_shuffle_pool_conv import pool, transpose
from subpixel.ops import pixel_shuffle

OPERATORS = (
    "DepthToSpace", "SpaceToDepth", "Resize", "Upsample", "ConvTranspose", "MaxUnpool", "MaxPool", "GridSample",
    "AffineGrid",
)  # fmt: skip
DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"


def test_every_case_with_one_of_these_operators_is_run():
    run = {case.name for op in OPERATORS for case in cases(op)}
    spelled_out = {name for op in OPERATORS for name, _, _ in expanded(op)}
    for case in _collected():
        if {node.op_type for node in case.model.graph.node} & set(OPERATORS):
            assert case.name in run, f"{case.name} has {[node.op_type for node in case.model.graph.node]}"
        elif any(case.name.startswith(name) for name in run):
            assert case.name in spelled_out, case.name
    assert len(run) >= 100  # as many as onnx 1.23 has


@pytest.mark.parametrize("op", OPERATORS)
def test_cases_spelled_out_in_other_operators_are_the_same_arrays(op):
    """They test those operators, not us: what they want is what their twin wants."""
    twins = {case.name: case for case in cases(op)}
    for name, inputs, outputs in expanded(op):
        twin = twins[name.partition("_expanded")[0]]
        for ours, theirs in zip((*twin.inputs, *twin.outputs), (*inputs, *outputs), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def converted():
    """The one-node models of ONNX's folders that have one of our operators: id and Case."""
    for path in sorted(DATA.glob("*/*/model.onnx")):
        model = onnx.load(path)
        node = model.graph.node[0]
        if len(model.graph.node) > 1 or node.op_type not in OPERATORS:
            continue
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        known = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        sets = sorted(path.parent.glob("test_data_set_*"))
        assert sets, path
        for folder in sets:
            names = [i.name for i in model.graph.input if i.name not in known]
            inputs = known | dict(
                zip(names, (tensor(folder / f"input_{k}.pb") for k in range(len(names))), strict=True)
            )
            given = [inputs[name] for name in node.input]
            yield path.parent.name, Case(node.op_type, attributes, given, [tensor(folder / "output_0.pb")])


def tensor(path):
    return numpy_helper.to_array(onnx.load_tensor(path))


def test_models_converted_from_torch(capsys):
    runs = {"ConvTranspose": transpose, "MaxPool": pool}
    count = dict.fromkeys(runs, 0)
    for name, case in converted():
        runs[case.name](case)  # a KeyError names an operator that nobody runs
        count[case.name] += 1
        assert name
    with capsys.disabled():
        print(f"\nconverted from torch: {', '.join(f'{op} {n}/{n} passed' for op, n in count.items())}")
    assert count == {"ConvTranspose": 3, "MaxPool": 9}


def test_pixel_shuffle_converted_from_torch():
    folder = DATA / "pytorch-converted" / "test_PixelShuffle" / "test_data_set_0"
    np.testing.assert_array_equal(pixel_shuffle(tensor(folder / "input_0.pb"), 3), tensor(folder / "output_0.pb"))
