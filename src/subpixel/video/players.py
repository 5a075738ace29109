"""Players that show frames from a pipe as they come."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from subpixel.errors import InvalidArgument, Unsupported

__all__ = ["PLAYERS", "Player", "find_player", "open_player"]


@dataclass(frozen=True)
class Player:
    """A program that plays what comes from its standard input.

    Args:
        name: of the program.
        options: before everything.
        title: what goes in front of a window's title.
        sound: what goes in front of a file whose sound is played beside; empty where it cannot.
        end: what reads standard input.
    """

    name: str
    options: tuple[str, ...]
    title: str
    sound: str
    end: tuple[str, ...]

    def command(self, program: str, title: str, sound: Path | None) -> list[str]:
        """What is to be run.

        >>> PLAYERS[0].command("/usr/bin/mpv", "a video", Path("video.mkv"))[-3:]
        ['--title=a video', '--audio-file=video.mkv', '-']
        """
        words = [program, *self.options]
        for option, value in ((self.title, title), (self.sound, sound and str(sound))):
            if option and value:
                words += [option + value] if option.endswith("=") else [option, value]
        return [*words, *self.end]


# In the order in which they are looked for: mpv plays the video's sound beside its frames, ffplay cannot.
PLAYERS = (
    Player("mpv", ("--no-terminal", "--cache=no", "--demuxer-readahead-secs=0"), "--title=", "--audio-file=", ("-",)),
    Player("ffplay", ("-hide_banner", "-loglevel", "error", "-autoexit"), "-window_title", "", ("-i", "pipe:0")),
)


def find_player(name: str | None = None) -> tuple[Player, str]:
    """A player that is there, and where.

    Args:
        name: which; None for the first one there is.

    Raises:
        InvalidArgument: a name that is none of :data:`PLAYERS`.
        Unsupported: it is not installed.
    """
    wanted = [player for player in PLAYERS if name in (None, player.name)]
    if not wanted:
        raise InvalidArgument(f"player={name!r}: one of {', '.join(player.name for player in PLAYERS)} is needed")
    for player in wanted:
        program = shutil.which(player.name)
        if program is not None:
            return player, program
    names = " or ".join(player.name for player in wanted)
    raise Unsupported(f"there is no player here: {names} is needed (both are free programs)")


@contextmanager
def open_player(player: Player, program: str, title: str, sound: Path | None = None) -> Iterator[BinaryIO]:
    """A player at work; what is written is shown. It is waited for at the end.

    Args:
        player: which.
        program: its path.
        title: of its window.
        sound: a file whose sound belongs to the frames, for a player that plays it beside them.
    """
    command = player.command(program, title, sound)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        pipe = cast(BinaryIO, process.stdin)
        try:
            yield pipe
        finally:
            with suppress(BrokenPipeError):  # its window was closed
                pipe.close()
