"""Nothing asks the network: every command with the network cut off, and without a single connection that is tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers import random_image, save_image
from video.clips import make_clip

pytestmark = pytest.mark.slow

# Runs the command with every way from Python to another machine replaced by a refusal that is noted.
GUARD = """
import socket, sys
tried = []
def refuse(*arguments, **options):
    tried.append(arguments)
    raise OSError("the network was asked")
class Guarded(socket.socket):
    def connect(self, address):
        if self.family != getattr(socket, "AF_UNIX", None):
            refuse(address)
        return super().connect(address)
    connect_ex = sendto = connect
socket.socket = Guarded
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
sys.path[:1] = []
from subpixel.cli import main
code = main(sys.argv[1:])
assert not tried, tried
sys.exit(code)
"""
COMMANDS = {
    "upscale": ["upscale", "a.png", "-o", "large.png"],
    "upscale several": ["upscale", "a.png", "b.png", "-n", "bicubic", "-o", "out/", "--processes", "2"],
    "video": ["video", "a.mkv", "-o", "large.mkv"],
    "models": ["models"],
    "doctor": ["doctor"],
    "dry run": ["upscale", "a.png", "--dry-run"],
    "help": ["--help"],
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    save_image(tmp_path / "a.png", random_image((8, 12, 3), "uint8"))
    save_image(tmp_path / "b.png", random_image((9, 12, 3), "uint8"))
    make_clip(tmp_path / "a.mkv", times=range(4))
    return tmp_path


def call(words: list[str], folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=240, **options)


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_connection_is_tried(here: Path, words: list[str]) -> None:
    done = call([sys.executable, "-c", GUARD, *words], here)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_guard_would_notice(here: Path) -> None:
    code = GUARD.replace(
        "code = main(sys.argv[1:])", "code = 0\ntry:\n    socket.create_connection(('192.0.2.1', 9), 1)"
    )
    code = code.replace("192.0.2.1', 9), 1)", "192.0.2.1', 9), 1)\nexcept OSError:\n    pass")
    done = call([sys.executable, "-c", code], here)
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr


def cut_off(words: list[str]) -> list[str]:
    """A command in a network of its own, in which nothing is, not even the loopback."""
    tool = shutil.which("unshare")
    if tool is None or subprocess.run([tool, "-rn", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("unshare is missing or not allowed here, so the network cannot be cut off")
    return [tool, "-rn", *words]


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_commands_without_a_network(here: Path, words: list[str]) -> None:
    done = call(cut_off([sys.executable, "-m", "subpixel", *words]), here)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_without_a_network(here: Path) -> None:
    """Only its own loopback is there. The page and an image are answered."""
    pytest.importorskip("fastapi", reason="subpixel[web] is not installed")
    ip = shutil.which("ip")
    if ip is None:
        pytest.skip("the loopback cannot be switched on without ip")
    asks = (
        "import pathlib, re, subprocess, sys, urllib.request as r\n"
        "server = subprocess.Popen([sys.executable, '-m', 'subpixel', 'serve', '--port', '0', '--workers', '1',\n"
        "    '--data', 'data'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)\n"
        "try:\n"
        "    address = next(m[0] for line in server.stdout if (m := re.search(r'http://[0-9.:]+', line)))\n"
        "    assert b'<html' in r.urlopen(address, timeout=60).read()\n"
        "    body = pathlib.Path('a.png').read_bytes()\n"
        "    image = r.urlopen(address + '/v1/images?model=bicubic', data=body, timeout=120).read()\n"
        "    assert image.startswith(b'\\x89PNG'), image[:99]\n"
        "finally:\n"
        "    server.terminate()\n"
        "    server.wait(60)\n"
    )
    script = here / "ask.py"
    script.write_text(asks)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    shell = f"{ip} link set lo up && exec {sys.executable} -P {script}"
    done = call(cut_off(["sh", "-c", shell]), here, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_system_call_connects(here: Path) -> None:
    """What libraries in C would do as well."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    log = here / "calls"
    done = call(
        [strace, "-f", "-qq", "-e", "trace=connect,sendto", "-o", str(log), sys.executable, "-m", "subpixel",
         "upscale", "a.png", "-o", "large.png"], here,
    )  # fmt: skip
    if "ptrace" in done.stderr.lower():
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    assert not [line for line in log.read_text().splitlines() if "AF_INET" in line]
