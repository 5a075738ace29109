"""Small files written whole: to a scratch file beside them, then renamed."""

from __future__ import annotations

from pathlib import Path

from subpixel.storage.locks import scratch_file

__all__ = ["write_whole"]


def write_whole(path: str | Path, content: str | bytes) -> Path:
    """Write a file in one step: it has its new content or, after any error, its old one.

    Args:
        path: the file; it is replaced if it exists.
        content: bytes, or text that is written as UTF-8. What UTF-8 cannot hold, which a file name in a text may be,
            is escaped.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a.txt"), "café").read_bytes()
    b'caf\\xc3\\xa9'
    """
    target = Path(path)
    with scratch_file(target, target.suffix) as scratch:
        scratch.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        scratch.replace(target)
    return target
