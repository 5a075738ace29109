"""Two hosts, as network namespaces: one joins over the network, and is cut off in the middle of the job."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cluster.commands_run import Command, wait_until
from helpers import save_image
from subpixel.cli import main

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="Ray is not installed; pip install 'subpixel[cluster]' brings it",
    ),
    pytest.mark.skipif(
        shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0,
        reason="network namespaces need the command ip and root",
    ),
]
_HEAD, _OTHER, _PORT = "10.213.7.1", "10.213.7.2", 6397


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """The names of two namespaces that are joined by a cable, whose end in the second one is called ``cable``."""
    one, two = (f"subpixel-{secrets.token_hex(3)}" for _ in range(2))
    try:
        for name in (one, two):
            try:
                ip("netns", "add", name)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"the kernel allows no network namespace here: {error.stderr.strip()}")
        ip("link", "add", "cable", "netns", one, "type", "veth", "peer", "name", "cable", "netns", two)
        for name, address in ((one, _HEAD), (two, _OTHER)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            for device in ("lo", "cable"):
                ip("-n", name, "link", "set", device, "up")
        yield one, two
    finally:
        for name in (one, two):
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
            for pid in pids.split():  # all of them began here
                subprocess.run(["kill", "-9", pid], check=False, capture_output=True)
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster with a token; hosts are missed after seconds, not after half a minute."""
    for name, value in {
        "AUTH_MODE": "token",
        "AUTH_TOKEN": secrets.token_hex(32),
        "USAGE_STATS_ENABLED": "0",
        "health_check_period_ms": "1000",
        "health_check_failure_threshold": "3",
        "health_check_initial_delay_ms": "1000",
        "health_check_timeout_ms": "2000",
    }.items():
        monkeypatch.setenv(f"RAY_{name}", value)


def ray(host: str, *words: str) -> None:
    program = str(Path(sys.executable).with_name("ray"))
    command = ["ip", "netns", "exec", host, program, "start", *words, "--disable-usage-stats"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("_environment")
def test_a_host_that_is_cut_off_costs_its_pieces_and_nothing_else(tmp_path: Path, hosts: tuple[str, str]) -> None:
    folder, out, rng = tmp_path / "photos", tmp_path / "many", np.random.default_rng(4)
    folder.mkdir()
    for number in range(60):
        save_image(folder / f"{number:03}.png", rng.integers(0, 255, (200, 300, 3), np.uint8))
    options = ("-n", "high", "--precision", "f32")
    assert main(["upscale", str(folder), "-o", f"{tmp_path / 'one'}/", "--quiet", "-j", "1", *options]) == 0
    common = ("--num-cpus=1", "--object-store-memory=100000000", "--include-dashboard=false")
    ray(hosts[0], "--head", f"--node-ip-address={_HEAD}", f"--port={_PORT}", *common)
    ray(hosts[1], f"--address={_HEAD}:{_PORT}", f"--node-ip-address={_OTHER}", *common[:2])
    arguments = ("cluster", "images", folder, "-o", out, "--address", f"{_HEAD}:{_PORT}", "--ship", *options)
    command = Command(*arguments, before=("ip", "netns", "exec", hosts[0]))
    wait_until(lambda: len(list(out.glob("*.png"))) >= 4, 300)
    ip("-n", hosts[1], "link", "set", "cable", "down")
    time.sleep(1)
    assert command.end() == 0, command.err
    assert "was lost" in command.err
    results = [{path.name: path.read_bytes() for path in place.iterdir()} for place in (tmp_path / "one", out)]
    assert results[0] == results[1]
