"""What people see who open the page without the token, and the form that takes it. It needs no script."""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from subpixel.serve.problems import Problem

__all__ = ["COOKIE", "Login", "is_equal", "wants_page"]

COOKIE = "subpixel_token"
_DAYS = 30
_MOST_BYTES = 4096
# Seconds for which a wrong token is held up, one after another, and how many may wait.
_PAUSE, _MOST_WAITING = 1.0, 8
_POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>subpixel: a token is needed</title>
</head>
<body>
<main>
<h1>A token is needed</h1>
<p>{text}</p>
<p>Open the address that the server printed when it was started, which ends in <code>/?token=…</code>,
or enter the token here.</p>
<form method="post" action="/login">
<input type="text" name="username" value="subpixel" autocomplete="username" hidden>
<p><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Continue</button></p>
</form>
</main>
</body>
</html>
"""


def is_equal(offered: str, token: str) -> bool:
    """Whether a token is the right one, in a time that tells nothing about it."""
    return hmac.compare_digest(offered.encode(), token.encode())


def wants_page(scope: Scope) -> bool:
    """Whether a request is that of a person who opens a page, and not of a program."""
    accepted = Headers(scope=scope).get("accept", "")
    return scope["method"] in ("GET", "HEAD") and "text/html" in accepted


class Login:
    """The form for a token.

    Args:
        token: the right one.
    """

    def __init__(self, token: str) -> None:
        self._token, self._lock, self._waiting = token, asyncio.Lock(), 0

    def page(self, text: str = "This server is only for those who know its token.") -> Response:
        """The page with the form."""
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        headers["Referrer-Policy"] = "same-origin"  # with "no-referrer" browsers send the form without its origin
        headers["WWW-Authenticate"] = 'Bearer realm="subpixel"'
        return HTMLResponse(_PAGE.format(text=text), 401, headers)

    def entry(self, scope: Scope) -> Response:
        """The answer to the right token: a cookie, and the way to the page, whose address has no token."""
        headers = Headers(scope=scope)
        answer = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
        secure = scope["scheme"] == "https" or headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(
            COOKIE, self._token, max_age=_DAYS * 86400, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return answer

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """The answer to a form that was sent. Its ``Origin`` is checked already, if it has one.

        Raises:
            Problem: no page of this server sent it, it is too long, or too many are tried.
        """
        headers = Headers(scope=scope)
        if "origin" not in headers and headers.get("sec-fetch-site") != "same-origin":
            raise Problem("forbidden", "only the page of this server can send this form")
        if is_equal(await _token_in_form(receive), self._token):
            return self.entry(scope)
        if self._waiting >= _MOST_WAITING:
            raise Problem("queue-full", "too many wrong tokens; try again later", retry_after=_MOST_WAITING)
        self._waiting += 1
        try:
            async with self._lock:
                await asyncio.sleep(_PAUSE)
        finally:
            self._waiting -= 1
        return self.page("This is not the token of this server.")


async def _token_in_form(receive: Receive) -> str:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem("bad-request", "the body ended before it was complete")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _MOST_BYTES:
            raise Problem("too-large", "this form is too long")
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=4).get("token", [""])[0].strip()
    except ValueError:
        return ""
