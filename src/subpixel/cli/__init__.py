"""The command line: one file per command. A command parses options, calls the library and prints.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 part of a batch failed, 130 interrupted.

Nothing is imported at the top that takes time, so :func:`run` handles signals from its first line.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as typing's, which takes long to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["main", "run"]

_NO_MEMORY = b"error: there is not enough memory\n"


def run() -> int:
    """Run the command line as a process of its own; returns its exit code. Signals are ignored from then on."""
    try:
        _fill_standard_descriptors()  # before anything is opened
        import signal

        for name in ("SIGTERM", "SIGHUP"):  # for the moment until all signals are handled; like SIGINT
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
        from subpixel.storage.interrupts import handled_signals

        with handled_signals(final=True):
            return main()
    except KeyboardInterrupt:
        return _interrupted()
    except MemoryError:
        os.write(2, _NO_MEMORY)
        return 1
    finally:
        # Python notes a KeyboardInterrupt that leaves code run by exec(), as dataclasses run theirs, and then dies by
        # SIGINT at its end instead of exiting with our code. Each exec() of a text clears the note.
        exec("")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    >>> main(["--version"])  # doctest: +ELLIPSIS
    subpixel ...
    0
    """
    _fill_standard_descriptors()
    from subpixel.storage.interrupts import handled_signals, interrupt_requested

    with handled_signals():
        try:
            return _main(sys.argv[1:] if arguments is None else list(arguments))
        except KeyboardInterrupt:
            return _interrupted()
        except MemoryError:  # not even the message about it could be made as usual
            os.write(2, _NO_MEMORY)
            return 1
        except Exception:
            if interrupt_requested():  # the interrupt broke something, such as a wait that was left half-way
                return _interrupted()
            raise


def _fill_standard_descriptors() -> None:
    """Open the null device in the place of closed standard streams; nothing is imported if there are none."""
    try:
        for number in (0, 1, 2):
            os.fstat(number)
    except OSError:
        from subpixel.storage.standard_descriptors import fill_standard_descriptors

        fill_standard_descriptors()


def _main(arguments: Sequence[str]) -> int:
    import io
    import warnings

    from subpixel.storage.interrupts import interrupt_requested
    from subpixel.storage.memory import save_addresses

    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name that the terminal cannot show is no failure
    try:
        save_addresses()
        from subpixel.cli.app import app

        code = app(list(arguments), prog_name="subpixel", standalone_mode=False)
    except Exception as error:
        exit_code = _interrupted() if interrupt_requested() else _fail_with(error, arguments)
        if exit_code is None:
            raise
        return exit_code
    if code == 130:  # typer catches an interrupt itself and returns its code
        return _interrupted()
    return code if isinstance(code, int) else 0


def _fail_with(error: Exception, arguments: Sequence[str]) -> int | None:
    """Print the error of a command and return its exit code; None for an error that nobody expects."""
    from subpixel.errors import InvalidArgument, OutOfMemory, SubpixelError, Unsupported
    from subpixel.storage.memory import is_memory_error
    from subpixel.storage.os_errors import os_error_text

    if is_memory_error(error) and not isinstance(error, OutOfMemory):
        sys.stderr.write("error: there is not enough memory; --threads 1 needs less\n")  # importing more may fail
        return 1
    if isinstance(error, SubpixelError):
        return _fail(str(error), 2 if isinstance(error, (InvalidArgument, Unsupported)) else 1)
    if "can't start new thread" in str(error):
        return _fail("the system allows no further thread (ulimit -u); threads=1 needs fewer", 1)
    if isinstance(error, OSError):  # such as a full disk or a folder that was removed
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{os_error_text(error)}", 1)
    # The parser's errors are known by name, since their module differs between versions of typer.
    if type(error).__name__ == "Abort":
        return _interrupted()
    return _fail_usage(error, arguments) if hasattr(error, "format_message") else None


def _interrupted() -> int:
    from subpixel.storage.interrupts import EXIT_CODE, announce

    announce("error: interrupted")
    return EXIT_CODE


def _fail(message: str, code: int) -> int:
    from subpixel.cli.option_names import with_option_names
    from subpixel.cli.reporting import printable

    print(f"error: {printable(with_option_names(message))}", file=sys.stderr)
    return code


def _fail_usage(error: Any, arguments: Sequence[str]) -> int:
    """Report an error of the parser."""
    message = error.format_message()
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        print(message)
        return 2
    if kind == "NoSuchOption":
        from subpixel.cli.suggestions import unknown_option

        message = str(unknown_option(error))
    elif kind in ("MissingParameter", "UsageError") and error.ctx is not None:
        # Of words that no argument takes, the parser says "Got unexpected extra argument(s) (…)".
        message = f"{message.replace('(s)', '').rstrip('.')}. See `{error.ctx.command_path} --help`."
    elif kind in ("BadParameter", "BadOptionUsage"):
        from subpixel.cli.parser_errors import parser_error_text

        message = parser_error_text(error, arguments)
    return _fail(message, 2)


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    from subpixel.cli.option_names import with_option_names
    from subpixel.errors import FallbackWarning

    if issubclass(category, FallbackWarning):
        print(f"note: {with_option_names(str(message))}", file=sys.stderr)
