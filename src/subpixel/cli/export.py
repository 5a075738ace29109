"""``subpixel export``: a model as a file of another project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli import completion
from subpixel.cli.options import FILES, OUTPUT, integer

_MODEL = "What is exported"


def export(
    model: Annotated[
        str,
        typer.Option(
            "-n",
            "--model",
            metavar="NAME",
            autocompletion=completion.models,
            help="Export this model: a name that `subpixel models` lists, auto, or the path of a .safetensors, .pth, "
            ".pt or .onnx file.",
            rich_help_panel=_MODEL,
        ),
    ] = "auto",
    scale: Annotated[
        int | None,
        typer.Option(
            "-s",
            "--scale",
            parser=integer,
            metavar="N",
            help="Export the model of this scale: 2, 3, 4 or 8. Default: the first that it has.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            autocompletion=completion.export_formats,
            help="Write onnx, openvino (an .xml and a .bin file), torch (a .pt file with weights and a .py file with a "
            "plain module) or safetensors (the same without pickle). Default: by the suffix of the output, else onnx.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="NAME",
            help="Write f32; f16 for GPUs; int8, which gives the codes of subpixel's int8, slower than f32; or "
            "int8-qdq, which is faster and gives other codes.",
            rich_help_panel=OUTPUT,
        ),
    ] = "f32",
    io: Annotated[
        str,
        typer.Option(
            "--io",
            metavar="NAME",
            help="Read and write planes (the network's own, in f32), luma (the same, refused for networks on RGB), or "
            "rgb (whole images of 8 bits).",
            rich_help_panel=OUTPUT,
        ),
    ] = "planes",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to this file. Default: name_x2.onnx in the current folder.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing files.", rich_help_panel=FILES)
    ] = False,
) -> None:
    """Write a model as a file of another project: ONNX, OpenVINO or PyTorch.

    The file takes images of any size. It is run and its result compared with subpixel's before it is put in place.
    """
    from subpixel.cli.option_names import with_option_names
    from subpixel.cli.reporting import printable
    from subpixel.export import export_model

    done = export_model(model, scale, output, format=form, precision=precision, io=io, overwrite=overwrite)
    for path in done.paths:
        print(printable(f"{path}: {path.stat().st_size:,} bytes"))
    if done.checked:
        print(done.checked)
    for note in done.notes:
        print(f"note: {printable(with_option_names(note))}", file=sys.stderr)
