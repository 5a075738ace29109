"""What the system says while a video is written, as one of our errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subpixel.errors import VideoWriteError
from subpixel.storage.os_errors import said_by_system

__all__ = ["writing"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within it a failure of the system becomes a VideoWriteError that names ``path``."""
    try:
        yield
    except VideoWriteError:
        raise
    except OSError as error:
        raise VideoWriteError(f"{path}: cannot be written: {said_by_system(error)}") from None
