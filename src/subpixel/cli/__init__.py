"""The command line: one file per command. A command parses options, calls the library and prints.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 part of a batch failed, 130 interrupted.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from subpixel import __version__
from subpixel.cli.bench import bench
from subpixel.cli.doctor import doctor
from subpixel.cli.evaluate import evaluate
from subpixel.cli.examples import examples_of
from subpixel.cli.help import HelpCommand, HelpGroup
from subpixel.cli.models import models
from subpixel.cli.option_names import with_option_names
from subpixel.cli.play import play
from subpixel.cli.quantise import quantise
from subpixel.cli.reporting import printable
from subpixel.cli.train import train
from subpixel.cli.upscale import upscale
from subpixel.cli.video import video
from subpixel.errors import FallbackWarning, InvalidArgument, SubpixelError, Unsupported
from subpixel.storage.standard_descriptors import fill_standard_descriptors

__all__ = ["app", "main"]

app = typer.Typer(
    name="subpixel",
    cls=HelpGroup,
    epilog=examples_of("subpixel"),
    no_args_is_help=True,
    add_completion=False,
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
    (models, _MODELS),
    (doctor, _MACHINE),
    (evaluate, _MODELS),
    (train, _MODELS),
    (quantise, _MODELS),
    (bench, _MACHINE),
)
for command, panel in _COMMANDS:
    app.command(cls=HelpCommand, rich_help_panel=panel, epilog=examples_of(command.__name__))(command)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    >>> main(["--version"])
    subpixel 0.1.0
    0
    """
    fill_standard_descriptors()
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name that the terminal cannot show is no failure
    try:
        code = app(sys.argv[1:] if arguments is None else list(arguments), prog_name="subpixel", standalone_mode=False)
    except SubpixelError as error:
        return _fail(str(error), 2 if isinstance(error, (InvalidArgument, Unsupported)) else 1)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", 130)
    except MemoryError:
        return _fail("there is not enough memory", 1)
    except OSError as error:  # such as a full disk or a folder that was removed
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{(error.strerror or str(error)).lower()}", 1)
    except Exception as error:
        # The parser's errors are known by name, since their module differs between versions of typer.
        if not hasattr(error, "format_message"):
            raise
        return _fail_usage(error)
    if code == 130:  # typer catches an interrupt itself and returns its code
        return _fail("interrupted", 130)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    print(f"error: {printable(with_option_names(message))}", file=sys.stderr)
    return code


def _fail_usage(error: Any) -> int:
    """Report an error of the parser."""
    message = error.format_message()
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        typer.echo(message)
        return 2
    if kind == "NoSuchOption":
        from subpixel.cli.suggestions import unknown_option

        message = str(unknown_option(error))
    elif kind == "MissingParameter":
        message = f"{message} See `{error.ctx.command_path} --help`."
    return _fail(message, 2)


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, FallbackWarning):
        print(f"note: {with_option_names(str(message))}", file=sys.stderr)
