"""Runs one harness under atheris, which guides mutations by the code that they reach: ``python -m fuzz.guided``.

Arguments: the module of the harness and its name, a folder for findings, the corpus, then libFuzzer's options. An
exception is written into the folder and the run goes on, so that one finding does not hide others; libFuzzer itself ends
the process at a hang or at too much memory. Only :mod:`fuzz.__main__` starts this, in an environment that has atheris.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import sys
import traceback
from pathlib import Path

_HALF = 0.5


def _where(error: BaseException) -> str:
    """The kind of an exception and the last places of this package and of the harness that it came from."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if "/subpixel/" in each.filename]
    frames = frames or list(traceback.extract_tb(error.__traceback__))
    return f"{type(error).__name__} {Path(frames[-1].filename).name}:{frames[-1].lineno}"


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    import atheris

    # What is imported here counts which code was reached.
    with atheris.instrument_imports(include=["subpixel"]):
        module = importlib.import_module(sys.argv[1])
        from malformed.mutations import mutate
        from subpixel.errors import SubpixelError

    name, findings, folder = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    (harness,) = (each for each in module.HARNESSES if each.name == name)
    corpus = [path.read_bytes() for path in sorted(folder.glob("from_*"))]
    seen: set[str] = set()

    def run(content: bytes) -> None:
        try:
            harness.check(content)
        except SubpixelError as error:
            if "\n" not in str(error):
                return
            report(content, error)
        except Exception as error:  # noqa: BLE001  what the whole is for
            report(content, error)

    def report(content: bytes, error: Exception) -> None:
        where = _where(error)
        if where not in seen:
            seen.add(where)
            path = findings / f"{name}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"
            path.write_bytes(content)
            print(f"FOUND {where}: {path}", file=sys.stderr)
            traceback.print_exception(error, file=sys.stderr)

    def change(content: bytes, most: int, seed: int) -> bytes:
        # A mutation of blocks renews lengths and checksums, which blind changes never get right.
        if random.Random(seed).random() < _HALF:
            return mutate(content, seed, other=corpus[seed % len(corpus)])[:most]
        return bytes(atheris.Mutate(content, most)) if content else b"\0"

    atheris.Setup([sys.argv[0], *sys.argv[5:], str(folder)], run, custom_mutator=change)
    os.environ["VIPS_CONCURRENCY"] = "1"
    atheris.Fuzz()


if __name__ == "__main__":
    main()
