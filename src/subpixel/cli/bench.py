"""``subpixel bench``: the speed of the machine, this package and its peers, measured side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import COMPUTATION, DATA, FILES, Json, Threads, integer


def bench(
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Measure overview (some of each, in two minutes), engine, ops, images, files, video, flat, "
            "quality or serve.",
            rich_help_panel=DATA,
        ),
    ] = "overview",
    only: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Measure only cases whose name contains this text (suites ops and files).",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = "",
    scale: Annotated[
        int,
        typer.Option(
            "-s",
            "--scale",
            parser=integer,
            metavar="N",
            help="Measure networks of this factor: 2, 3, 4 or 8 (suite quality).",
            rich_help_panel=DATA,
        ),
    ] = 2,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also measure the model files in this folder (suite quality); measure only them (suite flat).",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Use these test sets for models without recorded figures (suite quality), this video (suite "
            "video), or these images or this video (suite flat).",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    superres: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also measure OpenCV's dnn_superres with its model files (ESPCN_x3.pb and others) in this folder.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Also measure images of 100 megapixels and 1,000 files.", rich_help_panel=DATA),
    ] = False,
    rounds: Annotated[
        int,
        typer.Option(
            metavar="N", min=3, max=10000, help="Time each case this often, 3 to 10000.", rich_help_panel=COMPUTATION
        ),
    ] = 15,
    seconds: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0.0,
            help="Stop timing a group after this many seconds, even if rounds are left.",
            rich_help_panel=COMPUTATION,
        ),
    ] = 20.0,
    threads: Threads = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write the results to this file as JSON.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the speed of this machine, this package and its peers.

    The peers are the installed ones of torch, ONNX Runtime, OpenVINO, OpenCV and pyanime4k. All run in turns on the
    same number of threads. Let the machine do nothing else meanwhile.
    """
    from subpixel.backends import available_threads
    from subpixel.bench.machine import label
    from subpixel.bench.options import BenchOptions
    from subpixel.bench.report import text
    from subpixel.bench.suites import measure

    options = BenchOptions(
        available_threads() if threads is None else threads,
        rounds,
        seconds,
        full,
        superres,
        only,
        scale,
        models,
        data,
        progress=lambda line: print(f"{line} …", file=sys.stderr, flush=True),
    )
    # Groups are printed as they are measured; with --json to standard error, since standard output holds the JSON.
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
