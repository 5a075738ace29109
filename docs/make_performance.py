"""Makes docs/performance.md and its image from what subpixel bench wrote.

python docs/make_performance.py RESULTS.json...      # needs the extra dev
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyvips

from subpixel.bench.report import markdown, plot
from subpixel.bench.results import Results
from subpixel.bench.scatter import scatter

DOCS = Path(__file__).parent

INTRODUCTION = """# Performance

Every figure here was measured by `subpixel bench`, and this page made of its results; nothing is typed in. To make it
again, on a machine that does nothing else:

```
{commands}
```

How it is measured: the product, the peers and the machine's ceilings take turns in one process, on equal threads; a
turn is two calls of which the second counts, and the figure is the median, with the quartiles beside it. Peers get
the same network and the same weights, the image's size beforehand, and the cheaper border (zeros). "Of its ceiling"
is the time that the multiply-adds of the whole network take alone, in registers, on the same threads, target and
precision, divided by the time measured. It passes 1 where an algorithm needs fewer products than the network's
definition: int8 without a product of bytes (`avx2`, `avx512`) does kernels of width 3 with half of them. Of an
operator it is the time of copying what it must make at least. "Takes × ours" is a peer's time divided by that of the
group's first line of ours, and so is the figure in brackets. int8 is ours alone here: peers run in the precision named.

Runs of suite `engine` on a machine with AVX-512 VNNI are from before f32 chains were streamed row by row.

![What ours, the peers and the ceilings take](images/performance.png)

"""


def main(paths: list[str]) -> None:
    results = [Results.of(json.loads(Path(path).read_text(encoding="utf-8"))) for path in paths]
    commands = [f"{one.command} --out {path}" for one, path in zip(results, paths, strict=True)]
    commands.append(f"python docs/make_performance.py {' '.join(paths)}")
    sections = [markdown([one]) + images(one, number) for number, one in enumerate(results)]
    page = INTRODUCTION.format(commands="\n".join(commands)) + "\n".join(sections)
    (DOCS / "performance.md").write_text(page, encoding="utf-8")
    plot(next(one for one in results if one.suite == "engine"), DOCS / "images" / "performance.png")


def images(results: Results, number: int) -> str:
    """Draws quality against time where that was measured; the lines that show it."""
    lines = ""
    for group in results.groups:
        if any(entry.quality for entry in group.entries):
            name = f"{group.id}-{number}.png"
            scatter(group, DOCS / "images" / name)
            few_colours(DOCS / "images" / name)
            lines += f"\n![{group.title}](images/{name})\n"
    return lines


def few_colours(path: Path) -> None:
    """A drawing needs no more than 16: a third of the bytes."""
    drawn = pyvips.Image.new_from_buffer(path.read_bytes(), "").flatten(background=255)
    path.write_bytes(drawn.pngsave_buffer(palette=True, bitdepth=4, dither=0.0))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
