"""Writes the table of streams in docs/videos.md from the list of their kinds. The other parts stay as they are.

python docs/make_videos.py
"""

from __future__ import annotations

from pathlib import Path

from subpixel.video.containers import CONTAINERS
from subpixel.video.stream_kinds import STREAM_KINDS

PAGE = Path(__file__).parent / "videos.md"
BEGIN = "<!-- this table: written by docs/make_videos.py; changes by hand are lost -->"
END = "<!-- to here -->"


def main() -> None:
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def rewritten(page: str) -> str:
    """The page with a new table between the two marks."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise SystemExit(f"{PAGE}: the lines\n{BEGIN}\n{END}\nare needed once each, around the table")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def table() -> str:
    """What happens to each kind of stream in each container."""
    names = [container.name for container in CONTAINERS]
    rows = [["stream", *names], ["---", *["---"] * len(names)]]
    rows += [[kind.name, *(str(kind.fate(name)) for name in names)] for kind in STREAM_KINDS]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
