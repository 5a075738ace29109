"""Files that are larger than what is read at a time: all of them is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from subpixel.serve.http.file_response import FileResponse

_DATA = bytes(range(251)) * 4000  # about four times what is read at a time


@pytest.mark.parametrize(
    ("wanted", "part"), [(None, slice(None)), ("bytes=300000-999999", slice(300_000, 1_000_000))], ids=["all", "part"]
)
def test_a_large_file_arrives_whole(tmp_path: Path, wanted: str | None, part: slice) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(_DATA)

    async def ask() -> httpx.Response:
        answer = FileResponse(path, "application/octet-stream", {}, wanted)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(answer), base_url="http://test") as client:
            return await client.get("/")

    assert asyncio.run(ask()).content == _DATA[part]
