"""The routes of a server. What they do is in :mod:`subpixel.serve.service`; what they answer in ``answers``."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Annotated, Any

from fastapi import FastAPI, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from subpixel import __version__
from subpixel.errors import InvalidArgument
from subpixel.serve import documentation as docs
from subpixel.serve.answers import disposition, file_answer, job_answer, job_document, zip_chunks
from subpixel.serve.connections import ClientStalled, Patience
from subpixel.serve.events import parse_event_id
from subpixel.serve.information import add_information
from subpixel.serve.media_types import FileType
from subpixel.serve.options import Kind, parse_options
from subpixel.serve.problems import PROBLEMS, Problem
from subpixel.serve.security import Security
from subpixel.serve.service import Service
from subpixel.serve.settings import Settings
from subpixel.serve.store import Job
from subpixel.serve.uploads import receive, stated_length
from subpixel.storage.os_errors import os_error_text

__all__ = ["make_app"]

_ID = re.compile(r"[0-9a-f]{32}")
_CLIENT, _KEY = re.compile(docs.CLIENT), re.compile(docs.KEY)
# Parameters of a query that are no options.
_NO_OPTIONS = ("name", "kind", "client")
_EXPIRY_PAUSE = 10.0
_MOST_PREVIEW = 16384


def make_app(settings: Settings) -> tuple[Any, Service]:
    """The application (ASGI) of a server, and what it serves.

    Raises:
        OSError: the folder for data cannot be used.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        expiry = asyncio.get_running_loop().create_task(_expire(service))
        yield
        expiry.cancel()
        await service.stop()
        service.close()

    app = FastAPI(
        title="subpixel",
        version=__version__,
        summary="Upscale images and videos on the CPU.",
        description=docs.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        openapi_tags=docs.TAGS,
        responses={"default": docs.PROBLEM},
    )
    _add_errors(app)
    _add_jobs(app, service)
    _add_files(app, service)
    add_information(app, service)
    return Patience(Security(app, settings), settings.idle, service.measurements), service


async def _expire(service: Service) -> None:
    while True:
        await asyncio.sleep(min(_EXPIRY_PAUSE, service.settings.keep / 4))
        try:
            service.expire()
        except (sqlite3.Error, OSError) as error:
            print(f"error: old jobs cannot be removed: {error}", file=sys.stderr, flush=True)


def _add_errors(app: FastAPI) -> None:
    from fastapi.exceptions import RequestValidationError

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response(request.url.path)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "bad-request")
        text = {
            "not-found": "there is nothing at this address",
            "method-not-allowed": f"{request.method} is not possible here",
        }.get(kind, str(error.detail))
        headers = dict(error.headers or {})
        if kind == "method-not-allowed":
            headers["Allow"] = ", ".join(_methods(app, request.url.path))
        return Problem(kind, text, headers=headers).response(request.url.path)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return Problem("invalid", f"{place}: {first['msg'].lower()}").response(request.url.path)

    @app.exception_handler(sqlite3.Error)
    async def database(request: Request, error: sqlite3.Error) -> Response:
        print(f"error: {request.method} {request.url.path}: {error}", file=sys.stderr, flush=True)
        text = f"the database cannot be used now: {error}"
        return Problem("unavailable", text, retry_after=30).response(request.url.path)

    @app.exception_handler(OSError)
    async def disk(request: Request, error: OSError) -> Response:
        print(f"error: {request.method} {request.url.path}: {error}", file=sys.stderr, flush=True)
        text = f"a file of the server cannot be used now: {os_error_text(error)}"
        return Problem("unavailable", text, retry_after=30).response(request.url.path)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        if not isinstance(error, ClientStalled):
            print(f"error: {request.method} {request.url.path}: {type(error).__name__}: {error}", file=sys.stderr)
        return Problem("internal", "this was not expected; the log of the server says more").response(request.url.path)


def _methods(app: FastAPI, path: str) -> list[str]:
    """The methods that are possible at a path: each has a route of its own."""
    found = [route for route in app.routes if isinstance(route, Route) and route.path_regex.match(path)]
    return sorted({method for route in found for method in route.methods or ()})


@contextmanager
def _as_problem() -> Iterator[None]:
    try:
        yield
    except InvalidArgument as error:
        raise Problem("invalid", str(error)) from None


def _client(request: Request) -> str:
    client = request.headers.get("x-subpixel-client") or request.query_params.get("client", "")
    if not _CLIENT.fullmatch(client):
        raise Problem("bad-request", "X-Subpixel-Client: up to 64 letters, digits, - and _ are needed")
    return client


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem("bad-request", "Idempotency-Key: up to 128 printable ASCII characters are needed")
    return key


def _find(service: Service, job_id: str, *, look: bool = True) -> Job:
    if not _ID.fullmatch(job_id):
        raise Problem("not-found", "there is no such job")
    return service.find(job_id, look=look)


def _add_jobs(app: FastAPI, service: Service) -> None:
    settings = service.settings

    async def accept(request: Request, kind: Kind) -> tuple[Job, bool]:
        """The job of a request, and whether it was there before."""
        client, key = _client(request), _key(request)
        with _as_problem():
            query = [pair for pair in request.query_params.multi_items() if pair[0] not in _NO_OPTIONS]
            parse_options(kind, query)
        limit = settings.image_bytes if kind == "image" else settings.video_bytes

        def check(found: FileType | None) -> None:
            if found is None or found.kind != kind:
                what = f"an {kind}" if kind == "image" else f"a {kind}"
                is_other = "" if found is None else f"; it is {'a video' if found.kind == 'video' else 'an image'}"
                raise Problem("unsupported-type", f"this file is not {what} that can be read{is_other}")

        with service.reservation(stated_length(request, limit)):
            path = service.files.incoming_path()
            try:
                upload = await receive(
                    request, path, limit, on_fields=lambda fields: _check_fields(kind, query, fields), check=check
                )
                options, source = _options_of(kind, query, upload.fields)
                if source is not None:
                    if upload.has_file:
                        raise Problem("bad-request", "a file and a job cannot both be the source")
                    other = _find(service, source)
                    if other.kind != kind:
                        raise Problem("invalid", f"this job is of a {other.kind}")
                    return service.intake.again(other, options, client, key)
                if not upload.bytes:
                    raise Problem("bad-request", "the request has no file, or an empty one")
                return service.intake.submit(kind, upload, options, client, key)
            finally:
                path.unlink(missing_ok=True)

    @app.post("/v1/images", tags=["work"], openapi_extra=docs.upload("image"), responses=docs.RESULT)
    async def images(request: Request) -> Response:
        """Upscale an image: the answer is the result, or a job if that takes long."""
        job, _ = await accept(request, "image")
        prefers = "respond-async" in request.headers.get("prefer", "").lower()
        if prefers or job.source["bytes"] > settings.direct_bytes:
            return job_answer(service, service.current(job), 202)
        if not job.is_finished:
            job = await service.wait(job.id, settings.wait, settings.direct_pixels)
        if job.state == "done" and job.result is not None:
            return file_answer(request, job, job.result, service.files.path(job, job.result["file"]))
        if job.error is not None:
            raise _problem_of_job(job)
        if job.state == "cancelled":
            raise Problem("conflict", "this job was cancelled")
        if service.stopping:
            raise Problem("interrupted", f"the server is stopping; job {job.id} goes on later", retry_after=10)
        return job_answer(service, job, 202)

    @app.post("/v1/videos", status_code=202, tags=["work"], openapi_extra=docs.upload("video"), responses=docs.JOB_202)
    async def videos(request: Request) -> Response:
        """Upscale a video: the answer is a job."""
        job, _ = await accept(request, "video")
        return job_answer(service, service.current(job), 202)

    @app.post("/v1/estimates", tags=["work"], openapi_extra=docs.estimate(), responses=docs.ESTIMATE)
    async def estimates(request: Request) -> Response:
        """What an image or a video would take: seconds, size, memory. Nothing is kept."""
        service.check_running()
        query = request.query_params.multi_items()
        path, limit = service.files.incoming_path(), max(settings.image_bytes, settings.video_bytes)
        try:
            with service.reservation(stated_length(request, limit)):
                upload = await receive(request, path, limit)
                pairs = [*query, *upload.fields]
                asked = [pair for pair in pairs if pair[0] not in (*_NO_OPTIONS, "job", "source")]
                source_id = next((value for name, value in pairs if name in ("job", "source")), None)
                if source_id is not None:
                    job = _find(service, str(source_id))
                    source, name, kind = service.files.source(job), job.source["name"], job.kind
                else:
                    if upload.type is None:
                        raise Problem("unsupported-type", "this file is neither an image nor a video that can be read")
                    kind, name = upload.type.kind, upload.name or upload.type.kind
                    if kind == "image" and upload.bytes > settings.image_bytes:
                        raise Problem("too-large", "this file is larger than the limit for images")
                    source = path.with_suffix(upload.type.suffix(upload.name))
                    path.rename(source)
                    path = source
                with _as_problem():
                    options = parse_options("image" if kind == "image" else "video", asked)
                found = await service.asides.run(f"estimate-{kind}", source, name, options=options)
                return JSONResponse({"kind": kind, "options": options, **found}, headers={"Cache-Control": "no-store"})
        finally:
            path.unlink(missing_ok=True)

    @app.get("/v1/jobs", tags=["jobs"], responses=docs.JOBS)
    async def jobs(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[str | None, Query(max_length=40)] = None,
        client: Annotated[str | None, Query(pattern=docs.CLIENT)] = None,
    ) -> Response:
        """Jobs, the newest first."""
        _client(request)
        earliest = _timestamp(before) if before else None
        found = service.store.page(client, limit, earliest)
        documents = [job_document(service, service.current(job)) for job in found]
        return JSONResponse({"jobs": documents}, headers={"Cache-Control": "no-store"})

    @app.get("/v1/jobs/{job_id}", tags=["jobs"], responses=docs.JOB)
    async def job(job_id: str) -> Response:
        """A job."""
        return job_answer(service, _find(service, job_id))

    @app.delete("/v1/jobs/{job_id}", status_code=204, tags=["jobs"], responses=docs.EMPTY)
    async def delete(job_id: str) -> Response:
        """Delete a job and its files. One that is unfinished is cancelled first."""
        _find(service, job_id)
        await service.delete(job_id)
        return Response(status_code=204)

    @app.post("/v1/jobs/{job_id}/cancel", tags=["jobs"], responses=docs.JOB)
    async def cancel(job_id: str) -> Response:
        """Cancel a job that is queued or running."""
        _find(service, job_id)
        return job_answer(service, await service.cancel(job_id))

    @app.post("/v1/jobs/{job_id}/retry", status_code=202, tags=["jobs"], responses=docs.JOB_202)
    async def retry(job_id: str) -> Response:
        """Queue a job again that failed or was cancelled."""
        _find(service, job_id)
        return job_answer(service, service.retry(job_id), 202)

    def stream(request: Request, client: str | None, job_id: str | None) -> Response:
        after = parse_event_id(request.headers.get("last-event-id") or request.query_params.get("after"))

        def document(each: str) -> dict[str, Any] | None:
            with suppress(Problem):
                return job_document(service, service.find(each, look=False))
            return None

        events = service.events.stream(document, service.changed_after, after, client=client, job_id=job_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    @app.get("/v1/jobs/{job_id}/events", tags=["jobs"], responses=docs.EVENTS, openapi_extra=docs.EVENT_PARAMETERS)
    async def job_events(request: Request, job_id: str) -> Response:
        """Changes of a job as server-sent events, until it is finished."""
        service.check_running()
        _find(service, job_id)
        return stream(request, None, job_id)

    @app.get("/v1/events", tags=["jobs"], responses=docs.EVENTS, openapi_extra=docs.EVENT_PARAMETERS)
    async def all_events(
        request: Request, client: Annotated[str | None, Query(pattern=docs.CLIENT)] = None
    ) -> Response:
        """Changes of jobs as server-sent events: of those of a client, or of all."""
        service.check_running()
        return stream(request, client, None)


def _problem_of_job(job: Job) -> Problem:
    assert job.error is not None
    kind = job.error["type"].rsplit("/", 1)[-1]
    found = Problem(kind if kind in PROBLEMS else "crashed", job.error["detail"])
    found.headers["X-Subpixel-Job"] = job.id
    return found


def _check_fields(kind: Kind, query: list[tuple[str, Any]], fields: list[tuple[str, Any]]) -> None:
    _options_of(kind, query, fields)


def _options_of(
    kind: Kind, query: list[tuple[str, Any]], fields: list[tuple[str, Any]]
) -> tuple[dict[str, Any], str | None]:
    """The options of a request, and the job whose source it names."""
    pairs = [pair for pair in (*query, *fields) if pair[0] not in (*_NO_OPTIONS, "job", "source")]
    with _as_problem():
        options = parse_options(kind, pairs)
    source = next((value for name, value in (*query, *fields) if name in ("job", "source")), None)
    return options, None if source is None else str(source)


def _timestamp(text: str) -> float:
    from datetime import datetime

    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromisoformat(text).timestamp()
    with suppress(ValueError):
        return float(text)
    raise Problem("invalid", "before=: a time such as 2026-01-31T12:00:00Z is needed")


def _add_files(app: FastAPI, service: Service) -> None:
    def done(job_id: str) -> Job:
        job = _find(service, job_id)
        if job.state != "done" or job.result is None:
            raise Problem("conflict", f"there is no result: this job is {job.state}", retry_after=None)
        return job

    @app.head("/v1/jobs/{job_id}/result", include_in_schema=False)
    @app.get("/v1/jobs/{job_id}/result", tags=["files"], responses=docs.FILE)
    async def result(request: Request, job_id: str) -> Response:
        """The result of a job."""
        job = done(job_id)
        assert job.result is not None
        inline = request.query_params.get("inline") in ("1", "true")
        return file_answer(request, job, job.result, service.files.path(job, job.result["file"]), inline=inline)

    @app.head("/v1/jobs/{job_id}/comparison", include_in_schema=False)
    @app.get("/v1/jobs/{job_id}/comparison", tags=["files"], responses=docs.FILE)
    async def comparison(request: Request, job_id: str) -> Response:
        """The image that shows bicubic beside the result, if it was asked for."""
        job = done(job_id)
        if job.comparison is None:
            raise Problem("not-found", "no comparison was asked for")
        return file_answer(request, job, job.comparison, service.files.path(job, job.comparison["file"]))

    @app.head("/v1/jobs/{job_id}/source", include_in_schema=False)
    @app.get("/v1/jobs/{job_id}/source", tags=["files"], responses=docs.FILE)
    async def source(request: Request, job_id: str) -> Response:
        """The file that a job was made from."""
        job = _find(service, job_id)
        inline = request.query_params.get("inline") in ("1", "true")
        return file_answer(request, job, job.source, service.files.source(job), inline=inline)

    @app.get("/v1/jobs/{job_id}/preview", tags=["files"], responses=docs.PREVIEW)
    async def preview(
        request: Request,
        job_id: str,
        of: Annotated[str, Query(pattern="^(source|result|bicubic)$")] = "result",
        most: Annotated[int | None, Query(alias="max", ge=16, le=_MOST_PREVIEW)] = None,
        seconds: Annotated[float, Query(alias="time", ge=0, le=1e6, allow_inf_nan=False)] = 0.0,
    ) -> Response:
        """A PNG of a source, of a result, or of the plain resize of the source to the result's size."""
        job = _find(service, job_id) if of == "source" else done(job_id)
        name = f"preview-{of}-{most or 'full'}-{round(seconds * 1000)}.png"
        path = service.files.path(job, name)
        file = job.result if of == "result" else job.source
        assert file is not None
        if not path.is_file():
            size = None
            if of == "bicubic":
                assert job.result is not None
                size = job.result["width"], job.result["height"]
            found: dict[str, Any] = {"kind": job.kind, "time": seconds, "size": size, "max": most}
            found |= {"destination": str(path), "page": job.options.get("page") if of != "result" else None}
            await service.asides.run("preview", service.files.path(job, file["file"]), file["name"], **found)
            service.files.limit_previews(job)
        etag = f'"{hashlib.sha256((file["digest"] + name).encode()).hexdigest()[:32]}"'
        shown = {"name": name, "digest": etag.strip('"'), "media_type": "image/png"}
        return file_answer(request, job, shown, path, inline=True)

    @app.get("/v1/archive", tags=["files"], responses=docs.ARCHIVE)
    async def archive(ids: Annotated[str, Query(max_length=33 * 1000)]) -> Response:
        """The results of several jobs, given by their ids with commas between them, as a zip archive."""
        found = [done(each) for each in dict.fromkeys(ids.split(","))]
        files = [(job.result["name"], service.files.path(job, job.result["file"])) for job in found if job.result]
        headers = {"Content-Disposition": disposition("subpixel.zip"), "Cache-Control": "no-store"}
        return StreamingResponse(zip_chunks(files), media_type="application/zip", headers=headers)
