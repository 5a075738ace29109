"""Prints the notes of a release: its section of CHANGELOG.md.

python docs/release_notes.py 0.2.0                    to the terminal
python docs/release_notes.py 0.2.0 | git tag -s v0.2.0 -F -   as the message of a signed tag

It ends with an error if there is no such section, if it is empty, or if it has no date.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
# ``## [0.2.0] - 2026-12-01``; a section ends at the next one or at the links below them.
_HEAD = re.compile(r"^## \[?([^\]\s]+)\]?(?: - (.*))?$", re.MULTILINE)
_LINK = re.compile(r"^\[[^\]]+\]: \S+$", re.MULTILINE)


def notes(text: str, version: str) -> str:
    """The notes of a version, with its name and date as their first line, so that a tag has a subject.

    Args:
        text: of a changelog in the form of https://keepachangelog.com.
        version: without a ``v``.

    Raises:
        SystemExit: the section is missing, is empty or has no date.

    >>> print(notes("## [0.2.0] - 2026-12-01\\n\\n### Fixed\\n\\n- A thing.\\n\\n## [0.1.0]\\n\\n- Old.\\n", "0.2.0"))
    subpixel 0.2.0 (2026-12-01)
    <BLANKLINE>
    Fixed:
    <BLANKLINE>
    - A thing.
    """
    heads = list(_HEAD.finditer(text))
    names = [head[1] for head in heads]
    if version not in names:
        raise SystemExit(f"CHANGELOG.md has no section [{version}]; it has {', '.join(names)}")
    at = names.index(version)
    day = heads[at][2] or ""
    try:
        date.fromisoformat(day)
    except ValueError:
        raise SystemExit(f"CHANGELOG.md: the section [{version}] has no date: ## [{version}] - YYYY-MM-DD") from None
    body = text[heads[at].end() : heads[at + 1].start() if at + 1 < len(heads) else len(text)]
    body = _LINK.sub("", body)
    # git takes lines that begin with # for comments, so headings become words.
    body = re.sub(r"^#+ (.*)$", r"\1:", body, flags=re.MULTILINE).strip()
    if not body:
        raise SystemExit(f"CHANGELOG.md: the section [{version}] is empty")
    return f"subpixel {version} ({day})\n\n{body}"


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    print(notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1].removeprefix("v")))


if __name__ == "__main__":
    main()
