"""What mkdocs calls while it builds the site: further pages, links between them, Markdown as GitHub has it.

Hooks get mkdocs' own objects, which have no types.
"""

from __future__ import annotations

import re
from typing import Any

import command_pages
import module_pages
import outside_pages
from markdown import Extension, Markdown
from mkdocs.structure.files import File

PAGES = {**outside_pages.pages(), **command_pages.pages(), **module_pages.pages()}


def on_config(config: Any) -> Any:
    config.markdown_extensions.insert(0, GitHubLists())
    config.mdx_configs["toc"]["slugify"] = anchor
    config.nav = with_reference(config.nav)
    return config


def on_files(files: Any, config: Any) -> Any:
    for path, text in PAGES.items():
        files.append(File.generated(config, path, content=text))
    icon = outside_pages.ROOT / "src" / "subpixel" / "serve" / "page" / "icon.svg"
    files.append(File.generated(config, "site/icon.svg", abs_src_path=str(icon)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    return with_captions(outside_pages.with_links_of_the_site(markdown, page.file.src_uri))


def anchor(title: str, separator: str) -> str:
    """The anchor that GitHub gives to a heading, so that links work there and here."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", separator)


def with_captions(markdown: str) -> str:
    """The text with what an image shows below it, and a link to the image alone, for narrow screens."""
    figure = r'<figure markdown="span">[![\1](\2)](\2)<figcaption>\1</figcaption></figure>'
    return re.sub(r"^!\[([^\]]+)\]\(([^)\s]+)\)$", figure, markdown, flags=re.M)


def with_reference(nav: list[Any]) -> list[Any]:
    """The navigation, with the pages of a folder of the reference in the place of its name."""
    found: list[Any] = []
    for item in nav:
        ((title, content),) = item.items()
        if isinstance(content, list):
            found.append({title: with_reference(content)})
        elif content.endswith(".md"):
            found.append(item)
        else:
            found.append({title: [path for path in PAGES if path.startswith(f"{content}/")]})
    return found


class GitHubLists(Extension):
    """What belongs to an item of a list is indented by two columns, as GitHub has it; the library wants four."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the library's name)
        md.tab_length = 2
        md.build_parser()  # its parts have read the length already
        md.parser.blockprocessors["code"].tab_length = 4
