"""Which compilers the build takes, and what it says of the others."""

from __future__ import annotations

import subprocess

import pytest

from docs.pages import ROOT

cmake = pytest.importorskip("cmake", reason="the tools of the build are not installed")


def answer(name: str, version: str, windows: bool) -> tuple[int, str]:
    """The exit code and the words of the build's check for a compiler that calls itself so."""
    options = [f"-DCMAKE_CXX_COMPILER_ID={name}", f"-DCMAKE_CXX_COMPILER_VERSION={version}", f"-DMSVC={windows}"]
    command = [f"{cmake.CMAKE_BIN_DIR}/cmake", *options, "-P", str(ROOT / "native/compiler.cmake")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "version", "windows"),
    [("GNU", "12.1", False), ("Clang", "14.0", False), ("AppleClang", "15.0.0", False), ("Clang", "18.1", True)],
)
def test_these_are_taken(name: str, version: str, windows: bool) -> None:
    assert answer(name, version, windows) == (0, "")


@pytest.mark.parametrize(
    ("name", "version", "windows", "sentence"),
    [
        ("MSVC", "19.44", True, "subpixel needs clang-cl on Windows, and CMake chose MSVC 19.44."),
        ("GNU", "11.4.0", False, "subpixel needs GCC 12, Clang 14 or newer, and CMake chose GNU 11.4.0."),
        ("Clang", "13.0.1", True, "subpixel needs GCC 12, Clang 14 or newer, and CMake chose Clang 13.0.1."),
        ("Intel", "2021.9", False, "subpixel needs GCC 12, Clang 14 or newer, and CMake chose Intel 2021.9."),
    ],
)
def test_the_others_are_named(name: str, version: str, windows: bool, sentence: str) -> None:
    code, words = answer(name, version, windows)
    assert code != 0
    assert sentence in words


def test_the_cure_for_windows_is_what_the_wheels_use() -> None:
    _, words = answer("MSVC", "19.44", True)
    assert "CMAKE_GENERATOR_TOOLSET=ClangCL" in words
    assert 'CMAKE_GENERATOR_TOOLSET = "ClangCL"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
