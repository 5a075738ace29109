"""The version is that of the tag, also where there is no tag, and all that states it agrees."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import subpixel
from docs.pages import ROOT
from subpixel.cli import main

# What a build without the engine reads, and how it is made.
FILES = ("pyproject.toml", "README.md", "LICENSE", "ATTRIBUTION.md", "src/subpixel/image/comparison/fonts/OFL.txt")
BUILD = """
import sys
from scikit_build_core.build import build_sdist, build_wheel
build_wheel(sys.argv[1], {"wheel.cmake": "false", "wheel.py-api": "py3"})
build_sdist(sys.argv[1])
"""


def test_what_states_the_version_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    if not is_installed():
        pytest.skip("the sources are not installed, so they have no version")
    assert importlib.metadata.version("subpixel") == subpixel.__version__
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"subpixel {subpixel.__version__}\n"
    page = Path(sysconfig.get_path("data")) / "share/man/man1/subpixel.1"
    if not page.exists():
        pytest.skip("subpixel was installed without its man page")
    assert page.read_text(encoding="utf-8").startswith(f'.TH SUBPIXEL 1 "" "subpixel {subpixel.__version__}" ')


def is_installed() -> bool:
    try:
        import subpixel._version  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def test_sources_that_are_not_installed_have_a_version_too(tmp_path: Path) -> None:
    folder = tmp_path / "subpixel"
    folder.mkdir()
    shutil.copy(ROOT / "src/subpixel/__init__.py", folder)
    done = subprocess.run(
        [sys.executable, "-c", "import subpixel; print(subpixel.__version__)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout == "0.0.0+unknown\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that a build without the engine reads, in a folder that is no checkout."""
    pytest.importorskip("scikit_build_core", reason="the tools of the build are not installed")
    pytest.importorskip("setuptools_scm", reason="the tools of the build are not installed")
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "tree"
    for name in (*FILES, "src/subpixel/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def environment() -> dict[str, str]:
    """Without the settings of this machine's git, and without a version that somebody prescribed."""
    prescribed = ("GIT_", "SETUPTOOLS_SCM", "VCS_VERSIONING")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prescribed)}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, env=environment(), check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a change")


def build(folder: Path) -> Path:
    """The folder with the wheel, without the engine, and the source package of a folder."""
    out = folder.with_name("out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return out


def version_of(folder: Path) -> str:
    """The version that a build gives the wheel, the package inside of it, and the source package."""
    out = build(folder)
    (wheel,) = out.glob("*.whl")
    (source,) = out.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
        module = archive.read("subpixel/_version.py").decode()
    (version,) = re.findall(r"^Version: (.+)$", metadata, re.M)
    assert re.findall(r'^version = "(.+)"$', module, re.M) == [version]
    assert source.name == f"subpixel-{version}.tar.gz"
    return str(version)


@pytest.mark.slow
def test_a_tag_is_the_version(tree: Path) -> None:
    git(tree, "init", "--quiet")
    commit(tree)
    git(tree, "tag", "v1.2.3")
    assert version_of(tree) == "1.2.3"
    commit(tree)
    assert re.fullmatch(r"1\.2\.4\.dev1\+g[0-9a-f]+", version_of(tree))


@pytest.mark.slow
def test_a_clone_without_tags_has_a_version(tree: Path) -> None:
    git(tree, "init", "--quiet")
    commit(tree)
    commit(tree)
    assert re.fullmatch(r"0\.0\.1\.dev2\+unknown\.g[0-9a-f]+", version_of(tree))
    git(tree.parent, "clone", "--quiet", "--depth", "1", f"file://{tree}", "shallow")
    assert re.fullmatch(r"0\.0\.1\.dev1\+unknown\.g[0-9a-f]+", version_of(tree.parent / "shallow"))


@pytest.mark.slow
def test_sources_without_git_have_a_version(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert version_of(tree) == "0.0.0+unknown"
    git(tree, "init", "--quiet")
    commit(tree)
    git(tree, "tag", "v1.2.3")
    monkeypatch.setenv("PATH", "")  # a checkout, and no program git
    assert version_of(tree) == "0.0.0+unknown"


@pytest.mark.slow
def test_a_source_package_keeps_its_version(tree: Path, tmp_path: Path) -> None:
    git(tree, "init", "--quiet")
    commit(tree)
    git(tree, "tag", "v1.2.3")
    (source,) = build(tree).glob("*.tar.gz")
    place = tmp_path / "elsewhere"
    place.mkdir()
    with tarfile.open(source) as archive:
        archive.extractall(place, filter="data")
    unpacked = place / "subpixel-1.2.3"
    assert version_of(unpacked) == "1.2.3"
    # In the folder of somebody else's repository, too.
    git(place, "init", "--quiet")
    commit(place)
    git(place, "tag", "v9.9.9")
    assert version_of(unpacked) == "1.2.3"
