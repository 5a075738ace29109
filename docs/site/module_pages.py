"""A page for each public module: its docstring, and those of its public names. mkdocstrings draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from outside_pages import ROOT

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
    yield f"# {module}"
    yield _entry(module, members="false", show_root_heading="false", show_root_toc_entry="false")
    for name in _public(tree):
        public = f"{module}.{name}"
        if name == "__version__":  # its module is written when the package is built
            yield f"## `{name}`\n\nThe version, by the [tag](../../releasing.md#the-version) of the sources."
            continue
        place = _definition(public)
        if place in MODULES:
            yield f"[](){{ #{public} }}\n## {name}\n\nThe module [{place}]({_path(place).removeprefix(FOLDER + '/')})."
        elif place in shown:
            yield f"## {name}\n\nThe same as [{shown[place]}][{place}]."
        else:
            shown[place] = public
            anchor = "" if place == public else f"[](){{ #{public} }}\n\n"
            yield anchor + _entry(place, heading=public, toc_label=name)


def _entry(place: str, **options: str) -> str:
    """What mkdocstrings replaces by the docstring of something."""
    return "\n".join([f"::: {place}", "    options:", *(f"      {name}: {value}" for name, value in options.items())])


def _source(module: str) -> str:
    path = ROOT / "src" / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_text(encoding="utf-8")


def _definition(public: str) -> str:
    """Where a name is defined, through all modules that import it from another."""
    module, _, name = public.rpartition(".")
    place = dict(_imports(ast.parse(_source(module)))).get(name)
    return public if place is None else place if place in MODULES else _definition(place)


def _public(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """``(name, where it is defined)`` of everything that a module imports by ``from``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("subpixel"):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
