"""The routes that follow and change jobs."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from subpixel.serve import documentation as docs
from subpixel.serve.answers import job_answer, job_document
from subpixel.serve.events import parse_event_id
from subpixel.serve.problems import Problem
from subpixel.serve.requests import client_of, find_job, timestamp
from subpixel.serve.service import Service

__all__ = ["add_jobs"]


def add_jobs(app: FastAPI, service: Service) -> None:
    """Add the routes of jobs to an application."""

    @app.get("/v1/jobs", tags=["jobs"], responses=docs.JOBS)
    async def jobs(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[str | None, Query(max_length=40)] = None,
        client: Annotated[str | None, Query(pattern=docs.CLIENT)] = None,
    ) -> Response:
        """Jobs, the newest first."""
        client_of(request)
        earliest = timestamp(before) if before else None
        found = service.store.page(client, limit, earliest)
        documents = [job_document(service, service.current(job)) for job in found]
        return JSONResponse({"jobs": documents}, headers={"Cache-Control": "no-store"})

    @app.get("/v1/jobs/{job_id}", tags=["jobs"], responses=docs.JOB)
    async def job(job_id: str) -> Response:
        """A job."""
        return job_answer(service, find_job(service, job_id))

    @app.delete("/v1/jobs/{job_id}", status_code=204, tags=["jobs"], responses=docs.EMPTY)
    async def delete(job_id: str) -> Response:
        """Delete a job and its files. One that is unfinished is cancelled first."""
        find_job(service, job_id)
        await service.delete(job_id)
        return Response(status_code=204)

    @app.post("/v1/jobs/{job_id}/cancel", tags=["jobs"], responses=docs.JOB)
    async def cancel(job_id: str) -> Response:
        """Cancel a job that is queued or running."""
        find_job(service, job_id)
        return job_answer(service, await service.cancel(job_id))

    @app.post("/v1/jobs/{job_id}/retry", status_code=202, tags=["jobs"], responses=docs.JOB_202)
    async def retry(job_id: str) -> Response:
        """Queue a job again that failed or was cancelled."""
        find_job(service, job_id)
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
        find_job(service, job_id)
        return stream(request, None, job_id)

    @app.get("/v1/events", tags=["jobs"], responses=docs.EVENTS, openapi_extra=docs.EVENT_PARAMETERS)
    async def all_events(
        request: Request, client: Annotated[str | None, Query(pattern=docs.CLIENT)] = None
    ) -> Response:
        """Changes of jobs as server-sent events: of those of a client, or of all."""
        service.check_running()
        return stream(request, client, None)
