"""Who is answered: names, origins, tokens; and what every answer says to a browser."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.conftest import client_of
from subpixel.errors import InvalidArgument
from subpixel.serve.http.page_files import PAGE_FILES
from subpixel.serve.settings import Settings

TOKEN = "a-long-token-4c1f"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8765", "[::1]:8765", "LOCALHOST:1"])
def test_names_of_this_machine(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", "user@localhost", "[::1", "", "a/b"],
)
@pytest.mark.parametrize("path", ["/", "/v1/jobs", "/healthz"])
def test_other_names_are_refused(client: httpx.Client, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_are_refused(client: httpx.Client, photo: Path, headers: dict[str, str]) -> None:
    assert client.post("/v1/images", content=photo.read_bytes(), headers=headers).status_code == 403
    assert client.get("/v1/jobs", headers=headers).status_code == 403
    assert client.delete(f"/v1/jobs/{'0' * 32}", headers=headers).status_code == 403


def test_the_own_page_and_links_are_answered(client: httpx.Client) -> None:
    own = str(client.base_url).rstrip("/")
    assert client.get("/v1/jobs", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_every_answer_limits_what_a_browser_does_with_it(client: httpx.Client) -> None:
    for path in ("/", "/v1/models", "/v1/jobs/x", "/nothing", "/openapi.json"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_a_token_is_asked_for(serve: Any, photo: Path) -> None:
    running = serve(token=TOKEN)
    with client_of(running) as client:
        for path in ("/", "/v1/jobs", "/metrics", "/openapi.json", "/page/index.html"):
            answer = client.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.post("/v1/images", content=photo.read_bytes()).status_code == 401
        assert client.get("/healthz").status_code == 200
        for wrong in ("Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer"):
            assert client.get("/v1/jobs", headers={"Authorization": wrong}).status_code == 401
        assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/?token=wrong").status_code == 401
        assert client.get(f"/v1/jobs?token={TOKEN}").status_code == 401  # it would stay in logs
        # A browser comes with the token once, and then has a cookie.
        entry = client.get(f"/?token={TOKEN}")
        assert entry.status_code == 303
        cookie = entry.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.get("/v1/jobs").status_code == 200
        # The token does not stay in the address either where there is a cookie already.
        assert client.get(f"/?token={TOKEN}").headers["location"] == entry.headers["location"] == "/"


def test_people_without_a_token_get_a_page(serve: Any) -> None:
    with client_of(serve(token=TOKEN)) as client:
        for path in ("/", "/v1/jobs", "/page/index.html", "/login"):
            answer = client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
            assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
            assert "/?token=…" in answer.text
            assert "script" not in answer.text
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; form-action 'self'")
            assert answer.headers["referrer-policy"] == "same-origin"  # else browsers say Origin: null
        assert client.get("/", headers={"Accept": "*/*"}).headers["content-type"] == "application/problem+json"


def test_a_token_is_entered(serve: Any) -> None:
    with client_of(serve(token=TOKEN)) as client:
        own = {"Origin": str(client.base_url).rstrip("/")}
        assert client.post("/login", data={"token": TOKEN}).status_code == 403  # no page of this server
        assert (
            client.post("/login", data={"token": TOKEN}, headers={"Origin": "https://evil.example"}).status_code == 403
        )
        for wrong in ({"token": "wrong"}, {"other": TOKEN}, {}, {"token": "ü"}):
            began = time.monotonic()
            answer = client.post("/login", data=wrong, headers=own)
            assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
            assert "not the token" in answer.text
            assert time.monotonic() - began > 0.9
        assert client.post("/login", content=b"x" * 5000, headers=own).status_code == 413
        entry = client.post("/login", data={"token": TOKEN}, headers=own)
        assert (entry.status_code, entry.headers["location"]) == (303, "/")
        assert client.get("/").status_code == 200
        assert client.get("/login").status_code == 303


def test_wrong_tokens_are_tried_slowly(serve: Any) -> None:
    with client_of(serve(token=TOKEN)) as client, ThreadPoolExecutor(12) as pool:
        headers = {"Origin": str(client.base_url).rstrip("/")}
        answers = list(
            pool.map(lambda each: client.post("/login", data={"token": f"{each}"}, headers=headers), range(12))
        )
    assert sorted(answer.status_code for answer in answers) == [401] * 8 + [429] * 4
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


def test_names_that_are_allowed(serve: Any) -> None:
    running = serve(allowed_hosts=("photos.example",))
    with client_of(running) as client:
        headers = {"Host": "photos.example", "Origin": "https://photos.example"}
        assert client.get("/v1/jobs", headers=headers).status_code == 200
        assert client.get("/v1/jobs", headers={"Host": "other.example"}).status_code == 403
        assert client.get("/v1/jobs", headers={**headers, "Origin": "https://other.example"}).status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_other_machines_need_a_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidArgument, match="token"):
        Settings(tmp_path, host=host)
    Settings(tmp_path, host=host, token=TOKEN)


@pytest.mark.parametrize("token", ["", "short", "with spaces in it", "ünicode-token", "semi;colon;token"])
def test_tokens_that_are_not_possible(tmp_path: Path, token: str) -> None:
    with pytest.raises(InvalidArgument, match="token"):
        Settings(tmp_path, token=token)


def test_the_folder_is_private_and_has_one_server(serve: Any, tmp_path: Path) -> None:
    serve()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    with pytest.raises(InvalidArgument, match="another server"):
        serve()


def test_the_page_is_served(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert client.get("/", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    for name, media_type in PAGE_FILES.items():
        found = client.get(f"/page/{name}")
        assert (found.status_code, found.headers["content-type"]) == (200, media_type)


def test_what_the_server_says_of_itself(client: httpx.Client) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ok\n"
    models = {model["name"]: model for model in client.get("/v1/models").json()["models"]}
    assert models["fast"]["scales"] == [2, 3, 4, 8]
    assert models["recurrent"]["video"]
    options = client.get("/v1/options").json()
    assert "scale" in [option["name"] for option in options["image"]]
    assert options["limits"]["megapixels"] == 100
    metrics = client.get("/metrics").text
    assert 'subpixel_requests_total{status="200"}' in metrics
    document = client.get("/openapi.json").json()
    assert {"/v1/images", "/v1/videos", "/v1/jobs/{job_id}/events"} <= set(document["paths"])
    assert "multipart/form-data" in document["paths"]["/v1/images"]["post"]["requestBody"]["content"]
    missing = client.get("/nothing/here")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")
    wrong = client.put(f"/v1/jobs/{'0' * 32}")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE, GET")
