"""Temporary folders that do not outlive the process, however a signal ends it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from subpixel.storage.interrupts import on_sudden_end

__all__ = ["temporary_folder"]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A temporary folder, removed at the end.

    >>> with temporary_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    # Not TemporaryDirectory: its name is known only when it exists, and then a signal may come first.
    path = Path(tempfile.gettempdir(), f"subpixel-{secrets.token_hex(8)}")
    remove = partial(shutil.rmtree, path, ignore_errors=True)
    with on_sudden_end(remove):
        try:
            path.mkdir(0o700)
            yield path
        finally:
            remove()
