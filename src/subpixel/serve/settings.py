"""How a server is set up."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from subpixel.errors import InvalidArgument

__all__ = ["Settings", "default_folder", "is_loopback"]

_MB, _GB = 1 << 20, 1 << 30


@dataclass(frozen=True)
class Settings:
    """How a server is set up.

    Args:
        data: the folder for jobs and their files. It is created, and readable by its user alone.
        host: the address or name to listen at.
        port: to listen at; 0 for any that is free.
        token: what clients must present; None for no token, which is possible on a loopback address only.
        allowed_hosts: names besides those of this machine under which a server without a token is reached, such as
            that of a proxy.
        workers: how many processes upscale.
        threads: of each; None for as many as this process may use.
        keep: seconds for which a finished job stays after somebody last looked at it.
        quota: most bytes of all files.
        limit: largest image or frame, in megapixels.
        result_limit: largest result, in megapixels.
        image_bytes: largest file of an image.
        video_bytes: largest file of a video.
        video_seconds: longest video, or part of one.
        image_seconds: longest work on an image.
        queue: most jobs that wait.
        memory: bytes of addresses that a worker may use; None for its share of what is free, at least 2 GiB.
        wait: seconds for which a request is kept waiting before it is answered with a job.
        direct_bytes: largest file that is answered with its result.
        direct_pixels: largest image that is answered with its result, in pixels.
        idle: seconds without a byte after which a client is given up.
        stop: seconds for running images to end when the server is stopped.

    Raises:
        InvalidArgument: a value is out of range, or the address needs a token.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    workers: int = 2
    threads: int | None = None
    keep: float = 3600.0
    quota: int = 20 * _GB
    limit: float = 100.0
    result_limit: float = 1000.0
    image_bytes: int = 256 * _MB
    video_bytes: int = 8 * _GB
    video_seconds: float = 4 * 3600.0
    image_seconds: float = 1800.0
    queue: int = 256
    memory: int | None = None
    wait: float = 60.0
    direct_bytes: int = 32 * _MB
    direct_pixels: int = 16_000_000
    idle: float = 20.0
    stop: float = 20.0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InvalidArgument(f"port={self.port}: a number from 0 to 65535 is needed")
        if not 1 <= self.workers <= 64:
            raise InvalidArgument(f"workers={self.workers}: a number from 1 to 64 is needed")
        for name in ("keep", "quota", "limit", "result_limit", "queue", "wait", "idle", "video_seconds"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise InvalidArgument(f"{name}={value:g}: a number above 0 is needed")
        if self.memory is not None and self.memory < _GB:
            raise InvalidArgument(f"memory={self.memory}: these are bytes, and a worker needs at least 1 GiB (1G)")
        if self.token is not None and (len(self.token) < 8 or not self.token.isascii() or not self.token.isprintable()):
            raise InvalidArgument("token=: at least 8 printable ASCII characters are needed")
        if self.token is not None and not set(self.token).isdisjoint(' ";,\\'):
            raise InvalidArgument("token=: spaces, quotes, commas, semicolons and backslashes are not possible in it")
        if self.token is None and not is_loopback(self.host):
            raise InvalidArgument(
                f"host={self.host!r}: other machines could use this server; give it a token, or choose host='127.0.0.1'"
            )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, seen from itself.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def default_folder() -> Path:
    """The folder for a server's data that was not named: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "subpixel" / "serve"
