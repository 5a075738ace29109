"""``subpixel quantise``: add int8 parameters and the threshold of flat cells to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import FILES


def quantise(
    model: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .safetensors file of a luma network.", show_default=False)
    ],
    data: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Measure on the 8-bit images in this folder. Do not use the images of a test set.",
            rich_help_panel=FILES,
        ),
    ],
    held_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Measure the loss on the images that this text file names, and choose by the others: a relative path "
            "or a pattern such as houses_*.jpg a line. Default: every other image.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write to this file. Default: the model file itself.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    flat: Annotated[
        bool,
        typer.Option(
            "--flat",
            help="Only find the threshold of flat parts; keep the rest of the file.",
            rich_help_panel="What is added",
        ),
    ] = False,
) -> None:
    """Add int8 parameters to a model file.

    The command finds the ranges of the network's values and integers for its weights, measures what int8 costs in dB,
    and writes all of it to the file. In f32 the network computes what it did. Then the command finds the largest
    threshold of flat parts that costs at most 0.01 dB and 3 codes of 255.
    """
    from subpixel.backends.flat import has_flat_cells
    from subpixel.metrics.calibration import calibrate
    from subpixel.metrics.flat_calibration import measure_flat
    from subpixel.metrics.image_sets import images_below
    from subpixel.models.files import load, save
    from subpixel.train.held_out import split

    given = load(model)
    measured = None if held_out is None or flat else split(data, images_below(data), held_out)[1]
    calibrated = given if flat else calibrate(given, data, print, measured)
    if flat or has_flat_cells(given.spec):
        calibrated = measure_flat(calibrated, data, print)
    save(calibrated, out or model)
