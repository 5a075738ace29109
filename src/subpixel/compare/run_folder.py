"""The folder of a report: who may write to it, and what a stopped run left there."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from subpixel.errors import InvalidArgument
from subpixel.storage.os_errors import os_error_text
from subpixel.storage.whole_files import write_whole

__all__ = ["RECORD", "RunFolder", "State"]

RECORD = "run.json"
State = Literal["new", "stopped", "done"]


class RunFolder:
    """A folder that one run owns: a file in it says with which settings, and whether the run came to its end.

    Args:
        path: the folder.
        settings: what the results depend on, as JSON holds it.
        overwrite: take over a folder with other settings. Files of other names stay.

    Raises:
        InvalidArgument: the path is a file, the folder holds other things, or a run with other settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any], *, overwrite: bool = False) -> None:
        self.path = path
        self._settings = json.loads(json.dumps(settings))
        self.state: State = "new"
        if path.exists() and not path.is_dir():
            raise InvalidArgument(f"{path}: a report is a folder, and this is a file; name another")
        record = self._record()
        self._new = record is None
        if record is not None and record.get("settings") == self._settings and not overwrite:
            self.state = "done" if record.get("done") else "stopped"
        elif not overwrite and path.is_dir() and any(path.iterdir()):
            what = "it is not empty" if record is None else "it holds a report with other settings"
            raise InvalidArgument(f"{path}: {what}; overwrite=True replaces the files of the same names")

    def start(self) -> None:
        """Make the folder and record the settings.

        Raises:
            InvalidArgument: it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write(done=False)
        except OSError as error:
            raise InvalidArgument(f"{self.path}: cannot be written: {os_error_text(error)}") from None

    def withdraw(self) -> None:
        """Take back :meth:`start`, as far as nothing was written since: the run was not possible."""
        if self._new:
            (self.path / RECORD).unlink(missing_ok=True)
            with suppress(OSError):  # it was there before, or something was written
                self.path.rmdir()

    def finish(self) -> None:
        """Record that everything is there."""
        self._write(done=True)

    def _write(self, *, done: bool) -> None:
        record = {"settings": self._settings, "done": done}
        write_whole(self.path / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")

    def _record(self) -> dict[str, Any] | None:
        """The record of an earlier run, or None if there is none that can be read."""
        try:
            record = json.loads((self.path / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None
