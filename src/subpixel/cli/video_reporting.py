"""What ``subpixel video`` prints: lines or JSON for each video, a progress bar, and a summary of several."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from subpixel.cli.option_names import with_option_names
from subpixel.cli.progress import pace_bar
from subpixel.cli.reporting import printable

if TYPE_CHECKING:
    from subpixel.models.auto import Choice
    from subpixel.video import Pace, Result
    from subpixel.video.batch import Outcome
    from subpixel.video.request import Plan

__all__ = ["VideoReporter", "model_fields", "print_notes"]

# Seconds between two lines of JSON about the progress.
_STEP = 1.0


class VideoReporter:
    """Prints what happens to each video.

    Args:
        total: how many videos there are.
        as_json: print one object a line to standard output, and nothing else there.
        quiet: print only notes and errors.
        choices: print which model ``auto`` took, and why.
        names: what to print instead of a path, by path.
        now: the time in seconds.

    Attributes:
        name: of the current video.
        counts: of videos, by what became of them.
    """

    def __init__(
        self,
        total: int,
        *,
        as_json: bool = False,
        quiet: bool = False,
        choices: bool = False,
        names: dict[str, str] | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.total, self.as_json, self.quiet, self.choices, self.names = total, as_json, quiet, choices, names or {}
        self.counts: Counter[str] = Counter()
        self._now, self._start, self._last_pace = now, now(), now()
        self.name = ""
        self._printed: list[str] = []
        self._bar: AbstractContextManager[Callable[[Pace], None]] | None = None
        self._show: Callable[[Pace], None] = lambda pace: None

    # A video

    def begin(self, source: object) -> None:
        """Begin a video: what follows is about it."""
        self.finish()
        self.name = self._with_names(str(source))
        self._printed = []
        self._bar = pace_bar(self.name, self.place, enabled=not self.quiet)
        self._show = self._bar.__enter__()

    def finish(self) -> None:
        """Take the bar away, before anything else is printed."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.__exit__(None, None, None)

    @property
    def place(self) -> str:
        """``[2/5]`` before the second of five videos."""
        return f"[{self.counts.total() + 1}/{self.total}] " if self.total > 1 else ""

    def note(self, text: str) -> None:
        """Print a note about the current video, unless it was printed."""
        if text not in self._printed:
            self._printed.append(text)
            print_notes(self.name, [self._with_names(text)])

    def started(self, plan: Plan, resumed: int) -> None:
        """Report what will be made, before the first frame."""
        self._last_pace = self._now()
        if self.as_json:
            self.print_json(
                "start",
                destination=str(plan.destination),
                size_in=plan.video.stream.size,
                size_out=plan.stream.size,
                frames=plan.frames,
                resumed=resumed,
                container=str(plan.selection.container),
                encoder=plan.encoding.encoder.name,
                pix_fmt=plan.encoding.pix_fmt,
                copied=[str(stream) for stream in plan.selection.streams],
                **model_fields(plan.choice),
                notes=list(map(self.text, plan.notes)),
            )

    def pace(self, pace: Pace) -> None:
        """Report how far the current video is; called from another thread."""
        self._show(pace)
        now = self._now()
        if self.as_json and now - self._last_pace >= _STEP:
            self._last_pace = now
            self.print_json(
                "progress",
                frames_done=pace.frames,
                frames=pace.total,
                rate=None if pace.rate is None else round(pace.rate, 3),
                left=None if pace.left is None else round(pace.left, 1),
                busy={name: round(share, 3) for name, share in pace.busy.items()},
            )

    def outcome(self, outcome: Outcome) -> None:
        """Report the end of a video. The error of a single one is that of the command, which the caller raises."""
        self.finish()
        place, result = self.place, outcome.result
        self.counts[outcome.status] += 1
        if self.as_json:
            self.name = self._with_names(str(outcome.source))
            self.print_json(
                "end",
                destination=None if outcome.destination is None else str(outcome.destination),
                status=outcome.status,
                **self._result(result),
                error=None if outcome.error is None else self.text(str(outcome.error)),
            )
        if outcome.error is not None:
            if self.total > 1:
                self.message(f"error: {self.text(str(outcome.error))}")
        elif result is not None:
            for text in result.notes:
                self.note(text)
            if not self.as_json and not self.quiet:
                print(printable(f"{place}{_line(self.name, result, self.choices)}"), flush=True)

    # All of them

    def message(self, text: str) -> None:
        """Print a line to standard error."""
        print(printable(self._with_names(text)), file=sys.stderr, flush=True)

    def end(self, where: str, stopped_by: str = "") -> None:
        """Print the summary of several videos.

        Args:
            where: the results are.
            stopped_by: the folder to which nothing more can be written, if that stopped the others.
        """
        if self.total <= 1:
            return
        counts = self.counts
        seconds = self._now() - self._start
        text = f"{counts['done']} done, {counts['skipped']} done before, {counts['failed']} failed of {self.total}"
        if not self.quiet:
            print(printable(f"{text}  {seconds:.1f} s  {where}"), file=sys.stderr if self.as_json else None, flush=True)
        untried = self.total - counts.total()
        if stopped_by and untried:
            self.message(
                f"error: stopped, since nothing more can be written to {stopped_by}: {untried} of {self.total} videos "
                f"were not upscaled; run the same command again to resume"
            )
        if counts["failed"]:
            self.message(f"error: {counts['failed']} of {self.total} videos failed")

    def interruption(self, *, can_resume: bool) -> None:
        """Print how much is done, and how to resume it."""
        self.finish()
        if self.total > 1:
            count = self.counts["done"] + self.counts["skipped"]
            self.message(f"note: {count} of {self.total} videos are done; run the same command again to resume")
        elif can_resume:
            print_notes(self.name, ["interrupted; run the same command again to resume"])

    def _result(self, result: Result | None) -> dict[str, Any]:
        return {
            "size_in": result and result.size_in,
            "size_out": result and result.size_out,
            "frames": result and result.frames,
            "resumed": result and result.resumed,
            "seconds": result and round(result.elapsed, 4),
            "worked": result and {name: round(seconds, 4) for name, seconds in result.seconds.items()},
            "model": result and result.choice.model,
            "why": result and ("done before" if result.done_before else result.choice.reason),
            "notes": list(map(self.text, result.notes)) if result else [],
        }

    def text(self, text: str) -> str:
        """A message of the library in the words of the command line."""
        return self._with_names(with_option_names(text))

    def print_json(self, event: str, **fields: Any) -> None:
        """Print an event of the current video."""
        print(json.dumps({"event": event, "source": self.name, **fields}), flush=True)

    def _with_names(self, text: str) -> str:
        for path, name in self.names.items():
            text = text.replace(path, name)
        return text


def model_fields(choice: Choice) -> dict[str, str]:
    """The model in JSON, and why it was chosen."""
    return {"model": choice.model, "why": choice.reason}


def _line(name: str, result: Result, automatic: bool) -> str:
    width, height = result.size_out
    if result.done_before:
        return f"{name} → {result.destination}  {width}×{height}  done before"
    seconds = result.elapsed
    count = result.frames - result.resumed
    rate = f", {count / seconds:.1f} frames/s" if count and seconds else ""
    resumed = f" ({result.resumed} from an earlier run)" if result.resumed else ""
    choice = f"  auto: {result.choice}" if automatic else ""
    work = f"{result.frames} frame{'s'[: result.frames > 1]}{resumed} in {seconds:.1f} s{rate}"
    return f"{name} → {result.destination}  {width}×{height}  {work}{choice}"


def print_notes(name: str, notes: Iterable[str]) -> None:
    """Print notes to standard error, each after the name of the video."""
    for note in notes:
        text = note if note.startswith(name) else f"{name}: {note}"
        print(f"note: {printable(with_option_names(text))}", file=sys.stderr, flush=True)
