"""ONNX's own test cases of single operators, as plain arrays."""

import functools
import warnings
from collections import Counter
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """One case: the node's attributes, its inputs by place (None where left out) and the outputs it must give."""

    name: str
    attributes: dict[str, Any]
    inputs: list[np.ndarray | None]
    outputs: list[np.ndarray]


@functools.cache
def _collected():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of making cases of other operators: casts that overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        # With an operator's name it would collect that one only, and nothing at a second call.
        return tuple(collect_testcases(None))


def cases(op_type):
    """Every case whose model is one node of this operator."""
    from onnx import helper

    for case in _collected():
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type != op_type:
            continue
        attributes = {a.name: helper.get_attribute_value(a) for a in nodes[0].attribute}
        attributes = {key: v.decode() if isinstance(v, bytes) else v for key, v in attributes.items()}
        for inputs, outputs in case.data_sets:
            given = iter(inputs)
            yield Case(case.name, attributes, [next(given) if name else None for name in nodes[0].input], list(outputs))


def expanded(op_type):
    """``(name, inputs, outputs)`` of the cases that only spell such a case out in other operators."""
    names = {case.name for case in cases(op_type)}
    for case in _collected():
        if "_expanded" in case.name and case.name.partition("_expanded")[0] in names:
            for inputs, outputs in case.data_sets:
                yield case.name, inputs, outputs


def report(op_type, run, skipped=None):
    """Runs ``run(case)`` for every case that ``skipped`` (name → reason) does not list; prints and returns the count.

    Raises an AssertionError that names every case that failed, or every name in ``skipped`` that is no case.
    """
    skipped = skipped or {}
    failed, count = [], Counter()
    names = set()
    for case in cases(op_type):
        names.add(case.name)
        if case.name in skipped:
            print(f"{op_type}: {case.name} left out: {skipped[case.name]}")
            count["left out"] += 1
            continue
        try:
            run(case)
        except (AssertionError, ValueError) as error:
            failed.append(f"{case.name}: {error}")
        else:
            count["passed"] += 1
    total = count["passed"] + count["left out"] + len(failed)
    others = sorted({name for name, _, _ in expanded(op_type)})
    print(f"{op_type}: {count['passed']}/{total} passed, {count['left out']} left out")
    if others:
        print(f"{op_type}: the same in other operators, not of this one: {', '.join(others)}")
    assert not failed, "\n".join(failed)
    assert not set(skipped) - names, f"no such case: {sorted(set(skipped) - names)}"
    return count["passed"], total
