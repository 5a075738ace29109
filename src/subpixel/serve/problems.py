"""Errors of requests, as RFC 9457 describes them: a type, a title, a status and one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

__all__ = ["PROBLEMS", "Problem"]

# By the last part of its type: status and title.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request is not understood"),
    "unauthorized": (401, "A token is needed"),
    "forbidden": (403, "This is not allowed"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This method is not possible here"),
    "timeout": (408, "The request took too long"),
    "conflict": (409, "This is not possible in the job's state"),
    "gone": (410, "This is no longer there"),
    "length-required": (411, "The length of the body is needed"),
    "too-large": (413, "This is larger than the limit"),
    "unsupported-type": (415, "This type of file cannot be read"),
    "range": (416, "There is no such part"),
    "invalid": (422, "This cannot be done"),
    "unreadable": (422, "This file cannot be read"),
    "queue-full": (429, "Too many jobs wait"),
    "crashed": (500, "The work ended unexpectedly"),
    "internal": (500, "Something is wrong with the server"),
    "interrupted": (503, "The server was stopped meanwhile"),
    "unavailable": (503, "The server cannot do this now"),
}


class Problem(Exception):
    """A request cannot be answered as it should be.

    Args:
        kind: a name of :data:`PROBLEMS`.
        detail: one sentence: what was given and what would be right.
        retry_after: seconds after which the request may succeed.
        headers: further ones of the answer.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.retry_after = kind, detail, retry_after
        self.status, self.title = PROBLEMS[kind]
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, round(retry_after)))
        if self.status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="subpixel"'

    def document(self, instance: str = "") -> dict[str, Any]:
        """The problem as JSON.

        Args:
            instance: the path of what it happened to.

        >>> Problem("too-large", "9 MB are too many").document()["type"]
        '/problems/too-large'
        """
        found = {"type": f"/problems/{self.kind}", "title": self.title, "status": self.status, "detail": self.detail}
        return {**found, "instance": instance} if instance else found

    def response(self, instance: str = "") -> Response:
        """The answer to a request."""
        content = json.dumps(self.document(instance), ensure_ascii=False).encode()
        headers = {**self.headers, "Cache-Control": "no-store"}
        return Response(content, self.status, headers, media_type="application/problem+json")
