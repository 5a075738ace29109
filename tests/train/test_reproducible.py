"""The command of a card gives its file again: the steps of docs/train_all.py, twice, in processes of their own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from commands import parse
from helpers import random_image, save_image
from scripts import docs_script
from subpixel.models import ZOO, Model, load

SHIPPED = [(name, scale) for name, entry in ZOO.items() for scale in entry.scales if name != "bicubic"]


def model(name: str, scale: int) -> Model:
    return load(ZOO[name].path(scale))


@pytest.mark.parametrize(("name", "scale"), SHIPPED)
def test_the_commands_of_a_card_can_still_be_given(name: str, scale: int) -> None:
    training = model(name, scale).training
    for command in (*training.get("earlier", ()), training["command"]):
        program, *words = shlex.split(command)
        assert program == "subpixel"
        parse(words)


def test_the_script_prints_valid_commands_for_all_weights(tmp_path: Path) -> None:
    """``docs/train_all.py --dry-run``, as a reader runs it."""
    script = Path(__file__).parents[2] / "docs" / "train_all.py"
    done = subprocess.run(
        [sys.executable, str(script), "--data", "pictures", "--out", str(tmp_path), "--dry-run"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    made = set()
    for line in done.stdout.splitlines():
        program, *words = shlex.split(line)
        assert program == "subpixel"
        context = parse(words)
        made.add(Path(str(context.params["out"])).stem)
    assert {f"{name}_x{scale}" for name, scale in SHIPPED} <= made


@pytest.mark.long
def test_the_steps_of_the_smallest_network_give_the_same_bytes(tmp_path: Path) -> None:
    """In f32, rounded, and trained on in the rounded form; on one machine, with one thread, as the cards have it."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(6):
        save_image(pictures / f"{number}.png", random_image((96, 128, 3), np.uint8, number))
    held_out = tmp_path / "held_out.txt"
    held_out.write_text("5.png\n")
    train_all = docs_script("train_all")
    rounded = [n for n in train_all.NETWORKS if not n.start and model(n.name, n.scale).quantisation is not None]
    small = min(rounded, key=lambda n: model(n.name, n.scale).spec.parameters)
    common = f"--data {pictures} --held-out {held_out} -j 1 --seed 1 --batch 2 --patch 32 --licence CC0-1.0"
    train = f"train --arch {small.arch or small.name} -s {small.scale}"
    jobs = (
        f"{train} {common} --steps 60 --out first.safetensors",
        f"quantise first.safetensors --data {pictures} --held-out {held_out} --out equal.safetensors",
        f"{train} {common} --steps 40 --rounded --start equal.safetensors --out last.safetensors",
    )
    results = []
    for run in ("a", "b"):
        folder = tmp_path / run
        folder.mkdir()
        # Another seed for the order of sets and dictionaries: no result may depend on it.
        environment = {**os.environ, "PYTHONHASHSEED": str(ord(run))}
        for job in jobs:
            done = subprocess.run(
                [sys.executable, "-m", "subpixel", *shlex.split(job)], cwd=folder, env=environment,
                capture_output=True, text=True, check=False, timeout=1200,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        results.append({path.name: path.read_bytes() for path in folder.glob("*.safetensors")})
    assert list(results[0]) == list(results[1])
    assert len(results[0]) == 3
    different = [name for name, content in results[0].items() if content != results[1][name]]
    assert different == []
