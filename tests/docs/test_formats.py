"""docs/formats.md says what the inventories of the program say."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from scripts import docs_script
from subpixel.image.files.containers import INVENTORIES


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return docs_script("make_formats")


def test_the_page_is_that_of_the_inventories(maker: ModuleType) -> None:
    page = maker.PAGE.read_text(encoding="utf-8")
    assert maker.page(INVENTORIES) == page, "docs/formats.md is out of date: run python docs/make_formats.py"
    for inventory in INVENTORIES:
        assert f"\n## {inventory.format}\n" in page
        for part in inventory.parts:
            assert f"\n| `{part.name}` | " in page


def test_its_own_examples(maker: ModuleType) -> None:
    assert doctest.testmod(maker).attempted > 0
    assert doctest.testmod(maker).failed == 0
