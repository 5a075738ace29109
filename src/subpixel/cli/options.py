"""Options that several commands share, and the panels that group options in the help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from subpixel.cli import completion

__all__ = [
    "COMPUTATION",
    "DATA",
    "FILES",
    "OUTPUT",
    "REPORTING",
    "AnyScale",
    "Backend",
    "Deinterlace",
    "Device",
    "Ensemble",
    "Exact",
    "Fit",
    "Height",
    "Json",
    "Model",
    "Precision",
    "Scale",
    "SideBySide",
    "Strength",
    "Threads",
    "Tile",
    "Width",
    "integer",
    "scale_option",
]

# The titles of the panels.
OUTPUT = "What comes out"
COMPUTATION = "How it is computed"
DATA = "What is measured"
FILES = "Files"
REPORTING = "Reporting"


def integer(text: str) -> int:
    """Parse a scale."""
    try:
        value = int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an integer. Use 2, 3, 4 or 8.") from None
    if value < 1:
        raise typer.BadParameter(f"{text} is not possible. Use 2, 3, 4 or 8.")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number. Use for example 2 or 2.5.") from None


def _box(text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a width and a height. Use for example 3840x2160.") from None


def scale_option(text: str, panel: str) -> Any:
    """The option ``-s`` of whole numbers."""
    return typer.Option("-s", "--scale", parser=integer, metavar="N", help=text, rich_help_panel=panel)


Scale = Annotated[int, scale_option("Upscale by this factor: 2, 3, 4 or 8.", OUTPUT)]
AnyScale = Annotated[
    float | None,
    typer.Option(
        "-s",
        "--scale",
        parser=_number,
        metavar="N",
        help="Upscale by this factor: any number up to 64, such as 2, 3 or 2.5. A factor of 1 cleans what is "
        "compressed. Default: 2.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Width = Annotated[
    int | None,
    typer.Option(
        "--width",
        metavar="PIXELS",
        help="Set the width of the result instead of the scale. The height follows.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Height = Annotated[
    int | None,
    typer.Option(
        "--height",
        metavar="PIXELS",
        help="Set the height of the result instead of the scale. The width follows.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Fit = Annotated[
    Any,
    typer.Option(
        "--fit",
        parser=_box,
        metavar="WxH",
        help="Make the largest result that fits into a box, for example 3840x2160.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
SideBySide = Annotated[
    bool,
    typer.Option(
        "--side-by-side", help="Show bicubic on the left and the result on the right.", rich_help_panel=OUTPUT
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "-n",
        "--model",
        metavar="NAME",
        autocompletion=completion.models,
        help="Use this model: a name that `subpixel models` lists, auto, or the path of a .safetensors, .pth, .pt "
        "or .onnx file.",
        rich_help_panel=COMPUTATION,
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="NAME",
        autocompletion=completion.precisions,
        help="Compute in f32, bf16 or int8. auto takes int8 if it costs at most 0.05 dB.",
        rich_help_panel=COMPUTATION,
    ),
]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="Average over 8 flips and rotations. It is slightly better and takes 8 times as long.",
        rich_help_panel=COMPUTATION,
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        "--strength",
        metavar="X",
        help="Mix bicubic (0) with the result of the network (1).",
        rich_help_panel=COMPUTATION,
    ),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Compute the network everywhere. By default flat parts are resized plainly where that costs at most "
        "0.01 dB.",
        rich_help_panel=COMPUTATION,
    ),
]
Deinterlace = Annotated[
    bool,
    typer.Option(
        "--deinterlace",
        help="Turn interlaced fields into whole frames first. Progressive frames stay as they are.",
        rich_help_panel=COMPUTATION,
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="NAME",
        autocompletion=completion.backends,
        help="Run the network with native (the compiled engine), reference (NumPy), torch, torch-compiled, "
        "onnxruntime, openvino, or auto, which is one of the first two.",
        rich_help_panel=COMPUTATION,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        autocompletion=completion.devices,
        help="Run the network on cpu, cuda, mps or gpu (OpenVINO's), or on auto: a GPU if one is here.",
        rich_help_panel=COMPUTATION,
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        "-t",
        "--tile",
        metavar="PIXELS",
        help="Tile size in pixels. Default: chosen to limit memory.",
        show_default=False,
        rich_help_panel=COMPUTATION,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--threads",
        metavar="N",
        min=1,
        max=1024,
        help="Use this many threads, 1 to 1024. Default: all processors that this process may use.",
        show_default=False,
        rich_help_panel=COMPUTATION,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.", rich_help_panel=REPORTING)]
