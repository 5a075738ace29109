"""Draws the curves of a soak.

python -m soak.curves FOLDER PICTURE
"""

from __future__ import annotations

import sys
from pathlib import Path

from soak.samples import Sample, read, verdict

__all__ = ["draw"]


def draw(curves: dict[str, list[Sample]], path: Path) -> None:
    """A picture of memory and file descriptors over time, one column for each soak.

    Args:
        curves: the samples by the name of the soak.
        path: the file to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(curves), figsize=(4.4 * len(curves), 4.2), squeeze=False, sharex="col")
    for (name, samples), (memory, descriptors) in zip(curves.items(), axes.T, strict=True):
        minutes = [each.seconds / 60 for each in samples]
        quiet = [each for each in samples if each.quiet]
        if len(quiet) < len(samples):
            memory.plot(minutes, [each.rss for each in samples], color="#c9cfd8", lw=0.6, label="under way")
        memory.plot([each.seconds / 60 for each in quiet], [each.rss for each in quiet], color="#1f5fa8", lw=1.2,
                    label="between files")  # fmt: skip
        memory.set_ylim(0, 1.25 * max(each.rss for each in samples))
        memory.set_ylabel("resident memory, MiB")
        memory.legend(loc="lower right", frameon=False, fontsize=8)
        found = verdict(samples)
        done = f"{found.frames:,} frames of {found.items:,} videos" if found.frames else f"{found.items:,} images"
        memory.set_title(f"{name}: {done}", fontsize=10)
        descriptors.step([each.seconds / 60 for each in quiet], [each.descriptors for each in quiet], color="#1f5fa8")
        descriptors.set_ylim(0, 1.25 * max(each.descriptors for each in quiet))
        descriptors.set_ylabel("open descriptors")
        descriptors.set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=90, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    folder, picture = map(Path, sys.argv[1:])
    draw({name: read(folder / f"{name}.csv") for name in ("images", "videos")}, picture)
