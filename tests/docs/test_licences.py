"""docs/make_licences.py, docs/audit.py and docs/release_notes.py: what they refuse, and what they say."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts import docs_script

packaging = pytest.importorskip("packaging", reason="docs/make_licences.py needs packaging, which pytest brings")


@pytest.fixture
def licences() -> ModuleType:
    return docs_script("make_licences")


def installed(folder: Path, name: str, *lines: str, files: tuple[str, ...] = ()) -> None:
    """A package as pip leaves it."""
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(
        "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, "", ""])
    )
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"\x7fELF")
    (place / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def subpixel(folder: Path, *needs: str) -> None:
    lines = [f"Requires-Dist: {each}" for each in needs]
    installed(folder, "subpixel", "License-Expression: Apache-2.0", "Provides-Extra: web", *lines)


def test_needs_are_followed_through_markers_and_extras(licences: ModuleType, tmp_path: Path) -> None:
    subpixel(tmp_path, "one[more]", "never; sys_platform == 'nowhere'", "server; extra == 'web'")
    installed(
        tmp_path, "One", "License: MIT", "Provides-Extra: more", "Requires-Dist: two; extra == 'more'",
        "Requires-Dist: three; extra == 'other'",
    )  # fmt: skip
    installed(tmp_path, "two", "Classifier: License :: OSI Approved :: ISC License (ISCL)", "Requires-Dist: one")
    installed(tmp_path, "server", "License-Expression: MIT OR GPL-3.0-only")
    found = [(each.name, each.licence, each.extra) for each in licences.parts(tmp_path)]
    assert found == [("one", "MIT", ""), ("two", "ISC", ""), ("server", "MIT OR GPL-3.0-only", "web")]
    assert not any(each.problem for each in licences.parts(tmp_path))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("License: GPL-3.0-only", "dep: the licence GPL-3.0-only is neither permissive nor in ALLOWED"),
        ("License-Expression: MIT AND AGPL-3.0-only", "dep: the licence AGPL-3.0-only is neither"),
        ("License-Expression: GPL-2.0-or-later", "dep: the GPL is allowed for libx264 and libx265 alone"),
        ("License: Mine alone", "dep: the licence Mine alone is neither"),
        ("Summary: nothing", "dep: it states no licence"),
    ],
)
def test_what_is_not_expected_is_an_error(
    licences: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    subpixel(tmp_path, "dep")
    installed(tmp_path, "dep", line)
    try:
        code: object = licences.main(["--path", str(tmp_path)])
    except SystemExit as error:
        code = error.code
    assert code != 0
    assert words in f"{code}{capsys.readouterr().err}"


def test_libraries_inside_of_wheels_are_found(licences: ModuleType, tmp_path: Path) -> None:
    subpixel(tmp_path, "dep")
    files = ("dep.libs/libx264-d6533a8d.so.165", "dep.libs/libwebpmux-e1880640.so.3.1.2", "dep/module.so")
    installed(tmp_path, "dep", "License: MIT", files=files)
    found = licences.parts(tmp_path)
    assert [(each.library, each.licence) for each in found] == [
        ("", "MIT"), ("libwebpmux", "BSD-3-Clause"), ("libx264", "GPL-2.0-or-later")
    ]  # fmt: skip
    assert not any(each.problem for each in found)
    document = licences.with_libraries({"components": [{"name": "Dep"}]}, found)
    names = [each["name"] for each in document["components"][0]["components"]]
    assert names == ["libwebpmux", "libx264"]
    assert all(len(each["hashes"][0]["content"]) == 64 for each in document["components"][0]["components"])
    installed(tmp_path, "other", "License: MIT", files=("other.libs/libstrange-d6533a8d.so",))
    (tmp_path / "subpixel-1.0.dist-info" / "METADATA").write_text("Name: subpixel\nRequires-Dist: other\n\n")
    with pytest.raises(SystemExit, match="in the wheel of other: BUNDLED"):
        licences.parts(tmp_path)


def test_what_is_installed_here_is_what_the_page_says(licences: ModuleType) -> None:
    pytest.importorskip("fastapi", reason="the page lists the extra web too")
    try:
        found = licences.parts()
    except SystemExit as error:
        if "is not installed" not in str(error):
            raise
        pytest.skip(f"{error}")
    assert [each.problem for each in found if each.problem] == []
    if sys.platform != "linux":
        pytest.skip("the page is that of Linux")
    # Another version may need another package: whoever changes constraints.txt runs `make licences`.
    assert licences.page(found) == licences.PAGE.read_text(encoding="utf-8")


def test_ffmpeg_says_the_licence_that_the_page_states(licences: ModuleType) -> None:
    import av._core

    for name, library in av._core.library_meta.items():
        assert library["license"] == "LGPL version 3 or later", name
        assert licences.BUNDLED[name] == "LGPL-3.0-or-later"
        assert "--enable-gpl" not in library["configuration"]
        assert "--enable-libx264" in library["configuration"]


def hole(name: str, *ids: str) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": [{"id": each, "fix_versions": ["1.1"]} for each in ids]}


@pytest.mark.parametrize(
    ("dependencies", "code", "words"),
    [
        ([hole("a"), hole("b")], 0, "2 packages were audited; no vulnerabilities are known"),
        ([hole("a", "CVE-1"), hole("b")], 1, "a 1.0: CVE-1, mended in 1.1"),
        (
            [{"name": "a", "skip_reason": "not found"}],
            0,
            "Nothing was audited: the service knows none of the 1 packages",
        ),
        (
            [hole("a"), {"name": "b", "skip_reason": "not found"}],
            0,
            "Not audited, since the service does not know them: b",
        ),
    ],
)
def test_an_audit_says_what_it_could_not_ask(dependencies: list[dict[str, Any]], code: int, words: str) -> None:
    found, text = docs_script("audit").report(json.dumps({"dependencies": dependencies}), "")
    assert found == code
    assert words in text


def test_an_audit_without_a_network_says_so(tmp_path: Path) -> None:
    tool = tmp_path / "pip-audit"
    tool.write_text(
        f"#!{sys.executable}\nimport sys; sys.stderr.write('trace\\nConnectionError: no route'); sys.exit(1)"
    )
    tool.chmod(0o755)
    script = Path(__file__).parents[2] / "docs" / "audit.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tool)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Nothing was audited: pip-audit could not ask its service (ConnectionError: no route).\n"


LOG = (
    "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [0.2.0] - 2026-12-01\n\n### Fixed\n\n- A.\n\n## [0.1.0]\n\n- B.\n\n"
)
LOG += "## [0.0.1] - 2026-01-01\n\n[0.2.0]: https://example.org/0.2.0\n"


def test_notes_of_a_release() -> None:
    notes = docs_script("release_notes").notes
    assert notes(LOG, "0.2.0") == "subpixel 0.2.0 (2026-12-01)\n\nFixed:\n\n- A."


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0.3.0", r"no section \[0.3.0\]; it has Unreleased, 0.2.0, 0.1.0, 0.0.1"),
        ("0.1.0", r"the section \[0.1.0\] has no date"),
        ("Unreleased", "has no date"),
        ("0.0.1", r"the section \[0.0.1\] is empty"),
    ],
)
def test_notes_that_cannot_be(version: str, words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        docs_script("release_notes").notes(LOG, version)


def test_the_notes_are_the_message_of_a_tag(tmp_path: Path) -> None:
    """git keeps every line of them, headings too."""
    text = docs_script("release_notes").notes(LOG, "0.2.0")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "tag.gpgSign=false"]

    def git(*words: str, **options: Any) -> str:
        done = subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True, **options
        )
        return done.stdout

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("tag", "-a", "v0.2.0", "-F", "-", input=text)
    assert git("tag", "-l", "--format=%(contents)", "v0.2.0").strip() == text


@pytest.mark.parametrize("name", ["make_licences", "release_notes"])
def test_examples_run(name: str) -> None:
    assert doctest.testmod(docs_script(name)).failed == 0
