"""Options that several commands share, stated once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

__all__ = [
    "AnyScale",
    "Backend",
    "Ensemble",
    "Fit",
    "Height",
    "Json",
    "Model",
    "Precision",
    "Scale",
    "Strength",
    "Threads",
    "Tile",
    "Width",
]


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an integer; 2, 3, 4 or 8 would be") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number; 2 or 2.5 would be") from None


def _box(text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a width and a height; 3840x2160 would be") from None


Scale = Annotated[
    int, typer.Option("-s", "--scale", parser=_whole_number, metavar="N", help="How many times larger: 2, 3, 4 or 8.")
]
AnyScale = Annotated[
    float | None,
    typer.Option(
        "-s",
        "--scale",
        parser=_number,
        metavar="N",
        help="How many times larger: 2 (the default), 3, 2.5 … up to 64; 1 cleans a compressed image.",
        show_default=False,
    ),
]
Width = Annotated[
    int | None, typer.Option("--width", metavar="PIXELS", help="Width of the result instead.", show_default=False)
]
Height = Annotated[
    int | None, typer.Option("--height", metavar="PIXELS", help="Height of the result instead.", show_default=False)
]
Fit = Annotated[
    Any,
    typer.Option(
        "--fit", parser=_box, metavar="WxH", help="The largest that fits in, as in 3840x2160.", show_default=False
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        "-t",
        "--tile",
        metavar="PIXELS",
        help="Rows and columns that go through the network at a time; by itself what is good for memory.",
        show_default=False,
    ),
]
Model = Annotated[
    str, typer.Option("-n", "--model", help="See 'subpixel models'; or the path of a .safetensors or .pth file.")
]
Threads = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--threads",
        min=1,
        max=1024,
        help="Default: as many as this process may use.",
        show_default=False,
    ),
]
Backend = Annotated[str, typer.Option("--backend", help="auto, native, reference or torch.")]
Precision = Annotated[str, typer.Option("--precision", help="auto, f32, bf16 or int8.")]
Ensemble = Annotated[
    bool, typer.Option("--ensemble", help="The mean over 8 flips and rotations: a little better, 8 times the work.")
]
Strength = Annotated[float, typer.Option(help="0 … 1, from plain bicubic to the network's result.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
