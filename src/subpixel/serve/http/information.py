"""The routes that tell about a server: its options and models, its health, its page."""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from subpixel import __version__
from subpixel.models.zoo import ZOO
from subpixel.serve.http import documentation as docs
from subpixel.serve.http.page_files import page_file
from subpixel.serve.jobs.measurements import metric_text
from subpixel.serve.jobs.service import Service
from subpixel.serve.options import IMAGE_OPTIONS, VIDEO_OPTIONS
from subpixel.serve.problems import PROBLEMS, Problem

__all__ = ["add_information"]

_STARTED = time.time()


def add_information(app: FastAPI, service: Service) -> None:
    """Add the routes about the server to an application."""
    settings = service.settings

    @app.get("/v1/models", tags=["information"], responses=docs.MODELS)
    async def models() -> Response:
        """The models, with the scales of each."""
        return JSONResponse({"models": _models()})

    @app.get("/v1/options", tags=["information"], responses=docs.OPTIONS)
    async def options() -> Response:
        """What can be asked for, and the limits of this server."""
        limits = {
            "image_bytes": settings.image_bytes,
            "video_bytes": settings.video_bytes,
            "megapixels": settings.limit,
            "result_megapixels": settings.result_limit,
            "video_seconds": settings.video_seconds,
            "keep_seconds": settings.keep,
            "queue": settings.queue,
        }
        return JSONResponse(
            {
                "version": __version__,
                "image": [option.describe() for option in IMAGE_OPTIONS.values()],
                "video": [option.describe() for option in VIDEO_OPTIONS.values()],
                "limits": limits,
            }
        )

    @app.get("/healthz", tags=["information"], responses=docs.TEXT)
    async def health() -> Response:
        """Whether the server answers."""
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    @app.get("/readyz", tags=["information"], responses=docs.TEXT)
    async def ready() -> Response:
        """Whether the server takes jobs."""
        service.check_running()
        service.store.check()
        if not any(worker.ready for worker in service.workers.all):
            raise Problem("unavailable", "no worker is ready yet", retry_after=2)
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    @app.get("/metrics", tags=["information"], responses=docs.TEXT)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        states = [({"state": state}, count) for state, count in sorted(service.store.counts().items())]
        lines = [
            *service.measurements.lines(),
            *metric_text("subpixel_jobs", "gauge", "Jobs that are kept.", states),
            *metric_text("subpixel_queue", "gauge", "Jobs that wait.", [({}, service.dispatcher.waiting)]),
            *metric_text("subpixel_stored_bytes", "gauge", "Bytes of all files.", [({}, service.files.used)]),
            *metric_text("subpixel_workers_busy", "gauge", "Workers with a job.", [({}, len(service.workers.busy()))]),
            *metric_text("subpixel_workers", "gauge", "Workers.", [({}, len(service.workers.all))]),
            *metric_text("subpixel_event_streams", "gauge", "Clients that listen.", [({}, service.events.count)]),
            *metric_text("subpixel_start_seconds", "gauge", "When the server was started.", [({}, _STARTED)]),
        ]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    @app.get("/problems/{kind}", tags=["information"], responses=docs.JSON)
    async def problem(kind: str) -> Response:
        """What the type of a problem means."""
        if kind not in PROBLEMS:
            raise Problem("not-found", "there is no such problem")
        status, title = PROBLEMS[kind]
        return JSONResponse({"type": f"/problems/{kind}", "title": title, "status": status})

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        found = page_file(name)
        if found is None:
            raise Problem("not-found", "there is nothing at this address")
        content, media_type, etag = found
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    for path in ("/", "/page/{name}"):
        app.add_route(path, page, methods=["GET", "HEAD"], include_in_schema=False)


def _models() -> list[dict[str, Any]]:
    from subpixel.models.zoo import find, resolve

    return [
        {
            "name": entry.name,
            "scales": list(entry.scales),
            "purpose": entry.purpose or entry.about,
            "about": entry.about,
            "video": entry.video,
            "auto": resolve("auto") == entry.name,
            "licence": find(entry.name, entry.scales[0]).licence,
        }
        for entry in ZOO.values()
    ]
