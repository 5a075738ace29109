"""The commands, as one application of typer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from subpixel import __version__
from subpixel.cli.bench import bench
from subpixel.cli.cluster import cluster_app
from subpixel.cli.compare import compare
from subpixel.cli.doctor import doctor
from subpixel.cli.evaluate import evaluate
from subpixel.cli.examples import examples_of
from subpixel.cli.export import export
from subpixel.cli.help import HelpCommand, HelpGroup
from subpixel.cli.models import models
from subpixel.cli.play import play
from subpixel.cli.quantise import quantise
from subpixel.cli.serve import serve
from subpixel.cli.train import train
from subpixel.cli.upscale import upscale
from subpixel.cli.video import video

__all__ = ["app"]

app = typer.Typer(
    name="subpixel",
    cls=HelpGroup,
    epilog=examples_of("subpixel"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# The commands and the panel of `subpixel --help` in which each stands.
_UPSCALING, _MODELS, _MACHINE = "Images and videos", "Models", "This machine"
_COMMANDS: tuple[tuple[Callable[..., Any], str], ...] = (
    (upscale, _UPSCALING),
    (video, _UPSCALING),
    (play, _UPSCALING),
    (serve, _UPSCALING),
    (models, _MODELS),
    (doctor, _MACHINE),
    (evaluate, _MODELS),
    (train, _MODELS),
    (quantise, _MODELS),
    (export, _MODELS),
    (compare, _MODELS),
    (bench, _MACHINE),
)
for command, panel in _COMMANDS:
    app.command(cls=HelpCommand, rich_help_panel=panel, epilog=examples_of(command.__name__))(command)
app.add_typer(cluster_app, name="cluster", rich_help_panel=_UPSCALING)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"subpixel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Upscale images and videos on the CPU with small neural networks."""
