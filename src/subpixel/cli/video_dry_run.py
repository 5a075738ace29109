"""``subpixel video --dry-run``: what would be done with a video, with time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from subpixel.cli.dry_run import amount, duration
from subpixel.cli.reporting import printable

if TYPE_CHECKING:
    from subpixel.video import Estimate

__all__ = ["print_estimate"]


def print_estimate(name: str, estimate: Estimate, *, automatic: bool) -> None:
    """Print what would be done.

    Args:
        name: of the video.
        estimate: what would be done.
        automatic: whether the model was chosen by itself, so that the reason is worth a word.
    """
    for line in _lines(name, estimate, automatic):
        print(printable(line))


def _lines(name: str, one: Estimate, automatic: bool) -> Iterator[str]:
    (width, height), (wide, high) = one.size_in, one.size_out
    if one.done_before:
        yield f"{name} → {one.destination}  {wide}×{high}  done before"
        yield "Nothing was written."
        return
    count = "an unknown number of frames" if one.frames is None else f"about {one.frames} frames"
    count = "1 frame" if one.frames == 1 else count
    yield f"{name}  {width}×{height} → {one.destination}  {wide}×{high}  {count}"
    yield f"    {one.container}, encoded by {one.encoder}"
    chapters = [f"{one.chapters} chapter{'s'[: one.chapters > 1]}"] if one.chapters else []
    copied = ", ".join([*one.copied, *chapters])
    if copied:
        yield f"    copied: {copied}"
    model = f"auto: {one.choice}" if automatic else one.choice.model
    seconds = "" if one.seconds is None else f", {duration(one.seconds)}"
    yield f"    {model}; about {amount(one.memory)} of memory for frames{seconds}"
    yield from (f"    {note}" for note in one.flat)
    yield "Nothing was written. The time is an estimate from a trial on the first frames."
