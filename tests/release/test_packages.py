"""The wheel and the source package of make dist, installed into empty environments: no compiler, no network."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from release.environments import Environment, package

pytestmark = pytest.mark.long

LARGEST = 260_000_000  # bytes of the installed tree, with what it depends on
WITHOUT_ENGINE = "installed WITHOUT its compiled engine"


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_the_wheel_in_an_empty_environment(tmp_path: Path) -> None:
    wheel = package("*.whl")
    assert re.search(r"-manylinux_2_\d+_\w+\.whl$", wheel.name), f"{wheel.name} is for this system alone"
    environment = Environment.create(tmp_path / "environment")
    (packages,) = (environment.folder / "lib").glob("python*/site-packages")
    before = size_of(packages)
    begin = time.perf_counter()
    environment.pip("install", str(wheel))
    installed, size = time.perf_counter() - begin, size_of(packages) - before
    assert size < LARGEST
    print(f"\n{size / 1e6:.0f} MB, installed in {installed:.0f} s; then, in seconds:")
    print(environment.smoke("upscale", "video"))
    assert environment.pip("check") == "No broken requirements found.\n"
    version = wheel.name.split("-")[1]
    assert environment.run(str(environment.folder / "bin/subpixel"), "--version") == f"subpixel {version}\n"
    page = environment.folder / "share/man/man1/subpixel.1"
    assert page.read_text(encoding="utf-8").startswith(f'.TH SUBPIXEL 1 "" "subpixel {version}" ')

    environment.pip("install", f"{wheel}[web]")
    assert environment.pip("check") == "No broken requirements found.\n"
    print(environment.smoke("serve"))


def test_the_source_package_without_a_compiler(tmp_path: Path) -> None:
    source = package("*.tar.gz")
    environment = Environment.create(tmp_path / "environment")
    printed = environment.pip("install", "--verbose", str(source))
    assert printed.count(WITHOUT_ENGINE) == 1
    assert environment.pip("check") == "No broken requirements found.\n"
    environment.smoke("upscale", "video", "--backend", "reference")
    assert "reference" in environment.run(str(environment.folder / "bin/subpixel"), "doctor")


def test_the_source_package_with_a_compiler(tmp_path: Path) -> None:
    source = package("*.tar.gz")
    environment = Environment.create(tmp_path / "environment", path=os.environ["PATH"])
    printed = environment.pip("install", "--verbose", str(source))
    assert WITHOUT_ENGINE not in printed
    assert environment.pip("check") == "No broken requirements found.\n"
    environment.smoke("upscale")
