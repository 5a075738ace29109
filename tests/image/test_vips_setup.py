"""Files whose bytes reach texts, errors and numbers of libvips."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

import subpixel
from helpers import random_image, save_image
from malformed.images import png_chunk
from subpixel import Upscaler
from subpixel.image import Job, read
from subpixel.image.files.containers.inventory import Inventory
from subpixel.image.files.formats import FORMATS
from subpixel.image.files.source_metadata import FRAME_TIMES, get_blob, set_blob, set_frame_times
from subpixel.image.files.vips_errors import vips_error_text

PIXELS = random_image((6, 9, 3), np.uint8)
# libvips' flag of operations that are blocked.
BLOCKED = 32


@pytest.mark.parametrize("keyword", [b"Gr\xf6\xdfe", b"\xff\xfe", b"Title"])
def test_the_keyword_of_a_text_may_be_latin_1(tmp_path: Path, upscaler: Upscaler, keyword: bytes) -> None:
    content = save_image(tmp_path / "a.png", PIXELS).read_bytes()
    chunk = png_chunk(b"tEXt", keyword + b"\0some text")
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    result = Job(tmp_path / "a.png", upscaler, tmp_path / "b.png").run()
    assert result.notes == ()
    assert chunk in result.destination.read_bytes()


def test_errors_of_libvips_keep_bytes_that_are_not_utf_8() -> None:
    for name in ("\udcff\udcc3.png", "plain.png"):
        with pytest.raises(pyvips.Error) as caught:
            pyvips.Image.new_from_file(name)
        assert name in vips_error_text(caught.value)


def test_libraries_print_nothing_of_wrong_numbers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    exif = Image.Exif()
    exif[0x011A] = exif[0x011B] = IFDRational(4294967295, 1)
    exif[0x0128] = 3
    for name, options in (("a.jpg", {}), ("a.webp", {"lossless": True}), ("a.avif", {}), ("a.png", {})):
        Image.fromarray(PIXELS).save(tmp_path / name, exif=exif, **options)
        assert read(tmp_path / name).pixels.shape == PIXELS.shape
    pyvips.Image.black(4, 4).copy(xres=1e12)  # libvips itself sets numbers of damaged headers so
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [(1 << 31) - 1, 1 << 31, 1 << 63, 1 << 100])
def test_times_and_repetitions_of_a_damaged_animation_fit(number: int) -> None:
    header = pyvips.Image.black(1, 1).copy()
    set_frame_times(header, [(number, 1), (1, number), (number, number + 1), (1, 25)], number)
    assert header.get("loop") == (1 << 31) - 1
    times = header.get(FRAME_TIMES)
    assert len(times) == 8
    assert times[-2:] == [1, 25]
    assert min(times[1::2]) > 0


def test_an_empty_field_is_none() -> None:
    header = pyvips.Image.black(1, 1).copy()
    set_blob(header, "icc-profile-data", b"")
    assert get_blob(header, "icc-profile-data") is None
    assert "icc-profile-data" not in header.get_fields()


def test_a_note_names_at_most_twenty_unknown_parts() -> None:
    (note,) = Inventory("PNG", "chunk", ()).losses(f"c{number}" for number in range(1000))
    assert note.endswith("c18, c19 and 980 more are not known: they are not kept")


def test_untrusted_readers_are_blocked(tmp_path: Path) -> None:
    """For every call of this process, not only where this package opens files."""
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    with pytest.raises(pyvips.Error, match="operation is blocked"):
        pyvips.Image.svgload_buffer(drawing)
    save_image(tmp_path / "a.v", PIXELS)
    for reader in (pyvips.Image.vipsload, pyvips.Image.csvload):
        with pytest.raises(pyvips.Error, match="operation is blocked"):
            reader(str(tmp_path / "a.v"))
    with pytest.raises(pyvips.Error, match="operation is blocked"):
        pyvips.Image.rawload(str(tmp_path / "a.v"), 9, 6, 3)


def test_the_readers_that_are_left_are_those_of_formats() -> None:
    """A new libvips may bring a reader; somebody must then decide about it."""
    left: set[str] = set()

    def visit(kind: Any, *_: object) -> Any:
        name = str(pyvips.nickname_find(kind))
        try:
            flags = pyvips.vips_lib.vips_operation_get_flags(pyvips.Operation.new_from_name(name).pointer)
        except pyvips.Error:
            flags = None  # what several readers have in common is no operation
        if flags is not None and not flags & BLOCKED:
            left.add(name.split("load")[0] + "load")
        pyvips.type_map(kind, visit)
        return pyvips.ffi.NULL

    pyvips.type_map(pyvips.type_from_name("VipsForeignLoad"), visit)
    ours = {loader for form in FORMATS for loader in form.loaders}
    assert left == ours | {"matrixload"}, "matrixload is refused by reading.py"


def test_every_module_that_opens_images_blocks_them() -> None:
    """Whatever is imported first."""
    code = (
        "import importlib, sys, pyvips\nimportlib.import_module(sys.argv[1])\n"
        "try:\n    pyvips.Image.svgload_buffer(b'<svg/>')\nexcept pyvips.Error as error:\n"
        "    assert 'operation is blocked' in str(error), error\nelse:\n    raise SystemExit('not blocked')"
    )
    root = Path(subpixel.__file__).parent
    opening = [
        ".".join(path.relative_to(root.parent).with_suffix("").parts)
        for path in sorted(root.rglob("*.py"))
        if "import pyvips" in path.read_text(encoding="utf-8") and "new_from_" in path.read_text(encoding="utf-8")
    ]
    assert "subpixel.image.files.open_file" in opening
    for module in opening:
        done = subprocess.run([sys.executable, "-c", code, module], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{module}: {done.stderr}"
