"""The scripts of docs/, as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["docs_script"]


def docs_script(name: str) -> ModuleType:
    """``docs/{name}.py``, newly loaded: what a test changes in it is gone with it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[name] = script  # where dataclasses look for their module
    spec.loader.exec_module(script)
    return script
