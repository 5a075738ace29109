"""The suite ``ops``: operators, other libraries, and copies of the same bytes. One file for each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from subpixel.bench.operators import convolution, pooling, resizing, shuffle, warping
from subpixel.bench.operators.case import Case
from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.results import Group

__all__ = ["operators"]

_FAMILIES = (shuffle, resizing, warping, convolution, pooling)


def operators(options: BenchOptions) -> Iterator[Group]:
    """The groups of the suite, one for each case whose name contains ``options.only``."""
    for family in _FAMILIES:
        for case in family.cases(options.threads):
            if options.only in f"{case.operator} {case.name}":
                yield _measure_case(options, case)


def _measure_case(options: BenchOptions, case: Case) -> Group:
    calls: dict[str, Callable[[], Any]] = {**case.ours, **case.ceilings, **case.peers}
    roles = {**dict.fromkeys(case.ours, "ours"), **dict.fromkeys(case.ceilings, "ceiling")}
    entries = [(name, roles.get(name, "peer"), None) for name in calls]
    group = measure_group(options, f"ops/{case.operator}", case.name, calls, entries)
    # If there are several ceilings, the slowest counts.
    bound = max(case.ceilings, key=lambda name: group.entry(name).time.median)
    bounded = (one if one.role == "ceiling" else replace(one, ceiling=bound) for one in group.entries)
    return replace(group, entries=tuple(bounded))
