"""A rate is held by cheaper networks, and no frame is left out."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from subpixel.upscaler import Upscaler
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.realtime import Realtime
from subpixel.video.side_by_side import Beside


class Machine:
    """Time passes only while a network works; each takes its own."""

    def __init__(self, costs: dict[str, float]) -> None:
        self.now, self.costs = 0.0, costs

    def way(self, name: str) -> Any:
        def run(frame: Any) -> str:
            self.now += self.costs[name]
            return name

        way = SimpleNamespace(network=SimpleNamespace(model=SimpleNamespace(name=name)), result_size=(2, 2))
        return type("Way", (), {"__call__": lambda _, frame: run(frame), **vars(way)})()


def made(machine: Machine, frames: int, rate: Fraction | None = None) -> tuple[list[str], Realtime]:
    at_work = Realtime([machine.way(name) for name in machine.costs], Fraction(1, 24), rate, clock=lambda: machine.now)
    return [at_work(SimpleNamespace(pts=n)) for n in range(frames)], at_work


def test_a_machine_that_is_fast_enough_uses_the_network_of_choice_throughout() -> None:
    used, at_work = made(Machine({"high": 0.03, "fast": 0.01, "bicubic": 0.001}), 200)
    assert used == ["high"] * 200
    assert at_work.note() == "of 200 frames 200 by high"


def test_one_that_is_not_holds_the_rate_with_cheaper_ones_and_leaves_no_frame_out() -> None:
    machine = Machine({"high": 0.2, "fast": 0.03, "bicubic": 0.001})
    used, at_work = made(machine, 480)
    assert len(used) == 480 == sum(at_work.used.values())
    assert machine.now <= 480 / 24 + 0.5  # held to within half a second
    assert {"high", "fast"} <= set(used)


def test_a_rate_that_is_asked_for_is_the_one_that_is_held() -> None:
    machine = Machine({"high": 0.03, "fast": 0.005})
    used, _ = made(machine, 300, Fraction(60))
    assert machine.now <= 300 / 60 + 0.5
    assert "fast" in used


def test_a_stall_is_not_paid_for_with_the_rest_of_the_video() -> None:
    machine = Machine({"high": 0.03, "fast": 0.01})
    at_work = Realtime([machine.way(n) for n in machine.costs], Fraction(1, 24), clock=lambda: machine.now)
    before = [at_work(SimpleNamespace(pts=n)) for n in range(24)]
    machine.now += 60  # the laptop was closed
    after = [at_work(SimpleNamespace(pts=n)) for n in range(24, 240)]
    assert set(before) == {"high"}
    assert after[-1] == "high"
    assert after.count("fast") < 60


@pytest.mark.parametrize(("pix_fmt", "width", "scale"), [("yuv420p", 20, 2), ("yuv420p", 21, 3), ("gbrp", 21, 3)])
def test_both_halves_are_the_results_themselves(pix_fmt: str, width: int, scale: int) -> None:
    layout, size = layout_of(pix_fmt, "test"), (width, 18)
    frame, planes = new_frame(size, layout)
    rng = np.random.default_rng(0)
    for plane in planes:
        plane[:] = rng.integers(16, 236, plane.shape)
    ways = [
        IncrementalUpscaler(Upscaler(scale, model=name).network(), layout, "left", False, size)
        for name in ("bicubic", "fast")
    ]
    both = Beside(*ways)
    made = both(frame)
    assert (made.width, made.height) == both.result_size
    for number, way in enumerate(ways):
        for result, alone in zip(planes_of(made, layout), planes_of(way(frame), layout), strict=True):
            half = result.shape[1] // 2
            np.testing.assert_array_equal(result[:, number * half : (number + 1) * half], alone[:, :half])
