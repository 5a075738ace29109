"""Files that claim much take little: each is read or refused, in a child process with a bounded peak of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from malformed.bombs import bombs
from malformed.claims import claims

# Bytes beyond those of the process. A reader may hold the first hundred rows of an image before it sees its end.
MOST = 256 << 20

# Each file is read in a fork of its own, so that one peak does not hide another. The child prints what it found.
_READ = """
import json, os, re, resource, sys
from pathlib import Path
from subpixel.errors import ImageReadError
from subpixel.image.files.reading import read

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) << 10

for path in sorted(Path(sys.argv[1]).iterdir()):
    sys.stdout.flush()
    if os.fork() == 0:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        before = peak()
        try:
            outcome = str(read(path).pixels.shape)
        except ImageReadError as error:
            outcome = str(error)
        print(json.dumps([path.name, peak() - before, outcome]), flush=True)
        assert peak() - before < int(sys.argv[2]), path.name
        os._exit(0)
    if os.wait()[1] != 0:
        print(json.dumps([path.name, -1, "the process was killed"]), flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says this of a process")
def test_a_file_that_claims_much_takes_little_memory(tmp_path: Path) -> None:
    names = {}
    for number, (name, content) in enumerate({**bombs(), **claims()}.items()):
        assert len(content) < 300_000
        (tmp_path / f"{number:03}").write_bytes(content)
        names[f"{number:03}"] = name
    command = [sys.executable, "-c", _READ, str(tmp_path), str(MOST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    found = {names[number]: (peak >> 20, outcome) for number, peak, outcome in outcomes}
    assert {name for name, (peak, _) in found.items() if not 0 <= peak < MOST >> 20} == set(), (found, done.stderr)
    assert set(found) == set(names.values())
    refused = [outcome for _, outcome in found.values() if not outcome.startswith("(")]
    assert len(refused) > len(found) / 2
    assert all("\n" not in outcome for outcome in refused)
