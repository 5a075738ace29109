"""Which compilers the build takes, what it says of the others, and that clang-cl knows its options and its code."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

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


# Windows' tools are not needed for configuring: nothing is linked.
TOOLCHAIN = """
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
set(CMAKE_CXX_COMPILER {compiler})
set(CMAKE_CXX_COMPILER_TARGET x86_64-pc-windows-msvc)
set(CMAKE_CXX_COMPILER_WORKS ON)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
foreach(tool AR LINKER MT RC_COMPILER)
  set(CMAKE_${{tool}} {nothing})
endforeach()
"""


@pytest.mark.long
def test_clang_cl_reads_the_engine_without_a_warning(tmp_path: Path) -> None:
    """Configured for Windows; read with the headers of this system, since Windows' are not here."""
    ninja = pytest.importorskip("ninja", reason="the tools of the build are not installed")
    clang, nothing = shutil.which("clang"), shutil.which("true")
    if clang is None or nothing is None:
        pytest.skip("clang is not installed")
    compiler = tmp_path / "clang-cl"  # its name makes it take the options of Windows
    compiler.symlink_to(Path(clang).resolve())
    toolchain = tmp_path / "toolchain.cmake"
    toolchain.write_text(TOOLCHAIN.format(compiler=compiler, nothing=nothing), encoding="utf-8")
    configure = [f"{cmake.CMAKE_BIN_DIR}/cmake", "-S", str(ROOT), "-B", str(tmp_path / "build"), "-G", "Ninja"]
    configure += [f"-DCMAKE_MAKE_PROGRAM={ninja.BIN_DIR}/ninja", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"]
    configure += ["-DCMAKE_BUILD_TYPE=Release", "-DSUBPIXEL_TESTS=ON", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    done = subprocess.run(configure, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    commands = json.loads((tmp_path / "build/compile_commands.json").read_text(encoding="utf-8"))
    engine = [each for each in commands if "native/tests" not in each["file"]]
    assert len(engine) > 50
    for each in engine:
        words = shlex.split(each["command"])
        ours = [word for word in words if word.startswith(("/clang:", "-D", "-I"))]
        assert "/clang:-O3" in ours
        here = ["--target=x86_64-pc-linux-gnu", "/nologo", "/Zs", "/WX", "/EHsc", "/clang:-std=c++17"]
        done = subprocess.run(
            [str(compiler), *here, *ours, "--", each["file"]], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), each["file"]
