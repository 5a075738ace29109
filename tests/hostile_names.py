"""File names that some program takes for something else: a URL, a pattern, an option, two names, another encoding."""

from __future__ import annotations

import os

__all__ = ["STEMS"]

STEMS = [
    *("12:30", "a: b", "http:", "file:a", "concat:a|b", "data:,a", "C:", "pipe:0", "fd:", "-", "-x", "--", "--help"),
    *("a[1]", "[", "]", "a[Q=5]", "a.png[Q=5]", "%03d", "%s%n", "a*?", "{a,b}", "~", "$HOME", "`a`", "a;b&c|d", "#a"),
    *("a\nb", "a\rb", "a\tb", "a'b\"c", "\\n", " a", "a ", "a.", "\x1b[31m", "\u200e", "ü×图", "n" * 180),
    *(os.fsdecode(name) for name in (b"\xff", b"\xc3", b"\xed\xa0\x80")),
]
if os.name == "nt":
    STEMS = [stem for stem in STEMS if not set(stem) & set('<>:"|?*\n\r\t\x1b\\') and not stem.endswith((" ", "."))]
