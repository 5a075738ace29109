"""Empty environments, in which the packages of dist/ are installed without network."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from docs.pages import ROOT

__all__ = ["WHEELHOUSE", "Environment", "package", "without_network"]

WHEELHOUSE = ROOT / "build/wheelhouse"


def package(pattern: str) -> Path:
    """The file of dist/ that the pattern names."""
    found = list((ROOT / "dist").glob(pattern))
    if not found or not (WHEELHOUSE / ".complete").exists():
        pytest.skip("the packages are not built; make test-dist builds them")
    (path,) = found
    return path


@cache
def without_network() -> tuple[str, ...]:
    """What runs a command without network; nothing where the system does not allow it, and pip then asks no index."""
    program = shutil.which("unshare")
    for options in ((), ("--map-root-user",)):
        words = (str(program), "--net", *options)
        if program and subprocess.run([*words, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            return words
    return ()


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds pip alone.

    Args:
        folder: where it is.
        path: what PATH names besides the environment's own programs.
    """

    folder: Path
    path: str = ""

    @classmethod
    def create(cls, folder: Path, python: str | None = None, path: str = "") -> Environment:
        """A new one, of the Python of the tests or of the program that is named."""
        if python is None:
            venv.create(folder, with_pip=True, symlinks=True)
        else:
            subprocess.run([python, "-m", "venv", str(folder)], check=True)
        return cls(folder, path)

    @property
    def python(self) -> str:
        return str(self.folder / "bin/python")

    def run(self, *words: str) -> str:
        """What a command prints that runs in the environment, without network."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        variables = {
            **kept,
            **{name: value for name, value in os.environ.items() if name.startswith(("CCACHE_", "CMAKE_"))},
            "PATH": f"{self.folder / 'bin'}:{self.path}".rstrip(":"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(WHEELHOUSE),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CONFIG_FILE": os.devnull,
        }
        done = subprocess.run(
            [*without_network(), *words],
            env=variables,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=3000,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def pip(self, *words: str) -> str:
        return self.run(self.python, "-m", "pip", *words)

    def smoke(self, *words: str) -> str:
        """Run the checks of tests/release/smoke.py."""
        alone = ["--alone"] if without_network() else []
        return self.run(self.python, str(ROOT / "tests/release/smoke.py"), *words, *alone)
