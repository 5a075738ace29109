"""OpenAPI: it describes what there is, and its examples are possible."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

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
