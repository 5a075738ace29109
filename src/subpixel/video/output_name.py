"""The default path of the result of a video."""

from __future__ import annotations

from pathlib import Path

from subpixel.upscaler import Target
from subpixel.video.containers import CONTAINERS

__all__ = ["DEFAULT_SUFFIX", "output_path"]

# Of a source in a container that is not written here: Matroska holds nearly every stream.
DEFAULT_SUFFIX = ".mkv"


def output_path(source: Path, target: Target, suffix: str | None = None, *, preview: bool = False) -> Path:
    """The path of a result beside its source, such as ``name_x2.mp4``.

    Args:
        source: the video.
        target: the size of the result.
        suffix: of the result; None for the source's suffix, or ``.mkv`` if that container is not written here.
        preview: whether the name says that it is a preview.

    >>> output_path(Path("a/video.avi"), Target(scale=2)).as_posix()
    'a/video_x2.mkv'
    """
    if suffix is None:
        written = {each for container in CONTAINERS for each in container.suffixes}
        suffix = source.suffix if source.suffix.lower() in written else DEFAULT_SUFFIX
    return source.with_name(f"{source.stem}_{target.label}{'_preview' if preview else ''}{suffix}")
