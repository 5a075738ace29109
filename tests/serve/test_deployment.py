"""The systemd unit, the nginx site and the Dockerfile: what they say fits the server."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.main import get_command

from serve.conftest import read_events, stop_worker, wait_until
from subpixel.cli.app import app
from subpixel.serve.server import _LAST_ANSWERS, Running
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
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
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


def test_the_container_has_time_to_stop() -> None:
    (command,) = re.findall(r"^docker run .*$", PAGE, re.MULTILINE)
    words = shlex.split(command)
    # Docker kills after 10 seconds by itself, before running images are finished.
    assert int(words[words.index("--stop-timeout") + 1]) > Settings(Path("x")).stop + _LAST_ANSWERS
    (user,) = instructions("USER")
    assert f"must belong to user {user}." in " ".join(PAGE.split())


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


@contextmanager
def proxy(running: Running, folder: Path) -> Iterator[str]:
    """nginx with the site before a server, without TLS; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = re.sub(r"^ *ssl_.*\n", "", block("nginx"), flags=re.MULTILINE)
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    site = site.replace("http://127.0.0.1:8765", running.address.rstrip("/"))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; {paths}\n{site} }}\n"
    )
    with subprocess.Popen(["nginx", "-p", str(folder), "-c", str(path)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_open(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_everything_passes_through_the_site(serve: Any, photo: Path, tmp_path: Path) -> None:
    running, content = serve(token="a-token-of-tests", image_bytes=1 << 20, queue=1), photo.read_bytes()
    headers = {"Host": "photos.example.org:8443", "Authorization": "Bearer a-token-of-tests"}
    with proxy(running, tmp_path) as address, httpx.Client(base_url=address, headers=headers, timeout=30) as client:
        own, foreign = {"Origin": "https://photos.example.org:8443"}, {"Origin": "https://other.example"}
        made = client.post("/v1/images", content=content, headers=own)
        assert made.status_code == 200, made.text
        assert client.post("/v1/images", content=content, headers=foreign).status_code == 403
        url = f"/v1/jobs/{made.headers['x-subpixel-job']}"
        part = client.get(f"{url}/result", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, made.content[10:20])
        assert client.get(f"{url}/result", headers={"If-None-Match": made.headers["etag"]}).status_code == 304
        for _ in range(3):  # refused by the server, although the proxy still sends
            large = client.post("/v1/images", content=b"\x89PNG\r\n\x1a\n" + bytes(16 << 20))
            assert (large.status_code, large.json()["type"]) == (413, "/problems/too-large")
        with client.stream("GET", "/v1/events?after=1") as stream:  # events are not held back
            (event,) = read_events(stream, lambda *_: True)
        assert event[2]["id"] in url
        assert "; Secure" not in client.get("/?token=a-token-of-tests", headers=own).headers["set-cookie"]
        stop_worker(running)  # else a fast one keeps the queue empty
        full = wait_until(lambda: fill(client, content), 30)
        assert full.json()["type"] == "/problems/queue-full"
        assert int(full.headers["retry-after"]) >= 1


def fill(client: httpx.Client, content: bytes) -> httpx.Response | None:
    """The answer to one more job, if the queue is full."""
    different = content + str(time.monotonic_ns()).encode()
    answer = client.post("/v1/images?model=high", content=different, headers={"Prefer": "respond-async"})
    return answer if answer.status_code == 429 else None
