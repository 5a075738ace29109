"""Writes the tables of sizes and of streams in docs/videos.md. The other parts stay as they are.

python docs/make_videos.py
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from subpixel.upscaler import Target
from subpixel.video.containers import CONTAINERS
from subpixel.video.frame_size import frame_size
from subpixel.video.stream_kinds import STREAM_KINDS
from subpixel.video.video_file import Tags, VideoStream

PAGE = Path(__file__).parent / "videos.md"
SIZES = "<!-- these sizes: written by docs/make_videos.py; changes by hand are lost -->"
STREAMS = "<!-- this table: written by docs/make_videos.py; changes by hand are lost -->"
END = "<!-- to here -->"

QUARTER = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
# What a video is, its size, the shape of its pixels, and whether it is turned.
VIDEOS = (
    ("480p", (854, 480), None, False),
    ("720p", (1280, 720), None, False),
    ("held upright", (1280, 720), None, True),
    ("PAL DVD, 16:9", (720, 576), Fraction(64, 45), False),
    ("NTSC DVD, 4:3", (720, 480), Fraction(8, 9), False),
    ("HDV", (1440, 1080), Fraction(4, 3), False),
)
TARGETS = {
    "`-s 2.25`": Target(2.25),
    "`--width 1920`": Target(width=1920),
    "`--fit 1920x1080`": Target(fit=(1920, 1080)),
}


def main() -> None:
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def rewritten(page: str) -> str:
    """The page with new tables between their marks."""
    for begin, make in ((SIZES, sizes), (STREAMS, streams)):
        page = _with_table(page, begin, make)
    return page


def _with_table(page: str, begin: str, make: Callable[[], str]) -> str:
    if page.count(begin) != 1 or END not in page.split(begin)[1]:
        raise SystemExit(f"{PAGE}: the lines\n{begin}\n{END}\nare needed once, around the table")
    before, rest = page.split(begin)
    _, after = rest.split(END, 1)
    return f"{before}{begin}\n\n{make()}\n\n{END}{after}"


def sizes() -> str:
    """The size and the shape of the pixels of some results, in 4:2:0, as they are stored."""
    rows = [["video", "its frames as stored", *TARGETS], ["---"] * (2 + len(TARGETS))]
    for name, size, aspect, turned in VIDEOS:
        video = VideoStream(size, "yuv420p", None, Fraction(1, 25), aspect, Tags(), QUARTER if turned else None)
        results = (frame_size(target, video, ["yuv420p"]) for target in TARGETS.values())
        given = _frames(size, aspect) + (", turned" if turned else "")
        rows.append([name, given, *(_frames(each.size, each.aspect) for each in results)])
    return _table(rows)


def streams() -> str:
    """What happens to each kind of stream in each container."""
    names = [container.name for container in CONTAINERS]
    rows = [["stream", *names], ["---", *["---"] * len(names)]]
    rows += [[kind.name, *(str(kind.fate(name)) for name in names)] for kind in STREAM_KINDS]
    return _table(rows)


def _frames(size: tuple[int, int], aspect: Fraction | None) -> str:
    shape = "" if aspect is None or aspect == 1 else f", pixels {aspect.numerator}:{aspect.denominator}"
    return f"{size[0]}×{size[1]}{shape}"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
