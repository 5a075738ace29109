"""The folder of a comparison: its settings, and one file for each finished training, so that a stopped run resumes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, shown
from subpixel.storage.locks import scratch_file

__all__ = ["Job", "Record", "Trainings", "write_whole"]

_SETTINGS = "settings.json"
_TRAININGS = "trainings"


@dataclass(frozen=True)
class Job:
    """One training: what is trained, and under which seed."""

    kind: str
    budget: str
    seed: int

    @property
    def name(self) -> str:
        """Of its file, without the suffix."""
        return f"{self.budget}-{self.kind}-{self.seed}"


@dataclass(frozen=True)
class Record:
    """What is kept of a training.

    Args:
        curve: ``(step, loss, IoU, boundary IoU)`` of the validation images.
        counts: ``(images, classes, 4)`` of the test images.
        found: ``(N, H, W)``, the classes found in the first test patches.
        seconds: how long the steps took.
        spent: how long all of it took, with the images and the test.
    """

    curve: list[tuple[int, float, float, float]]
    counts: NDArray[np.int64]
    found: NDArray[np.uint8]
    seconds: float
    spent: float


@dataclass(frozen=True)
class Trainings:
    """The finished trainings of a folder.

    Args:
        folder: where everything lies.
        settings: all that a training's result depends on, beside its job.
    """

    folder: Path
    settings: Mapping[str, Any]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        text = json.dumps(self.settings, sort_keys=True, ensure_ascii=False)
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest()[:16])

    def open(self) -> None:
        """Make the folder, or check that it belongs to the same settings.

        Raises:
            InvalidArgument: it holds trainings with other settings.
            OSError: it cannot be made or written.
        """
        (self.folder / _TRAININGS).mkdir(parents=True, exist_ok=True)
        path = self.folder / _SETTINGS
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            write_whole(path, json.dumps(self.settings, indent=2, ensure_ascii=False) + "\n")
            return
        except ValueError:
            raise InvalidArgument(f"{path}: is damaged; name another folder, or remove this one") from None
        wanted = json.loads(json.dumps(self.settings))
        if there != wanted:
            names = [name for name in wanted if not isinstance(there, dict) or there.get(name) != wanted[name]]
            name = names[0] if names else "settings"
            old = there.get(name) if isinstance(there, dict) else there
            raise InvalidArgument(
                f"{self.folder}: holds trainings with other settings ({name}: {shown(old)}, now "
                f"{shown(wanted.get(name))}); name another folder, or remove this one"
            )

    def path(self, job: Job) -> Path:
        """The file of a training."""
        return self.folder / _TRAININGS / f"{job.name}.json"

    def write(self, job: Job, record: Record) -> None:
        """Keep the result of a training.

        Raises:
            OSError: it cannot be written.
        """
        packed = base64.b64encode(zlib.compress(np.ascontiguousarray(record.found).tobytes())).decode()
        content = {
            "settings": self.digest,
            **vars(job),
            "seconds": round(record.seconds, 2),
            "spent": round(record.spent, 2),
            "curve": record.curve,
            "counts": record.counts.tolist(),
            "found": {"shape": list(record.found.shape), "zlib": packed},
        }
        write_whole(self.path(job), json.dumps(content, separators=(",", ":")) + "\n")

    def read(self, job: Job) -> Record | None:
        """The result of a training; None if it has not been finished.

        Raises:
            InvalidArgument: its file is damaged or belongs to other settings.
        """
        path = self.path(job)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["settings"] != self.digest or any(content[key] != value for key, value in vars(job).items()):
                raise InvalidArgument(f"{path}: belongs to other settings; name another folder, or remove this file")
            found = np.frombuffer(zlib.decompress(base64.b64decode(content["found"]["zlib"])), np.uint8)
            return Record(
                [(int(step), float(loss), float(a), float(b)) for step, loss, a, b in content["curve"]],
                np.asarray(content["counts"], np.int64),
                found.reshape(content["found"]["shape"]),
                float(content["seconds"]),
                float(content["spent"]),
            )
        except FileNotFoundError:
            return None
        except InvalidArgument:
            raise
        except (ValueError, KeyError, TypeError, zlib.error):
            raise InvalidArgument(f"{path}: is damaged; remove it, and the training is run again") from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place and move it there, so that no half of it is ever seen.

    Raises:
        OSError: it cannot be written.
    """
    with scratch_file(path, path.suffix) as scratch:
        scratch.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(scratch, path)
