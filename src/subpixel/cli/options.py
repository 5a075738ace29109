"""Options that several commands share, stated once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Backend", "Ensemble", "Json", "Model", "Precision", "Scale", "Strength", "Threads"]


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number; 2, 3, 4 or 8 would be") from None


Scale = Annotated[
    int, typer.Option("-s", "--scale", parser=_whole_number, metavar="N", help="How many times larger: 2, 3, 4 or 8.")
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
