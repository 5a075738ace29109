"""Reads thousands of mutated files in a child process, and says what came out besides results and errors of subpixel.

The child has a limit of memory and of time for each file. If it dies, its parent notes the seed and goes on with the
next one. What is found names a seed, and the file itself lies in the folder.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malformed.mutations import mutate

__all__ = ["Outcome", "fuzz"]

Reader = Callable[[Path], object]

# Address space beyond what the child has after its imports: a guard that ends it before the machine suffers. What a
# case really takes is measured.
_SPARE = 3 << 30
_MOST_DEATHS = 8
# Bytes at the start of a file that say what it is: the longest are those of RIFF and of ISO files.
_SIGNATURE = 12


@dataclass
class Outcome:
    """What a batch of mutated files led to.

    Args:
        accepted: files that were read to the end.
        refused: files that ended in a SubpixelError.
        peak: the most memory in MiB that one file took beyond what the process had before.
        findings: foreign exceptions, signals, hangs and files that took too much memory, with their seeds.
        longest: the longest error message of the refused.
    """

    accepted: int = 0
    refused: int = 0
    peak: float = 0.0
    findings: list[str] = field(default_factory=list)
    longest: str = ""


def fuzz(
    folder: Path,
    reader: str,
    originals: Mapping[str, bytes],
    seeds: Iterable[int],
    *,
    change: str = "malformed.fuzzing:changed",
    memory: float = 256,
    seconds: float = 20,
    first: Iterable[str] | None = None,
) -> Outcome:
    """Read mutations of files; the ``n``-th original is mutated for every seed that is ``n`` modulo their number.

    A finding is anything but a result or a SubpixelError of one line, and whatever a library prints.

    Args:
        folder: an empty folder for the files.
        reader: ``module:function`` that reads a path to the end. A SubpixelError is the right answer to a bad file.
        originals: the files by name.
        seeds: one for each case.
        change: ``module:function`` from the originals (a list of pairs of name and content) and a seed to a name and
            the content of a file.
        memory: MiB that one file may take.
        seconds: that one file may take before it counts as a hang.
        first: the originals that are read once before, without a limit, so that what loads late counts for no case;
            None for all.
    """
    (folder / "originals").mkdir(parents=True)
    for name, content in originals.items():
        (folder / "originals" / name).write_bytes(content)
    outcome, left = Outcome(), list(seeds)
    for _ in range(_MOST_DEATHS):
        plan = {
            "reader": reader, "change": change, "names": list(originals), "seeds": left, "memory": memory,
            "seconds": seconds, "first": list(originals if first is None else first),
        }  # fmt: skip
        status, errors = _run(folder, plan)
        part: dict[str, Any] = json.loads((folder / "outcome.json").read_text())
        outcome.accepted += part["accepted"]
        outcome.refused += part["refused"]
        outcome.peak = max(outcome.peak, part["peak"])
        outcome.findings += part["findings"]
        outcome.longest = max(outcome.longest, part["longest"], key=len)
        if status == 0:
            return outcome
        if part["current"] is None:
            raise RuntimeError(f"the child ended with {status} before its first file:\n{errors}")
        outcome.findings.append(f"seed {part['current']}: the process ended with {status}\n{errors[-3000:]}")
        left = left[left.index(part["current"]) + 1 :]
    return outcome


def changed(originals: list[tuple[str, bytes]], seed: int) -> tuple[str, bytes]:
    """A mutation of one of the files, sometimes with parts of another; two of three keep their first bytes."""
    name, content = originals[seed % len(originals)]
    mutated = mutate(content, seed, other=originals[seed // len(originals) % len(originals)][1])
    # Without its signature a file is refused at once.
    return name, mutated if seed % 3 == 0 else content[:_SIGNATURE] + mutated[_SIGNATURE:]


def unchanged(originals: list[tuple[str, bytes]], seed: int) -> tuple[str, bytes]:
    """One of the files as it is."""
    return originals[seed]


def _run(folder: Path, plan: dict[str, Any]) -> tuple[int, str]:
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "outcome.json").unlink(missing_ok=True)
    tests = Path(__file__).parents[1]
    paths = [str(tests), *([os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else [])]
    # One thread of libvips for each case: thousands of small files are read faster so.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "VIPS_CONCURRENCY": "1"}
    with open(folder / "stderr.txt", "wb") as errors:
        child = subprocess.run(
            [sys.executable, "-m", "malformed.fuzzing", str(folder)],
            env=environment,
            stdout=errors,
            stderr=errors,
            check=False,
        )
    return child.returncode, (folder / "stderr.txt").read_text(errors="replace")


def _load(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _memory(line: str) -> float:
    """MiB of this process: ``VmHWM``, the most since the last reset, ``VmRSS``, or ``VmSize``."""
    with open("/proc/self/status") as file:
        return next((int(each.split()[1]) / 1024 for each in file if each.startswith(line)), 0.0)


def _child(folder: Path) -> None:
    import resource

    from subpixel.errors import SubpixelError

    plan = json.loads((folder / "plan.json").read_text())
    reader: Reader = _load(plan["reader"])
    change: Callable[[list[tuple[str, bytes]], int], tuple[str, bytes]] = _load(plan["change"])
    originals = [(name, (folder / "originals" / name).read_bytes()) for name in plan["names"]]
    outcome: dict[str, Any] = {
        "accepted": 0, "refused": 0, "peak": 0.0, "findings": [], "longest": "", "current": None
    }  # fmt: skip

    def note() -> None:
        (folder / "outcome.json").write_text(json.dumps(outcome))

    note()
    for name in plan["first"]:
        with contextlib.suppress(SubpixelError):
            reader(folder / "originals" / name)
    size = int(_memory("VmSize") * 2**20) + _SPARE
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for seed in plan["seeds"]:
        name, content = change(originals, seed)
        path = folder / name
        path.write_bytes(content)
        outcome["current"] = seed
        note()
        before, printed = _memory("VmRSS"), os.fstat(2).st_size
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        faulthandler.dump_traceback_later(plan["seconds"], exit=True)
        finding = ""
        try:
            reader(path)
            outcome["accepted"] += 1
        except SubpixelError as error:
            outcome["refused"] += 1
            outcome["longest"] = max(outcome["longest"], str(error), key=len)
            if "\n" in str(error):
                finding = f"a message of several lines: {error}"
        except BaseException:  # noqa: BLE001  what the whole is for
            finding = traceback.format_exc()
        faulthandler.cancel_dump_traceback_later()
        if os.fstat(2).st_size > printed:
            finding += f"a library printed {(folder / 'stderr.txt').read_bytes()[printed:][:2000]!r}"
        taken = _memory("VmHWM") - before
        outcome["peak"] = max(outcome["peak"], taken)
        if taken > plan["memory"]:
            finding += f"it took {taken:.0f} MiB; {plan['memory']} are right"
        if finding:
            (folder / f"seed{seed}_{name}").write_bytes(content)
            outcome["findings"].append(f"seed {seed}, {name}: {finding[-3000:]}")
    note()


if __name__ == "__main__":
    faulthandler.enable()
    _child(Path(sys.argv[1]))
