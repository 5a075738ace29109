"""The simulation of docs/scaling.md: the page shows what it gives, and it gives what can be counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from docs.pages import ROOT
from scripts import docs_script

scaling = docs_script("make_scaling")
COSTS = scaling.Costs(**json.loads((ROOT / "docs" / "scaling_costs.json").read_text("ascii")))


@pytest.mark.parametrize("link", [0.0, 125e6])
def test_the_page_has_the_tables(link: float) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text("utf-8")
    assert scaling.table(COSTS, 7200.0, link) in page


def test_parts_of_equal_cost_are_counted() -> None:
    plain = replace(COSTS, start=10, worker=2, plan=0, frame=0.01, lead=0.6, keep=0, mux=0.1, rate=24)
    # 100 seconds are 10 segments of 2.4 seconds, each with its lead: 10, 5 or 1 after another.
    for workers, rows in ((1, 10), (2, 5), (10, 1), (99, 1)):
        got = scaling.simulate(plain, 100.0, workers, most=1)
        assert got["all"] == pytest.approx(12 + rows * 3 + 10)
    assert scaling.simulate(plain, 100.0, 1, most=1)["core hours"] == pytest.approx(30 / 3600)


def test_a_link_bounds_what_many_workers_gain() -> None:
    fast, slow = (scaling.simulate(COSTS, 7200.0, 2000, link=link)["all"] for link in (0.0, 10e6))
    assert slow > 7200 * COSTS.result / 10e6 > fast
