"""ARCHITECTURE.md names every folder, and no other."""

from __future__ import annotations

import re

from docs.pages import ROOT, text_of


def folders_on_page() -> set[str]:
    """Paths of the folders of the layout, by the indentation of its lines."""
    layout = re.search(r"## Layout\n.*?```\n(.*?)```", text_of(ROOT / "ARCHITECTURE.md"), re.S)
    assert layout is not None
    found, above = set(), [""]
    for line in layout.group(1).splitlines():
        indent, name = re.match(r"( *)(\S+)/(?= |$)", line).groups()  # type: ignore[union-attr]
        depth = len(indent) // 2
        above[depth + 1 :] = [f"{above[depth]}{name}/"]
        found.add(above[-1])
    return found


def test_every_folder_is_in_the_layout() -> None:
    page = folders_on_page()
    for path in page:
        assert (ROOT / path).is_dir(), f"{path} is in the layout and not here"
    for top in ("src/subpixel", "native"):
        for folder in (ROOT / top).rglob("*/"):
            name = f"{folder.relative_to(ROOT).as_posix()}/"
            target = folder.parent.name == "kernels" and folder.name != "generic"  # the page names them together
            holds_files = any(each.is_file() for each in folder.iterdir())
            if holds_files and not target and folder.name != "__pycache__":
                assert name in page, f"{name} is not in the layout"
