"""Jobs and files as answers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from subpixel.serve.http.file_response import FileResponse
from subpixel.serve.jobs.service import Service
from subpixel.serve.jobs.store import Job
from subpixel.serve.problems import Problem

__all__ = ["ascii_json", "disposition", "file_answer", "is_known", "job_answer", "zip_chunks"]

_CHUNK = 1 << 18
_MOST_NOTES = 6000  # characters of a header; clients and proxies refuse long ones


def job_answer(service: Service, job: Job, status: int = 200) -> JSONResponse:
    """A job as an answer."""
    headers = {"Cache-Control": "no-store", "X-Subpixel-Job": job.id}
    if status in (201, 202):
        headers["Location"] = f"/v1/jobs/{job.id}"
    if job.cached:
        headers["X-Subpixel-Cached"] = "true"
    return JSONResponse(service.document(job), status, headers)


def ascii_json(value: Any) -> str:
    """JSON for a header: ASCII without line ends."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def disposition(name: str, *, inline: bool = False) -> str:
    """The header that names a download (RFC 6266): the name itself, and one in ASCII for old programs.

    >>> disposition("cat.png"), disposition('k\\u00e4t"ze.png')
    ('attachment; filename="cat.png"', 'attachment; filename="k_t_ze.png"; filename*=UTF-8\\'\\'k%C3%A4t%22ze.png')
    """
    plain = "".join(each if " " <= each <= "~" and each not in '"\\\\%' else "_" for each in name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{"inline" if inline else "attachment"}; filename="{plain}"{extended}'


def file_answer(request: Request, job: Job, file: Mapping[str, Any], path: Path, *, inline: bool = False) -> Response:
    """A file of a job, or the part of it that is asked for.

    Raises:
        Problem: the file is gone, or has no such part.
    """
    etag = f'"{file["digest"]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(file["name"], inline=inline),
        "X-Subpixel-Job": job.id,
    }
    if job.result is file:
        headers["X-Subpixel-Notes"] = _notes(job)
        headers["X-Subpixel-Model"] = job.model or ""
        if job.cached:
            headers["X-Subpixel-Cached"] = "true"
    if is_known(request, file):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range") if request.method in ("GET", "HEAD") else None
    condition = request.headers.get("if-range")
    try:
        return FileResponse(path, file["media_type"], headers, wanted if condition in (None, etag) else None)
    except FileNotFoundError:
        raise Problem("gone", "this file is no longer there") from None


def _notes(job: Job) -> str:
    """The notes of a job as they fit into a header."""
    text = ascii_json(job.notes)
    return text if len(text) <= _MOST_NOTES else ascii_json([f"there are many notes: see /v1/jobs/{job.id}"])


def is_known(request: Request, file: Mapping[str, Any]) -> bool:
    """Whether a client has a file already, which it says by the file's ETag."""
    header = request.headers.get("if-none-match")
    if header is None or request.method not in ("GET", "HEAD"):
        return False
    return header.strip() == "*" or f'"{file["digest"]}"' in [
        each.strip().removeprefix("W/") for each in header.split(",")
    ]


def zip_chunks(files: list[tuple[str, Path]]) -> Iterator[bytes]:
    """A zip archive of files, not compressed again, as it is made.

    Args:
        files: the name of each in the archive, and its path.
    """
    sink = _Sink()
    used: set[str] = set()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, path in files:
            own, number = Path(name), 2
            while name in used:
                name, number = f"{own.stem} ({number}){own.suffix}", number + 1
            used.add(name)
            with open(path, "rb") as source, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                while data := source.read(_CHUNK):
                    entry.write(data)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Takes what a zip archive writes, in order."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data, self._data = bytes(self._data), bytearray()
        return data
