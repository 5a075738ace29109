"""What runs in a worker process: one task after another, with networks that stay loaded.

Tasks and messages are JSON: a worker that a hostile file has taken over can send nothing else. A task names files that
the server made; it holds no name that a client chose, except to show it.
"""

from __future__ import annotations

import json
import re
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from subpixel.storage.worker_processes import leave_signals_to_parent

__all__ = ["Limits", "work"]

# Upscalers that stay ready, each with its networks.
_READY = 8
# Seconds between two reports of progress.
_PAUSE = 0.1


@dataclass(frozen=True)
class Limits:
    """What a worker may take.

    Args:
        memory: bytes of addresses; None for no limit.
        threads: of networks and encoders; None for as many as the process may use.
        limit: largest image or frame, in megapixels.
        result_limit: largest result, in megapixels.
        video_seconds: longest video, or part of one.
    """

    memory: int | None
    threads: int | None
    limit: float
    result_limit: float
    video_seconds: float


class _Refusal(Exception):
    """A task exceeds a limit of the server: the kind of the problem, and a sentence."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def work(pipe: Any, limits: Limits) -> None:
    """Run tasks from a pipe until it ends. Called in a process of its own."""
    leave_signals_to_parent()
    if limits.memory is not None:
        with suppress(ImportError, ValueError, OSError):  # Windows; a lower limit is set already
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    from subpixel.errors import FallbackWarning
    from subpixel.storage.memory import save_addresses

    save_addresses()
    warnings.simplefilter("ignore", FallbackWarning)
    worker = _Worker(pipe, limits)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        worker.warm_up()
        worker.send({"event": "ready"})
        while True:
            worker.run(json.loads(pipe.recv_bytes()))


class _Worker:
    def __init__(self, pipe: Any, limits: Limits) -> None:
        self._pipe, self._limits = pipe, limits
        self._lock = threading.Lock()
        self._upscalers: OrderedDict[str, Any] = OrderedDict()
        self._next_report = 0.0
        self._trials: Any = None

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:  # a video's progress comes from a thread of its own
            self._pipe.send_bytes(json.dumps(message).encode())

    def warm_up(self) -> None:
        """Load what nearly every task needs."""
        import numpy as np

        import subpixel.image.job  # noqa: F401

        self._upscaler({})(np.zeros((16, 16, 3), np.uint8))

    def run(self, task: dict[str, Any]) -> None:
        """Run a task, and report its end in any case."""
        from subpixel.errors import SubpixelError
        from subpixel.serve.problem_kinds import kind_of
        from subpixel.storage.memory import is_memory_error

        steps: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "image": self._image,
            "video": self._video,
            "estimate-image": self._estimate_image,
            "estimate-video": self._estimate_video,
            "preview": self._preview,
        }
        try:
            message = {"event": "done", **steps[task["task"]](task)}
        except _Refusal as refusal:
            message = {"event": "failed", "kind": refusal.kind, "detail": str(refusal)}
        except SubpixelError as error:
            message = {"event": "failed", "kind": kind_of(error), "detail": _shown(str(error), task)}
        except Exception as error:  # noqa: BLE001 - it is reported, and the next task may succeed
            if is_memory_error(error):
                message = {"event": "failed", "kind": "too-large", "detail": "there is not enough memory for this file"}
            else:
                name = type(error).__name__
                message = {
                    "event": "failed",
                    "kind": "crashed",
                    "detail": f"the work failed for a reason that was not expected ({name})",
                    "log": _shown(f"{name}: {error}", task),
                }
        self.send(message)

    def _upscaler(self, options: dict[str, Any]) -> Any:
        from subpixel.upscaler import Upscaler

        asked = {name: options[name] for name in _UPSCALER if name in options}
        key = json.dumps(asked, sort_keys=True)
        if key in self._upscalers:
            self._upscalers.move_to_end(key)
            return self._upscalers[key]
        if "fit" in asked:
            asked["fit"] = tuple(asked["fit"])
        upscaler = self._upscalers[key] = Upscaler(asked.pop("scale", None), threads=self._limits.threads, **asked)
        if len(self._upscalers) > _READY:
            self._upscalers.popitem(last=False)
        return upscaler

    def _progress(self, unit: str) -> Callable[[int, int | None], None]:
        self._next_report = 0.0

        def report(done: int, total: int | None) -> None:
            now = time.monotonic()
            if now >= self._next_report or done == total:
                self._next_report = now + _PAUSE
                self.send({"event": "progress", "done": done, "total": total, "unit": unit})

        return report

    def _image_job(self, task: dict[str, Any]) -> Any:
        """The job of an image, with its destination; what its header says is reported."""
        from subpixel.image.batch.output_paths import result_suffix
        from subpixel.image.files.formats import suffix_of
        from subpixel.image.files.reading import open_header
        from subpixel.image.files.source_metadata import get_field
        from subpixel.image.job import Job
        from subpixel.image.job_options import job_options
        from subpixel.image.output_name import output_path

        options, source, folder = task["options"], Path(task["source"]), Path(task["folder"])
        upscaler = self._upscaler(options)
        asked = {name: options[name] for name in _IMAGE if name in options}
        asked = job_options(asked.pop("model", "auto"), **asked, limit=self._limits.limit)
        job = Job(source, upscaler, **asked)  # checks the arguments
        header = open_header(source, limit=self._limits.limit, page=job.page)
        width, height = header.vips.width, header.vips.height
        if get_field(header.vips, "orientation", 1) >= 5:
            width, height = height, width
        self._check_result(upscaler.target.size(width, height))
        suffix = result_suffix(header, source) if job.format is None else suffix_of(job.format)
        destination = output_path(source, upscaler.target, suffix, folder)
        compare = folder / "comparison.png" if options.get("compare") else None
        self.send({"event": "source", "width": width, "height": height, "frames": header.pages})
        return replace(job, destination=destination, overwrite=True, compare=compare, header=header)

    def _check_result(self, size: tuple[int, int]) -> None:
        megapixels = size[0] * size[1] / 1e6
        if megapixels > self._limits.result_limit:
            raise _Refusal(
                "too-large",
                f"a result of {size[0]}×{size[1]} pixels has {megapixels:,.0f} megapixels, and the limit is "
                f"{self._limits.result_limit:,.0f}; choose a smaller size",
            )

    def _image(self, task: dict[str, Any]) -> dict[str, Any]:
        job = self._image_job(task)
        result = job.run(self._progress("rows"))
        found: dict[str, Any] = {
            "result": _file(result.destination, result.size_out),
            "source": {"width": result.size_in[0], "height": result.size_in[1]},
            "frames": job.header.pages,
            "model": result.choice.model,
            "reason": result.choice.reason,
            "notes": [_shown(note, task) for note in result.notes],
            "seconds": {name: round(value, 4) for name, value in result.seconds.items()},
        }
        if result.comparison is not None:
            found["comparison"] = _file(result.comparison, _image_size(result.comparison))
        return found

    def _estimate_image(self, task: dict[str, Any]) -> dict[str, Any]:
        from subpixel.image.estimate import SpeedTrials, estimate_job

        self._trials = self._trials or SpeedTrials()
        estimate = estimate_job(self._image_job(task), self._trials)
        if estimate.problems:
            raise estimate.problems[0]
        choice = estimate.choice
        return {
            "seconds": estimate.seconds,
            "size_in": estimate.size_in,
            "size_out": estimate.size_out,
            "bytes_out": estimate.bytes_out,
            "bytes_most": estimate.bytes_most,
            "memory": estimate.memory,
            "notes": [_shown(note, task) for note in estimate.notes],
            "model": estimate.clean if choice is None else choice.model,
            "reason": "the pixels decide" if choice is None else choice.reason,
        }

    def _video_job(self, task: dict[str, Any]) -> Any:
        from subpixel.serve.options import parse_seconds
        from subpixel.video import Job, Settings, probe
        from subpixel.video.frame_size import frame_size
        from subpixel.video.output_name import output_path
        from subpixel.video.time_range import requested_range

        options, source, folder = task["options"], Path(task["source"]), Path(task["folder"])
        start, end = (parse_seconds(name, options[name]) if name in options else None for name in ("start", "end"))
        preview = options.get("preview")
        requested_range(start, end, preview)
        upscaler = self._upscaler(options)
        video = probe(source)
        length = video.duration
        time_range = requested_range(start, end, preview, length)
        width, height = video.stream.size
        if width * height / 1e6 > self._limits.limit:
            raise _Refusal(
                "too-large",
                f"frames of {width}×{height} pixels are larger than the limit of {self._limits.limit:g} megapixels",
            )
        self._check_result(frame_size(upscaler.target, video.stream, [video.stream.pix_fmt]).size)
        self._check_length(length, time_range)
        self.send({"event": "source", "width": width, "height": height, "frames": None})
        container = options.get("container")
        destination = None if container is None else output_path(source, upscaler.target, f".{container}")
        settings = Settings(options.get("encoder"), options.get("crf"), options.get("preset"))
        return Job(
            source,
            upscaler,
            None if destination is None else folder / destination.name,
            settings,
            deinterlace=options.get("deinterlace", False),
            time_range=time_range,
            side_by_side=options.get("side_by_side", False) or preview is not None,
            preview=preview is not None,
        )

    def _check_length(self, length: Fraction | None, time_range: Any) -> None:
        if time_range is not None:
            end = time_range.end if length is None or time_range.end is None else min(length, time_range.end)
            length = length if end is None else end
            length = None if length is None else length - time_range.start
        if length is not None and length > self._limits.video_seconds:
            raise _Refusal(
                "too-large",
                f"{float(length) / 60:,.1f} minutes are longer than the limit of "
                f"{self._limits.video_seconds / 60:,.1f}; choose a part with start and end",
            )

    def _video(self, task: dict[str, Any]) -> dict[str, Any]:
        result = self._video_job(task).run(self._progress("frames"))
        return {
            "result": _file(result.destination, result.size_out),
            "source": {"width": result.size_in[0], "height": result.size_in[1]},
            "frames": result.frames,
            "model": result.choice.model,
            "reason": result.choice.reason,
            "notes": [_shown(note, task) for note in result.notes],
            "seconds": {name: round(value, 4) for name, value in result.seconds.items()},
        }

    def _estimate_video(self, task: dict[str, Any]) -> dict[str, Any]:
        from subpixel.video import estimate_job

        estimate = estimate_job(self._video_job(task))
        return {
            "seconds": estimate.seconds,
            "size_in": estimate.size_in,
            "size_out": estimate.size_out,
            "frames": estimate.frames,
            "memory": estimate.memory,
            "notes": [_shown(note, task) for note in estimate.notes],
            "model": estimate.choice.model,
            "reason": estimate.choice.reason,
        }

    def _preview(self, task: dict[str, Any]) -> dict[str, Any]:
        from subpixel.serve.processes.previews import make_preview
        from subpixel.storage.os_errors import is_disk_error

        try:
            make_preview(task, max(self._limits.limit, self._limits.result_limit))
        except OSError as error:
            if is_disk_error(error):
                raise _Refusal("unavailable", "the disk is nearly full; space must be freed first") from None
            raise
        return {}


# What a client cannot change.
_HINT = re.compile(r"; limit=\d+ allows it|; threads=1(?: or tile=\d+)? needs less| \(ulimit -v\)")
_UPSCALER = ("scale", "width", "height", "fit", "model", "precision", "ensemble", "strength", "exact")
_IMAGE = ("model", "precision", "ensemble", "strength", "exact", "quality", "background", "depth", "page", "format")


def _file(path: Path, size: tuple[int, int]) -> dict[str, Any]:
    """What is stored about a file that was made."""
    from subpixel.serve.media_types import MEDIA_TYPES
    from subpixel.storage.digest import digest_of

    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "digest": digest_of(path),
        "width": size[0],
        "height": size[1],
        "media_type": MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
    }


def _image_size(path: Path) -> tuple[int, int]:
    from subpixel.image.files.reading import open_header

    header = open_header(path)
    size = header.vips.width, header.vips.height
    header.file.close()
    return size


def _shown(text: str, task: dict[str, Any]) -> str:
    """A sentence without the server's paths: the client's own name stands for the file.

    >>> _shown("/d/j/source.png: not an image", {"folder": "/d/j", "source": "/d/j/source.png", "name": "cat.png"})
    'cat.png: not an image'
    """
    folder, source = str(task["folder"]), str(task["source"])
    text = text.replace(source, task["name"]).replace(f"{folder}/", "").replace(folder, "")
    text = _HINT.sub("", text)
    stem, _, _ = task["name"].rpartition(".")
    return text.replace("source_", f"{stem or task['name']}_") if "source_" in text else text
