"""``subpixel quantise``: add int8 parameters to a model file."""

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
) -> None:
    """Add int8 parameters to a model file.

    The command finds the ranges of the network's values, measures what int8 costs in dB, and writes both to the file.
    """
    from subpixel.metrics.calibration import calibrate
    from subpixel.models.files import load, save

    save(calibrate(load(model), data, print), out or model)
