"""The command line: one file a command; each only parses, calls and prints.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 part of a batch failed, 130 interrupted.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from subpixel import __version__
from subpixel.cli.bench import bench
from subpixel.cli.doctor import doctor
from subpixel.cli.evaluate import evaluate
from subpixel.cli.models import models
from subpixel.cli.option_names import with_option_names
from subpixel.cli.play import play
from subpixel.cli.quantise import quantise
from subpixel.cli.reporting import shown
from subpixel.cli.train import train
from subpixel.cli.upscale import upscale
from subpixel.cli.video import video
from subpixel.errors import FallbackWarning, InvalidArgument, SubpixelError, Unsupported

__all__ = ["app", "main"]

app = typer.Typer(
    name="subpixel",
    help="Upscale images with small networks, in real time, on an ordinary processor.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (upscale, video, play, models, doctor, evaluate, train, quantise, bench):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"subpixel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Upscale images with small networks, in real time, on an ordinary processor."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    >>> main(["--version"])
    subpixel 0.1.0
    0
    """
    warnings.showwarning = _say_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name the terminal cannot show must not end the work
    try:
        code = app(sys.argv[1:] if arguments is None else list(arguments), standalone_mode=False)
    except SubpixelError as error:
        return _fail(str(error), 2 if isinstance(error, (InvalidArgument, Unsupported)) else 1)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", 130)
    except MemoryError:
        return _fail("there is not enough memory for this", 1)
    except OSError as error:  # a full disk, a folder that went away: nobody's mistake in particular
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{(error.strerror or str(error)).lower()}", 1)
    except Exception as error:
        # What typer raises for wrong use: its class has moved between modules, its message has not.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message)
            return 2
        return _fail(message, 2)
    if code == 130:  # typer takes an interrupt for itself and returns its code without a word
        return _fail("interrupted", 130)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    print(f"error: {shown(with_option_names(message))}", file=sys.stderr)
    return code


def _say_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, FallbackWarning):
        print(f"note: {message}", file=sys.stderr)
