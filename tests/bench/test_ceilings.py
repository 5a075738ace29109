"""The ceilings do the work that they are said to do."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from subpixel.bench import ceilings

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")


@pytest.mark.parametrize("target", native.targets())
@pytest.mark.parametrize("precision", ["f32", "bf16", "int8"])
def test_peaks_count_the_same_work_for_each_round(precision: str, target: str) -> None:
    one = native.peak(1, precision, target)
    assert one > 0
    assert native.peak(0, precision, target) == 0
    assert native.peak(1000, precision, target) == 1000 * one


@pytest.mark.parametrize("precision", ["f32", "bf16", "int8"])
def test_an_unknown_target_is_refused(precision: str) -> None:
    with pytest.raises(ValueError, match="no such"):
        native.peak(1, precision, "no such")


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision must be"):
        native.peak(1, "f16", "scalar")


def test_a_wider_target_makes_more_products_a_round() -> None:
    rounds = [native.peak(1, "f32", name) for name in native.targets() if name in ("scalar", "avx2", "avx512")]
    assert rounds == sorted(set(rounds))


def test_variants_are_those_with_kernels_of_their_own() -> None:
    found = ceilings.variants()
    assert {("f32", "scalar"), ("int8", "scalar")} <= set(found)
    assert {name for _, name in found} == set(native.targets())
    assert not {("bf16", "scalar"), ("bf16", "avx2"), ("bf16", "avx512"), ("int8", "bf16")} & set(found)
    assert not {("f32", "vnni"), ("f32", "avxvnni")} & set(found)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_arithmetic_shares_the_work(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Module:
        @staticmethod
        def peak(rounds: int, precision: str, target: str) -> int:
            assert (precision, target) == ("f32", "some")
            asked.append(rounds)
            return 40 * rounds

    monkeypatch.setattr(ceilings, "native_module", lambda: Module)
    call = ceilings.arithmetic("f32", "some", threads, 12_000)
    asked.clear()
    call()
    assert asked == [300 // threads] * threads


def test_every_thread_does_its_part() -> None:
    barrier = threading.Barrier(3, timeout=30)  # passed only if all three are at work at once
    seen: list[int] = []

    def work(thread: int) -> None:
        barrier.wait()
        seen.append(thread)

    ceilings.run_on_threads(work, 3)()
    assert sorted(seen) == [0, 1, 2]


def test_what_a_thread_raises_is_raised() -> None:
    def work(thread: int) -> None:
        if thread:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ceilings.run_on_threads(work, 2)()


def test_copying_copies_all_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "_BYTES", 1000)
    copied: list[int] = []
    monkeypatch.setattr(ceilings.np, "copyto", lambda y, x: copied.append(len(y)))
    ceilings.memory_copy(2500, 2)()
    assert sum(copied) == 2500
    assert max(copied) == 500


@pytest.mark.parametrize("worth", [0, 1 << 40])
def test_a_copy_fills_new_memory_completely(worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "_WORTH", worth)
    copied: list[np.ndarray] = []
    copyto = np.copyto

    def spy(y: np.ndarray, x: np.ndarray) -> None:
        copyto(y, x)
        copied.append(y)

    monkeypatch.setattr(ceilings.np, "copyto", spy)
    x = np.arange(35, dtype=np.float32).reshape(5, 7)
    ceilings.array_copy(x, 2)()
    assert len(copied) == (1 if worth else 2)
    assert sorted(np.concatenate(copied).tolist()) == list(range(35))
    assert not any(np.shares_memory(part, x) for part in copied)
