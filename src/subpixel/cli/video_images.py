"""Options of ``subpixel video`` for sequences of images, and its runs that write them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli.options import FILES, OUTPUT
from subpixel.errors import InvalidArgument

if TYPE_CHECKING:
    from subpixel.upscaler import Upscaler
    from subpixel.video import Settings
    from subpixel.video.images.image_output import ImageOutput

__all__ = ["Rate", "StartNumber", "check_images", "image_job", "names_images"]


def _rate(text: str) -> Fraction:
    from subpixel.video.images.frame_rate import parse_rate

    try:
        return parse_rate(text)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from None


Rate = Annotated[
    Fraction | None,
    typer.Option(
        "--rate",
        parser=_rate,
        metavar="RATE",
        show_default=False,
        help="Show so many images a second, where the input is a sequence of images: 24, 23.976 or 24000/1001. "
        "Default: 25.",
        rich_help_panel=OUTPUT,
    ),
]
StartNumber = Annotated[
    int | None,
    typer.Option(
        "--start-number",
        metavar="N",
        min=0,
        show_default=False,
        help="Give the first image this number, where images are written. Default: 1, or that of the first image of "
        "the input.",
        rich_help_panel=FILES,
    ),
]


def check_images(*, wanted: bool, start_number: int | None, realtime: bool) -> None:
    """Check options that are for images only, or not for images.

    Args:
        wanted: whether images are written.
        start_number: of the first.
        realtime: whether a frame rate is to be held.

    Raises:
        InvalidArgument: one of them does not fit.
    """
    if not wanted and start_number is not None:
        raise InvalidArgument("--start-number is for images: name them with -o, as in -o frames/%04d.png")
    if wanted and realtime:
        raise InvalidArgument("--realtime is for videos, and images are written")


def names_images(inputs: Sequence[str]) -> bool:
    """Whether the input is one sequence of images: a pattern such as ``frames/%04d.png``, or a folder of images."""
    from subpixel.video.images.folder_kind import folder_kind
    from subpixel.video.images.number_pattern import NumberPattern

    if len(inputs) != 1:
        return False
    if os.path.isdir(inputs[0]):
        return folder_kind(inputs[0]) == "images"
    return NumberPattern.of(inputs[0]) is not None


def image_job(
    path: Path,
    upscaler: Upscaler,
    output: str,
    settings: Settings,
    *,
    realtime: bool,
    rate: Fraction | None,
    **others: Any,
) -> ImageOutput:
    """The job that writes an image for each frame.

    Args:
        path: of the source.
        upscaler: for its frames.
        output: the names of the images.
        settings: of an encoder, which must be none.
        realtime, rate: of a rate to hold, which :func:`check_images` has refused.
        others: further arguments of the job.
    """
    from subpixel.video.images.image_output import ImageOutput

    job = ImageOutput(path, upscaler, Path(output), **others)
    job.check_settings(settings)
    return job
