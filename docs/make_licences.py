"""Writes docs/licences.md: what an installed subpixel brings along, package by package, and under which licences.

python docs/make_licences.py                          of the environment that runs it
python docs/make_licences.py --path SITE_PACKAGES     of another one
python docs/make_licences.py --sbom build/sbom.json   adds the libraries inside of wheels to a list by cyclonedx-py

It ends with an error at a licence that it does not know, and at one that asks something of those who pass the software
on (copyleft) unless ``ALLOWED`` names it with the reason why it is there. ``make licences`` and ``make sbom`` run it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).with_name("licences.md")
# What is examined: the package, and the server, which strangers reach.
PARTS = {"subpixel": "", "subpixel[web]": "web"}

INTRODUCTION = """# Licences of what is installed

subpixel is under Apache-2.0; its weights have [terms of their own](models.md). `pip install subpixel` also installs the
packages below, each from its own project, and their wheels hold libraries of others. Nothing of them is part of
subpixel's own wheel. `make licences` writes this page; it fails at a package that states no licence or one that is not
expected. The list is that of Linux on x86-64.

**Copyleft.** libvips is under the LGPL, and the build of FFmpeg in PyAV's wheel calls itself LGPL version 3 or later.
It is linked to x264 and x265, which are under the GPL, version 2 or later; so together they can be passed on only as
the GPL, version 3, allows. This concerns who ships PyAV's wheel, as in an installer or a container image, not who uses
it. With a PyAV whose FFmpeg lacks the two, `--encoder` names another encoder, such as `svt-av1` or `vp9`.
"""

# Licences that ask for no more than to be named.
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "CC0-1.0", "ISC", "MIT", "MIT-0",
    "OFL-1.1", "PSF-2.0", "Zlib",
}  # fmt: skip
# As packages state them, where it is not the identifier of SPDX.
STATED = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# The libraries inside of wheels, by the start of their file names. Wheels do not state these licences; they are those
# of the projects. FFmpeg's own libraries say theirs when they are asked; a test asks them.
_LGPL2, _LGPL3, _EITHER = "LGPL-2.1-or-later", "LGPL-3.0-or-later", "LGPL-3.0-or-later OR GPL-2.0-or-later"
BUNDLED = {
    "libSvtAv1Enc": "BSD-3-Clause-Clear", "libXau": "MIT", "libasound": _LGPL2, "libavcodec": _LGPL3,
    "libavdevice": _LGPL3, "libavfilter": _LGPL3, "libavformat": _LGPL3, "libavutil": _LGPL3,
    "libdav1d": "BSD-2-Clause", "libdrm": "MIT",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1", "libgmp": _EITHER, "libgnutls": _LGPL2,
    "libhogweed": _EITHER, "libmp3lame": "LGPL-2.0-or-later", "libnettle": _EITHER, "libopencore-amrnb": "Apache-2.0",
    "libopencore-amrwb": "Apache-2.0", "libopus": "BSD-3-Clause", "libquadmath": _LGPL2,
    "libscipy_openblas": "BSD-3-Clause", "libsharpyuv": "BSD-3-Clause", "libswresample": _LGPL3, "libswscale": _LGPL3,
    "libunistring": _EITHER, "libvips": _LGPL3, "libvpl": "MIT", "libvpx": "BSD-3-Clause", "libwebp": "BSD-3-Clause",
    "libx264": "GPL-2.0-or-later", "libx265": "GPL-2.0-or-later", "libxcb": "MIT",
}  # fmt: skip
_SHARED = "a shared library in a wheel of its own project, loaded when it runs; it can be replaced"
_ENCODER = "an encoder in PyAV's wheel, loaded when it runs; who passes that wheel on keeps the GPL for it"
# Copyleft that is here on purpose, each with its reason.
ALLOWED = {
    _LGPL2: _SHARED,
    _LGPL3: _SHARED,
    "LGPL-2.0-or-later": _SHARED,
    "GPL-2.0-or-later": _ENCODER,
    "GPL-3.0-or-later WITH GCC-exception-3.1": "gcc's runtime library in NumPy's wheel; its exception asks for nothing",
}
# The only ones that the GPL without an exception is allowed for.
ENCODERS = ("libx264", "libx265")


@dataclass(frozen=True)
class Part:
    """A package, or a library inside of its wheel.

    Args:
        name: of the package.
        library: empty for the package itself.
        licence: an expression of SPDX.
        extra: of subpixel that brings it; empty if it is always there.
        file: of the library.
    """

    name: str
    library: str
    licence: str
    extra: str
    file: Path | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with its licence; None if nothing is."""
        what = f"{self.library} in {self.name}" if self.library else self.name
        bad = [one for one in needed(self.licence) if one not in PERMISSIVE and one not in ALLOWED]
        if bad:
            return f"{what}: the licence {' and '.join(bad)} is neither permissive nor in ALLOWED"
        if "GPL-2.0-or-later" in needed(self.licence) and self.library not in ENCODERS:
            return f"{what}: the GPL is allowed for {' and '.join(ENCODERS)} alone"
        return None


def needed(licence: str) -> list[str]:
    """The licences of an expression that must be kept together; of alternatives the one that asks for least.

    >>> needed("MIT AND (BSD-3-Clause OR GPL-2.0-or-later)"), needed("LGPL-3.0-or-later OR GPL-2.0-or-later")
    (['MIT', 'BSD-3-Clause'], ['LGPL-3.0-or-later'])
    """
    order = [*PERMISSIVE, *ALLOWED]
    found = []
    for both in licence.split(" AND "):
        either = [one.strip(" ()") for one in both.split(" OR ")]
        found.append(min(either, key=lambda one: order.index(one) if one in order else len(order)))
    return found


def licence_of(package: Distribution) -> str:
    """The licence that a package states, as SPDX writes it where it is known.

    Raises:
        SystemExit: it states none.
    """
    metadata = package.metadata
    short = [text for text in metadata.get_all("License") or () if "\n" not in text and len(text) < 60]
    classes = [each.split(" :: ")[-1] for each in metadata.get_all("Classifier") or () if each.startswith("License ::")]
    for stated in (metadata.get_all("License-Expression"), short, classes):
        if stated:
            return " AND ".join(STATED.get(each, each) for each in stated)
    raise SystemExit(f"{metadata['Name']}: it states no licence")


def packages(root: str, installed: Mapping[str, Distribution]) -> list[Distribution]:
    """What a package needs, itself first; of ``name[extra]`` also what the extra needs.

    Raises:
        SystemExit: something of it is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = [Requirement(root)]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in installed:
            raise SystemExit(f"{name} is not installed, so its licence cannot be read: install {root}")
        package = found.setdefault(name, installed[name])
        for line in package.requires or ():
            more = Requirement(line)
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(more)
    return list(found.values())


def libraries(package: Distribution) -> Iterator[Path]:
    """The shared libraries that a wheel brings along: not modules of Python, but what those need."""
    for file in package.files or ():
        if file.parts[0].endswith(".libs") or ".dylibs" in file.parts:
            yield Path(str(package.locate_file(file)))


def bundled_licence(package: str, library: str) -> str:
    """The licence of a library, by the longest start of its name that is listed.

    Raises:
        SystemExit: none is.
    """
    starts = [start for start in BUNDLED if library.startswith(start)]
    if not starts:
        raise SystemExit(f"{library} in the wheel of {package}: BUNDLED in {Path(__file__).name} lacks its licence")
    return BUNDLED[max(starts, key=len)]


def parts(path: Path | None = None) -> list[Part]:
    """Everything that is installed with subpixel, but subpixel itself.

    Args:
        path: of the packages; None for those of this environment.
    """
    every = distributions() if path is None else distributions(path=[str(path)])
    installed: dict[str, Distribution] = {}
    for each in every:
        installed.setdefault(canonicalize_name(each.metadata["Name"]), each)
    found: list[Part] = []
    known = {"subpixel"}
    for root, extra in PARTS.items():
        for package in sorted(packages(root, installed), key=lambda each: canonicalize_name(each.metadata["Name"])):
            name = canonicalize_name(package.metadata["Name"])
            if name in known:
                continue
            known.add(name)
            found.append(Part(name, "", licence_of(package), extra))
            for file in sorted(libraries(package)):
                library = re.split(r"-[0-9a-f]{8}|\.so|\.dylib", file.name)[0].rstrip("_")
                found.append(Part(name, library, bundled_licence(name, file.name), extra, file))
    return found


def page(found: Sequence[Part]) -> str:
    """The page."""
    lines = [INTRODUCTION, "| package | extra | licence |", "| --- | --- | --- |"]
    lines += [
        f"| {each.name} | {f'`{each.extra}`' if each.extra else ''} | {each.licence} |"
        for each in found
        if not each.library
    ]
    lines += ["", "Libraries inside of the wheels:", "", "| wheel | library | licence |", "| --- | --- | --- |"]
    inside = dict.fromkeys((each.name, each.library, each.licence) for each in found if each.library)
    lines += [f"| {name} | {library} | {licence} |" for name, library, licence in inside]
    lines += ["", "Why each licence with copyleft is there:", "", "| licence | why |", "| --- | --- |"]
    kept = {one for each in found for one in needed(each.licence)}
    lines += [f"| {licence} | {why} |" for licence, why in ALLOWED.items() if licence in kept]
    return "\n".join([*lines, ""])


def with_libraries(document: dict[str, Any], found: Sequence[Part]) -> dict[str, Any]:
    """A list by cyclonedx-py with the libraries inside of wheels, each as a component of its package."""
    owners = {canonicalize_name(each["name"]): each for each in document["components"]}
    for part in found:
        if part.file is None or part.name not in owners:
            continue
        owners[part.name].setdefault("components", []).append(
            {
                "type": "library",
                "bom-ref": f"{part.name}/{part.file.name}",
                "name": part.library,
                "licenses": [{"expression": part.licence}],
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(part.file.read_bytes()).hexdigest()}],
                "properties": [{"name": "file", "value": part.file.name}],
            }
        )
    return document


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path)
    parser.add_argument("--sbom", type=Path)
    options = parser.parse_args(arguments)
    found = parts(options.path)
    problems = [each.problem for each in found if each.problem]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    if options.sbom is not None:
        document = with_libraries(json.loads(options.sbom.read_text(encoding="utf-8")), found)
        options.sbom.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        names = sum(1 + len(each.get("components", ())) for each in document["components"])
        print(f"{options.sbom}: {names} packages and libraries")
        return 0
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"{PAGE.name}: {len({each.name for each in found})} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
