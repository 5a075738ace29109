"""Folders of any images and what is there already: each input becomes what the options promise, and nothing else."""

from __future__ import annotations

import shutil
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import folder_content, random_image, save_image
from subpixel.cli import main

Source = Literal["image", "text", "empty", "cut"]
There = Literal["nothing", "done", "settings", "source", "foreign"]
Option = Literal["", "--overwrite", "--skip-existing"]

SOURCES: tuple[Source, ...] = ("image", "image", "image", "text", "empty", "cut")
THERE: tuple[There, ...] = ("nothing", "nothing", "done", "settings", "source", "foreign")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An image, and results of it, of it with other settings, and of another image."""
    folder = tmp_path_factory.mktemp("files")
    found = {"image": save_image(folder / "a.png", random_image((5, 7, 3), np.uint8))}
    other = folder / "other"
    other.mkdir()
    save_image(other / "a.png", random_image((5, 7, 3), np.uint8, seed=1))
    for name, source, model in (
        ("done", found["image"], "bicubic"),
        ("settings", found["image"], "fast"),
        ("source", other / "a.png", "bicubic"),
    ):
        found[name] = folder / f"{name}.png"
        assert outcome(["upscale", str(source), "-n", model, "-o", str(found[name])])[0] == 0
    found["foreign"] = save_image(folder / "foreign.png", random_image((3, 3, 3), np.uint8, seed=2))
    return found


def outcome(command: list[str]) -> tuple[int, str]:
    """The exit code of a command, and all that it printed."""
    text = StringIO()
    with warnings.catch_warnings(), redirect_stdout(text), redirect_stderr(text):
        warnings.resetwarnings()
        return main([*command, "-j", "1", "--processes", "1"]), text.getvalue()


def content_of(kind: Source, image: bytes) -> bytes:
    return {"image": image, "text": b"no image", "empty": b"", "cut": image[: len(image) * 2 // 3]}[kind]


def fate(source: Source, there: There, option: Option) -> str:
    """What is promised for an input by its own state, that of its result, and the options."""
    if there != "nothing" and option == "--skip-existing":
        return "skipped"
    if source != "image":
        return "failed"
    if there == "nothing" or (option == "--overwrite" and there != "done"):
        return "done"
    return "skipped" if there == "done" else "failed"


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(THERE)), min_size=2, max_size=6),
    st.sampled_from(["", "", "--overwrite", "--skip-existing"]),
    st.booleans(),
)
def test_every_input_has_the_fate_that_is_promised(
    files: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    inputs: list[tuple[Source, There]],
    option: Option,
    by_folder: bool,
) -> None:
    folder = tmp_path_factory.mktemp("run")
    image, right = files["image"].read_bytes(), files["done"].read_bytes()
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    expected: dict[str, bytes | str] = {}
    fates = []
    for number, (source, there) in enumerate(inputs):
        name = f"n{number}"
        (folder / "in" / f"{name}.png").write_bytes(content_of(source, image))
        result = folder / "out" / f"{name}_x2.png"
        before = None if there == "nothing" else files[there].read_bytes()
        if before is not None:
            result.write_bytes(before)
        fates.append(fate(source, there, option))
        if fates[-1] == "done":
            expected[result.name] = right
        elif before is not None:
            expected[result.name] = before
    sources = [folder / "in"] if by_folder else sorted((folder / "in").iterdir())
    command = ["upscale", *map(str, sources), "-n", "bicubic", "-o", f"{folder / 'out'}/"]
    code, text = outcome([*command, *([option] if option else [])])
    failed = fates.count("failed")
    assert code == (0 if not failed else 1 if failed == len(fates) else 3), f"{fates}\n{text}"
    assert folder_content(folder / "out") == expected, f"{fates}\n{text}"
    assert "Traceback" not in text
    counts = f"{fates.count('done')} done, {fates.count('skipped')} skipped, {failed} failed of {len(fates)}"
    assert counts in text
    # A second run has nothing left to do: what was done is skipped, and the rest stays as it is.
    again, text = outcome([*command, *([option] if option else [])])
    assert again == code, text
    assert folder_content(folder / "out") == expected, text
    shutil.rmtree(folder)
