"""The routes of files: results, sources, previews, archives."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from subpixel.serve.http import documentation as docs
from subpixel.serve.http.answers import disposition, file_answer, is_known, zip_chunks
from subpixel.serve.http.requests import find_job, finished_job, parse_region
from subpixel.serve.jobs.service import Service
from subpixel.serve.problems import Problem

__all__ = ["add_files"]

_MOST_PREVIEW = 16384


def add_files(app: FastAPI, service: Service) -> None:
    """Add the routes of files to an application."""

    @app.head("/v1/jobs/{job_id}/result", include_in_schema=False)
    @app.get("/v1/jobs/{job_id}/result", tags=["files"], responses=docs.FILE)
    async def result(request: Request, job_id: str) -> Response:
        """The result of a job."""
        job = finished_job(service, job_id)
        assert job.result is not None
        inline = request.query_params.get("inline") in ("1", "true")
        return file_answer(request, job, job.result, service.files.path(job, job.result["file"]), inline=inline)

    @app.head("/v1/jobs/{job_id}/comparison", include_in_schema=False)
    @app.get("/v1/jobs/{job_id}/comparison", tags=["files"], responses=docs.FILE)
    async def comparison(request: Request, job_id: str) -> Response:
        """The image that shows bicubic beside the result, if it was asked for."""
        job = finished_job(service, job_id)
        if job.comparison is None:
            raise Problem("not-found", "no comparison was asked for")
        return file_answer(request, job, job.comparison, service.files.path(job, job.comparison["file"]))

    @app.head("/v1/jobs/{job_id}/source", include_in_schema=False)
    @app.get("/v1/jobs/{job_id}/source", tags=["files"], responses=docs.FILE)
    async def source(request: Request, job_id: str) -> Response:
        """The file that a job was made from."""
        job = find_job(service, job_id)
        inline = request.query_params.get("inline") in ("1", "true")
        return file_answer(request, job, job.source, service.files.source(job), inline=inline)

    @app.get("/v1/jobs/{job_id}/preview", tags=["files"], responses=docs.PREVIEW)
    async def preview(
        request: Request,
        job_id: str,
        of: Annotated[Literal["source", "result", "bicubic"], Query()] = "result",
        region: Annotated[str | None, Query(pattern=docs.REGION)] = None,
        most: Annotated[int | None, Query(alias="max", ge=16, le=_MOST_PREVIEW)] = None,
        frame: Annotated[int, Query(ge=1, le=100_000)] = 1,
        seconds: Annotated[float, Query(alias="time", ge=0, le=1e6, allow_inf_nan=False)] = 0.0,
    ) -> Response:
        """A PNG of a source, of a result, or of the plain resize of the source to the result's size."""
        job = find_job(service, job_id) if of == "source" else finished_job(service, job_id)
        file = job.result if of == "result" else job.source
        assert file is not None
        size = (job.result["width"], job.result["height"]) if of == "bicubic" and job.result else None
        box = None if region is None else parse_region(region, size or (file["width"], file["height"]), most)
        name = (
            f"preview-{of}-{(region or 'all').replace(',', '-')}-{most or 'full'}-{frame}-{round(seconds * 1000)}.png"
        )
        shown = {"name": name, "digest": sha256(f"{file['digest']} {name}".encode()).hexdigest()[:32]}
        shown["media_type"] = "image/png"
        path = service.files.path(job, name)
        if not path.is_file() and not is_known(request, shown):
            found: dict[str, Any] = {"kind": job.kind, "time": seconds, "size": size, "max": most, "region": box}
            found |= {"destination": str(path), "page": job.options.get("page") if of != "result" else None}
            raster = f"preview-{'result' if of == 'result' else 'source'}-{frame}.raster"
            found |= {"frame": frame, "raster": str(service.files.path(job, raster))}
            found["pixels"] = (file["width"] or 0) * (file["height"] or 0)
            await service.asides.run("preview", service.files.path(job, file["file"]), file["name"], **found)
            service.files.limit_previews(job)
        return file_answer(request, job, shown, path, inline=True)

    @app.get("/v1/archive", tags=["files"], responses=docs.ARCHIVE)
    async def archive(ids: Annotated[str, Query(max_length=33 * 1000)]) -> Response:
        """The results of several jobs, given by their ids with commas between them, as a zip archive."""
        found = [finished_job(service, each) for each in dict.fromkeys(ids.split(","))]
        files = [(job.result["name"], service.files.path(job, job.result["file"])) for job in found if job.result]
        headers = {"Content-Disposition": disposition("subpixel.zip"), "Cache-Control": "no-store"}
        return StreamingResponse(zip_chunks(files), media_type="application/zip", headers=headers)
