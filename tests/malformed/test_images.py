"""Mutated image files: each is read, or refused by one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from malformed.fuzzing import fuzz
from malformed.originals import image_files

READER, JOB = "malformed.originals:read_image", "malformed.originals:upscale_image"


def _check(folder: Path, reader: str, seeds: range) -> None:
    outcome = fuzz(folder, reader, image_files(), seeds)
    assert not outcome.findings, "\n\n".join([f"{len(outcome.findings)} findings", *outcome.findings[:8]])
    assert outcome.accepted + outcome.refused == len(seeds)
    # Both happen, or the mutations would be too mild or too strong to find anything.
    assert min(outcome.accepted, outcome.refused) > len(seeds) // 20
    assert len(outcome.longest) < 1000


def test_mutated_images(tmp_path: Path) -> None:
    _check(tmp_path, READER, range(2500))


def test_jobs_of_mutated_images(tmp_path: Path) -> None:
    _check(tmp_path, JOB, range(10_000, 11_000))


@pytest.mark.long
def test_ten_thousand_mutated_images(tmp_path: Path) -> None:
    _check(tmp_path, READER, range(100_000, 110_000))


@pytest.mark.long
def test_jobs_of_ten_thousand_mutated_images(tmp_path: Path) -> None:
    _check(tmp_path, JOB, range(200_000, 210_000))
