"""Mutated model files and checkpoints: each is read, or refused by one sentence; and files that claim too much."""

from __future__ import annotations

import collections
import io
import json
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from malformed.fuzzing import fuzz
from malformed.models import checkpoint_files, model_files
from subpixel.errors import ModelFileError
from subpixel.models import load


def check(folder: Path, kind: str, seeds: range) -> None:
    originals = {"model": model_files, "checkpoint": checkpoint_files}[kind]()
    change = "malformed.models:changed_model" if kind == "model" else "malformed.fuzzing:changed"
    outcome = fuzz(folder, f"malformed.models:read_{kind}", originals, seeds, change=change)
    assert not outcome.findings, "\n\n".join([f"{len(outcome.findings)} findings", *outcome.findings[:8]])
    assert outcome.accepted + outcome.refused == len(seeds)
    assert min(outcome.accepted, outcome.refused) > len(seeds) // 50
    assert len(outcome.longest) < 1200, outcome.longest[:3000]


def test_mutated_models(tmp_path: Path) -> None:
    check(tmp_path, "model", range(2000))


@pytest.mark.slow
def test_mutated_checkpoints(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    check(tmp_path, "checkpoint", range(1200))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["model", "checkpoint"])
def test_many_mutations(tmp_path: Path, kind: str) -> None:
    check(tmp_path, kind, range(100_000, 115_000))
