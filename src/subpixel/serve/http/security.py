"""Who may use a server: a check of every request before anything else, and the headers of every answer.

A page of another site can make a browser send requests to this machine, and a name of that site can be made to lead
here (DNS rebinding). The first has a foreign ``Origin``, the second a foreign ``Host``.
"""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from subpixel.serve.http.login import COOKIE, Login, is_equal, wants_page
from subpixel.serve.problems import Problem
from subpixel.serve.settings import Settings, is_loopback

__all__ = ["Security"]

# An address of IPv6 in brackets, or a name; and a port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")
# What anybody may ask.
_OPEN = ("/healthz", "/readyz")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Security:
    """Refuses requests that come from elsewhere or lack the token.

    Args:
        app: the application.
        settings: of the server.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._login = None if settings.token is None else Login(settings.token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check_origin(scope)
            answer = None if self._login is None else await self._ask_for_token(self._login, scope, receive)
        except Problem as problem:
            answer = problem.response(scope["path"])
        await (answer or self._app)(scope, receive, with_headers)

    def _check_origin(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            raise Problem("bad-request", "one Host header is needed")
        host = hosts[0]
        if not self._host_is_ours(host):
            raise Problem("forbidden", "this server is not reached by this name; --allow-host adds a name")
        origin = headers.get("origin")
        if origin is not None and not self._origin_is_ours(origin, host):
            raise Problem("forbidden", "pages of other sites may not use this server")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not (
            scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        ):
            raise Problem("forbidden", "pages of other sites may not use this server")

    async def _ask_for_token(self, login: Login, scope: Scope, receive: Receive) -> Response | None:
        """What is answered instead of the application; None for a request with the token."""
        token, path = self._settings.token or "", scope["path"]
        if path in _OPEN:
            return None
        if scope["method"] == "POST" and path == "/login":
            return await login.answer(scope, receive)
        if scope["method"] == "GET" and path == "/":
            query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=50)
            if is_equal(query.get("token", [""])[0], token):
                return login.entry(scope)
        if any(is_equal(each, token) for each in _tokens_in(Headers(scope=scope))):
            return RedirectResponse("/", 303) if path == "/login" else None
        if wants_page(scope):
            return login.page()
        raise Problem("unauthorized", "a token is needed: Authorization: Bearer TOKEN, or /?token=TOKEN in a browser")

    def _host_is_ours(self, host: str) -> bool:
        name = _host_name(host)
        if self._settings.allowed_hosts and name in self._settings.allowed_hosts:
            return True
        if self._settings.token is not None and not self._settings.allowed_hosts:
            return bool(name)  # a foreign name has no cookie, and so no token
        return is_loopback(name) or name == self._settings.host.lower()

    def _origin_is_ours(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            name = (parts.hostname or "").lower()
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return False
        return parts.netloc.lower() == host.lower() or name in self._settings.allowed_hosts


def _host_name(host: str) -> str:
    """The name in a Host header, without its port; empty if it is malformed.

    >>> _host_name("Photos.example:8765"), _host_name("[::1]:80"), _host_name("user@localhost"), _host_name("[::1]x")
    ('photos.example', '::1', '', '')
    """
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found and int(found[3] or 0) < 1 << 16 else ""


def _tokens_in(headers: Headers) -> list[str]:
    """The tokens that a request presents."""
    found = []
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found.append(value.strip())
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    if cookie is not None:
        found.append(cookie.value)
    return found
