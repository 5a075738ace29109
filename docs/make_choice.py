"""Prints the table of "How `auto` chooses" in docs/models.md: what `auto` takes for images at half size, by codec.

python docs/make_choice.py IMAGES
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.image import read
from subpixel.image.compression import H264, Jpeg, WebP
from subpixel.metrics.protocol import images_below, shrink
from subpixel.models.auto import BLOCKINESS_THRESHOLD, choose_by_traces
from subpixel.ops.compression_traces import Traces, traces_of

U8 = NDArray[np.uint8]

# How each row's images are made. They are then measured as pixels, as if they were saved as PNG.
ROWS: dict[str, Callable[[U8], U8]] = {
    "not compressed": lambda image: image,
    **{f"JPEG {quality}": Jpeg(quality) for quality in (97, 95, 93, 90, 85, 75, 60, 40)},
    "JPEG 60, cut": lambda image: np.ascontiguousarray(Jpeg(60)(image)[3:, 5:]),
    "JPEG 60, then 96": lambda image: Jpeg(96)(Jpeg(60)(image)),
    "JPEG 60, then 3/4 of the size": lambda image: reduced(Jpeg(60)(image)),
    "WebP 75": WebP(75),
    "H.264, crf 18": H264(18),
    "H.264, crf 23": H264(23),
    "H.264, crf 28": H264(28),
}


def main(folder: Path) -> None:
    smalls = list(_halves(folder))
    print(f"{len(smalls)} images\n")
    print(
        f"| | taken as compressed | traces of a JPEG | median of its quality | blockiness from {BLOCKINESS_THRESHOLD} |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, make in ROWS.items():
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda image, make=make: traces_of(make(image)), smalls))
        print(f"| {name} | {_row(found)} |")


def reduced(image: U8) -> U8:
    from subpixel.ops import resize

    result: U8 = resize(image, scale=0.75, antialias=True)
    return result


def _halves(folder: Path) -> Iterator[U8]:
    for path in images_below(folder):
        yield shrink(read(path).pixels[..., :3], 2)[0]


def _row(found: list[Traces]) -> str:
    compressed = [choose_by_traces(traces, None, "clean", "compressed").compressed for traces in found]
    qualities = [traces.jpeg_quality for traces in found if traces.jpeg_quality is not None]
    median: Any = f"{np.median(qualities):.0f}" if qualities else "–"
    blocks = [traces.blockiness >= BLOCKINESS_THRESHOLD for traces in found]
    return f"{_share(compressed)} | {len(qualities) / len(found):.0%} | {median} | {_share(blocks)}"


def _share(values: list[bool]) -> str:
    return f"{np.mean(values):.1%}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
