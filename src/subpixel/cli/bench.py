"""``subpixel bench``: the machine's ceilings, this package and its peers, measured side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import Json, Scale, Threads


def bench(
    suite: Annotated[str, typer.Option(help="engine, ops, images, files, video or quality.")] = "engine",
    threads: Threads = None,
    rounds: Annotated[int, typer.Option(min=3, max=10000, help="Rounds counted of each group.")] = 15,
    seconds: Annotated[float, typer.Option(min=0, help="A group's rounds end early beyond so much time.")] = 20.0,
    only: Annotated[
        str, typer.Option(help="Of suites ops and files, the cases whose name has this.", show_default=False)
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Images of 100 megapixels too; 1,000 files.")] = False,
    superres: Annotated[
        Path | None,
        typer.Option(help="The folder with ESPCN_x3.pb … for OpenCV's dnn_superres.", show_default=False),
    ] = None,
    scale: Scale = 2,
    models: Annotated[
        Path | None,
        typer.Option(
            help="Of suite quality, a folder of model files to measure beside the shipped.", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Of suite quality, test sets for what no file has figures of; of suite video, a video.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A file for the results as JSON.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure ceilings, this package, and those peers that are installed, taking turns on equal threads."""
    from subpixel.backends import available_threads
    from subpixel.bench.machine import label
    from subpixel.bench.options import BenchOptions
    from subpixel.bench.report import text
    from subpixel.bench.suites import measure

    options = BenchOptions(
        available_threads() if threads is None else threads, rounds, seconds, full, superres, only, scale, models, data
    )
    # What is being measured is shown as it comes; with --json that is beside the result, not in it.
    stream = sys.stderr if as_json else sys.stdout
    results = measure(suite, options, lambda group: print(text([group]), end="\n\n", file=stream, flush=True))
    document = json.dumps(results.document(), indent=1, ensure_ascii=False)
    if out is not None:
        out.write_text(document + "\n", encoding="utf-8")
    if as_json:
        print(document)
    machine = results.machine
    print(
        f"{label(dict(machine))}; {options.threads} threads, load average before {machine['load_before']}", file=stream
    )
