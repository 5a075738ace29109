"""Previews, where the limits of a source and of a result differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from serve.conftest import client_of


def test_a_result_may_be_larger_than_a_source(serve: Any, photo: Path) -> None:
    with client_of(serve(limit=0.001)) as client:  # 1,000 pixels: the photo has 864, its result 3,456
        answer = client.post("/v1/images", params={"scale": 2}, content=photo.read_bytes())
        job = answer.headers["x-subpixel-job"]
        for of in ("source", "result", "bicubic"):
            preview = client.get(f"/v1/jobs/{job}/preview", params={"of": of, "max": 20})
            assert (preview.status_code, preview.headers["content-type"]) == (200, "image/png"), preview.text
