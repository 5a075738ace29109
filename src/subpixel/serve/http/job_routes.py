"""The routes that follow and change jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from subpixel.serve.http import documentation as docs
from subpixel.serve.http.answers import job_answer
from subpixel.serve.http.requests import client_of, find_job, timestamp
from subpixel.serve.jobs.events import Listener, parse_event_id
from subpixel.serve.jobs.service import Service

__all__ = ["add_jobs"]


async def _last_seen(request: Request) -> int | None:
    service: Service = request.app.state.service
    service.check_running()
    return parse_event_id(request.headers.get("last-event-id") or request.query_params.get("after"))


async def _listener_of_job(request: Request, job_id: str) -> AsyncIterator[Listener]:
    service: Service = request.app.state.service
    with service.events.listening(job_id=find_job(service, job_id).id) as listener:
        yield listener


async def _listener(
    request: Request, client: Annotated[str | None, Query(pattern=docs.CLIENT)] = None
) -> AsyncIterator[Listener]:
    service: Service = request.app.state.service
    with service.events.listening(client) as listener:
        yield listener


def add_jobs(app: FastAPI, service: Service) -> None:
    """Add the routes of jobs to an application."""

    @app.get("/v1/jobs", tags=["jobs"], responses=docs.JOBS)
    async def jobs(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[str | None, Query(pattern=docs.TIME)] = None,
        client: Annotated[str | None, Query(pattern=docs.CLIENT)] = None,
    ) -> Response:
        """Jobs, the newest first."""
        client_of(request)
        earliest = timestamp(before) if before else None
        found = service.store.page(client, limit, earliest)
        documents = [service.document(service.current(job)) for job in found]
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

    @app.post("/v1/jobs/{job_id}/cancel", tags=["jobs"], responses=docs.CANCEL)
    async def cancel(job_id: str) -> Response:
        """Cancel a job that is queued or running."""
        find_job(service, job_id)
        return job_answer(service, await service.cancel(job_id))

    @app.post("/v1/jobs/{job_id}/retry", status_code=202, tags=["jobs"], responses=docs.RETRY)
    async def retry(job_id: str) -> Response:
        """Queue a job again that failed or was cancelled."""
        find_job(service, job_id)
        return job_answer(service, service.retry(job_id), 202)

    @app.get(
        "/v1/jobs/{job_id}/events",
        tags=["jobs"],
        response_class=EventSourceResponse,
        responses=docs.JOB_EVENTS,
        openapi_extra=docs.EVENT_PARAMETERS,
    )
    async def job_events(
        after: Annotated[int | None, Depends(_last_seen)], listener: Annotated[Listener, Depends(_listener_of_job)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Changes of a job as server-sent events, until it is finished."""
        async for event in service.events.stream(after, listener):
            yield event

    @app.get(
        "/v1/events",
        tags=["jobs"],
        response_class=EventSourceResponse,
        responses=docs.EVENTS,
        openapi_extra=docs.EVENT_PARAMETERS,
    )
    async def all_events(
        after: Annotated[int | None, Depends(_last_seen)], listener: Annotated[Listener, Depends(_listener)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Changes of jobs as server-sent events: of those of a client, or of all."""
        async for event in service.events.stream(after, listener):
            yield event
