"""The routes that take images and videos."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from subpixel.serve.http import documentation as docs
from subpixel.serve.http.answers import file_answer, job_answer
from subpixel.serve.http.requests import client_of, find_job, key_of, options_of, pairs_of, source_of
from subpixel.serve.jobs.service import Service
from subpixel.serve.jobs.store import Job
from subpixel.serve.jobs.uploads import receive, stated_length
from subpixel.serve.media_types import FileType
from subpixel.serve.options import Kind
from subpixel.serve.problems import PROBLEMS, Problem

__all__ = ["add_work"]


def add_work(app: FastAPI, service: Service) -> None:
    """Add the routes that take files to an application."""
    settings = service.settings

    async def accept(request: Request, kind: Kind) -> Job:
        """The job of a request; it may have been there before."""
        client, key = client_of(request), key_of(request)
        query = pairs_of(request)
        options_of(kind, query)  # what is wrong is said before the body is read
        limit = settings.image_bytes if kind == "image" else settings.video_bytes

        def check(found: FileType | None) -> None:
            if found is None or found.kind != kind:
                what = f"an {kind}" if kind == "image" else f"a {kind}"
                is_other = "" if found is None else f"; it is {'a video' if found.kind == 'video' else 'an image'}"
                raise Problem("unsupported-type", f"this file is not {what} that can be read{is_other}")

        def check_fields(fields: list[tuple[str, Any]]) -> None:
            options_of(kind, query, fields)

        with service.reservation(stated_length(request, limit)):
            path = service.files.incoming_path()
            try:
                upload = await receive(request, path, limit, on_fields=check_fields, check=check)
                options, source = options_of(kind, query, upload.fields)
                if source is None:
                    if not upload.bytes:
                        raise Problem("bad-request", "the request has no file, or an empty one")
                    return service.intake.submit(kind, upload, options, client, key)
                if upload.has_file:
                    raise Problem("bad-request", "a file and a job cannot both be the source")
                other = find_job(service, source)
                if other.kind != kind:
                    raise Problem("invalid", f"this job is of a {other.kind}")
                return service.intake.again(other, options, client, key)
            finally:
                path.unlink(missing_ok=True)

    async def accepted(job: Job) -> Response:
        """The answer to a request whose work goes on: not even a power failure loses it from now on."""
        await asyncio.to_thread(service.flush, job)
        return job_answer(service, service.current(job), 202)

    @app.post("/v1/images", tags=["work"], openapi_extra=docs.upload("image"), responses=docs.RESULT)
    async def images(request: Request) -> Response:
        """Upscale an image: the answer is the result, or a job if that takes long."""
        job = await accept(request, "image")
        prefers = "respond-async" in request.headers.get("prefer", "").lower()
        if prefers or job.source["bytes"] > settings.direct_bytes:
            return await accepted(job)
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
        return await accepted(job)

    @app.post("/v1/videos", status_code=202, tags=["work"], openapi_extra=docs.upload("video"), responses=docs.JOB_202)
    async def videos(request: Request) -> Response:
        """Upscale a video: the answer is a job."""
        return await accepted(await accept(request, "video"))

    @app.post("/v1/estimates", tags=["work"], openapi_extra=docs.estimate(), responses=docs.ESTIMATE)
    async def estimates(request: Request) -> Response:
        """What an image or a video would take: seconds, size, memory. Nothing is kept."""
        service.check_running()
        query = pairs_of(request)
        path, limit = service.files.incoming_path(), max(settings.image_bytes, settings.video_bytes)
        try:
            with service.reservation(stated_length(request, limit), is_job=False):
                upload = await receive(request, path, limit)
                source_id = source_of([*query, *upload.fields])
                if source_id is not None:
                    job = find_job(service, source_id)
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
                options, _ = options_of("image" if kind == "image" else "video", query, upload.fields)
                found = await service.asides.run(f"estimate-{kind}", source, name, options=options)
                return JSONResponse({"kind": kind, "options": options, **found}, headers={"Cache-Control": "no-store"})
        finally:
            path.unlink(missing_ok=True)


def _problem_of_job(job: Job) -> Problem:
    assert job.error is not None
    kind = job.error["type"].rsplit("/", 1)[-1]
    found = Problem(kind if kind in PROBLEMS else "crashed", job.error["detail"])
    found.headers["X-Subpixel-Job"] = job.id
    return found
