"""A rate is held by cheaper networks, and no frame is dropped."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from subpixel.video.realtime import RealtimeUpscaler


class Machine:
    """Time passes only while a network works; each takes its own."""

    def __init__(self, costs: dict[str, float]) -> None:
        self.now, self.costs = 0.0, costs

    def upscaler(self, name: str) -> Any:
        def upscale(source: Any) -> str:
            self.now += self.costs[name]
            return name

        return SimpleNamespace(name=name, result_size=(2, 2), upscale=upscale)

    def realtime(self, rate: Fraction | None = None) -> RealtimeUpscaler:
        return RealtimeUpscaler(list(map(self.upscaler, self.costs)), Fraction(1, 24), rate, clock=lambda: self.now)


def run(machine: Machine, frames: int, rate: Fraction | None = None) -> tuple[list[str], RealtimeUpscaler]:
    realtime = machine.realtime(rate)
    return [realtime.upscale(SimpleNamespace(pts=n)) for n in range(frames)], realtime


def test_a_machine_that_is_fast_enough_uses_the_network_of_choice_throughout() -> None:
    used, realtime = run(Machine({"high": 0.03, "fast": 0.01, "bicubic": 0.001}), 200)
    assert used == ["high"] * 200
    assert list(realtime.notes()) == ["upscaled 200 frames with high"]


def test_one_that_is_not_holds_the_rate_with_cheaper_ones_and_leaves_no_frame_out() -> None:
    machine = Machine({"high": 0.2, "fast": 0.03, "bicubic": 0.001})
    used, realtime = run(machine, 480)
    assert len(used) == 480 == sum(realtime.frames_by_model.values())
    (note,) = realtime.notes()
    counts = realtime.frames_by_model
    assert note.startswith(f"upscaled {counts['high']} frames with high, {counts['fast']} with fast")
    assert machine.now <= 480 / 24 + 0.5  # held to within half a second
    assert {"high", "fast"} <= set(used)


def test_a_given_rate_is_held() -> None:
    machine = Machine({"high": 0.03, "fast": 0.005})
    used, _ = run(machine, 300, Fraction(60))
    assert machine.now <= 300 / 60 + 0.5
    assert "fast" in used


def test_a_stall_is_not_paid_for_with_the_rest_of_the_video() -> None:
    machine = Machine({"high": 0.03, "fast": 0.01})
    realtime = machine.realtime()
    before = [realtime.upscale(SimpleNamespace(pts=n)) for n in range(24)]
    machine.now += 60  # the laptop was closed
    after = [realtime.upscale(SimpleNamespace(pts=n)) for n in range(24, 240)]
    assert set(before) == {"high"}
    assert after[-1] == "high"
    assert after.count("fast") < 60
