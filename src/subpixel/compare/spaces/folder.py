"""The folder of a comparison: a file of figures and a model file for each finished training, so that a run resumes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel.errors import InvalidArgument, shown
from subpixel.models.files import Model, load, save
from subpixel.storage.locks import scratch_file

__all__ = ["Job", "Record", "Trainings", "write_whole"]

_SETTINGS = "settings.json"
_TRAININGS = "trainings"


@dataclass(frozen=True)
class Job:
    """One training: which network, and under which seed."""

    family: str
    budget: str
    seed: int

    @property
    def name(self) -> str:
        """Of its files, without the suffix."""
        return f"{self.budget}-{self.family}-{self.seed}"


@dataclass(frozen=True)
class Record:
    """What is kept of a training, beside its weights.

    Args:
        curve: ``(step, loss, PSNR)`` of some held-out images.
        scores: PSNR of every held-out image in dB.
        seconds: how long the steps took.
    """

    curve: list[tuple[int, float, float]]
    scores: list[float]
    seconds: float


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
            old = there if isinstance(there, dict) else {}
            name = next((one for one in wanted if old.get(one) != wanted[one]), "settings")
            raise InvalidArgument(
                f"{self.folder}: holds trainings with other settings ({name}: {shown(old.get(name))}, now "
                f"{shown(wanted.get(name))}); name another folder, or remove this one"
            )

    def path(self, job: Job, suffix: str = ".json") -> Path:
        """A file of a training: ``.json`` or ``.safetensors``."""
        return self.folder / _TRAININGS / f"{job.name}{suffix}"

    def write(self, job: Job, record: Record, model: Model) -> None:
        """Keep the result of a training. The figures come last: with them, it is finished.

        Raises:
            OSError: it cannot be written.
        """
        save(model, self.path(job, ".safetensors"))
        content = {"settings": self.digest, **vars(job), **vars(record)}
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
            curve = [(int(step), float(loss), float(score)) for step, loss, score in content["curve"]]
            return Record(curve, [float(score) for score in content["scores"]], float(content["seconds"]))
        except FileNotFoundError:
            return None
        except InvalidArgument:
            raise
        except (ValueError, KeyError, TypeError):
            raise InvalidArgument(f"{path}: is damaged; remove it, and the training is run again") from None

    def model(self, job: Job) -> Model:
        """The trained network.

        Raises:
            ModelFileError: its file is missing or damaged.
        """
        return load(self.path(job, ".safetensors"))


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place and move it there, so that no half of it is ever seen.

    Raises:
        OSError: it cannot be written.
    """
    with scratch_file(path, path.suffix) as scratch:
        scratch.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(scratch, path)
