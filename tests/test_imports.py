"""The dependencies that ARCHITECTURE.md allows, and what an import may load."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import subpixel

SOURCE = Path(subpixel.__file__).parent

# From left to right. A package may import itself and any package further right, but none of its own level.
LEVELS = (
    ("cli",),
    ("compare",),
    ("bench", "train", "serve"),
    ("metrics",),
    ("cluster",),
    ("video",),
    ("image", "export", "torch"),
    ("upscaler",),
    ("backends",),
    ("models",),
    ("ops", "storage"),
    ("errors",),
)
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}
# They are of different levels, and still share only ``models``.
SEPARATE = {("train", "backends"), ("backends", "train")}
# They stand left of it, and still do not use it.
SEPARATE |= {(name, "cluster") for name in ("compare", "bench", "train", "serve", "metrics")}


HEAVY = ["torch", "matplotlib", "onnx", "onnxruntime", "openvino", "cv2", "pyvips", "av"]
HEAVY += [
    "safetensors",
    "typer",
    "rich",
    "PIL",
    "skimage",
    "scipy",
    "spandrel",
    "torchvision",
    "fastapi",
    "uvicorn",
    "starlette",
    "python_multipart",
    "ray",
]
# The command line is made of typer; the rest stays out of its start.
HEAVY_FOR_CLI = [name for name in HEAVY if name not in ("typer", "rich")]

FILES = sorted(SOURCE.rglob("*.py"))
# Importing these runs nothing but definitions; those of TORCH need torch and say so.
TORCH = (
    "subpixel.train",
    "subpixel.models.torch_kernels",
    "subpixel.torch",
    "subpixel.compare.decoder.learning",
    "subpixel.compare.spaces.training",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# What ``python -m subpixel`` runs does its work when imported.
MODULES = [module_name(path) for path in FILES if path.name != "__main__.py"]


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str, str]]:
    """``(line, dotted name, what the file says)`` of every import of a part of this package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [node.module])])
            for alias in node.names:
                values = f"from {'.' * node.level}{node.module or ''} import {alias.name}"
                # ``from subpixel import x`` names the package x; otherwise the module alone names it.
                yield node.lineno, f"{base}.{alias.name}", values


def violations(text: str, path: Path, root: Path) -> list[str]:
    parts = path.relative_to(root).with_suffix("").parts
    own = parts[0]
    if parts in (("__init__",), ("__main__",), ("_version",)):
        return []  # the public names and the start of the command line may name anything; the build makes the version
    if own not in LEVEL_OF:
        return [f"{path}: '{own}' is not in the list of packages"]
    package = ".".join(["subpixel", *(parts[:-1])])
    found = []
    for line, name, values in imported(ast.parse(text), package):
        if name.split(".")[0] != "subpixel" or name in ("subpixel", "subpixel.__version__"):
            continue
        other = name.split(".")[1]
        if other == "_native":
            # The compiled module belongs to the operators, which hand it to the backends.
            other = "ops"
        if other not in LEVEL_OF:
            found.append(f"{path}:{line}: {values}: no such package")
        elif (own != other and LEVEL_OF[other] <= LEVEL_OF[own]) or (own, other) in SEPARATE:
            found.append(f"{path}:{line}: {values}: '{own}' must not import '{other}'")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_packages_import_only_what_lies_to_their_right(path: Path) -> None:
    found = violations(path.read_text(encoding="utf-8"), path, SOURCE)
    assert not found, "\n".join(found)


def test_jobs_know_nothing_of_http_and_processes_of_neither() -> None:
    parts = ("http", "jobs", "processes")
    for level, part in enumerate(parts):
        for path in (SOURCE / "serve" / part).glob("*.py"):
            found = set(re.findall(r"subpixel\.serve\.(\w+)", path.read_text(encoding="utf-8")))
            assert not found & set(parts[:level]), path


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("ops/a.py", "from subpixel.models.spec import Spec", True),
        ("ops/a.py", "from subpixel.errors import InvalidArgument", False),
        ("ops/a.py", "from ..models import spec", True),
        ("ops/a.py", "from . import shuffle", False),
        ("ops/a.py", "from subpixel import models", True),
        ("ops/a.py", "def f():\n    import subpixel.upscaler", True),
        ("errors.py", "import subpixel.ops", True),
        ("upscaler.py", "from subpixel.image import read", True),
        ("upscaler.py", "from subpixel.backends import choose_backend", False),
        ("image/a.py", "from subpixel.video import x", True),
        ("video/a.py", "from subpixel.image.files.reading import open_image", False),
        ("train/a.py", "from subpixel.backends import choose_backend", True),
        ("train/a.py", "from subpixel.metrics import psnr", False),
        ("backends/a.py", "from subpixel.train import x", True),
        ("metrics/a.py", "from subpixel.train import x", True),
        ("bench/a.py", "from subpixel.upscaler import x", False),
        ("bench/a.py", "from subpixel.train import x", True),
        ("image/a.py", "from subpixel.bench import x", True),
        ("cli/a.py", "from subpixel import __version__\nfrom subpixel.train import x", False),
        ("cli/a.py", "from subpixel.serve import x", False),
        ("cli/a.py", "from subpixel.cluster import x", False),
        ("cluster/a.py", "from subpixel.video import x", False),
        ("cluster/a.py", "from subpixel.metrics import x", True),
        ("serve/a.py", "from subpixel.cluster import x", True),
        ("metrics/a.py", "from subpixel.cluster import x", True),
        ("image/a.py", "from subpixel.cluster import x", True),
        ("serve/a.py", "from subpixel.video import x", False),
        ("serve/a.py", "from subpixel.train import x", True),
        ("cli/a.py", "from subpixel.server import x", True),
        ("video/a.py", "from subpixel.nowhere import x", True),
        ("misplaced/a.py", "", True),
        ("__init__.py", "from subpixel.cli import main", False),
    ],
)
def test_the_check_of_imports_finds_violations(file: str, text: str, wrong: bool) -> None:
    found = violations(text, Path("root") / file, Path("root"))
    assert bool(found) == wrong, found
    if found and text:
        assert f"{file}:{len(text.splitlines())}: " in found[0]
        assert "import" in found[0]


def modules_after(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has after ``code``."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_none_of_the_optional_packages() -> None:
    assert not modules_after("import subpixel") & set(HEAVY)


def test_importing_the_command_line_loads_none_of_the_heavy_packages() -> None:
    assert not modules_after("import subpixel.cli") & set(HEAVY_FOR_CLI)


def test_only_training_needs_torch() -> None:
    free = [name for name in MODULES if not name.startswith(TORCH)]
    assert "subpixel.models.spec" in free
    assert "subpixel.backends.torch" in free
    loaded = modules_after("\n".join(f"import {name}" for name in free))
    optional = {"torch", "matplotlib", "onnx", "onnxruntime", "openvino", "cv2", "PIL", "skimage"}
    assert not loaded & optional


def test_the_image_path_needs_no_optional_package() -> None:
    """What the command does on an image, with none of the extras installed."""
    code = """
import sys
for name in ("torch", "matplotlib", "PIL", "skimage", "scipy", "onnx"):
    sys.modules[name] = None  # an import of it now raises ImportError
import numpy as np, subpixel
assert subpixel.upscale(np.zeros((4, 6, 3), np.uint8), 2, model="bicubic").shape == (8, 12, 3)
import subpixel.image, subpixel.metrics, subpixel.cli
assert subpixel.cli.main(["doctor"]) == 0
"""
    modules_after(code)


def test_training_without_torch_names_the_extra() -> None:
    code = """
import sys
sys.modules["torch"] = None
from subpixel.errors import MissingExtra
try:
    import subpixel.train
except MissingExtra as error:
    assert "subpixel[train]" in str(error), error
else:
    raise SystemExit("no error")
"""
    modules_after(code)


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_and_are_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name}.__all__ names {public}, which is not there"
        thing = getattr(module, public)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, f"{name}.{public} has no docstring"
            # What a dataclass writes by itself repeats its fields and explains nothing.
            assert not thing.__doc__.startswith(f"{public}("), f"{name}.{public} has no docstring"


def test_the_package_offers_its_public_names_and_no_others() -> None:
    for name in subpixel.__all__:
        assert getattr(subpixel, name) is not None
    assert dir(subpixel) == sorted(subpixel.__all__)
    with pytest.raises(AttributeError, match="no attribute 'upscal'"):
        _ = subpixel.upscal  # type: ignore[attr-defined]
