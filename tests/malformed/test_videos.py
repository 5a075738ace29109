"""Mutated and hostile videos: each is upscaled, or refused by one sentence, in little memory and time."""

from __future__ import annotations

from pathlib import Path

import pytest

from malformed.fuzzing import Outcome, fuzz
from malformed.videos import hostile_videos, upscale_video, video_files

READER = "malformed.videos:upscale_video"


def _check(outcome: Outcome, count: int) -> None:
    assert not outcome.findings, "\n\n".join([f"{len(outcome.findings)} findings", *outcome.findings[:8]])
    assert outcome.accepted + outcome.refused == count
    # Both happen, or the mutations would be too mild or too strong to find anything.
    assert min(outcome.accepted, outcome.refused) > count // 20
    assert len(outcome.longest) < 1000


@pytest.mark.parametrize("name", video_files())
def test_every_original_is_upscaled(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(video_files()[name])
    assert upscale_video(path).frames in (3, 4, 5, 12)


def test_mutated_videos(tmp_path: Path) -> None:
    _check(fuzz(tmp_path, READER, video_files(), range(200), memory=500), 200)


@pytest.mark.long
def test_two_thousand_mutated_videos(tmp_path: Path) -> None:
    _check(fuzz(tmp_path, READER, video_files(), range(100_000, 102_000), memory=500), 2000)


def test_hostile_videos(tmp_path: Path) -> None:
    count = len(hostile_videos())
    _check(fuzz(tmp_path, READER, {}, range(count), change="malformed.videos:hostile", memory=1000), count)
