"""What ``subpixel upscale`` prints: a line or JSON for each image, a progress bar, and a summary."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from subpixel.cli.option_names import with_option_names

if TYPE_CHECKING:
    from rich.progress import Progress

    from subpixel.image.batch.task_policy import Report

__all__ = ["Reporter", "printable"]


def printable(text: str) -> str:
    r"""A text on one line, in characters that can be written. Others, which a file name may hold, are escaped.

    >>> print(printable("line\nbreak, byte that is no UTF-8: \udcff"))
    line\nbreak, byte that is no UTF-8: \xff
    """

    def one(letter: str) -> str:
        if "\udc80" <= letter <= "\udcff":  # Python's stand-in for a byte outside the encoding
            return f"\\x{ord(letter) - 0xDC00:02x}"
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            return letter.encode("unicode_escape").decode()
        return letter

    return text if text.isprintable() else "".join(map(one, text))


class Reporter:
    """Prints the outcome of each image. It is a context: the progress bar is visible inside.

    Args:
        total: how many images there are.
        as_json: print one object a line to standard output, and nothing else there.
        verbose: print a line for each image even beside a bar.
        quiet: print only notes and errors.
        choices: print which model ``auto`` took, and why.
        names: what to print instead of a path, by path.
    """

    def __init__(
        self,
        total: int,
        *,
        as_json: bool = False,
        verbose: bool = False,
        quiet: bool = False,
        choices: bool = False,
        names: dict[str, str] | None = None,
    ) -> None:
        self.total, self.as_json, self.choices, self.names = total, as_json, choices, names or {}
        self.counts: Counter[str] = Counter()
        self.stopped_by = ""
        self.hints: Counter[str] = Counter()
        bar = total > 1 and not quiet and sys.stderr.isatty()
        same_terminal = bar and sys.stdout.isatty()  # a line for each image would only move the bar
        self.lines = not as_json and not quiet and (verbose or not same_terminal)
        self.summary = total > 1 and not quiet
        self.start = time.perf_counter()
        self._bar: Progress | None = _bar() if bar else None

    def __enter__(self) -> Reporter:
        self._context: AbstractContextManager[Any] = self._bar or nullcontext()
        self._context.__enter__()
        if self._bar is not None:
            self._bar.add_task("", total=self.total)
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)
        self._bar = None

    def report(self, report: Report) -> None:
        """Print the outcome of an image."""
        self.counts[report.status] += 1
        if report.stops and report.destination is not None:
            self.stopped_by = str(report.destination.parent)
        if self.as_json:
            print(json.dumps(_as_json(report, self.names)), flush=True)
        for note in report.result.notes if report.result else ():
            self.note(f"{report.source}: {note}")
        if report.error is not None:
            if self.total > 1:  # the error of a single image is that of the command
                self._print_error(f"error: {with_option_names(self._without_hint(str(report.error)))}")
        elif self.lines:
            place = f"[{self.counts.total()}/{self.total}] " if self.total > 1 else ""
            self._line(place + self._outcome(report))
            if report.result is not None and report.result.comparison is not None:
                self._line(f"{place}comparison → {report.result.comparison}")
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def note(self, text: str) -> None:
        """Print a note to standard error."""
        self._print_error(f"note: {with_option_names(text)}")

    def end(self, where: str) -> None:
        """Print the summary."""
        seconds = time.perf_counter() - self.start
        if self.summary:
            parts = [f"{self.counts[status]} {status}" for status in ("done", "skipped", "failed")]
            rate = f"  {self.counts['done'] / seconds:.1f} images/s" if self.counts["done"] else ""
            text = f"{', '.join(parts)} of {self.total}  {seconds:.1f} s{rate}  {where}"
            if self.as_json:
                self._print_error(text)
            else:
                self._line(text)
        untried = self.total - self.counts.total()
        if self.stopped_by and untried:
            self._print_error(
                f"error: stopped, since nothing more can be written to {self.stopped_by}: {untried} of {self.total} "
                f"images were not upscaled; run the same command again to resume"
            )
        if self.counts["failed"] and self.total > 1:
            self._print_error(f"error: {self.counts['failed']} of {self.total} images failed")
        for hint, count in self.hints.items():
            what = "1 image does" if count == 1 else f"{count} images do"
            self.note(f"{what} not fit into the format: {hint}")

    def interruption(self) -> None:
        """Print how much of a batch is done, and how to resume it."""
        if self.total > 1:
            count = self.counts["done"] + self.counts["skipped"]
            self.note(f"{count} of {self.total} images are done; run the same command again to resume")

    def with_names(self, text: str) -> str:
        """A text with names instead of paths, where a path stands for standard input or output."""
        for path, name in self.names.items():
            text = text.replace(path, name)
        return text

    def _without_hint(self, text: str) -> str:
        """An error without advice that many images share: it is counted, and printed once at the end."""
        from subpixel.image.files.formats import ALPHA_HINT, DEPTH_HINT

        for hint in (ALPHA_HINT, DEPTH_HINT):
            if f"; {hint}" in text:
                self.hints[hint] += 1
                text = text.replace(f"; {hint}", "")
        return text

    def _outcome(self, report: Report) -> str:
        result = report.result
        if result is None:
            return f"{report.source}: {with_option_names(report.reason)} → {report.destination}"
        width, height = result.size_out
        choice = f"  auto: {result.choice}" if self.choices and result.upscaled else ""
        seconds = f"{sum(result.seconds.values()):.2f} s"
        return f"{report.source} → {result.destination}  {width}×{height}  {seconds}{choice}"

    def _line(self, text: str) -> None:
        """Print to standard output, above the bar if that is the same terminal."""
        self._print(text, sys.stdout)

    def _print_error(self, text: str) -> None:
        self._print(text, sys.stderr)

    def _print(self, text: str, stream: Any) -> None:
        text = printable(self.with_names(text))
        if self._bar is not None and stream.isatty():
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=stream, flush=True)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), "left:", TimeRemainingColumn())
    return Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )


def _as_json(report: Report, names: dict[str, str]) -> dict[str, Any]:
    result = report.result
    source = str(report.source)
    return {
        "source": names.get(source, source),
        "destination": None if report.destination is None else str(report.destination),
        "comparison": str(result.comparison) if result and result.comparison else None,
        "status": report.status,
        "size_in": result and result.size_in,
        "size_out": result and result.size_out,
        "seconds": result and round(sum(result.seconds.values()), 4),
        "model": result and result.choice.model,
        "why": result.choice.reason if result else with_option_names(report.reason),
        "notes": [with_option_names(note) for note in result.notes] if result else [],
        "error": report.error and with_option_names(str(report.error)),
    }
