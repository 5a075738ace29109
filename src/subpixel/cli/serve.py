"""``subpixel serve``: a page and a REST interface."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from subpixel.cli.options import COMPUTATION, Threads
from subpixel.errors import InvalidArgument, MissingExtra

_NETWORK, _LIMITS = "Who can use it", "Limits"
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _bytes(text: str) -> int:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a number of bytes. Use for example 500M or 20G.")
    return int(float(match[1]) * _UNITS[match[2]])


def _duration(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd]?)", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration. Use for example 90s, 30m, 1h or 2d.")
    return float(match[1]) * _TIMES[match[2] or "s"]


def _option(panel: str, metavar: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, metavar=metavar, help=text, rich_help_panel=panel, **more)


def _limit(metavar: str, text: str, *names: str, **more: Any) -> Any:
    return _option(_LIMITS, metavar, text, *names, **more)


def serve(
    host: Annotated[
        str, _option(_NETWORK, "ADDRESS", "Listen at this address. Any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, _option(_NETWORK, "N", "Listen at this port; 0 for any.", min=0, max=65535)] = 8765,
    token: Annotated[
        str | None,
        _option(
            *(_NETWORK, "TEXT"),
            "Ask clients for this token. It can also be given in SUBPIXEL_TOKEN, where other users do not see it.",
            envvar="SUBPIXEL_TOKEN",
            show_envvar=False,
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        _option(
            *(_NETWORK, "NAME"),
            "Answer under this name as well, such as that of a proxy. Can be given several times.",
            "--allow-host",
            show_default=False,
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.", rich_help_panel=_NETWORK)
    ] = False,
    data: Annotated[
        Path | None,
        _limit(
            "FOLDER",
            "Keep jobs and their files in this folder. Default: subpixel/serve in the user's cache.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        float, _limit("TIME", "Remove what nobody looked at for this long, such as 30m or 2d.", parser=_duration)
    ] = "1h",  # type: ignore[assignment]
    quota: Annotated[int, _limit("SIZE", "Use at most so much space.", parser=_bytes)] = "20G",  # type: ignore[assignment]
    limit: Annotated[float, _limit("MEGAPIXELS", "Refuse images and frames larger than this.")] = 100.0,
    image_size: Annotated[
        int, _limit("SIZE", "Refuse larger files of images.", "--image-size", parser=_bytes)
    ] = "256M",  # type: ignore[assignment]
    video_size: Annotated[int, _limit("SIZE", "Refuse larger files of videos.", "--video-size", parser=_bytes)] = "8G",  # type: ignore[assignment]
    video_length: Annotated[float, _limit("TIME", "Refuse longer videos.", "--video-length", parser=_duration)] = "4h",  # type: ignore[assignment]
    queue: Annotated[int, _limit("N", "Let at most so many jobs wait.", min=1, max=100_000)] = 256,
    memory: Annotated[
        int | None,
        _limit(
            "SIZE",
            "Let each worker use at most so much address space. Default: its share of what is free.",
            parser=_bytes,
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int,
        _option(
            *(COMPUTATION, "N", "Work on so many jobs at a time. Videos leave one worker for images."), min=1, max=64
        ),
    ] = 2,
    threads: Threads = None,
) -> None:
    """Serve a page and a REST interface that upscale images and videos.

    The results are those of the command line, byte for byte. Without a token, only this machine can use it.

    Jobs outlive the server: what was finished is there at the next start, and what was not goes on.
    """
    try:
        from subpixel.serve.server import run_server
    except ImportError as error:
        if error.name is not None and error.name.startswith("subpixel"):
            raise
        raise MissingExtra(f"subpixel serve needs {error.name}: pip install 'subpixel[web]'") from None
    from subpixel.serve.settings import Settings, default_folder

    if limit <= 0:
        raise InvalidArgument(f"limit={limit:g}: a number of megapixels above 0 is needed")
    settings = Settings(
        data=Path(os.path.abspath(default_folder() if data is None else data)),
        host=host,
        port=port,
        token=token,
        allowed_hosts=tuple(name.lower() for name in allow_host or ()),
        workers=workers,
        threads=threads,
        keep=keep,
        quota=quota,
        limit=limit,
        image_bytes=image_size,
        video_bytes=video_size,
        video_seconds=video_length,
        queue=queue,
        memory=memory,
    )

    def started(address: str) -> None:
        page = address if token is None else f"{address}?token={token}"
        print(f"subpixel serves {page if sys.stdout.isatty() else address} (Ctrl-C stops it)", flush=True)
        if open_page:
            import webbrowser

            webbrowser.open(page)

    run_server(settings, started)
