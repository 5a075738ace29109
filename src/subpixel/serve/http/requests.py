"""What a request says besides its body: who asks, its key, its options, the job that it names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from subpixel.errors import InvalidArgument
from subpixel.serve.http.documentation import CLIENT, KEY
from subpixel.serve.jobs.service import Service
from subpixel.serve.jobs.store import Job
from subpixel.serve.options import Kind, parse_options
from subpixel.serve.problems import Problem

__all__ = [
    "client_of",
    "find_job",
    "finished_job",
    "key_of",
    "options_of",
    "pairs_of",
    "parse_region",
    "source_of",
    "timestamp",
]

_ID = re.compile(r"[0-9a-f]{32}")
_CLIENT, _KEY = re.compile(CLIENT), re.compile(KEY)
# Parameters of a query that are no options.
_NO_OPTIONS = ("name", "kind", "client")
_SOURCE = ("job", "source")
_MOST_OF_REGION = 2048  # pixels of a side


def client_of(request: Request) -> str:
    """Who asks, by its own name; empty if it gives none."""
    client = request.headers.get("x-subpixel-client") or request.query_params.get("client", "")
    if not _CLIENT.fullmatch(client):
        raise Problem("bad-request", "X-Subpixel-Client: up to 64 letters, digits, - and _ are needed")
    return client


def key_of(request: Request) -> str | None:
    """The Idempotency-Key of a request."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem("bad-request", "Idempotency-Key: up to 128 printable ASCII characters are needed")
    return key


def find_job(service: Service, job_id: str) -> Job:
    """The job of an address.

    Raises:
        Problem: there is none.
    """
    if not _ID.fullmatch(job_id):
        raise Problem("not-found", "there is no such job")
    return service.find(job_id)


def finished_job(service: Service, job_id: str) -> Job:
    """The job of an address, which has a result.

    Raises:
        Problem: there is none, or it has no result.
    """
    job = find_job(service, job_id)
    if job.state != "done" or job.result is None:
        raise Problem("conflict", f"there is no result: this job is {job.state}")
    return job


def pairs_of(request: Request) -> list[tuple[str, Any]]:
    """The options in the query of a request."""
    return [pair for pair in request.query_params.multi_items() if pair[0] not in _NO_OPTIONS]


def source_of(pairs: Iterable[tuple[str, Any]]) -> str | None:
    """The job whose source a request names."""
    return next((str(value) for name, value in pairs if name in _SOURCE), None)


def options_of(
    kind: Kind, query: Iterable[tuple[str, Any]], fields: Iterable[tuple[str, Any]] = ()
) -> tuple[dict[str, Any], str | None]:
    """The options of a request, and the job whose source it names.

    Args:
        kind: of the file.
        query: what the address says.
        fields: what the body says, which wins.

    Raises:
        Problem: an option is not possible.
    """
    fields = list(fields)
    stated = {name for name, _ in fields}
    pairs = [*(pair for pair in query if pair[0] not in stated), *fields]
    try:
        options = parse_options(kind, [pair for pair in pairs if pair[0] not in (*_NO_OPTIONS, *_SOURCE)])
    except InvalidArgument as error:
        raise Problem("invalid", str(error)) from None
    return options, source_of(pairs)


def parse_region(text: str, size: tuple[int | None, int | None], most: int | None) -> tuple[int, ...]:
    """The part of an image that is asked for: left, top, width, height.

    Args:
        text: these with commas between them.
        size: ``(width, height)`` of the image, as far as it is known.
        most: the longer side of the answer, if it is limited.

    Raises:
        Problem: it does not lie in the image, or is too large.

    >>> parse_region("10,20,300,200", (640, 480), None)
    (10, 20, 300, 200)
    """
    box = left, top, width, height = tuple(int(each) for each in text.split(","))
    for first, count, whole in ((left, width, size[0]), (top, height, size[1])):
        if whole is not None and first + count > whole:
            raise Problem("invalid", f"region={text}: the image has {size[0]}×{size[1]} pixels")
    if min(max(width, height), most or math.inf) > _MOST_OF_REGION:
        raise Problem("invalid", f"region={text}: parts of more than {_MOST_OF_REGION} pixels need a smaller max")
    return box


def timestamp(text: str) -> float:
    """Seconds since 1970 of a time that matches the pattern of the documentation.

    A day that a month does not have is one of the next month.

    >>> timestamp("2026-01-31T12:00:00.250Z"), timestamp("2026-01-31T13:00:00+01:00")
    (1769860800.25, 1769860800.0)
    """
    day = int(text[8:10])
    first = datetime.strptime(f"{text[:8]}01{text[10:]}", f"%Y-%m-%dT%H:%M:%S{'.%f' if '.' in text else ''}%z")
    return (first + timedelta(days=day - 1)).timestamp()
