"""A page for each public module: its docstring, and those of its public names. mkdocstrings draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from outside import ROOT

__all__ = ["MODULES", "pages"]

FOLDER = "reference/python"
# In the order of the site. A name that several modules offer stands with the first.
MODULES = (
    "subpixel",
    "subpixel.image",
    "subpixel.video",
    "subpixel.ops",
    "subpixel.models",
    "subpixel.metrics",
    "subpixel.compare",
    "subpixel.export",
    "subpixel.torch",
    "subpixel.train",
    "subpixel.errors",
    "subpixel.upscaler",
    "subpixel.backends",
)


def pages() -> Mapping[str, str]:
    """The text of each page by its path on the site."""
    shown: dict[str, str] = {}  # the public name by the place of the definition
    return {_path(module): "\n\n".join(_page(module, shown)) + "\n" for module in MODULES}


def _path(module: str) -> str:
    return f"{FOLDER}/{'index' if module == 'subpixel' else module.removeprefix('subpixel.')}.md"


def _page(module: str, shown: dict[str, str]) -> Iterator[str]:
    tree = ast.parse(_source(module))
    places = dict(_imports(tree))
    yield f"# {module}"
    yield f"::: {module}\n    options:\n      members: false\n      show_root_heading: false\n      show_root_toc_entry: false"
    for name in _public(tree):
        place = places.get(name, f"{module}.{name}")
        public = f"{module}.{name}"
        if place in MODULES:
            yield f"[](){{ #{public} }}\n## {name}\n\nThe module [{place}]({_path(place).removeprefix(FOLDER + '/')})."
        elif place in shown:
            yield f"## {name}\n\nThe same as [{shown[place]}][{place}]."
        else:
            shown[place] = public
            yield f"::: {place}\n    options:\n      heading: {public}\n      toc_label: {name}"


def _source(module: str) -> str:
    path = ROOT / "src" / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_text(encoding="utf-8")


def _public(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """``(name, where it is defined)`` of everything that a module imports by ``from``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
