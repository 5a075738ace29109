"""The wheel that Python 3.12 builds is for 3.12 and every later version, and is what its name says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from release.environments import Environment, package

pytestmark = pytest.mark.long

UPSCALES = """
import numpy as np, subpixel, subpixel._native
assert subpixel._native.__file__.endswith("_native.abi3.so"), subpixel._native.__file__
upscaler = subpixel.Upscaler(2)
assert upscaler.backend == "native"
assert upscaler(np.full((20, 30, 3), 90, np.uint8)).shape == (40, 60, 3)
print("it runs")
"""


def python(version: str) -> str:
    """The program of a Python: of PATH, or of pyenv."""
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    found = [str(path) for root in roots for path in sorted(root.glob(f"{version}*/bin/python{version}"))]
    for name in (*found, shutil.which(f"python{version}")):
        # What pyenv puts into PATH may name a version that is not chosen.
        if name and subprocess.run([name, "--version"], capture_output=True, check=False).returncode == 0:
            return name
    pytest.skip(f"Python {version} is not installed")


def test_one_wheel_for_3_12_and_later(tmp_path: Path) -> None:
    source, older, later = package("*.tar.gz"), python("3.12"), python("3.13")
    builder = Environment.create(tmp_path / "builder", older, os.environ["PATH"])
    builder.pip("wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(source))
    (wheel,) = tmp_path.glob("*.whl")
    assert "-cp312-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        modules = [name for name in archive.namelist() if Path(name).name.startswith("_native.") and ".so" in name]
    assert modules == ["subpixel/_native.abi3.so"]
    # Its functions of Python are those of the stable ABI of 3.12.
    audit = [sys.executable, "-m", "abi3audit", "--strict", "--assume-minimum-abi3", "3.12", str(wheel)]
    done = subprocess.run(audit, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name, program in (("older", older), ("later", later)):
        environment = Environment.create(tmp_path / name, program)
        environment.pip("install", "--no-deps", str(wheel))
        environment.pip("install", "numpy", "safetensors")
        assert environment.run(environment.python, "-c", UPSCALES) == "it runs\n"
