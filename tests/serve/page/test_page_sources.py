"""The sources of the page: types, and what the policy of the server and working offline ask of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import subpixel.serve

_PAGE = Path(subpixel.serve.__file__).parent / "page"
_HERE = Path(__file__).parent
_TEXTS = sorted(path for path in _PAGE.iterdir() if path.suffix in (".html", ".css", ".js", ".svg"))


def test_the_types_of_the_scripts_hold() -> None:
    compiler = _HERE / "node_modules" / ".bin" / "tsc"
    if shutil.which("node") is None or not compiler.exists():
        pytest.skip("needs node and TypeScript: npm install in tests/serve/page")
    found = subprocess.run([compiler, "-p", _HERE], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("path", _TEXTS, ids=lambda path: path.name)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    if path.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == [""]
    if path.suffix == ".js":
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_every_file_that_is_named_exists() -> None:
    for path in _TEXTS:
        text = path.read_text()
        named = set(re.findall(r'"\./([a-z]+\.js)"', text)) | set(re.findall(r'url\("([^"]+)"\)', text))
        named |= set(re.findall(r'"page/([^"]+)"', text)) if path.suffix == ".html" else set()
        for name in named:
            assert (_PAGE / name).is_file(), f"{path.name} names {name}"


def test_every_element_that_a_script_asks_for_is_in_the_page() -> None:
    there = set(re.findall(r'\sid="([^"]+)"', (_PAGE / "index.html").read_text()))
    for path in _TEXTS:
        asked = set(re.findall(r'byId\("([^"]+)"', path.read_text()))
        assert asked <= there, path.name


def test_files_stay_small() -> None:
    assert [path.name for path in _TEXTS if path.read_text().count("\n") > 500] == []
