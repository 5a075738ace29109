"""The temporary folder of a worker. One that was killed could not remove its own, so the next worker does."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_worker_folder", "worker_folder"]

_NAME = re.compile(r"subpixel-worker-(\d+)")


def worker_folder() -> Path:
    """This process's temporary folder. Those of processes that are gone are removed."""
    place = Path(tempfile.gettempdir())
    own = place / f"subpixel-worker-{os.getpid()}"
    if not own.is_dir():
        for path in place.glob("subpixel-worker-*"):
            found = _NAME.fullmatch(path.name)
            if found is not None and not _runs(int(found[1])):
                shutil.rmtree(path, ignore_errors=True)
        own.mkdir(mode=0o700)
    return own


def remove_worker_folder() -> None:
    """Remove the temporary folder of this process."""
    shutil.rmtree(Path(tempfile.gettempdir(), f"subpixel-worker-{os.getpid()}"), ignore_errors=True)


def _runs(process: int) -> bool:
    with suppress(OSError):
        os.kill(process, 0)
        return True
    return os.path.exists(f"/proc/{process}")  # of another user
