"""Pipes and devices: recognised without opening them, read and written without a wait that cannot be ended."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from subpixel.storage import pipes
from subpixel.storage.file_kinds import file_kind, open_file
from subpixel.storage.pipes import PipeReader, PipeWriter, TooLong, spool

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def test_kinds(tmp_path: Path, fifo: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(fifo)
    (tmp_path / "broken").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(tmp_path)
        server.bind("socket")
        found = {name: file_kind(tmp_path / name) for name in ("file", ".", "fifo", "link", "broken", "none", "socket")}
    assert found == {
        "file": "file",
        ".": "folder",
        "fifo": "pipe",
        "link": "pipe",
        "broken": "missing",
        "none": "missing",
        "socket": "pipe",
    }
    assert (file_kind("/dev/zero"), file_kind("a\0b")) == ("device", "missing")


def test_only_files_are_opened(tmp_path: Path, fifo: Path) -> None:
    for path, text in ((fifo, "pipe"), (tmp_path, "folder"), ("/dev/zero", "device"), (tmp_path / "none", "No such")):
        with pytest.raises(OSError, match=text):
            open_file(path)


def test_bytes_pass_in_both_directions(fifo: Path) -> None:
    content = os.urandom(1 << 20)

    def write() -> None:
        with PipeWriter(fifo) as writer:
            assert writer.write(content) == len(content)

    thread = threading.Thread(target=write)
    thread.start()
    with PipeReader(fifo) as reader:
        assert io.BufferedReader(reader).read() == content
    thread.join()


def test_a_pipe_of_this_process_is_written_in_small_pieces_if_it_cannot_be_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, write = os.pipe()
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: real("/none/" if "/proc/" in str(path) else path, *rest))
    content, received = os.urandom(300_000), []

    def drain() -> None:
        with os.fdopen(read, "rb") as file:
            received.append(file.read())

    thread = threading.Thread(target=drain)
    thread.start()
    with PipeWriter(write) as writer:
        assert writer._most <= 4096
        writer.write(content)
    os.close(write)
    thread.join()
    assert received == [content]


@pytest.mark.parametrize("wait", ["writer", "data", "reader", "space"])
def test_every_wait_ends(fifo: Path, wait: str) -> None:
    """For a writer that never comes, one that writes nothing, a reader that never comes, one that reads nothing."""
    ended: list[type[BaseException]] = []
    stop = threading.Event()
    other = os.open(fifo, os.O_RDWR) if wait in ("data", "space") else None

    def work() -> None:
        try:
            if wait in ("writer", "data"):
                with PipeReader(fifo, stop.is_set) as reader:
                    reader.read(10)
            else:
                with PipeWriter(fifo, stop.is_set) as writer:
                    writer.write(bytes(1 << 22))
        except BaseException as error:  # noqa: BLE001
            ended.append(type(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    stop.set()
    thread.join(10)
    assert ended == [KeyboardInterrupt]
    if other is not None:
        os.close(other)


def test_cancelling_ends_a_wait(fifo: Path) -> None:
    with PipeReader(fifo) as reader:
        threading.Timer(0.05, reader.cancel).start()
        with pytest.raises(KeyboardInterrupt):
            reader.read(1)


def test_a_reader_that_goes_away_is_an_error(fifo: Path) -> None:
    other = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with PipeWriter(fifo) as writer:
        os.close(other)
        with pytest.raises(BrokenPipeError):
            writer.write(b"x")


class Endless(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return len(buffer)


def test_an_endless_pipe_ends_at_the_limit_on_a_full_disk_and_where_nothing_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(head: bytes) -> None:
        assert 5 << 20 <= len(head) <= 6 << 20
        raise ValueError("no image")

    with open(tmp_path / "copy", "wb") as file:
        with pytest.raises(TooLong, match="more than 2 MiB come through this pipe"):
            spool(Endless(), file, 2 << 20)
        with pytest.raises(ValueError, match="no image"):
            spool(Endless(), file, 1 << 40, refuse)
        monkeypatch.setattr(pipes, "_RESERVE", 1 << 60)
        with pytest.raises(OSError, match="no space left for a temporary file"):
            spool(Endless(), file, 1 << 40)
    assert (tmp_path / "copy").stat().st_size < 16 << 20
