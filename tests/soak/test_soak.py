"""An hour of images and an hour of videos in one process each: memory and file descriptors stay flat.

``SUBPIXEL_SOAK_SECONDS`` changes the hour. Curves are in ``build/soak``, as CSV and as PNG.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from soak import samples
from soak.samples import Sample, verdict
from soak.work import KINDS

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("SUBPIXEL_SOAK_SECONDS", "3600"))
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, which is Linux's")


def soak(kind: str, seconds: float, folder: Path) -> list[Sample]:
    subprocess.run([sys.executable, "-m", "soak.work", kind, str(seconds), str(folder)], cwd=ROOT, check=True,
                   env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "tests"), *sys.path]))},
                   timeout=seconds * 2 + 600)  # fmt: skip
    return samples.read(folder / f"{kind}.csv")


@linux
@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_memory_and_descriptors_stay_flat(kind: str) -> None:
    folder = ROOT / "build" / "soak"
    found = soak(kind, SECONDS, folder)
    result = verdict(found)
    print(f"{kind}: {result}")
    if find_spec("matplotlib") is not None:
        from soak.curves import draw

        draw({kind: found}, folder / f"{kind}.png")
    assert result.flat, str(result)


@linux
@pytest.mark.slow
def test_a_short_soak_writes_its_curve(tmp_path: Path) -> None:
    """Every kind of image once, damaged ones among them."""
    found = soak("images", 0, tmp_path)
    assert [each.items for each in found] == [15]
    assert found[0].rss > 10
    assert found[0].descriptors >= 3


def curve(growth: float = 0, descriptors: tuple[int, int] = (5, 5), count: int = 100) -> list[Sample]:
    """An hour: memory that grows by so many MiB, and descriptors of the first and the last sample."""
    first, last = descriptors
    return [
        Sample(36.0 * n, n, 0, 100 + growth * n / count + (n % 3), first + (last - first) * n // count, 4, True)
        for n in range(count)
    ]


def test_a_flat_curve_is_flat() -> None:
    result = verdict(curve())
    assert result.flat
    assert abs(result.slope) < 0.5
    assert result.descriptors == (5, 5)
    warm_up = [replace(each, rss=each.rss - 60 * (each.seconds < 300)) for each in curve()]
    assert verdict(warm_up).flat


@pytest.mark.parametrize("leak", [{"growth": 20.0}, {"descriptors": (5, 15)}])
def test_a_leak_is_none(leak: dict[str, object]) -> None:
    result = verdict(curve(**leak))  # type: ignore[arg-type]
    assert not result.flat
    if "growth" in leak:
        assert 19 < result.slope < 21


def test_too_few_samples_say_nothing() -> None:
    with pytest.raises(ValueError, match="8 are needed: run longer"):
        verdict(curve(count=5))


def test_a_curve_comes_back_from_its_file(tmp_path: Path) -> None:
    wanted = curve(1.5)
    wanted[3] = replace(wanted[3], quiet=False)
    samples.write(wanted, tmp_path / "a.csv")
    assert samples.read(tmp_path / "a.csv") == wanted
