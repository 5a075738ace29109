"""The process of a soak: images or videos, again and again, and a sample of itself after each round.

``python -m soak.work images SECONDS FOLDER`` writes ``FOLDER/images.csv``; ``videos`` likewise.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import subpixel
from helpers import random_image, save_image
from soak.samples import Sample, now, write
from subpixel.errors import SubpixelError
from video.clips import make_clip, sound

__all__ = ["KINDS"]

# Seconds between samples while a video is under way, and between writings of the curve.
_EVERY, _WRITTEN = 5.0, 30.0


class Curve:
    """The samples of this process, and the file that they are in."""

    def __init__(self, path: Path) -> None:
        self.path, self.start, self.samples = path, time.monotonic(), list[Sample]()
        self.items = self.frames = 0
        self._sampled = self._written = self.start

    def note(self, quiet: bool) -> None:
        if quiet:
            gc.collect()  # what only waits for the collector is no leak
        self._sampled = time.monotonic()
        self.samples.append(now(self.start, self.items, self.frames, quiet))
        if self._sampled - self._written > _WRITTEN:
            self.close()

    def under_way(self) -> None:
        if time.monotonic() - self._sampled > _EVERY:
            self.note(quiet=False)

    def close(self) -> None:
        self._written = time.monotonic()
        write(self.samples, self.path)


def _refused(action: Callable[[], object], what: Path) -> None:
    try:
        action()
    except SubpixelError:
        return
    raise AssertionError(f"{what} is damaged and was not refused")


def images(folder: Path, curve: Curve) -> Iterator[None]:
    """Every format that is written, several kinds of pixels and sizes, damaged files, and arrays."""
    sources = []
    for number, (suffix, shape, dtype) in enumerate(
        (
            (".jpg", (240, 320, 3), np.uint8),
            (".png", (240, 320, 4), np.uint8),
            (".png", (180, 333, 3), np.uint16),
            (".tif", (150, 201, 3), np.float32),
            (".webp", (240, 320, 3), np.uint8),
            (".gif", (96, 128, 3), np.uint8),
            (".avif", (96, 128, 3), np.uint8),
            (".jpg", (97, 803), np.uint8),
        )
    ):
        sources.append(save_image(folder / f"{number}{suffix}", random_image(shape, dtype, number)))
    damaged = []
    for number, suffix in enumerate((".jpg", ".png", ".tif", ".webp", ".gif", ".avif")):
        path = save_image(folder / f"damaged{number}{suffix}", random_image((120, 160, 3), np.uint8, number))
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        damaged.append(path)
    pixels = random_image((120, 160, 3), np.uint8, 1)
    while True:
        for source in sources:
            subpixel.image.upscale_file(source, folder / f"large{source.suffix}", 2, overwrite=True)
            curve.items += 1
        for path in damaged:
            _refused(
                lambda p=path: subpixel.image.upscale_file(p, folder / f"large{p.suffix}", 2, overwrite=True), path
            )
            curve.items += 1
        assert subpixel.upscale(pixels, 3).shape == (360, 480, 3)
        curve.items += 1
        yield


def videos(folder: Path, curve: Curve) -> Iterator[None]:
    """Short videos with sound, one of a minute, images that are frames, a network with a memory, a damaged file."""

    def tone(out: Any) -> Callable[[Any], None]:
        written = sound(out, seconds=Fraction(2))
        return lambda _out: written()

    short = make_clip(
        folder / "short.mp4", size=(160, 120), times=range(48), time_base=Fraction(1, 24), others=tone
    )  # fmt: skip
    minute = make_clip(folder / "minute.mkv", size=(192, 108), times=range(1440), time_base=Fraction(1, 24))
    ten_bits = make_clip(
        folder / "ten.mkv", codec="libx265", pix_fmt="yuv420p10le", size=(128, 96), times=range(24),
        time_base=Fraction(1, 24),
    )  # fmt: skip
    damaged = folder / "damaged.mp4"
    damaged.write_bytes(short.read_bytes()[: short.stat().st_size // 2])

    def upscaled(source: Path, name: str, frames: int, scale: int = 2, **options: str) -> None:
        def progress(*_: object) -> None:
            curve.under_way()

        subpixel.video.upscale_file(source, folder / name, scale, overwrite=True, progress=progress, **options)  # type: ignore[arg-type]
        curve.items += 1
        curve.frames += frames

    while True:
        upscaled(short, "large.mp4", 48)
        upscaled(short, "large.mkv", 48)
        upscaled(ten_bits, "large10.mkv", 24)
        upscaled(ten_bits, "moved.mkv", 24, 3, model="recurrent")
        upscaled(short, "frames/%04d.png", 48)
        _refused(lambda: subpixel.video.upscale_file(damaged, folder / "none.mp4", 2, overwrite=True), damaged)
        curve.items += 1
        upscaled(minute, "large_minute.mkv", 1440)
        yield


KINDS = {"images": images, "videos": videos}


def main(kind: str, seconds: float, folder: Path) -> None:
    files = folder / f"{kind}_files"
    files.mkdir(parents=True, exist_ok=True)
    curve = Curve(folder / f"{kind}.csv")
    for _ in KINDS[kind](files, curve):
        curve.note(quiet=True)
        if time.monotonic() - curve.start > seconds:
            break
    curve.close()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
