"""The Makefile: each of its commands is explained at its head and in CONTRIBUTING.md, in one order."""

from __future__ import annotations

import re

from docs.pages import ROOT, text_of


def test_every_command_is_explained_at_the_head_and_in_contributing() -> None:
    makefile = text_of(ROOT / "Makefile")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    commands = phony.split()
    assert len(commands) > 10
    assert re.findall(r"^# make (\S+) ", makefile, re.MULTILINE) == commands
    assert re.findall(r"^\| `make (\S+)` \|", text_of(ROOT / "CONTRIBUTING.md"), re.MULTILINE) == commands
    assert set(re.findall(r"^([a-z][a-z-]*):(?!=)(?! \w+ \?=)", makefile, re.MULTILINE)) == set(commands)
