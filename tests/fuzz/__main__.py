"""Fuzzes all harnesses, one after another: ``python -m fuzz``, which ``make fuzz`` calls.

Each gets an equal share of the time. What they found lies in a folder; the corpora are kept, so the next run goes on
where this one ended.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

# libFuzzer's limits for one input: seconds, and MiB of the whole process with its imports.
_SECONDS, _MEMORY = 60, 2500
# Bytes of an input: of a file, and of the choices of a native target.
_LONGEST, _LONGEST_NATIVE = 1 << 16, 512


def main() -> int:
    """Run, print a line for each harness, and return 1 if there are findings."""
    import atheris

    os.environ["VIPS_CONCURRENCY"] = "1"
    # What is imported here counts which code was reached; children inherit it.
    with atheris.instrument_imports(include=["subpixel"]):
        from fuzz.guided import fuzz_in_child
        from fuzz.harness import Harness, regressions_of
        from fuzz.harnesses import HARNESSES

    arguments = argparse.ArgumentParser(prog="fuzz", description="Fuzzes all harnesses, one after another.")
    arguments.add_argument("names", nargs="*", help="harnesses or native targets; all without any")
    arguments.add_argument("--seconds", type=int, default=3600, help="in all")
    arguments.add_argument("--folder", type=Path, default=Path("build/fuzzing"), help="for corpora, logs and findings")
    arguments.add_argument("--native", type=Path, help="the folder of the native targets")
    options = arguments.parse_args()
    programs = sorted(options.native.glob("fuzz_*")) if options.native else []
    targets: dict[str, Harness | Path] = {**HARNESSES, **{path.name: path for path in programs}}
    unknown = set(options.names) - targets.keys()
    if unknown:
        arguments.error(f"no harness {', '.join(sorted(unknown))}; there are {', '.join(targets)}")
    names = options.names or list(targets)
    found: Path = options.folder / "findings"
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-timeout={_SECONDS}", f"-report_slow_units={_SECONDS}", f"-rss_limit_mb={_MEMORY}"]
    limits += ["-print_final_stats=1", f"-max_total_time={max(1, options.seconds // len(names))}"]
    complete = True
    for name in names:
        target, log, corpus = targets[name], options.folder / f"{name}.log", options.folder / "corpus" / name
        corpus.mkdir(parents=True, exist_ok=True)
        more = [*limits, f"-artifact_prefix={found}/{name}-"]
        if isinstance(target, Path):
            command = [str(target), str(corpus), *more, f"-max_len={_LONGEST_NATIVE}"]
            with open(log, "wb") as file:
                status = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
        else:
            for each, content in {**target.corpus(), **regressions_of(target)}.items():
                (corpus / f"from_{each}").write_bytes(content)
            status = fuzz_in_child(target, corpus, found, log, [*more, f"-max_len={_LONGEST}"])
        complete &= status == 0
        print(_line(name, log, status), flush=True)
    left = sorted(path.name for path in found.iterdir())
    print(f"{len(left)} findings in {found}: {', '.join(left)}" if left else "no findings")
    return 1 if left or not complete else 0


def _line(name: str, log: Path, status: int) -> str:
    """How often a target ran, for how long, and what was found."""
    text = log.read_text(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", text)
    done = re.search(r"Done \d+ runs in (\d+) second", text)
    kinds = re.findall(r"^FOUND (.*)$", text, re.MULTILINE)
    verdict = "; ".join(kinds) or ("nothing found" if status == 0 else f"ended with {status}, see {log}")
    return f"{name:>16} {int(runs[1]) if runs else 0:>10,} executions in {done[1] if done else '?':>4} s: {verdict}"


if __name__ == "__main__":
    sys.exit(main())
