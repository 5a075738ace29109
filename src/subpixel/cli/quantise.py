"""``subpixel quantise``: give a model file its int8 form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def quantise(
    model: Annotated[Path, typer.Argument(help="A .safetensors file of a luma network.")],
    data: Annotated[Path, typer.Option(help="A folder of 8-bit images; not those it will be tested on.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Default: the same file.", show_default=False)] = None,
) -> None:
    """Find the ranges of a network's values, measure what int8 costs, and write both into its file."""
    from subpixel.metrics.calibration import calibrate
    from subpixel.models.files import load, save

    save(calibrate(load(model), data, print), out or model)
