"""Writes docs/performance.md and its images from the results of subpixel bench.

python docs/make_performance.py RESULTS.json...      # needs the extra dev
"""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pyvips

from subpixel.bench.report import markdown, plot
from subpixel.bench.results import Entry, Results
from subpixel.bench.scatter import scatter
from subpixel.models import ZOO, find

DOCS = Path(__file__).parent

INTRODUCTION = """# Performance

`subpixel bench` measured every figure here, and `docs/make_performance.py` wrote this page from its results. No figure
was typed by hand. These commands repeat it; words in capitals are folders of yours:

```
{commands}
```

## How it is measured

- **Turns.** Our engine, the other libraries and the machine's ceilings take turns in one process, on the same number
  of threads. A turn is two calls, and the second counts. The figure is the median; the quartiles stand beside it.
- **Load.** Each section states the load average before the run. Other programs ran on some of these machines: one
  run began at a load of 5.5 on two processors. Compare figures within a table rather than between tables.
- **Other libraries** get the same network, the same weights and the image's size in advance. They pad with zeros, which
  is cheaper than our repeated edges. They run in the precision that their line names; int8 is ours alone.
- **"Of its ceiling"** is the time of the network's multiply-adds alone, divided by the time measured. The ceiling is
  measured in registers, on the same threads, target and precision. For an operator, the ceiling is a copy of the bytes
  that it must at least write.
- A share above 1 means that the algorithm needs fewer products than the network's definition has. Without an
  instruction for products of bytes (`avx2`, `avx512`), int8 needs half of the products for kernels of width 3.
- **"Takes × ours"** is the time of another library, divided by the time of our first line in the same table. The
  figure in brackets is the same ratio.
- **dB** of shipped networks are those that their files record today. Other weights of the same shape take the same
  time, so a run stands when a network is trained anew.
- The run of suite `engine` with target `vnni` predates the row-by-row streaming of f32 chains; f32 was not measured
  there again.

![Times of our engine, of other libraries and of the machine's ceilings](images/performance.png)

"""


def main(paths: list[str]) -> None:
    results = [as_shipped(Results.of(json.loads(Path(path).read_text(encoding="utf-8")))) for path in paths]
    commands = [f"{one.command} --out {path}" for one, path in zip(results, paths, strict=True)]
    commands.append(f"python docs/make_performance.py {' '.join(paths)}")
    sections = [markdown([one]) + images(one, Path(path).stem) for one, path in zip(results, paths, strict=True)]
    page = INTRODUCTION.format(commands="\n".join(map(wrapped, commands))) + "\n".join(sections)
    (DOCS / "performance.md").write_text(page, encoding="utf-8")
    plot(next(one for one in results if one.suite == "engine"), DOCS / "images" / "performance.png")


def as_shipped(results: Results) -> Results:
    """The results with the PSNR that the files of shipped networks record now."""
    groups = [
        replace(group, entries=tuple(with_recorded_quality(entry, group.id) for entry in group.entries))
        for group in results.groups
    ]
    return replace(results, groups=tuple(groups))


def with_recorded_quality(entry: Entry, group: str) -> Entry:
    """An entry such as ``fast int8`` of the group ``quality-x2`` with the figures of that network's file."""
    name, _, precision = entry.name.rpartition(" ")
    scale = group.removeprefix("quality-x")
    if entry.role != "ours" or not entry.quality or name not in ZOO or not scale.isdigit():
        return entry
    recorded = find(name, int(scale)).scores(precision)
    found = {one: recorded[one]["psnr_y"] for one in entry.quality if one in recorded}
    return replace(entry, quality={**entry.quality, **found})


def wrapped(command: str) -> str:
    """A command on lines of 120 characters at most, as a shell continues them."""
    lines = textwrap.wrap(command, 118, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(lines)


def images(results: Results, name: str) -> str:
    """Draws quality against time where that was measured; returns the Markdown that shows it."""
    lines = ""
    for group in results.groups:
        if any(entry.quality for entry in group.entries):
            scatter(group, DOCS / "images" / f"{name}.png")
            few_colours(DOCS / "images" / f"{name}.png")
            lines += f"\n![{group.title}](images/{name}.png)\n"
    return lines


def few_colours(path: Path) -> None:
    """Stores a drawing with 16 colours, in a third of the bytes."""
    drawing = pyvips.Image.new_from_buffer(path.read_bytes(), "").flatten(background=255)
    path.write_bytes(drawing.pngsave_buffer(palette=True, bitdepth=4, dither=0.0))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
