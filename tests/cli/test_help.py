"""Help pages: their width, panels and examples; pages of a terminal and of a pipe; what rich costs."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import COMMANDS as LEAVES
from commands import GROUP, GROUPS, parse
from subpixel.cli.examples import EXAMPLES
from subpixel.cli.help import paragraphs

Run = Callable[..., Any]
EVERY_COMMAND: dict[str, Any] = {**LEAVES, **GROUPS}
COMMANDS = sorted(set(EXAMPLES) - {"subpixel"})


def page(run: Run, monkeypatch: pytest.MonkeyPatch, *arguments: str, columns: int = 100) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    done = run(*arguments, "--help")
    assert (done.code, done.err) == (0, "")
    lines: list[str] = done.out.splitlines()
    return lines


def test_every_command_has_examples() -> None:
    assert sorted(EVERY_COMMAND) == COMMANDS


@pytest.mark.parametrize("columns", [80, 100, 200])
@pytest.mark.parametrize("command", ["subpixel", *COMMANDS])
def test_a_page_fits(run: Run, monkeypatch: pytest.MonkeyPatch, command: str, columns: int) -> None:
    arguments = [] if command == "subpixel" else command.split()
    lines = page(run, monkeypatch, *arguments, columns=columns)
    assert max(map(len, lines)) <= min(columns, 100)
    text = "\n".join(lines)
    assert "…" not in text
    assert "\x1b" not in text
    # Nothing is cut off: each text is there, whatever lines it is on.
    words = " ".join(word for word in text.split() if word != "│")
    for param in EVERY_COMMAND.get(command, GROUP).params:
        assert " ".join(param.help.split()) in words
        for name in param.opts if param.param_type_name == "option" else [param.metavar]:
            assert name in words


def test_summaries_are_whole_sentences(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {group: page(run, monkeypatch, *group.split()) for group in ("", *GROUPS)}
    for path, command in EVERY_COMMAND.items():
        *group, name = path.split()
        lines, summary = pages[" ".join(group)], paragraphs(command.help)[0]
        assert summary[0].isupper()
        assert summary.endswith(".")
        assert any(line.split()[1:2] == [name] and summary in line for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_texts_are_sentences(command: str) -> None:
    for param in EVERY_COMMAND[command].params:
        assert param.help[0].isupper(), param.name
        assert param.help.endswith("."), param.name


@pytest.mark.parametrize("command", sorted(LEAVES))
def test_options_are_grouped_in_panels(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    lines = page(run, monkeypatch, *command.split())
    titles = [line.strip("╭─╮ ") for line in lines if line.startswith("╭")]
    options = [param for param in LEAVES[command].params if param.param_type_name == "option"]
    assert all(param.rich_help_panel for param in options)
    assert set(titles) == {"Reporting", *(param.rich_help_panel for param in options)} | (
        {"Arguments"} if len(options) < len(LEAVES[command].params) else set()
    )
    assert len(titles) == len(set(titles))


def test_defaults_are_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(" ".join(page(run, monkeypatch, "upscale")).replace("│", "").split())
    for default in ("Default: 2.", "Default: auto.", "Default: 1.", "Default: 1000.", "Default: name_x2.png beside"):
        assert default in text
    assert "Required." in " ".join(page(run, monkeypatch, "quantise"))


EVERY = [(name, line) for name, lines in EXAMPLES.items() for line, _ in lines]


@pytest.mark.parametrize(("name", "line"), EVERY, ids=[line for _, line in EVERY])
def test_examples_parse(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, line: str) -> None:
    """An example is on the page, and the parser takes it: only the command itself does not run."""
    lines = page(run, monkeypatch, *([] if name == "subpixel" else name.split()))
    assert any(one.strip().startswith(f"{line} ") for one in lines)
    program, *words = shlex.split(line)
    assert program == "subpixel"
    if "--help" in words:
        assert run(*words).code == 0
        return
    assert parse(words).params


@pytest.mark.parametrize(("columns", "term"), [(100, "dumb"), (60, "xterm")])
def test_a_pipe_gets_plain_text(columns: int, term: str) -> None:
    environment = {**os.environ, "TERM": term, "COLUMNS": str(columns), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-m", "subpixel", "upscale", "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\\u" not in done.stdout  # borders that the encoding has
    assert "What comes out" in done.stdout
    assert "subpixel upscale photo.jpg " in done.stdout


def on_terminal(term: str) -> str:
    """The overview as a terminal receives it."""
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": term, "COLUMNS": "100"}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    with subprocess.Popen([sys.executable, "-m", "subpixel", "--help"], stdout=child, env=environment) as process:
        os.close(child)
        content = b""
        try:
            while block := os.read(parent, 65536):
                content += block
        except OSError:  # the other end is closed
            pass
        os.close(parent)
    assert process.returncode == 0
    return content.decode()


def test_a_terminal_gets_styles_and_a_dumb_one_none() -> None:
    assert "\x1b[" in on_terminal("xterm-256color")
    assert "\x1b" not in on_terminal("dumb")


def test_rich_is_loaded_for_help_alone(photo: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from subpixel.cli import main; main(sys.argv[1:]); "
        "print(any(name.split('.')[0] == 'rich' for name in sys.modules))"
    )
    for arguments, expected in (
        (["upscale", photo, "-n", "bicubic", "-o", tmp_path / "out.png"], "False"),
        (["upscal"], "False"),
        (["upscale", "--help"], "True"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout.splitlines()[-1] == expected
