"""Budgets and networks: what is stated is what is built."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

from subpixel.compare.decoder.designs import SIDE, TOLERANCE, budget_of, design_of  # noqa: E402
from subpixel.compare.decoder.kinds import BUDGETS, KINDS, names_of  # noqa: E402
from subpixel.compare.decoder.learning import Network, make_down, make_up, measure_costs  # noqa: E402
from subpixel.errors import InvalidArgument  # noqa: E402
from subpixel.ops import average_unpool, max_unpool, resize  # noqa: E402


@pytest.mark.parametrize("classes", [2, 4, 32])
@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_meets_both_budgets(kind: str, budget: str, classes: int) -> None:
    design = design_of(kind, budget, classes)
    count = design.parameters if budget == "parameters" else design.macs
    assert abs(count / budget_of(budget, classes) - 1) <= TOLERANCE


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_network_has_the_parameters_that_are_stated(kind: str, budget: str) -> None:
    design = design_of(kind, budget, 4)
    assert sum(one.numel() for one in Network(design, 0).parameters()) == design.parameters


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_costs_the_multiply_adds_that_are_stated(kind: str) -> None:
    """torch counts two operations for each multiply-add of a convolution, and none for an interpolation."""
    from torch.utils.flop_counter import FlopCounterMode

    design = design_of(kind, "parameters", 4)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Network(design, 0).eval()(torch.zeros(1, 3, SIDE, SIDE))
    interpolated = 0
    if kind in ("bilinear", "grid"):
        interpolated = sum(4 * given * (SIDE >> level) ** 2 for level, (given, _) in enumerate(design.ups))
    assert counter.get_total_flops() == 2 * (design.macs - interpolated)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_enlarges_by_exactly_two(kind: str) -> None:
    down, up = make_down(kind), make_up(kind, np.random.default_rng(0), 8, 5)
    _, where = down(torch.rand(2, 5, 12, 20))
    assert up(torch.rand(2, 8, 6, 10), where).shape == (2, 5, 12, 20)


def test_nearest_bilinear_and_max_unpooling_are_those_of_this_package() -> None:
    x = torch.rand(2, 8, 6, 10)
    torch.testing.assert_close(
        torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
        resize(x, scale=2, mode="linear", layout="NCHW"),
    )
    nearest = make_up("nearest", np.random.default_rng(0), 8, 5)
    torch.testing.assert_close(nearest(x, None), nearest.finish(nearest.conv(average_unpool(x, 2))))
    up = make_up("unpool", np.random.default_rng(0), 8, 5)
    _, where = make_down("unpool")(torch.rand(2, 5, 12, 20))
    torch.testing.assert_close(up(x, where), max_unpool(up.finish(up.conv(x)), where, 2))


def test_offsets_start_at_zero_where_grid_sampling_is_bilinear() -> None:
    x = torch.rand(2, 8, 6, 10)
    grid, bilinear = (make_up(kind, np.random.default_rng(0), 8, 5).eval() for kind in ("grid", "bilinear"))
    torch.testing.assert_close(grid(x, None), bilinear(x, None))


def test_an_offset_of_one_is_one_pixel_of_the_small_grid() -> None:
    x = torch.rand(1, 8, 6, 10)
    up, bilinear = (make_up(kind, np.random.default_rng(0), 8, 5).eval() for kind in ("grid", "bilinear"))
    with torch.no_grad():
        up.offsets.bias[:4] = 1.0  # of x, for all four phases
    moved = torch.cat([x[..., 1:], x[..., -1:]], dim=3)
    torch.testing.assert_close(up(x, None)[..., 2:-4], bilinear(moved, None)[..., 2:-4])


def test_icnr_starts_without_a_checkerboard() -> None:
    up = make_up("subpixel", np.random.default_rng(0), 8, 5)
    y = up(torch.rand(1, 8, 6, 10), None)
    torch.testing.assert_close(y[..., ::2, ::2], y[..., 1::2, 1::2])


def test_the_way_down_by_unshuffle_loses_nothing() -> None:
    x = torch.rand(1, 5, 12, 20)
    small, _ = make_down("shuffle")(x)
    torch.testing.assert_close(torch.nn.functional.pixel_shuffle(small, 2), x)


def test_costs_are_measured_and_memory_does_not_depend_on_the_run() -> None:
    designs = [design_of(kind, "parameters", 4) for kind in ("nearest", "subpixel")]
    first, again = measure_costs(designs, rounds=1), measure_costs(designs, rounds=1)
    assert [cost.peak_bytes for cost in first] == [cost.peak_bytes for cost in again]
    assert all(cost.milliseconds > 0 for cost in first)
    # At least the features on the fine grid before and after a layer.
    assert first[0].peak_bytes >= 4 * 256 * 256 * 16


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(InvalidArgument, match=r"Unknown kind 'nearst'. Did you mean 'nearest'\?"):
        names_of("kind", ["nearst"], KINDS)
    with pytest.raises(InvalidArgument, match="no budget is given"):
        names_of("budget", [], BUDGETS)
