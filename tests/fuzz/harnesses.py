"""All harnesses by name, and one of them run on a file."""

from __future__ import annotations

from pathlib import Path

from fuzz import image_files, metadata, model_files, video_files
from fuzz.harness import Harness

__all__ = ["HARNESSES", "check_file"]

HARNESSES: dict[str, Harness] = {
    harness.name: harness
    for module in (model_files, metadata, image_files, video_files)
    for harness in module.HARNESSES
}


def check_file(path: Path) -> object:
    """A file through the harness that its name begins with: ``NAME--…``. For :func:`malformed.fuzzing.fuzz`."""
    return HARNESSES[path.name.partition("--")[0]].check(path.read_bytes())
