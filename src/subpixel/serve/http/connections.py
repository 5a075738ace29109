"""Slow and endless clients: limits of time around every request, and answers that arrive although a body is unread."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

import anyio
import h11
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from subpixel.serve.jobs.measurements import Measurements
from subpixel.serve.problems import Problem

__all__ = ["Patience", "has_gone", "protocol_with_limit"]

# After this many seconds a body must have come at this rate at least, in bytes a second.
_GRACE, _LEAST_RATE = 30.0, 1000
# An answer to a request whose body is unread: so much of that is thrown away, so that the client gets to read it. What
# comes beyond is read with pauses, in seconds, until the time is over: who writes has to wait then, and reads.
_DRAIN_SECONDS, _DRAIN_BYTES, _DRAIN_PAUSE = 2.0, 4 << 20, 0.05
_MOST_REQUESTS = 500


def has_gone(error: BaseException) -> bool:
    """Whether an error only says that a client went away in the middle of a stream, which FastAPI does not expect."""
    if isinstance(error, BaseExceptionGroup):
        return all(has_gone(each) for each in error.exceptions)
    return isinstance(error, anyio.BrokenResourceError)


class Patience:
    """Ends requests that come too slowly.

    Args:
        app: the application.
        idle: seconds without a byte.
        measurements: counts requests.
    """

    def __init__(self, app: ASGIApp, idle: float, measurements: Measurements) -> None:
        self._app, self._idle, self._measurements, self._running = app, idle, measurements, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, self._idle)
        answer = _Answer(send, body)
        self._running += 1
        try:
            if self._running > _MOST_REQUESTS:
                raise Problem("unavailable", "too many requests at a time", retry_after=2)
            if body.is_ambiguous:
                raise Problem("bad-request", "Content-Length and Transfer-Encoding cannot be in one request")
            await self._app(scope, body.receive, answer.send)
        except Problem as problem:
            if answer.started:
                raise
            await problem.response(scope["path"])(scope, body.receive, answer.send)
        except Exception as error:
            if not (answer.started and has_gone(error)):
                raise
        finally:
            self._running -= 1
            self._measurements.requests[answer.status] += 1


class _Body:
    def __init__(self, scope: Scope, receive: Receive, idle: float) -> None:
        headers = Headers(scope=scope)
        self.left = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        # Proxies differ in where such a body ends, so what follows it may be somebody's hidden request.
        self.is_ambiguous = "content-length" in headers and "transfer-encoding" in headers
        self.expects = headers.get("expect", "").lower() == "100-continue"
        self.asked = False
        self._receive, self._idle, self._bytes, self._start = receive, idle, 0, time.monotonic()

    async def receive(self) -> Message:
        if not self.left:
            return await self._receive()  # waits for the client to go away
        self.asked = True
        try:
            message = await asyncio.wait_for(self._receive(), self._idle)
        except TimeoutError:
            raise Problem("timeout", f"nothing came for {self._idle:g} seconds") from None
        if message["type"] == "http.disconnect":
            self.left = False
            return message
        self._bytes += len(message.get("body", b""))
        self.left = bool(message.get("more_body"))
        seconds = time.monotonic() - self._start
        if self.left and seconds > _GRACE and self._bytes < _LEAST_RATE * seconds:
            raise Problem("timeout", f"the body came at less than {_LEAST_RATE} bytes a second")
        return message

    async def drain(self) -> None:
        """Read and drop a part of what is left."""
        dropped = 0
        with suppress(TimeoutError, Problem):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while self.left:
                    if dropped >= _DRAIN_BYTES:
                        await asyncio.sleep(_DRAIN_PAUSE)
                    message = await self._receive()
                    self.left = message["type"] == "http.request" and bool(message.get("more_body"))
                    dropped += len(message.get("body", b""))


class _Answer:
    def __init__(self, send: Send, body: _Body) -> None:
        self._send, self._body = send, body
        self.started, self.status = False, 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            if self._body.left:
                MutableHeaders(scope=message)["Connection"] = "close"
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last and self._body.left and (self._body.asked or not self._body.expects):
            await self._send({**message, "more_body": True})
            await self._body.drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)


def protocol_with_limit(seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol with limits of time: for the head of a request, and for an answer that nobody takes.

    Args:
        seconds: from the connection, or from the first byte of a further request on it, to the end of the head; and
            for which a client may take nothing of an answer.
    """

    class Protocol(H11Protocol):
        _head_timer: asyncio.TimerHandle | None = None
        _answer_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._expect_head()

        def data_received(self, data: bytes) -> None:
            if self._head_timer is None and self.conn.their_state is h11.IDLE:
                self._expect_head()
            super().data_received(data)
            self._check_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            self._stop_answer_timer()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            # What waits to be sent would keep a connection that is only closed.
            self._answer_timer = self.loop.call_later(seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop_answer_timer()
            super().resume_writing()

        def send_400_response(self, msg: str) -> None:
            problem = Problem("bad-request", "this is not a request of HTTP/1.1, or its head is too long")
            content = json.dumps(problem.document()).encode()
            headers = [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(content)).encode()),
                (b"connection", b"close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=content),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _expect_head(self) -> None:
            self._head_timer = self.loop.call_later(seconds, self._give_up)

        def _check_head(self) -> None:
            if self.conn.their_state is not h11.IDLE or self.conn.our_state is not h11.IDLE:
                self._stop_timer()

        def _stop_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _stop_answer_timer(self) -> None:
            if self._answer_timer is not None:
                self._answer_timer.cancel()
                self._answer_timer = None

        def _give_up(self) -> None:
            self._head_timer = None
            self._check_head()
            if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
                self.transport.close()

    return Protocol
