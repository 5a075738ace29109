"""The files of the forge's continuous integration: what they name is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.pages import ROOT, text_of

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(text_of(path))["jobs"])


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path).values():
        yield from job.get("steps", ())


def commands(path: Path) -> list[str]:
    return [line.strip() for step in steps(path) for line in step.get("run", "").splitlines()]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", text_of(ROOT / "Makefile"), re.M))


def test_the_workflows_are_here() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml", "wheels.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_names_is_there(path: Path) -> None:
    for line in commands(path):
        if line.startswith("make "):
            assert line.split()[1] in targets(), line
        for script in re.findall(r"(?:^|python )((?:docs|tests|\.ci)/[\w./]+)", line):
            assert (ROOT / script).is_file(), line
    for job in jobs(path).values():
        for name in (job.get("uses"), *(step.get("uses") for step in job.get("steps", ()))):
            if name is not None and name.startswith("./"):
                assert (ROOT / name).is_file(), name
            elif name is not None:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", name), f"{name} is no exact version"
        for earlier in [job.get("needs", [])] if isinstance(job.get("needs"), str) else job.get("needs", []):
            assert earlier in jobs(path)


def test_the_jobs_of_a_change() -> None:
    path = ROOT / ".github/workflows/ci.yml"
    assert {"make lint", ".ci/run", "make docs", "make test-dist"} <= set(commands(path))
    matrix = jobs(path)["tests"]["strategy"]["matrix"]
    assert matrix == {"python": ["3.11", "3.12", "3.13"], "compiler": ["g++", "clang++"]}


def test_the_tests_run_on_every_python_that_has_a_wheel() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    built = {name.removesuffix("-*") for name in project["tool"]["cibuildwheel"]["build"]}
    tested = jobs(ROOT / ".github/workflows/ci.yml")["tests"]["strategy"]["matrix"]["python"]
    assert built == {f"cp{version.replace('.', '')}" for version in tested}
    script = project["tool"]["cibuildwheel"]["test-command"].split()[1]
    assert (ROOT / script.replace("{project}/", "")).is_file()


def test_only_a_signed_tag_is_published() -> None:
    path = ROOT / ".github/workflows/release.yml"
    needed, name = set(), "publish"
    while name:
        name = jobs(path)[name].get("needs", "")
        needed.add(name)
    assert "signature" in needed
    assert "jq --exit-status .verified" in text_of(path)
    assert jobs(path)["publish"]["permissions"] == {"id-token": "write"}
