"""Results that were given no name."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.upscaler import Target
from subpixel.video.output_name import output_path


@pytest.mark.parametrize(
    ("source", "suffix", "name"),
    [
        ("a.mp4", None, "a_x3.mp4"),
        ("a.MOV", None, "a_x3.MOV"),
        ("a.b.ts", None, "a.b_x3.mkv"),
        ("a", None, "a_x3.mkv"),
        ("a.mp4", ".webm", "a_x3.webm"),
    ],
)
def test_names(source: str, suffix: str | None, name: str) -> None:
    assert output_path(Path("folder") / source, Target(scale=3), suffix) == Path("folder") / name
