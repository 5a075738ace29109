"""Every harness on its right files, on those that were findings once, and on some hundred mutations of each.

It needs no atheris; ``make fuzz`` runs the same functions guided by the code that they reach.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.harness import REGRESSIONS, regressions_of
from fuzz.harnesses import HARNESSES
from malformed.fuzzing import fuzz

# Harnesses that run together in a child process, and how many files each is given.
GROUPS = {
    "models": (("model", "spec"), 500),
    "checkpoint": (("checkpoint",), 150),
    "metadata": (("exif", "xmp", "icc", "photoshop"), 1000),
    "images": (("jpeg", "png", "tiff", "webp", "gif", "heif", "decoder"), 1200),
    "whole images": (("image",), 250),
    "videos": (("matroska", "boxes", "transport", "packet", "subtitles"), 800),
    "frames": (("video",), 150),
}
READER = "fuzz.harnesses:check_file"


def _check(folder: Path, names: tuple[str, ...], count: int, first: int) -> None:
    if "checkpoint" in names:
        pytest.importorskip("torch")
    files = {f"{name}--{each}": data for name in names for each, data in HARNESSES[name].corpus().items()}
    outcome = fuzz(folder, READER, files, range(first, first + count), memory=400, seconds=60)
    assert not outcome.findings, "\n\n".join([f"{len(outcome.findings)} findings", *outcome.findings[:4]])
    assert outcome.accepted + outcome.refused == count


def test_every_harness_runs_in_one_group() -> None:
    assert sorted(name for names, _ in GROUPS.values() for name in names) == sorted(HARNESSES)
    assert {path.name for path in REGRESSIONS.iterdir()} <= HARNESSES.keys()


@pytest.mark.parametrize("name", HARNESSES)
def test_corpora_are_small_and_have_no_findings(name: str) -> None:
    if name == "checkpoint":
        pytest.importorskip("torch")
    files = HARNESSES[name].corpus()
    assert files
    assert sum(map(len, files.values())) < 200_000
    for content in files.values():
        HARNESSES[name].check(content)


def test_what_was_found_stays_mended(tmp_path: Path) -> None:
    files = {
        f"{name}--{each}": content
        for name, harness in HARNESSES.items()
        for each, content in regressions_of(harness).items()
    }
    assert sum(map(len, files.values())) < 100_000
    outcome = fuzz(
        tmp_path,
        READER,
        files,
        range(len(files)),
        change="malformed.fuzzing:unchanged",
        memory=400,
        seconds=60,
        first=[],
    )
    assert not outcome.findings, "\n\n".join(outcome.findings)


@pytest.mark.parametrize("group", GROUPS)
def test_mutations(tmp_path: Path, group: str) -> None:
    names, count = GROUPS[group]
    _check(tmp_path, names, count, 0)


@pytest.mark.long
@pytest.mark.parametrize("name", HARNESSES)
def test_many_mutations(tmp_path: Path, name: str) -> None:
    _check(tmp_path, (name,), 10_000, 100_000)
