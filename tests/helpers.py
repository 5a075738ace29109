"""What tests of several folders need: random images, image files, the content of a folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.backends import BACKENDS

__all__ = ["UNCOMPILED", "folder_content", "leaves_the_lock", "random_image", "save_image"]

# The backends without the one that compiles each network for minutes; tests/backends/test_compiled.py has that one.
UNCOMPILED = [name for name in BACKENDS if name != "torch-compiled"]


def random_image(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> NDArray[Any]:
    """Waves with some noise over the dtype's whole range; alpha, where there is one, varies and is often 0 or full.

    Args:
        shape: ``(H, W)`` or ``(H, W, C)``.
        dtype: u8, u16 or f32 (0 … 1).
        seed: another number is another image.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    phase = rng.uniform(0, 6, shape[2:])
    waves = np.sin(np.multiply.outer(x / 5, np.ones(shape[2:])) + phase) * np.cos(
        np.multiply.outer(y / 4, np.ones(shape[2:])) - phase
    )
    values = np.clip(0.5 + 0.3 * waves + rng.normal(0, 0.06, shape), 0, 1)
    if len(shape) == 3 and shape[2] in (2, 4):
        values[..., -1] = np.clip(rng.uniform(-0.5, 1.5, shape[:2]), 0, 1)
    if dtype == np.float32:
        return values.astype(np.float32)
    return np.round(values * np.iinfo(dtype).max).astype(dtype)


def save_image(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    """Write a file with libvips, without this package; returns its path.

    Args:
        path: its suffix chooses the format.
        pixels: ``(H, W)`` or ``(H, W, C)``; u8, u16 or f32.
        options: of libvips' writer.
    """
    gray = pixels.ndim == 2 or pixels.shape[2] < 3
    wide = pixels.dtype == np.uint16
    space = ("grey16" if wide else "b-w") if gray else ("rgb16" if wide else "srgb")
    if pixels.dtype == np.float32 and not gray:
        space = "scrgb"
    image = pyvips.Image.new_from_array(pixels).copy(interpretation=space)
    image.write_to_file(str(path), **options)
    return path


def folder_content(folder: Path) -> dict[str, bytes | str]:
    """Every path below a folder with its content; of links what they point at."""
    content: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            content[name] = f"-> {path.readlink()}"
        else:
            content[name] = "folder" if path.is_dir() else path.read_bytes()
    return content


def leaves_the_lock(work: Callable[[], object], attempts: int = 50) -> bool:
    """Whether other threads run while one is in ``work``, a call of compiled code that takes some milliseconds.

    With the interpreter's lock held, another thread wakes before the call and after it, and never between. On a busy
    machine it may miss a call that leaves the lock, so there are several attempts.
    """
    for _ in range(attempts):
        done, turns = threading.Event(), 0

        def run(done: threading.Event = done) -> None:
            work()
            done.set()

        worker = threading.Thread(target=run)
        worker.start()
        while not done.wait(0.001):
            turns += 1
        worker.join()
        if turns > 3:
            return True
    return False
