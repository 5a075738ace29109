"""One harness under atheris, which guides mutations by the code that they reach, in a child process.

An exception is written into a folder and the run goes on, so that one finding does not hide others; libFuzzer itself
ends the child at a hang or at too much memory. Only :mod:`fuzz.__main__` uses this.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzz.harness import Harness
from malformed.mutations import mutate
from subpixel.errors import SubpixelError

__all__ = ["fuzz_in_child"]


def fuzz_in_child(harness: Harness, corpus: Path, findings: Path, log: Path, options: Sequence[str]) -> int:
    """Fuzz until libFuzzer's options say that it is enough; the exit status of the child.

    Args:
        harness: what is called with each input.
        corpus: a folder; inputs that reach new code are added to it.
        findings: receives an input for each kind of exception.
        log: receives what the child prints.
        options: of libFuzzer.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        _fuzz(harness, corpus, findings, options)
    except BaseException:  # noqa: BLE001  the child must not go on as its parent
        traceback.print_exc()
    os._exit(1)


def _fuzz(harness: Harness, corpus: Path, findings: Path, options: Sequence[str]) -> None:
    import atheris

    originals = [path.read_bytes() for path in sorted(corpus.glob("from_*"))]
    seen: set[str] = set()

    def run(content: bytes) -> None:
        try:
            harness.check(content)
        except SubpixelError as error:
            if "\n" in str(error):
                report(content, error)
        except Exception as error:  # noqa: BLE001  what the whole is for
            report(content, error)

    def report(content: bytes, error: Exception) -> None:
        where = _where(error)
        if where not in seen:
            seen.add(where)
            path = findings / f"{harness.name}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"
            path.write_bytes(content)
            print(f"FOUND {where}: {path}", file=sys.stderr)
            traceback.print_exception(error, file=sys.stderr)
            sys.stderr.flush()

    def change(content: bytes, most: int, seed: int) -> bytes:
        # A mutation of blocks renews lengths and checksums, which blind changes never get right.
        if random.Random(seed).random() < 0.5:
            return mutate(content, seed, other=originals[seed % len(originals)])[:most]
        mutated: Any = atheris.Mutate(content, most) if content else b"\0"
        return bytes(mutated)

    atheris.Setup(["fuzz", *options, str(corpus)], run, custom_mutator=change)
    atheris.Fuzz()


def _where(error: BaseException) -> str:
    """The kind of an exception and the last place of this package, or of the harness, that it came from."""
    frames = list(traceback.extract_tb(error.__traceback__))
    frames = [each for each in frames if "/subpixel/" in each.filename] or frames
    return f"{type(error).__name__} {Path(frames[-1].filename).name}:{frames[-1].lineno}"
