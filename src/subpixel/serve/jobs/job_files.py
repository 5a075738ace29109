"""The files of jobs: a folder for each, named after it, with ``source.SUFFIX`` and what is made of that.

Files are complete before a row of the database names them, and rows are deleted before their files. So the files of a
row are there at any moment, and what has no row is a leftover.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from subpixel.serve.jobs.disk_use import bytes_freed, bytes_used, flush_file
from subpixel.serve.jobs.store import Job

__all__ = ["JobFiles", "download_name"]

# Previews of a job that stay, the newest ones.
_MOST_PREVIEWS = 48
# Decoded images that stay for previews of their parts: of the source and of the result, and of another frame.
_MOST_RASTERS = 3


class JobFiles:
    """The folders of all jobs.

    Args:
        data: the folder of the server.

    Raises:
        OSError: it cannot be used.
    """

    def __init__(self, data: Path) -> None:
        self._jobs, self._incoming = data / "jobs", data / "incoming"
        for folder in (data, self._jobs, self._incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(data, 0o700)
        # Bytes of the files of all jobs. What workers write besides results is counted by measure().
        self.used = 0

    def measure(self) -> int:
        """The bytes of all files. It looks at each of them."""
        return bytes_used(self._jobs)

    def remove_leftovers(self, known: set[str]) -> None:
        """Remove unfinished uploads, and folders of jobs that are not known."""
        for folder, names in ((self._incoming, set()), (self._jobs, known)):
            for entry in os.scandir(folder):
                if entry.name not in names:
                    _remove(entry.path)

    def folder(self, job_id: str) -> Path:
        """The folder of a job."""
        return self._jobs / job_id

    def path(self, job: Job, name: str) -> Path:
        """The path of a file of a job."""
        return self._jobs / job.id / name

    def source(self, job: Job) -> Path:
        """The path of a job's source."""
        return self.path(job, job.source["file"])

    def incoming_path(self) -> Path:
        """A new path for an upload."""
        return self._incoming / secrets.token_hex(16)

    def begin(self, job: Job, upload: Path) -> None:
        """Make the folder of a job, and move its source there."""
        self.folder(job.id).mkdir(mode=0o700)
        os.replace(upload, self.source(job))
        self.used += job.source["bytes"]

    def begin_again(self, job: Job, other: Job) -> None:
        """Make the folder of a job whose source is that of another one."""
        self.folder(job.id).mkdir(mode=0o700)
        self._link(self.source(other), self.source(job))

    def adopt(self, job: Job, other: Job) -> bool:
        """Give a job the results of an equal one. False if they are gone."""
        try:
            for file in (other.result, other.comparison):
                if file is not None:
                    self._link(self.path(other, file["file"]), self.path(job, file["file"]))
        except OSError:
            self.remove_results(job, everything=True)
            return False
        return True

    def remove_results(self, job: Job, *, everything: bool = False) -> None:
        """Remove what was made of a job that is not done. Previews of the source stay: one may be on its way.

        Args:
            job: the job.
            everything: the segments of a video too, after which its work would go on.
        """
        if job.kind == "video" and not everything:
            return  # a file that it had begun is removed when its work goes on
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder(job.id)):
                if entry.name != job.source["file"] and not entry.name.startswith("preview-source"):
                    self._remove(Path(entry.path))

    def remove(self, job: Job) -> None:
        """Remove all files of a job."""
        self._remove(self.folder(job.id))

    def limit_previews(self, job: Job) -> None:
        """Remove the oldest previews of a job if there are many."""
        with suppress(FileNotFoundError):
            previews = [entry for entry in os.scandir(self.folder(job.id)) if entry.name.startswith("preview-")]
            previews.sort(key=lambda entry: entry.stat().st_mtime_ns)
            for suffix, most in ((".png", _MOST_PREVIEWS), (".raster", _MOST_RASTERS)):
                for entry in [each for each in previews if each.name.endswith(suffix)][:-most]:
                    self._remove(Path(entry.path))

    def is_complete(self, job: Job) -> bool:
        """Whether the files that a job names are there, in full. After a power failure they may not be."""
        with suppress(OSError):
            files = [each for each in (job.source, job.result, job.comparison) if each is not None]
            return all(self.path(job, each["file"]).stat().st_size == each["bytes"] for each in files)
        return False

    def flush(self, job: Job) -> None:
        """Have the source of a job written to the disk itself, so that it outlasts a power failure."""
        if sys.platform != "win32":  # which flushes no folder, and no file that is open for reading
            for path in (self.source(job), self.folder(job.id), self._jobs):
                flush_file(path)

    def _link(self, source: Path, destination: Path) -> None:
        """The same file under a second name; a copy where the disk has no links."""
        try:
            os.link(source, destination)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, destination)
            self.used += destination.stat().st_size

    def _remove(self, path: Path) -> None:
        """Remove a file or a folder. What cannot be removed is a leftover that the next start removes."""
        with suppress(OSError):
            freed = bytes_freed(path)
            _remove(path)
            self.used = max(0, self.used - freed)


def download_name(job: Job, file: str) -> str:
    """The name of a file that was made of a job, after the client's name for its source."""
    stem = Path(job.source["name"]).stem or job.kind
    return f"{stem}{file.removeprefix('source')}" if file.startswith("source") else f"{stem}_{file}"


def _remove(path: str | Path) -> None:
    """Remove a file or a folder. What cannot be removed is a leftover that the next start removes."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(path)
