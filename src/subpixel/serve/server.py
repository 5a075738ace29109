"""Running a server: its socket, its end, and one server at a time in a folder."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import uvicorn

from subpixel.errors import InvalidArgument
from subpixel.serve.http.app import make_app
from subpixel.serve.http.connections import protocol_with_limit
from subpixel.serve.jobs.service import Service
from subpixel.serve.settings import Settings
from subpixel.storage.interrupts import shielded
from subpixel.storage.locks import claim
from subpixel.storage.os_errors import os_error_text

__all__ = ["Running", "run_server", "serving"]

# Seconds for answers that are on their way when the server is stopped, beyond those for running images.
_LAST_ANSWERS = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the work first: those who wait for it get their answers while connections are closed."""
        stop = asyncio.get_running_loop().create_task(self._service.stop())
        await super().shutdown(sockets)
        await stop


@contextmanager
def serving(settings: Settings) -> Iterator[Running]:
    """A block in which a server runs in a thread. At its end the server is stopped in good order.

    Raises:
        InvalidArgument: the address cannot be used, or another server uses the folder.
        OSError: the folder cannot be used, or the current folder was removed.
    """
    os.getcwd()  # without a current folder no worker starts; that is better known before a client is
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with claim(settings.data / "server") as ours:
        if not ours:
            raise InvalidArgument(f"data={str(settings.data)!r}: another server uses this folder; choose another one")
        listener = _listener(settings)
        app, service = make_app(settings)
        config = uvicorn.Config(
            app,
            http=protocol_with_limit(settings.idle),
            ws="none",
            loop="asyncio",
            interface="asgi3",
            lifespan="on",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=max(1, round(settings.idle)),
            timeout_graceful_shutdown=round(settings.stop) + _LAST_ANSWERS,
            h11_max_incomplete_event_size=64 << 10,
        )
        server = _Server(config, service)
        running = Running(_address(settings, listener), service, server)
        threading.Thread(target=running.run, args=(listener,), name="subpixel-server", daemon=True).start()
        try:
            while not server.started and not running.ended.wait(0.02):
                pass
            yield running
        finally:
            server.should_exit = True
            with shielded(), suppress(KeyboardInterrupt):
                running.ended.wait()
        if running.failure is not None:
            raise running.failure


@dataclass
class Running:
    """A server that runs.

    Args:
        address: of its page.
        service: its jobs.
        server: of uvicorn.
        ended: set at its end. An interrupted ``Thread.join`` takes the thread for ended, so nothing joins it.
        failure: why it ended by itself.
    """

    address: str
    service: Service
    server: uvicorn.Server
    ended: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    def run(self, listener: socket.socket) -> None:
        """Answer requests until the end. Called in the thread."""
        try:
            self.server.run(sockets=[listener])
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self.failure = error
        finally:
            self.ended.set()


def run_server(settings: Settings, on_start: Callable[[str], None]) -> None:
    """Serve until a signal comes; then end in good order.

    The server runs in a thread, since the main thread is where signals interrupt.

    Args:
        settings: of the server.
        on_start: called with the address once requests are answered.

    Raises:
        InvalidArgument, OSError: as :func:`serving`.
    """
    with serving(settings) as running:
        try:
            if not running.ended.is_set():
                on_start(running.address)
            running.ended.wait()
        except KeyboardInterrupt:
            print("stopping: running images are finished; everything else goes on at the next start", file=sys.stderr)


def _listener(settings: Settings) -> socket.socket:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        place = f"host={settings.host!r}, port={settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise InvalidArgument(f"port={settings.port}: another program listens there; choose another port") from None
        raise InvalidArgument(f"{place}: this address cannot be used: {os_error_text(error)}") from None
    return listener


def _address(settings: Settings, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host in ("0.0.0.0", "::", ""):
        host = "localhost"
    return f"http://{host}:{port}/"
