"""Closed standard streams become the null device before anything is opened in their place."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
from subpixel.storage.standard_descriptors import fill_standard_descriptors
fill_standard_descriptors()
kept = os.open(sys.argv[1], os.O_RDWR)
print("text for standard output")
print("text for standard error", file=sys.stderr)
open_children = os.system("test -e /dev/fd/2") if os.path.exists("/dev/fd") else 0
os.write(kept, b"%d %d %d" % (kept > 2, sys.stdin.read() == "", open_children))
"""


@pytest.mark.skipif(os.name == "nt", reason="the shell is Unix's")
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_no_file_takes_the_place_of_a_stream(tmp_path: os.PathLike[str], closed: str) -> None:
    path = os.path.join(tmp_path, "file")
    with open(path, "w", encoding="ascii") as file:
        file.write("")
    command = f'"$0" -c "$1" "$2" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, SCRIPT, path],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert (b"" if "1>" in closed else b"text for standard output\n") == done.stdout
    assert (b"" if "2>" in closed else b"text for standard error\n") == done.stderr
    with open(path, "rb") as result:
        assert result.read() == b"1 1 0"
