"""Writes docs/performance.md and its images from the results of subpixel bench.

python docs/make_performance.py RESULTS.json...      # needs the extra dev
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pyvips

from subpixel.bench.report import markdown, plot
from subpixel.bench.results import Results
from subpixel.bench.scatter import scatter

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
- The run of suite `engine` with target `vnni` predates the row-by-row streaming of f32 chains; f32 was not measured
  there again.

![Times of our engine, of other libraries and of the machine's ceilings](images/performance.png)

"""


def main(paths: list[str]) -> None:
    results = [Results.of(json.loads(Path(path).read_text(encoding="utf-8"))) for path in paths]
    commands = [f"{one.command} --out {path}" for one, path in zip(results, paths, strict=True)]
    commands.append(f"python docs/make_performance.py {' '.join(paths)}")
    sections = [markdown([one]) + images(one, Path(path).stem) for one, path in zip(results, paths, strict=True)]
    page = INTRODUCTION.format(commands="\n".join(map(wrapped, commands))) + "\n".join(sections)
    (DOCS / "performance.md").write_text(page, encoding="utf-8")
    plot(next(one for one in results if one.suite == "engine"), DOCS / "images" / "performance.png")


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
