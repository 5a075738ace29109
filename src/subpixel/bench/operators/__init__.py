"""The suite ``ops``: operators beside other libraries and what moving the same bytes costs; a file for each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from subpixel.bench.operators import convolution, pooling, resizing, shuffle, warping
from subpixel.bench.operators.case import Case
from subpixel.bench.plan import Plan, measured
from subpixel.bench.results import Group

__all__ = ["operators"]

_FAMILIES = (shuffle, resizing, warping, convolution, pooling)


def operators(plan: Plan) -> Iterator[Group]:
    """Each case as it is measured; ``plan.only`` keeps those whose name has it."""
    for family in _FAMILIES:
        for case in family.cases(plan.threads):
            if plan.only in f"{case.operator} {case.name}":
                yield _measured(plan, case)


def _measured(plan: Plan, case: Case) -> Group:
    calls: dict[str, Callable[[], Any]] = {**case.ours, **case.ceilings, **case.peers}
    roles = {**dict.fromkeys(case.ours, "ours"), **dict.fromkeys(case.ceilings, "ceiling")}
    entries = [(name, roles.get(name, "peer"), None) for name in calls]
    group = measured(plan, f"ops/{case.operator}", case.name, calls, entries)
    # Of several ceilings the slowest is the one that counts.
    bound = max(case.ceilings, key=lambda name: group.entry(name).time.median)
    bounded = (one if one.role == "ceiling" else replace(one, ceiling=bound) for one in group.entries)
    return replace(group, entries=tuple(bounded))
