"""The folder of a comparison that trains: its settings and a file for each finished training, so that a run resumes."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from subpixel.errors import InvalidArgument, shown
from subpixel.storage.whole_files import write_whole

__all__ = ["TrainingFolder", "TrainingJob"]

T = TypeVar("T")

_SETTINGS = "settings.json"
_TRAININGS = "trainings"


@dataclass(frozen=True)
class TrainingJob:
    """One training.

    Args:
        kind: what is trained.
        budget: what it may cost.
        seed: of its weights and data.
    """

    kind: str
    budget: str
    seed: int

    @property
    def name(self) -> str:
        """Of its files, without the suffix."""
        return f"{self.budget}-{self.kind}-{self.seed}"


@dataclass(frozen=True)
class TrainingFolder:
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

    def path(self, job: TrainingJob, suffix: str = ".json") -> Path:
        """A file of a training; the one with the suffix ``.json`` says that it is finished."""
        return self.folder / _TRAININGS / f"{job.name}{suffix}"

    def write_record(self, job: TrainingJob, record: Mapping[str, Any]) -> None:
        """Keep what is known of a training.

        Raises:
            OSError: it cannot be written.
        """
        content = {"settings": self.digest, **vars(job), **record}
        write_whole(self.path(job), json.dumps(content, separators=(",", ":")) + "\n")

    def read_record(self, job: TrainingJob, parse: Callable[[Any], T]) -> T | None:
        """What is known of a training; None if it has not been finished.

        Args:
            job: the training.
            parse: makes the result of what :meth:`write_record` got.

        Raises:
            InvalidArgument: its file is damaged or belongs to other settings.
        """
        path = self.path(job)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            own = content["settings"] == self.digest and all(content[key] == value for key, value in vars(job).items())
            if own:
                return parse(content)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, zlib.error):
            raise InvalidArgument(f"{path}: is damaged; remove it, and the training is run again") from None
        raise InvalidArgument(f"{path}: belongs to other settings; name another folder, or remove this file")
