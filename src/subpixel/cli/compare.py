"""``subpixel compare``: every upsampler on one image, in one decoder, at one cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import COMPUTATION, DATA, FILES, OUTPUT, REPORTING, Threads, scale_option
from subpixel.errors import InvalidArgument

# Clears the line of a terminal.
_CLEAR = "\r\x1b[K"

# The title of a panel that only this command has.
_EXPERIMENTS = "Trained networks"


def compare(
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]",
            help="An image file. --decoder and --lr-hr also run without one.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[int, scale_option("Compare at this factor: 2, 3, 4 or 8.", DATA)] = 2,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference/--no-reference",
            help="Take the image for the truth, make it small and upscale it again. Without a reference, upscale the "
            "image itself; there is no PSNR then.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = True,
    degradation: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Make the small image by this filter: bicubic, area, lanczos or nearest.",
            rich_help_panel=DATA,
        ),
    ] = "bicubic",
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help="Compare only these methods, separated by commas. An unknown name lists the choices. Default: all.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            metavar="PIXELS",
            help="Of a larger image, use the part with most detail, of this side after upscaling.",
            rich_help_panel=DATA,
        ),
    ] = 640,
    decoder: Annotated[
        bool,
        typer.Option(
            "--decoder",
            help="Train a segmentation network with each upsampler in its decoder and compare them.",
            rich_help_panel=_EXPERIMENTS,
        ),
    ] = False,
    lr_hr: Annotated[
        bool,
        typer.Option(
            "--lr-hr",
            help="Compare a network in LR space with one in HR space, trained alike (x2, x3, x4).",
            rich_help_panel=_EXPERIMENTS,
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Train on the images in this folder. Default: images that are made from the seed.",
            show_default=False,
            rich_help_panel=_EXPERIMENTS,
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Take the classes from the masks in this folder, which have the names of the images (--decoder).",
            show_default=False,
            rich_help_panel=_EXPERIMENTS,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Train for about this long on two processor cores. Default: 20 for --decoder, 12 for --lr-hr.",
            show_default=False,
            rich_help_panel=_EXPERIMENTS,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Train everything this many times. Default: 5 for --decoder, 3 for --lr-hr.",
            show_default=False,
            rich_help_panel=_EXPERIMENTS,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Start everything random from this number.", rich_help_panel=COMPUTATION),
    ] = 0,
    threads: Threads = None,
    figure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Draw only this figure of the image. An unknown name lists the choices.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Write the report to this folder. Default: name_compare beside the image.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace an earlier report in the folder.", rich_help_panel=FILES),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the results as JSON instead of a table.", rich_help_panel=REPORTING),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only notes and errors.", rich_help_panel=REPORTING)
    ] = False,
) -> int:
    """Compare all upsamplers on one image: a report with figures and tables.

    The image is made small and upscaled by every method. The report has their quality, time, multiply-adds and
    checkerboard, the same crop of each, and figures that explain them.

    HTML and figures need the extra `compare`, methods that are trained the extra `train`: install
    'subpixel[compare,train]'. Without them, the rest is still written. If interrupted, run the same command again to
    resume trainings that are done.
    """
    from subpixel.cli.reporting import printable
    from subpixel.compare.laboratory import Laboratory

    if image is None and not (decoder or lr_hr):
        raise InvalidArgument("an image is needed, or --decoder or --lr-hr; see `subpixel compare --help`")
    if figure is not None and image is None:
        raise InvalidArgument("--figure needs an image")
    if masks is not None and not decoder:
        raise InvalidArgument("--masks works only with --decoder")
    if data is not None and not (decoder or lr_hr):
        raise InvalidArgument("--data works only with --decoder and --lr-hr")
    shown = not quiet and sys.stderr.isatty()
    clear = _CLEAR if shown else ""
    laboratory = Laboratory(
        None if image is None else Path(image),
        output,
        scale=scale,
        reference=reference,
        degradation=degradation,
        methods=_names(methods),
        size=size,
        decoder=decoder,
        lr_hr=lr_hr,
        data=data,
        masks=masks,
        minutes=minutes,
        seeds=seeds,
        seed=seed,
        threads=threads,
        overwrite=overwrite,
        name=None if image is None else printable(Path(image).name),
        on_note=lambda text: print(f"{clear}note: {printable(text)}", file=sys.stderr),
    )
    with _line(enabled=shown) as progress:
        if figure is not None:
            path = laboratory.draw(figure)
            if not quiet:
                print(printable(str(path)))
            return 0
        outcome = laboratory.run(progress)
    if as_json:
        print(outcome.json, end="")
    elif not quiet:
        print(outcome.markdown, end="")
    if not quiet:
        print(f"{printable(str(outcome.where))}: {'done before' if outcome.before else 'written'}", file=sys.stderr)
    return 0


def _names(methods: list[str] | None) -> list[str] | None:
    """The names of an option that is repeated or lists several, without what is empty."""
    if not methods:
        return None
    names = [name.strip() for text in methods for name in text.split(",")]
    return [name for name in names if name]


@contextmanager
def _line(*, enabled: bool) -> Iterator[Callable[[str], None] | None]:
    """What is done at the moment, on one line of a terminal."""
    if not enabled:
        yield None
        return
    try:
        yield lambda text: print(f"{_CLEAR}{text[:78]}", end="", file=sys.stderr, flush=True)
    finally:
        print(_CLEAR, end="", file=sys.stderr, flush=True)
