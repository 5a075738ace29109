"""docs/videos.md has the table of streams as the package has it."""

from __future__ import annotations

from scripts import docs_script


def test_the_table_of_streams_is_up_to_date() -> None:
    maker = docs_script("make_videos")
    page = maker.PAGE.read_text(encoding="utf-8")
    assert maker.rewritten(page) == page, "docs/videos.md is out of date: run python docs/make_videos.py"
