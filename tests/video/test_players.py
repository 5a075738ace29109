"""Players are found on the path and get the frames; where there is none, a sentence says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError
from subpixel.video.players import find_player, open_player


def fake(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_first_player_there_is_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match="no video player found: install mpv or ffplay"):
        find_player()
    program = fake(tmp_path, "ffplay", "")
    assert find_player()[1] == str(program)
    with pytest.raises(Unsupported, match=r"no video player found: install mpv$"):
        find_player("mpv")
    with pytest.raises(InvalidArgument, match=r"Unknown player 'vlc'\. Choices: mpv, ffplay"):
        find_player("vlc")
    assert find_player("ffplay")[0].name == "ffplay"
    fake(tmp_path, "mpv", "")
    assert find_player()[0].name == "mpv"


@pytest.mark.parametrize("name", ["mpv", "ffplay"])
def test_a_player_reads_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    got = tmp_path / "got"
    fake(tmp_path, name, f'echo "$@" > {tmp_path}/said; cat > {got}')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with open_player(*find_player(name), "A video", tmp_path / "video.mkv") as pipe:
        pipe.write(b"frames" * 100_000)
    assert got.read_bytes() == b"frames" * 100_000
    values = (tmp_path / "said").read_text()
    assert "A video" in values
    assert (f"--audio-file={tmp_path}/video.mkv" in values) == (name == "mpv")


def test_a_window_that_is_closed_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "mpv", "head -c 10 > /dev/null")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def watched() -> None:
        with open_player(*find_player(), "A video") as pipe:
            for _ in range(100):
                pipe.write(bytes(1 << 16))

    with pytest.raises(BrokenPipeError):
        watched()


def test_a_player_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "mpv", "cat > /dev/null; exit 2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with (
        pytest.raises(VideoWriteError, match="mpv could not show the frames: it ended with status 2"),
        open_player(*find_player(), "A video") as pipe,
    ):
        pipe.write(b"frames")
