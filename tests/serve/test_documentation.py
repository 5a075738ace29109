"""OpenAPI: it describes what there is, and its examples are possible."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from subpixel.cli import main
from subpixel.serve.http.documentation import TIME
from subpixel.serve.options import IMAGE_OPTIONS, VIDEO_OPTIONS, parse_options


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    ids = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], path
            assert operation["tags"], path
            assert set(operation["responses"]) - {"default", "422"}, (path, method)
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            ids.add(operation["operationId"])
    assert len(ids) == sum(len(operations) for operations in document["paths"].values())


def test_every_option_is_described_and_its_default_is_possible(document: dict[str, Any]) -> None:
    for kind, path, table in (("image", "/v1/images", IMAGE_OPTIONS), ("video", "/v1/videos", VIDEO_OPTIONS)):
        operation = document["paths"][path]["post"]
        named = {each["name"]: each["schema"] for each in operation["parameters"] if each["in"] == "query"}
        assert set(named) == {*table, "name"}
        form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert set(form) == {*table, "file"}
        for name, option in table.items():
            assert named[name]["description"] == option.about
            if option.default is not None:
                assert parse_options(kind, {name: str(option.default)}) == {}  # type: ignore[arg-type]
            for choice in option.choices:
                parse_options(kind, {name: str(choice)})  # type: ignore[arg-type]


def test_an_example_of_a_job_has_the_fields_of_a_job(
    document: dict[str, Any], client: httpx.Client, photo: Any
) -> None:
    content = document["paths"]["/v1/jobs/{job_id}"]["get"]["responses"]["200"]["content"]["application/json"]
    made = client.post("/v1/images?scale=3", content=photo.read_bytes())
    job = client.get(f"/v1/jobs/{made.headers['x-subpixel-job']}").json()
    assert set(job) == set(content["schema"]["properties"])
    assert set(content["example"]) == {name for name, value in job.items() if value is not None}
    for part in ("source", "result"):
        assert set(content["example"][part]) == set(job[part])


def test_what_the_schema_allows_is_accepted(client: httpx.Client, photo: Any) -> None:
    for before in ("2026-02-31T12:00:00Z", "1970-01-01T00:00:00.5+23:59", "2999-12-31T23:59:59.999999-00:00"):
        assert re.fullmatch(TIME, before)
        assert client.get("/v1/jobs", params={"before": before}).status_code == 200, before
    wrong = ("", "2026-01-31", "1769860800", "2026-13-01T00:00:00Z", "2026-01-31T12:00:00", "0001-01-01T00:00:00Z")
    for before in wrong:
        assert not re.fullmatch(TIME, before)
        assert client.get("/v1/jobs", params={"before": before}).status_code == 422, before
    # An option may be in the query and in the body, which wins.
    both = client.post("/v1/images?scale=2", data={"scale": "3"}, files={"file": ("a.png", photo.read_bytes())})
    job = client.get(f"/v1/jobs/{both.headers['x-subpixel-job']}").json()
    assert job["options"] == {"scale": 3}
    assert client.post("/v1/images?scale=2&scale=3", content=photo.read_bytes()).status_code == 422


def test_an_estimate_is_that_of_the_dry_run(
    document: dict[str, Any], client: httpx.Client, photo: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.post("/v1/estimates?scale=3", content=photo.read_bytes())
    operation = document["paths"]["/v1/estimates"]["post"]
    assert {"scale", "deinterlace"} <= {each["name"] for each in operation["parameters"]}
    assert set(answer.json()) == set(operation["responses"]["200"]["content"]["application/json"]["example"])
    assert main(["upscale", str(photo), "-s", "3", "--dry-run", "--json", "--threads", "2"]) == 0
    shown = json.loads(capsys.readouterr().out)
    for name in ("size_in", "size_out", "bytes_out", "bytes_most"):
        assert answer.json()[name] == shown[name]
