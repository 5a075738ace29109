"""share/: the man page and the completion of shells agree with the commands, and work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from scripts import docs_script
from subpixel.cli.app import app

SHARE = Path(__file__).parents[2] / "share"


def test_the_files_are_those_of_the_commands() -> None:
    for name, text in docs_script("make_share").files().items():
        assert (SHARE / name).read_text(encoding="utf-8") == text, f"{name}: run python docs/make_share.py"


def test_the_man_page_names_every_option() -> None:
    page = (SHARE / "man/man1/subpixel.1").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    for command in group.commands.values():  # type: ignore[attr-defined]
        for param in command.params:
            for name in param.opts if param.param_type_name == "option" else ():
                assert name.replace("-", "\\-") in page, (command.name, name)


def test_the_man_page_has_no_warnings() -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    page = SHARE / "man/man1/subpixel.1"
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stderr == ""
    assert "Ctrl" in done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH begins with the program, whether or not it is installed as a script."""
    program = tmp_path / "subpixel"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m subpixel "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def ask(environment: dict[str, str], *command: str) -> list[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100, env=environment)
    assert done.stderr == ""
    return done.stdout.split("\n")


BASH = """source "$0"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_subpixel_completion subpixel
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("up",), ["upscale"]),
        (("upscale", "-n", "fast"), ["fast", "fast-compressed"]),
        (("upscale", "--prec"), ["--precision"]),
        (("upscale", "--precision", "b"), ["bf16"]),
        (("video", "--encoder", "x"), ["x264", "x265"]),
        (("video", "--backend", "n"), ["native"]),
        (("upscale", "photo"), [""]),  # the shell names files
    ],
)
def test_bash_completes(environment: dict[str, str], words: tuple[str, ...], expected: list[str]) -> None:
    script = str(SHARE / "bash-completion/completions/subpixel")
    assert ask(environment, "bash", "-c", BASH, script, "subpixel", *words) == [*expected, ""]


def test_fish_completes(environment: dict[str, str]) -> None:
    place = SHARE / "fish/vendor_completions.d"
    command = f"set fish_complete_path '{place}' $fish_complete_path; complete -C 'subpixel upscale -n fast'"
    assert ask(environment, "fish", "-c", command)[:2] == ["fast", "fast-compressed"]


ZSH = """zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=('$0' \\$fpath); autoload -Uz compinit; compinit -u -D; echo begin"
zpty -r shell out '*begin*begin*'
zpty -w -n shell $'subpixel upscale --preci\\t'
zpty -r shell out '*--precision*'
echo found
"""


def test_zsh_completes(environment: dict[str, str]) -> None:
    assert ask(environment, "zsh", "-c", ZSH, str(SHARE / "zsh/site-functions")) == ["found", ""]
