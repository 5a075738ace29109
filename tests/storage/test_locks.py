"""Claims and scratch files, and that they end with whoever holds them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from subpixel.storage.locks import claim, is_scratch_name, remove_leftovers, scratch_file, scratch_path

HOLD = """
import sys, time
from pathlib import Path
from subpixel.storage.locks import claim, scratch_file
with claim(Path(sys.argv[1])) as mine, scratch_file(Path(sys.argv[1]), ".png") as place:
    place.write_bytes(b"half")
    print(mine, flush=True)
    time.sleep(60)
"""


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_claim_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with claim(path) as first:
        with claim(path) as second, claim(tmp_path / "b.png") as other:
            assert (first, second, other) == (True, False, True)
        assert names_in(tmp_path) == [".a.png.subpixel-lock"]
        assert remove_leftovers(tmp_path) == 0
    assert names_in(tmp_path) == []
    with claim(path) as again:
        assert again


def test_a_scratch_file_is_removed_unless_it_was_moved_into_place(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with scratch_file(path, ".png") as one, scratch_file(path, ".png") as two:
        assert one != two
        assert one.parent == two.parent == tmp_path
        assert one.suffix == ".png"
        one.write_bytes(b"whole")
        os.replace(one, path)
        assert remove_leftovers(tmp_path) == 0
        two.write_bytes(b"half")
    assert names_in(tmp_path) == ["a.png"]
    assert path.read_bytes() == b"whole"
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("name", ["n" * 250 + ".png", "图" * 80 + ".png", os.fsdecode(b"\xff\xfe.png")])
def test_long_and_undecodable_names(tmp_path: Path, name: str) -> None:
    with claim(tmp_path / name) as mine, scratch_file(tmp_path / name, ".png") as place:
        assert mine
        assert place.name.isascii()
        assert all(is_scratch_name(each) for each in names_in(tmp_path))
        with claim(tmp_path / name) as again:
            assert not again


def test_what_a_killed_process_left_is_cleared_and_what_others_hold_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    (tmp_path / ".a.png.subpixel-mine").touch()
    (tmp_path / "b.subpixel-lock").touch()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert remove_leftovers(tmp_path) == 0
        with claim(path) as mine:
            assert not mine
        assert len(names_in(tmp_path)) == 4
        other.send_signal(signal.SIGKILL)
    assert len(names_in(tmp_path)) == 4
    with claim(path) as mine:
        assert mine
    assert remove_leftovers(tmp_path) == 1
    assert names_in(tmp_path) == [".a.png.subpixel-mine", "b.subpixel-lock"]
    assert remove_leftovers(tmp_path / "not there") == 0


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot refuse to follow a link")
def test_a_link_in_the_place_of_a_claim_is_not_followed(tmp_path: Path) -> None:
    """Otherwise another user of the folder could have a file made anywhere."""
    elsewhere = tmp_path / "elsewhere"
    link = scratch_path(tmp_path / "a.png", "lock")
    link.symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"\.a\.png\.subpixel-lock beside it is a link"), claim(tmp_path / "a.png"):
        pass
    assert not elsewhere.exists()
    elsewhere.write_bytes(b"content")
    assert remove_leftovers(tmp_path) == 0
    assert (elsewhere.read_bytes(), link.is_symlink()) == (b"content", True)
