"""The notebook is kept without outputs, and its cells run from the top."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import subpixel

NOTEBOOK = Path(__file__).parents[2] / "examples" / "laboratory.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def test_it_is_kept_without_outputs() -> None:
    for cell in CELLS:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_it_uses_public_names_only() -> None:
    for code in CODE:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("subpixel"):
                assert node.module == "subpixel"
                assert {alias.name for alias in node.names} <= set(subpixel.__all__)


def test_its_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("subpixel.compare.methods._OWN", {})
    names: dict[str, Any] = {}
    for number, code in enumerate(CODE, 1):
        exec(compile(code, f"cell {number}", "exec"), names)
    assert (tmp_path / "laboratory" / "report.html").is_file()
    assert "| Bicubic" in capsys.readouterr().out
