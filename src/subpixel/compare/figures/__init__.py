"""The figures of the laboratory, each by name, from any image: an explicit list, and :func:`draw`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from subpixel.backends import available_threads
from subpixel.compare.figures import (
    checkerboards,
    identity,
    interpolated,
    sampled,
    shuffled,
    tiny,
    transposed,
    weights,
)
from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import needs_matplotlib, save
from subpixel.compare.figures.subject import Subject
from subpixel.errors import unknown

__all__ = ["FIGURES", "Figure", "draw"]

FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        shuffled.FIGURE,
        *interpolated.FIGURES,
        transposed.FIGURE,
        sampled.FIGURE,
        tiny.FIGURE,
        identity.FIGURE,
        weights.FIGURE,
        checkerboards.FIGURE,
    )
}


def draw(name: str, image: Any, folder: str | Path, *, seed: int = 0, threads: int | None = None) -> Path:
    """Draw a figure of an image.

    Args:
        name: of a figure, a key of :data:`FIGURES`.
        image: ``(H, W)`` or ``(H, W, 1)`` gray, ``(H, W, 3)`` RGB; u8, of at least 16×16. Figures show its middle.
        folder: where ``NAME.png`` is written; it is made if it is not there.
        seed: of random weights and grids.
        threads: of training; the default is as many as this process may use.

    Returns:
        The path of the file.

    Raises:
        InvalidArgument: the name is unknown, or the image is too small or no image.
        MissingExtra: matplotlib is not installed, or torch for a figure that trains.

    >>> import numpy as np, tempfile
    >>> noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw("shuffle", noise, folder).name
    'shuffle.png'
    """
    if name not in FIGURES:
        raise unknown("figure", name, FIGURES)
    subject = Subject.of(image, seed, available_threads() if threads is None else threads)
    needs_matplotlib()  # before anything is trained
    sheet = FIGURES[name].sheet(subject)
    path = Path(folder) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    save(sheet, path)
    return path
