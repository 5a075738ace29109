"""Finding images: folders, links, patterns, and what is ignored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from subpixel.image.batch.inputs import find_images


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty files in folders below the current folder."""
    names = "b.jpg A.PNG notes.txt photo.jpg.xmp .hidden.png sub/c.tif sub/deep/d.webp .git/e.png sub/.f.png empty/.g"
    for name in names.split():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "in"


def paths(*inputs: str, excluded: Path | None = None) -> list[str]:
    return [item.path.as_posix() for item in find_images(inputs, excluded)]


ALL = ["in/A.PNG", "in/b.jpg", "in/sub/c.tif", "in/sub/deep/d.webp"]


def test_a_folder_is_searched_recursively_without_hidden_files(tree: Path) -> None:
    assert paths("in") == ALL
    assert [item.subfolder.as_posix() for item in find_images(["in"])] == [".", ".", "sub", "sub/deep"]
    assert paths("in/sub", "in") == [*ALL[2:], *ALL[:2]]  # each once, where it was found first
    assert paths("in", "in/b.jpg", "./in/../in/b.jpg") == ALL


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", ["in/b.jpg"]),
        ("in/?.*", ["in/A.PNG", "in/b.jpg"]),
        ("in/**/*.[tw]*", ["in/notes.txt", "in/sub/c.tif", "in/sub/deep/d.webp"]),
        ("in/su*", ["in/sub/c.tif", "in/sub/deep/d.webp"]),
        ("in/**", ["in/A.PNG", "in/b.jpg", "in/notes.txt", "in/photo.jpg.xmp", "in/sub/c.tif", "in/sub/deep/d.webp"]),
    ],
)
def test_patterns_work_as_in_a_shell(tree: Path, pattern: str, expected: list[str]) -> None:
    assert paths(pattern) == expected
    assert all(item.error is None for item in find_images([pattern]))


def test_a_file_named_like_a_pattern(tree: Path) -> None:
    (tree / "[b].jpg").touch()
    assert paths("in/[b].jpg") == ["in/[b].jpg"]
    (tree / "[b].jpg").unlink()
    assert paths("in/[b].jpg") == ["in/b.jpg"]


def test_named_files_are_tried_and_missing_ones_are_errors(tree: Path) -> None:
    assert paths("in/notes.txt", "none.png") == ["in/notes.txt", "none.png"]
    pattern, empty, nothing = find_images(["in/*.gif", "in/empty", ""])
    assert str(pattern.error) == "in/*.gif: no file matches"
    assert str(empty.error) == "in/empty: no file in this folder has the suffix of an image"
    assert nothing.error is not None


def test_links_are_followed_and_loops_end(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.png").touch()
    (tmp_path / "elsewhere" / "back").symlink_to(tree)
    (tree / "a link").symlink_to(tmp_path / "elsewhere")
    (tree / "a link to sub").symlink_to("sub")  # its name comes first, and the results still go to sub
    (tree / "sub" / "up.png").symlink_to("..")
    (tree / "self.png").symlink_to("self.png")
    (tree / "gone.jpg").symlink_to("nowhere")
    (tree / "z.png").symlink_to("A.PNG")
    ours = ["in/A.PNG", "in/b.jpg", "in/gone.jpg", "in/self.png", "in/z.png", "in/sub/c.tif", "in/sub/deep/d.webp"]
    assert paths("in") == [*ours, "in/a link/e.png"]


def test_pipes_and_devices_are_not_opened_but_reported(tree: Path) -> None:
    os.mkfifo(tree / "pipe.png")
    os.mkfifo(tree / "pipe.txt")
    (tree / "zero.png").symlink_to("/dev/zero")
    found = find_images(["in", "in/pipe.txt"])
    assert [item.path.as_posix() for item in found if not item.error] == ALL
    assert [str(item.error) for item in found if item.error] == [
        "in/pipe.png: this is a pipe; a pipe is read only if it is the one input",
        "in/zero.png: this is a device, not an image",
        "in/pipe.txt: this is a pipe; a pipe is read only if it is the one input",
    ]


def test_results_within_the_inputs_are_not_searched(tree: Path) -> None:
    assert paths("in", excluded=tree / "sub") == ALL[:2]
    assert paths("in", excluded=tree) == ALL
    assert paths("in", excluded=tree / "not yet there") == ALL


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_does_not_stop_the_search(tree: Path) -> None:
    (tree / "sub").chmod(0)
    try:
        *images, bad = find_images(["in"])
    finally:
        (tree / "sub").chmod(0o755)
    assert [item.path.as_posix() for item in images] == ALL[:2]
    assert str(bad.error) == "in/sub: permission denied"


def test_names_of_any_bytes_keep_an_order(tmp_path: Path) -> None:
    names = [b"\xff.png", "ä.png".encode(), "图.png".encode(), b"-x.png", b"a\nb.png", b" .png"]
    for name in names:
        try:
            open(os.path.join(os.fsencode(tmp_path), name), "wb").close()
        except OSError:
            pytest.skip("names that are no UTF-8 cannot be made here")
    assert [os.fsencode(item.path.name) for item in find_images([str(tmp_path)])] == sorted(names)
