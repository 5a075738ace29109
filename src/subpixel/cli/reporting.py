"""What ``subpixel upscale`` says while it works: lines, a bar, JSON, and the end of a batch."""

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

__all__ = ["Reporter", "shown"]


def shown(text: str) -> str:
    r"""A text on one line, in characters that can be written: what else a name may hold is escaped.

    >>> print(shown("line\nbreak and what is no UTF-8: \udcff"))
    line\nbreak and what is no UTF-8: \xff
    """

    def one(letter: str) -> str:
        if "\udc80" <= letter <= "\udcff":  # how Python carries a byte that is not of the name's encoding
            return f"\\x{ord(letter) - 0xDC00:02x}"
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            return letter.encode("unicode_escape").decode()
        return letter

    return text if text.isprintable() else "".join(map(one, text))


class Reporter:
    """Says what becomes of each image; a context, within which the bar is shown.

    Args:
        total: how many images there are.
        as_json: one object a line on standard output, and nothing else there.
        verbose: a line for each image beside a bar too.
        quiet: only notes and errors.
        choices: to say which model was taken, and why.
        names: what to say instead of paths.
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
        bar = total > 1 and not quiet and sys.stderr.isatty()
        beside = bar and sys.stdout.isatty()  # lines would only push the bar along
        self.lines = not as_json and not quiet and (verbose or not beside)
        self.ends = total > 1 and not quiet
        self.start = time.perf_counter()
        self._bar: Progress | None = _bar() if bar else None

    def __enter__(self) -> Reporter:
        self._within: AbstractContextManager[Any] = self._bar or nullcontext()
        self._within.__enter__()
        if self._bar is not None:
            self._bar.add_task("", total=self.total)
        return self

    def __exit__(self, *error: Any) -> None:
        self._within.__exit__(*error)
        self._bar = None

    def report(self, report: Report) -> None:
        """An image is done, or not."""
        self.counts[report.status] += 1
        if self.as_json:
            print(json.dumps(_as_json(report, self.names)), flush=True)
        for note in report.result.notes if report.result else ():
            self.note(f"{report.source}: {note}")
        if report.error is not None:
            if self.total > 1:  # that of a lone image is the command's own
                self._say(f"error: {with_option_names(str(report.error))}")
        elif self.lines:
            place = f"[{self.counts.total()}/{self.total}] " if self.total > 1 else ""
            self._line(place + self._what(report))
            if report.result is not None and report.result.comparison is not None:
                self._line(f"{place}comparison → {report.result.comparison}")
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def note(self, text: str) -> None:
        """Something worth knowing that is no error."""
        self._say(f"note: {with_option_names(text)}")

    def end(self, where: str) -> None:
        """What became of all."""
        seconds = time.perf_counter() - self.start
        if self.ends:
            parts = [f"{self.counts[status]} {status}" for status in ("done", "skipped", "failed")]
            rate = f"  {self.counts['done'] / seconds:.1f} images/s" if self.counts["done"] else ""
            text = f"{', '.join(parts)} of {self.total}  {seconds:.1f} s{rate}  {where}"
            if self.as_json:
                self._say(text)
            else:
                self._line(text)
        if self.counts["failed"] and self.total > 1:
            self._say(f"error: {self.counts['failed']} of {self.total} images failed")

    def interrupted(self, again: str) -> None:
        """Stopped from outside."""
        if self.total > 1:
            self.note(f"{self.counts['done'] + self.counts['skipped']} of {self.total} images are done; {again}")

    def spoken(self, text: str) -> str:
        """A text with the names for paths that stand for something else."""
        for path, name in self.names.items():
            text = text.replace(path, name)
        return text

    def _what(self, report: Report) -> str:
        result = report.result
        if result is None:
            return f"{report.source}: {with_option_names(report.reason)} → {report.destination}"
        width, height = result.size_out
        chosen = f"  auto: {result.choice}" if self.choices else ""
        seconds = f"{sum(result.seconds.values()):.2f} s"
        return f"{report.source} → {result.destination}  {width}×{height}  {seconds}{chosen}"

    def _line(self, text: str) -> None:
        """On standard output, above the bar where that is the same terminal."""
        self._print(text, sys.stdout)

    def _say(self, text: str) -> None:
        self._print(text, sys.stderr)

    def _print(self, text: str, stream: Any) -> None:
        text = shown(self.spoken(text))
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
