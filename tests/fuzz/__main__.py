"""Fuzzes all harnesses, one after another: ``python -m fuzz``, which ``make fuzz`` calls.

Each gets an equal share of the time. What they found lies in a folder; the corpora are kept, so the next run goes on
where this one ended.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from fuzz.harness import regressions_of
from fuzz.harnesses import HARNESSES

# libFuzzer's limits for one input: seconds, and MiB of the whole process with its imports.
_SECONDS, _MEMORY = 20, 2500
_LONGEST = 1 << 16  # bytes of an input
_LIMITS = [f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEMORY}", "-print_final_stats=1", "-verbosity=1"]


def main() -> int:
    """Run, print a line for each harness, and return 1 if there are findings."""
    arguments = argparse.ArgumentParser(prog="fuzz", description=__doc__.partition(":")[0])
    arguments.add_argument("names", nargs="*", help="harnesses or native targets; all without any")
    arguments.add_argument("--seconds", type=int, default=3600, help="in all")
    arguments.add_argument("--folder", type=Path, default=Path("build/fuzzing"), help="for corpora, logs and findings")
    arguments.add_argument("--native", type=Path, help="the folder of the native targets")
    options = arguments.parse_args()
    native = {path.name: path for path in sorted(options.native.glob("fuzz_*"))} if options.native else {}
    unknown = set(options.names) - HARNESSES.keys() - native.keys()
    if unknown:
        arguments.error(f"no harness {', '.join(sorted(unknown))}; there are {', '.join([*HARNESSES, *native])}")
    names = options.names or [*HARNESSES, *native]
    share = max(1, options.seconds // len(names))
    found = options.folder / "findings"
    found.mkdir(parents=True, exist_ok=True)
    ended = [_run(name, native.get(name), share, options.folder, found) for name in names]
    left = sorted(path.name for path in found.iterdir())
    print(f"{len(left)} findings in {found}: {', '.join(left)}" if left else "no findings")
    return 1 if left or not all(ended) else 0


def _run(name: str, program: Path | None, seconds: int, folder: Path, found: Path) -> bool:
    """Whether one harness or native target ran for its time without being ended by libFuzzer."""
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    if program is None:
        for kind in (HARNESSES[name].corpus(), regressions_of(HARNESSES[name])):
            for each, content in kind.items():
                (corpus / f"from_{each}").write_bytes(content)
        module = HARNESSES[name].check.__module__
        command = [sys.executable, "-m", "fuzz.guided", module, name, str(found), str(corpus)]
    else:
        command = [str(program), str(corpus)]
    command += [*_LIMITS, f"-max_len={_LONGEST if program is None else 4096}", f"-max_total_time={seconds}"]
    command += [f"-artifact_prefix={found}/{name}-"]
    log = folder / f"{name}.log"
    with open(log, "wb") as file:
        status = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
    text = log.read_text(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", text)
    done = re.search(r"Done \d+ runs in (\d+) second", text)
    count, took = int(runs[1]) if runs else 0, done[1] if done else "?"
    kinds = re.findall(r"^FOUND (.*)$", text, re.MULTILINE)
    verdict = "; ".join(kinds) or ("nothing found" if status == 0 else f"ended with {status}, see {log}")
    print(f"{name:>16} {count:>10,} executions in {took:>4} s: {verdict}", flush=True)
    return status == 0


if __name__ == "__main__":
    sys.exit(main())
