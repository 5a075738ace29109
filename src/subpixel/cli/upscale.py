"""``subpixel upscale``: enlarge picture files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import Backend, Ensemble, Model, Precision, Scale, Strength, Threads
from subpixel.errors import InvalidArgument, SubpixelError


def upscale(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Pictures.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write, or a folder; without it name_x2.png beside each picture."),
    ] = None,
    scale: Scale = 2,
    model: Model = "auto",
    threads: Threads = None,
    backend: Backend = "auto",
    precision: Precision = "auto",
    ensemble: Ensemble = False,
    strength: Strength = 1.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
) -> int:
    """Enlarge pictures. What belongs to a picture (profile, EXIF, 16 bits, transparency) is kept."""
    from subpixel.image import Job
    from subpixel.upscaler import Upscaler

    upscaler = Upscaler(model, scale, backend, precision, threads, ensemble=ensemble, strength=strength)
    a_folder = output is not None and os.path.isdir(output)  # unlike Path.is_dir it raises nothing
    to_folder = a_folder or (output is not None and len(inputs) > 1)
    if to_folder and not a_folder:
        raise InvalidArgument(f"{output}: with {len(inputs)} pictures the output must be a folder that exists")
    jobs = [
        Job(
            source,
            upscaler,
            destination=None if to_folder else output,
            folder=output if to_folder else None,
            overwrite=overwrite,
        )
        for source in inputs
    ]
    planned = Counter(job.destination or job.planned() for job in jobs)
    for path, count in planned.items():
        if count > 1:
            raise InvalidArgument(f"{path}: {count} of the pictures would be written there; give them different names")
    failed = 0
    for number, job in enumerate(jobs, 1):
        try:
            result = job.run()
        except SubpixelError as error:
            if len(jobs) == 1:
                raise
            failed += 1
            print(f"error: {error}", file=sys.stderr)
            continue
        for note in result.notes:
            print(f"note: {job.source}: {note}", file=sys.stderr)
        width, height = result.size_out
        place = f"[{number}/{len(jobs)}] " if len(jobs) > 1 else ""
        seconds = f"{sum(result.seconds.values()):.2f} s"
        chosen = f"  auto: {result.choice}" if model == "auto" else ""
        print(f"{place}{job.source} → {result.destination}  {width}×{height}  {seconds}{chosen}")
    if failed:
        print(f"error: {failed} of {len(jobs)} pictures failed", file=sys.stderr)
    return 0 if not failed else 1 if failed == len(jobs) else 3
