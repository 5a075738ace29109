"""Running the videos of ``subpixel video``, one or many, and reporting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.cli.suggestions import check_last_input
from subpixel.cli.video_images import names_images
from subpixel.cli.video_reporting import VideoReporter
from subpixel.errors import InvalidArgument
from subpixel.storage.inputs import Input
from subpixel.storage.output_place import OutputPlace, names_several
from subpixel.storage.suffixes import VIDEOS

if TYPE_CHECKING:
    from subpixel.video import Job
    from subpixel.video.batch import AnyJob, Batch
    from subpixel.video.images.image_output import ImageOutput

__all__ = ["batch_of", "follow", "note_left_out"]


def batch_of(
    inputs: Sequence[str],
    output: str | None,
    make_job: Callable[[Path, Path | None], Job],
    make_images: Callable[[Path], ImageOutput] | None,
) -> tuple[Batch, OutputPlace, list[Path]]:
    """What is done with the inputs, where results go, and the images in folders, which are left out.

    Args:
        inputs: files, folders and patterns; or one sequence of images.
        output: a file, a folder or None, as the user named it.
        make_job: makes the job of a video and its destination, which is None for the default.
        make_images: makes the job of a video whose frames become images, if the output names such.

    Raises:
        InvalidArgument: several videos cannot go to this output, or two of them would go to one file.
    """
    from subpixel.video.batch import Batch, find_videos, plan_batch
    from subpixel.video.containers import CONTAINERS

    written = {suffix for container in CONTAINERS for suffix in container.suffixes}
    check_last_input("video", inputs, output, VIDEOS | written)
    sequence = names_images(inputs)
    several = names_several(inputs) and not sequence
    if make_images is not None:
        if several:
            raise InvalidArgument(f"{output}: such names are for the frames of one video, and there are several inputs")
        return Batch((make_images(Path(inputs[0])),)), OutputPlace(None, None, "videos"), []
    place = OutputPlace.of(inputs if several else [], output, "a video", "videos", written)
    if place.folder is None and not several:
        return Batch((make_job(Path(inputs[0]), place.file),)), place, []
    images: list[Path] = []
    found = [Input(Path(inputs[0]))] if sequence else find_videos(inputs, place.folder, images)
    return plan_batch(found, place.folder, lambda source: make_job(source, None)), place, images


def note_left_out(batch: Batch, images: Sequence[Path], reporter: VideoReporter) -> None:
    """Print notes about files that are left out: results of earlier runs, and images."""
    if batch.earlier_results:
        first, count = batch.earlier_results[0], len(batch.earlier_results)
        if count == 1:
            reporter.message(f"note: 1 file was left out: it is a result of an earlier run ({first})")
        else:
            reporter.message(f"note: {count} files were left out: they are results of an earlier run, such as {first}")
    if images and batch.jobs:
        what = "1 image was" if len(images) == 1 else f"{len(images)} images were"
        reporter.message(f"note: {what} left out ({images[0]}); subpixel upscale upscales images")


def follow(batch: Batch, reporter: VideoReporter, where: str) -> int:
    """Run a batch and print what happens to each video; returns the exit code.

    Raises:
        SubpixelError: the error of a single video.
    """
    from subpixel.video import Job

    current: list[AnyJob] = []

    def prepare(job: AnyJob) -> AnyJob:
        current[:] = [job]
        reporter.begin(job.source)
        if isinstance(job, Job):
            job = replace(job, on_start=reporter.started)
        return replace(job, on_note=reporter.note, on_pace=reporter.pace)

    stopped_by = ""
    try:
        for outcome in batch.run(prepare):
            reporter.outcome(outcome)
            if outcome.error is not None and batch.count == 1:
                raise outcome.error
            if outcome.stops and outcome.destination is not None:
                stopped_by = str(outcome.destination.parent)
    except KeyboardInterrupt:
        reporter.interruption(can_resume=any(job.can_resume for job in current))
        raise
    finally:
        reporter.finish()
    reporter.end(where, stopped_by)
    failed = reporter.counts["failed"]
    return 0 if not failed else 3 if failed < reporter.counts.total() else 1
