"""Video players that show frames from a pipe."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from subpixel.errors import Unsupported, VideoWriteError, unknown
from subpixel.storage.pipes import PipeWriter

__all__ = ["PLAYERS", "Player", "find_player", "open_player"]


@dataclass(frozen=True)
class Player:
    """A program that plays its standard input.

    Args:
        name: of the program.
        options: its first options.
        title: the option for the window's title.
        sound: the option for a file whose sound is played too; empty if it has no such option.
        end: the last options, which make it read standard input.
    """

    name: str
    options: tuple[str, ...]
    title: str
    sound: str
    end: tuple[str, ...]

    def command(self, program: str, title: str, sound: Path | None) -> list[str]:
        """The command to run.

        Args:
            program: the program's path.
            title: of the window.
            sound: a file whose sound is played too.

        >>> PLAYERS[0].command("/usr/bin/mpv", "a video", Path("video.mkv"))[-3:]
        ['--title=a video', '--audio-file=video.mkv', '-']
        """
        words = [program, *self.options]
        for option, value in ((self.title, title), (self.sound, sound and str(sound))):
            if option and value:
                words += [option + value] if option.endswith("=") else [option, value]
        return [*words, *self.end]


# In the order of preference: mpv plays the video's sound with the frames, ffplay cannot.
PLAYERS = (
    Player("mpv", ("--no-terminal", "--cache=no", "--demuxer-readahead-secs=0"), "--title=", "--audio-file=", ("-",)),
    Player("ffplay", ("-hide_banner", "-loglevel", "error", "-autoexit"), "-window_title", "", ("-i", "pipe:0")),
)


def find_player(name: str | None = None) -> tuple[Player, str]:
    """Find an installed player and its program.

    Args:
        name: one of :data:`PLAYERS`; None for the first one that is installed.

    Raises:
        InvalidArgument: an unknown player.
        Unsupported: the player is not installed.
    """
    wanted = [player for player in PLAYERS if name in (None, player.name)]
    if not wanted:
        raise unknown("player", name, [player.name for player in PLAYERS])
    for player in wanted:
        program = shutil.which(player.name)
        if program is not None:
            return player, program
    names = " or ".join(player.name for player in wanted)
    raise Unsupported(f"no video player found: install {names}")


@contextmanager
def open_player(player: Player, program: str, title: str, sound: Path | None = None) -> Iterator[PipeWriter]:
    """Start a player and give the pipe to write frames to. At the end, wait until the player exits.

    Args:
        player: the player.
        program: its path.
        title: of its window.
        sound: a file whose sound belongs to the frames; not every player plays it.

    Raises:
        VideoWriteError: the player says by its exit status that it failed.
    """
    command = player.command(program, title, sound)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        pipe = cast(BinaryIO, process.stdin)
        try:
            with PipeWriter(pipe.fileno()) as writer:
                yield writer
        finally:
            with suppress(BrokenPipeError):  # the player was closed
                pipe.close()
    if process.returncode > 0:
        raise VideoWriteError(f"{player.name} could not show the frames: it ended with status {process.returncode}")
