"""The application of a server: its routes, its answers to errors, and what guards it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from subpixel import __version__
from subpixel.serve.http import documentation as docs
from subpixel.serve.http.connections import Patience
from subpixel.serve.http.error_answers import add_errors
from subpixel.serve.http.file_routes import add_files
from subpixel.serve.http.information import add_information
from subpixel.serve.http.job_routes import add_jobs
from subpixel.serve.http.security import Security
from subpixel.serve.http.work_routes import add_work
from subpixel.serve.jobs.service import Service
from subpixel.serve.settings import Settings

__all__ = ["make_app"]

_EXPIRY_PAUSE = 10.0


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
        redirect_slashes=False,
        redoc_url=None,
        lifespan=lifespan,
        openapi_tags=docs.TAGS,
        responses={"default": docs.PROBLEM},
    )
    app.state.service = service  # for what is asked before a stream of events begins
    add_errors(app)
    add_work(app, service)
    add_jobs(app, service)
    add_files(app, service)
    add_information(app, service)
    return Patience(Security(app, settings), settings.idle, service.measurements), service


async def _expire(service: Service) -> None:
    while True:
        await asyncio.sleep(min(_EXPIRY_PAUSE, service.settings.keep / 4))
        try:
            await service.tidy()
        except (sqlite3.Error, OSError) as error:
            print(f"error: old jobs cannot be removed: {error}", file=sys.stderr, flush=True)
