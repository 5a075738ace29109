"""The systemd unit, the nginx site and the Dockerfile: what they say fits the server."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.main import get_command

from subpixel.cli.app import app
from subpixel.serve.server import _LAST_ANSWERS
from subpixel.serve.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def unit() -> dict[str, str]:
    lines = [line for line in block("ini").splitlines() if line and line[0] not in "#["]
    found = dict(line.split("=", 1) for line in lines)
    assert len(found) == len(lines)
    return found


def options_of(words: list[str]) -> dict[str, Any]:
    """The options of a command line of ``subpixel serve``."""
    assert words[:2] == ["subpixel", "serve"]
    command = get_command(app).get_command(None, "serve")  # type: ignore[attr-defined]
    found: dict[str, Any] = command.make_context("serve", words[2:], resilient_parsing=True).params
    assert (
        not set(words[2:])
        - {each for each in words[2:] if not each.startswith("--")}
        - {option for parameter in command.params for option in parameter.opts}
    )
    return found


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*)", DOCKERFILE, re.MULTILINE)


def test_the_unit() -> None:
    lines = unit()
    command = shlex.split(lines["ExecStart"])
    options = options_of(["subpixel", *command[1:]])
    assert command[0] == "/opt/subpixel/bin/subpixel"
    assert str(options["data"]) == f"/var/lib/{lines['StateDirectory']}"
    assert options["host"] == "127.0.0.1"  # so that it starts without a token, too
    assert int(lines["TimeoutStopSec"]) > Settings(Path("x")).stop + _LAST_ANSWERS
    assert lines["OOMPolicy"] == "continue"  # a worker that needs too much memory costs one job
    assert "ProcSubset" not in lines  # the free memory is read in /proc
    assert {"SystemCallFilter", "CapabilityBoundingSet", "NoNewPrivileges", "ProtectSystem"} <= set(lines)


def test_the_site() -> None:
    site = block("nginx")
    assert site.count("{") == site.count("}") == 2
    values = dict(re.findall(r"^ +([a-z_]+) +([^;{]+);", site, re.MULTILINE))
    assert values["proxy_pass"].endswith(f":{Settings(Path('x')).port}")
    assert values["client_max_body_size"] == "0"  # else a refusal is a page of nginx
    assert values["proxy_buffering"] == values["proxy_request_buffering"] == "off"
    assert int(values["proxy_read_timeout"].rstrip("s")) > Settings(Path("x")).wait
    # With the port, as it is in Origin, which must fit.
    assert "proxy_set_header Host $http_host;" in site


def test_the_dockerfile(client: httpx.Client) -> None:
    assert instructions("FROM")[0].split()[0] == instructions("FROM")[1]
    (entry,) = (ast.literal_eval(each) for each in instructions("ENTRYPOINT"))
    options = options_of(entry)
    assert [str(options["data"])] == instructions("VOLUME") == instructions("WORKDIR")[1:]
    assert [str(options["port"])] == instructions("EXPOSE")
    (user,) = instructions("USER")
    assert user.isdigit()
    assert f"--uid {user} " in DOCKERFILE
    assert "--mode 700 /data" in DOCKERFILE
    # The health check is a program; it is run against this server.
    (check,) = instructions("HEALTHCHECK")
    name, option, program = ast.literal_eval(check[check.index("[") :])
    assert (name, option) == ("python", "-c")
    own = f"http://127.0.0.1:{options['port']}"
    assert own in program
    exec(program.replace(own, str(client.base_url).rstrip("/")))
    with pytest.raises(OSError, match="refused"):
        exec(program.replace(own, "http://127.0.0.1:9"))


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "subpixel.service"
    path.write_text(block("ini").replace("/opt/subpixel/bin/subpixel", "/bin/true"))
    run("systemd-analyze", "verify", str(path))
    run("systemd-analyze", "security", "--offline=true", "--threshold=30", str(path))


@pytest.mark.skipif(None in map(shutil.which, ("nginx", "openssl")), reason="nginx or openssl is not installed")
def test_nginx_takes_the_site(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=photos.example.org"),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    site = block("nginx").replace("/etc/ssl/photos.example.org.pem", str(certificate))
    site = site.replace("/etc/ssl/photos.example.org.key", str(key)).replace("listen 443", "listen 8443")
    path = tmp_path / "nginx.conf"
    path.write_text(f"pid {tmp_path}/pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{site} }}\n")
    run("nginx", "-t", "-p", str(tmp_path), "-c", str(path))
