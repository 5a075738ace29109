"""The command run in a folder of a stranger, which may hold anything beside the images."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import subpixel
from helpers import save_image

# Modules that Python or this package imports at one time or another.
NAMES = ("multiprocessing", "signal", "pickle", "struct", "random", "numpy", "pyvips", "av", "typer", "subpixel_check")
# As the installed command runs: the folder of the script comes first, not the current one.
SCRIPT = "import sys; sys.path[:1] = []; from subpixel.cli import run; sys.exit(run())"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images beside modules that leave a trace when they are run."""
    for number in range(4):
        save_image(tmp_path / f"{number}.png", np.full((8, 12, 3), number * 60, np.uint8))
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'RAN')!r}, 'a').write({name!r})\nraise SystemExit(9)"
        )
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [["-c", SCRIPT], ["-m", "subpixel"]],
    ids=["command", "module"],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_no_module_of_the_folder_runs(folder: Path, command: list[str], processes: int) -> None:
    """Neither in this process nor in those that it starts, for which Python would look there first."""
    source = str(Path(subpixel.__file__).parents[1])
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    words = ["upscale", ".", "-n", "bicubic", "-o", "out/", "--processes", str(processes)]
    done = subprocess.run(
        [sys.executable, *command, *words],
        cwd=folder,
        env={**environment, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert not (folder / "RAN").exists(), (folder / "RAN").read_text()
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "out").glob("*.png"))) == 4


def test_the_modules_of_the_folder_would_run(folder: Path) -> None:
    """The test above tests something: Python by itself does take them."""
    done = subprocess.run(
        [sys.executable, "-c", "import subpixel_check"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
        check=False,
        timeout=60,
    )
    assert done.returncode == 9
    assert (folder / "RAN").read_text() == "subpixel_check"
