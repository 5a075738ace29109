"""Whatever goes wrong with a request is answered as a problem."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subpixel.serve.http.connections import has_gone
from subpixel.serve.problems import Problem
from subpixel.storage.os_errors import os_error_text

__all__ = ["add_errors"]


def add_errors(app: FastAPI) -> None:
    """Add the handlers of errors to an application."""

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
        return Problem("invalid", f"{place}: {_needed(place, first)}").response(request.url.path)

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
        if not has_gone(error):
            print(f"error: {request.method} {request.url.path}: {type(error).__name__}: {error}", file=sys.stderr)
        return Problem("internal", "this was not expected; the log of the server says more").response(request.url.path)


# What parameters with a pattern need.
_FORMS = {
    "client": "up to 64 letters, digits, - and _",
    "before": "a time such as 2026-01-31T12:00:00Z",
    "region": "left, top, width and height in pixels, such as 0,0,640,480,",
}


def _needed(place: str, error: Mapping[str, Any]) -> str:
    """What would be right, of an error of pydantic's."""
    limits = error.get("ctx", {})
    if error["type"] == "string_pattern_mismatch" and place in _FORMS:
        return f"{_FORMS[place]} is needed" if place != "client" else f"{_FORMS[place]} are needed"
    for name, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if name in limits:
            return f"a number of {words} {limits[name]:,} is needed".replace(",", "")
    message: str = error["msg"]
    return message[0].lower() + message[1:]


def _methods(app: FastAPI, path: str) -> list[str]:
    """The methods that are possible at a path: each has a route of its own."""
    found = [route for route in app.routes if isinstance(route, Route) and route.path_regex.match(path)]
    return sorted({method for route in found for method in route.methods or ()})
