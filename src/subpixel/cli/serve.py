"""``subpixel serve``: a page and a REST interface."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

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


def serve(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Listen at this address. Any but this machine's own needs a token.",
            rich_help_panel=_NETWORK,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Listen at this port; 0 for any.", rich_help_panel=_NETWORK),
    ] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="SUBPIXEL_TOKEN",
            show_envvar=False,
            help="Ask clients for this token. It can also be given in SUBPIXEL_TOKEN, where other users do not see it.",
            show_default=False,
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="Answer under this name as well, such as that of a proxy. Can be given several times.",
            show_default=False,
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.", rich_help_panel=_NETWORK)
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep jobs and their files in this folder. Default: subpixel/serve in the user's cache.",
            show_default=False,
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(
            parser=_duration,
            metavar="TIME",
            help="Remove what nobody looked at for this long, such as 30m or 2d.",
            rich_help_panel=_LIMITS,
        ),
    ] = "1h",  # type: ignore[assignment]
    quota: Annotated[
        int,
        typer.Option(parser=_bytes, metavar="SIZE", help="Use at most so much space.", rich_help_panel=_LIMITS),
    ] = "20G",  # type: ignore[assignment]
    limit: Annotated[
        float,
        typer.Option(metavar="MEGAPIXELS", help="Refuse images and frames larger than this.", rich_help_panel=_LIMITS),
    ] = 100.0,
    image_size: Annotated[
        int,
        typer.Option(
            "--image-size",
            parser=_bytes,
            metavar="SIZE",
            help="Refuse larger files of images.",
            rich_help_panel=_LIMITS,
        ),
    ] = "256M",  # type: ignore[assignment]
    video_size: Annotated[
        int,
        typer.Option(
            "--video-size",
            parser=_bytes,
            metavar="SIZE",
            help="Refuse larger files of videos.",
            rich_help_panel=_LIMITS,
        ),
    ] = "8G",  # type: ignore[assignment]
    video_length: Annotated[
        float,
        typer.Option(
            "--video-length", parser=_duration, metavar="TIME", help="Refuse longer videos.", rich_help_panel=_LIMITS
        ),
    ] = "4h",  # type: ignore[assignment]
    queue: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=100_000, help="Let at most so many jobs wait.", rich_help_panel=_LIMITS),
    ] = 256,
    memory: Annotated[
        int | None,
        typer.Option(
            parser=_bytes,
            metavar="SIZE",
            help="Let each worker use at most so much address space. Default: its share of what is free.",
            show_default=False,
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=64,
            help="Work on so many jobs at a time. Videos leave one worker for images.",
            rich_help_panel=COMPUTATION,
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
