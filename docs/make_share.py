"""Writes share/ from the commands: the man page, and what the shells load for completion.

python docs/make_share.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from subpixel.cli.app import app
from subpixel.cli.examples import EXAMPLES
from subpixel.cli.help import Panels, contexts, panels, paragraphs, usage

SHARE = Path(__file__).parents[1] / "share"

EXIT_CODES = (
    ("0", "Done."),
    ("1", "Failed."),
    ("2", "Wrong use: an unknown option, an argument out of range, a format that cannot hold the result."),
    ("3", "Part of a batch failed. The rest is done."),
    ("130", "Interrupted: Ctrl-C, SIGTERM or SIGHUP. The third signal ends the command at once."),
)

# As typer's own, but for zsh: a file of its search path is the body of the function, and works from the first Tab on.
BASH = """_subpixel_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \\
                   COMP_CWORD=$COMP_CWORD \\
                   _SUBPIXEL_COMPLETE=complete_bash "$1" 2> /dev/null ) )
}
complete -o default -F _subpixel_completion subpixel
"""
ZSH = """#compdef subpixel
eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _SUBPIXEL_COMPLETE=complete_zsh subpixel 2> /dev/null)
"""
FISH = """set -l ask env _SUBPIXEL_COMPLETE=complete_fish '_TYPER_COMPLETE_ARGS=(commandline -cp)'
complete --command subpixel --no-files \\
    --condition "$ask _TYPER_COMPLETE_FISH_ACTION=is-args subpixel 2> /dev/null" \\
    --arguments "($ask _TYPER_COMPLETE_FISH_ACTION=get-args subpixel 2> /dev/null)"
"""


def main() -> None:
    for name, text in files().items():
        path = SHARE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def files() -> Mapping[str, str]:
    """The text of each file by its path in share/."""
    return {
        "man/man1/subpixel.1": man_page(),
        "bash-completion/completions/subpixel": BASH,
        "zsh/site-functions/_subpixel": ZSH,
        "fish/vendor_completions.d/subpixel.fish": FISH,
    }


def man_page() -> str:
    return "\n".join(_man_page()) + "\n"


def _man_page() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    context = group.make_context("subpixel", [], resilient_parsing=True)
    yield '.TH SUBPIXEL 1 "" "subpixel @VERSION@" "User Commands"'  # CMakeLists.txt fills the version in
    yield ".SH NAME"
    yield "subpixel \\- upscale images and videos on the CPU with small neural networks"
    yield ".SH SYNOPSIS"
    yield f".B {_text(usage(group, context))}"
    yield ".SH DESCRIPTION"
    yield _text("subpixel COMMAND --help explains a command, too. A file in place of a command is upscaled.")
    yield from _options(panels(group, context), only=("Options",))
    yield ".SH COMMANDS"
    for command, inner in contexts(group, context):
        yield f".SS {_text(usage(command, inner))}"
        for number, paragraph in enumerate(paragraphs(command.help)):
            yield from ([".PP"] if number else [])
            yield _text(paragraph)
        yield from _options(panels(command, inner))
    yield ".SH EXAMPLES"
    for lines in EXAMPLES.values():
        for typed, meaning in lines:
            yield from (".TP", f".B {_text(typed)}", _text(meaning[0].upper() + meaning[1:] + "."))
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES:
        yield from (".TP", f".B {code}", _text(meaning))


def _options(found: Panels, only: Iterable[str] = ()) -> Iterator[str]:
    for title, rows in found.items():
        if only and title not in only:
            continue
        yield from (".PP", f".I {_text(title)}")
        for label, text in rows:
            yield from (".TP", f".B {_text(label)}", _text(text))


def _text(text: str) -> str:
    """Text for roff: backslashes and hyphens as they are typed, and no line that looks like a request.

    >>> _text("-s, --scale N")
    '\\\\-s, \\\\-\\\\-scale N'
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("×", "x").replace("…", "...")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    main()
