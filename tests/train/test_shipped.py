"""The comparison with the shipped network at the end of a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from subpixel.models import Spec, find
from subpixel.models.zoo import ARCHITECTURES, ZOO
from subpixel.train import Settings, train

MakeSettings = Callable[..., Settings]


def last_line(data: Path, out: Path, chosen: Settings, spec: Spec, start: Path | None = None) -> str:
    lines: list[str] = []
    train(chosen, spec, data, out, start=start, say=lines.append)
    return lines[-1]


def test_a_run_says_how_it_compares(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    out, spec = tmp_path / "m.safetensors", ARCHITECTURES["fast"](2)
    line = last_line(data, out, settings(arch="fast", patch=24, steps=1), spec)
    found = re.search(
        r": ([\d.]+) dB on the held-out images; the shipped fast reaches ([\d.]+) dB there, so this", line
    )
    assert found is not None
    own, shipped = map(float, found.groups())
    word = "better" if own > shipped else "worse"
    gain = re.search(rf"this network is {word} by ([\d.]+) dB", line)
    assert gain is not None
    assert float(gain[1]) == pytest.approx(abs(own - shipped), abs=0.0016)  # three numbers of three places
    assert ("start='fast' begins with its weights" in line) == (own < shipped)


def test_the_weights_of_the_shipped_network_are_at_least_as_good(
    data: Path, tmp_path: Path, settings: MakeSettings
) -> None:
    spec = ARCHITECTURES["fast"](2)
    line = last_line(
        data, tmp_path / "m.safetensors", settings(arch="fast", patch=24, steps=1), spec, ZOO["fast"].path(2)
    )
    assert "this network is better" in line or "both are equally good" in line


def test_without_a_shipped_network_nothing_is_said(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    line = last_line(
        data, tmp_path / "m.safetensors", settings(arch="fast", scale=5, steps=1), ARCHITECTURES["fast"](5)
    )
    assert "the shipped" not in line
    with pytest.raises(ValueError, match="5"):
        find("fast", 5)
