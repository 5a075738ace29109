"""The arguments of a Job from what was asked for: one place, so that every caller writes the same bytes."""

from __future__ import annotations

from typing import Any

from subpixel.image.batch.settings_fingerprint import settings_fingerprint
from subpixel.image.output_pixels import Colour, OutputPixels

__all__ = ["job_options"]


def job_options(
    model: str,
    *,
    precision: str = "auto",
    ensemble: bool = False,
    strength: float = 1.0,
    exact: bool = False,
    quality: int | None = None,
    background: Colour | None = None,
    depth: int | None = None,
    page: int | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Arguments of :class:`subpixel.image.Job`: what was asked for, and the text of it that is written into a result.

    Args:
        model, precision, ensemble, strength, exact: as the Upscaler of the job was made.
        quality, background, depth, page: as for the job.
        others: further arguments of the job, which do not change what a result records.

    Raises:
        InvalidArgument: no such colour, or another depth.
        OSError: a model file cannot be read.

    >>> job_options("fast", strength=0.5, limit=10)["settings"]
    'model=fast precision=auto ensemble=False strength=0.5'
    """
    asked: dict[str, Any] = {"precision": precision, "ensemble": ensemble, "strength": strength, "quality": quality}
    settings = settings_fingerprint(
        model, **asked, **OutputPixels.of(background, depth).settings, page=page, exact=exact or None
    )
    return {
        "settings": settings,
        "quality": quality,
        "background": background,
        "depth": depth,
        "page": page,
        **others,
    }
