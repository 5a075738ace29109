"""What an installed subpixel must do, with nothing but itself: its own process, no test library, no file from here.

python tests/release/smoke.py [upscale] [video] [serve] [--alone] [--backend NAME]

Each word is a check, ``upscale`` if there is none. Prints how long each took, as JSON. ``--alone`` is for
``unshare --net``, which leaves even the loopback down.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HEIGHT, WIDTH = 72, 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checks", nargs="*", help="upscale, video, serve")
    parser.add_argument("--alone", action="store_true", help="there must be no network but the loopback")
    parser.add_argument("--backend", default="native", help="the one that must be in use")
    asked = parser.parse_args()
    if asked.alone:
        raise_loopback()
        names = [name for _, name in socket.if_nameindex()]
        assert names == ["lo"], f"there is a network: {names}"
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for check in asked.checks or ["upscale"]:
            begin = time.perf_counter()
            CHECKS[check](Path(folder))
            seconds[check] = round(time.perf_counter() - begin, 2)
    import subpixel as package

    found = package.Upscaler(2).backend
    assert found == asked.backend, f"the backend is {found}, not {asked.backend}"
    print(json.dumps(seconds))


def subpixel(*arguments: object) -> str:
    """What the command prints; its errors go on."""
    done = subprocess.run(
        [*command(), *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return done.stdout


def command() -> list[str]:
    """The program beside this interpreter."""
    name = "subpixel.exe" if os.name == "nt" else "subpixel"
    return [str(Path(sys.executable).with_name(name))]


def upscale(folder: Path) -> None:
    from subpixel.image import ImageData, read, write
    from subpixel.image.synthetic import photograph

    write(ImageData(photograph(HEIGHT, WIDTH)), folder / "small.png")
    subpixel("upscale", folder / "small.png", "-o", folder / "large.png")
    assert read(folder / "large.png").pixels.shape == (2 * HEIGHT, 2 * WIDTH, 3)


def video(folder: Path) -> None:
    import av

    from subpixel.image.synthetic import photograph

    with av.open(str(folder / "small.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        frame = av.VideoFrame.from_ndarray(photograph(HEIGHT, WIDTH), format="rgb24")
        for _ in range(5):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    subpixel("video", folder / "small.mkv", "-o", folder / "large.mkv")
    with av.open(str(folder / "large.mkv")) as container:
        shapes = [(frame.height, frame.width) for frame in container.decode(video=0)]
    assert shapes == [(2 * HEIGHT, 2 * WIDTH)] * 5, shapes


def serve(folder: Path) -> None:
    arguments = [*command(), "serve", "--port", "0", "--workers", "1", "--data", str(folder / "data")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, f"the server printed {line!r}"
            with urllib.request.urlopen(found.group(), timeout=60) as answer:
                page = answer.read().decode()
            assert answer.status == 200
            assert "<title>" in page
        finally:
            server.terminate()
            server.wait(60)


def raise_loopback() -> None:
    """Set the loopback up, as ``ip link set lo up`` does where that program is installed."""
    import fcntl

    request, up_and_running = 0x8914, 0x41  # SIOCSIFFLAGS; IFF_UP | IFF_RUNNING, of <linux/if.h>
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, request, struct.pack("16sh14x", b"lo", up_and_running))


CHECKS = {"upscale": upscale, "video": video, "serve": serve}

if __name__ == "__main__":
    main()
