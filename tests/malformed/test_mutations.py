"""The mutations themselves: equal for equal seeds, and right where they claim to be."""

from __future__ import annotations

import io
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from malformed.models import changed_model, model_files
from malformed.mutations import mutate
from malformed.structure import blocks, seal

ORIGINALS: dict[str, bytes] = {}
for _name in ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "AVIF"):
    _target = io.BytesIO()
    Image.fromarray(np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)).save(_target, _name)
    ORIGINALS[_name] = _target.getvalue()
with zipfile.ZipFile(_target := io.BytesIO(), "w") as _archive:
    _archive.writestr("a/data.pkl", b"\x80\x02}q\x00.")
    _archive.writestr("a/data/0", bytes(100))
ORIGINALS["zip"] = _target.getvalue()


@pytest.mark.parametrize("name", ORIGINALS)
def test_blocks_cover_the_file_and_their_lengths_are_right(name: str) -> None:
    content = ORIGINALS[name]
    found = blocks(content)
    assert len(found) > 1
    covered = np.zeros(len(content), bool)
    for one in found:
        assert 0 <= one.start <= one.body <= one.end <= len(content)
        covered[one.start : one.end] = True
        if one.length is not None and name not in ("TIFF", "zip"):  # which count values, and entries of a directory
            assert one.length.read(content) == one.end - one.body + one.length.extra
    assert name in ("TIFF", "GIF") or covered.mean() > 0.8  # blocks of these are entries, and what follows the palette


@pytest.mark.parametrize("name", ORIGINALS)
def test_equal_seeds_give_equal_files_and_others_do_not(name: str) -> None:
    content, other = ORIGINALS[name], ORIGINALS["PNG"]
    first = [mutate(content, seed, other=other) for seed in range(100)]
    assert first == [mutate(content, seed, other=other) for seed in range(100)]
    assert len({*first, content}) > 80
    assert mutate(b"", 1) == mutate(b"", 1)


def test_checksums_are_renewed() -> None:
    for name in ("PNG", "zip"):
        assert seal(ORIGINALS[name]) == ORIGINALS[name]
    changed = bytearray(ORIGINALS["PNG"])
    changed[18] ^= 1  # the width
    assert Image.open(io.BytesIO(seal(changed))).size != Image.open(io.BytesIO(ORIGINALS["PNG"])).size
    changed = bytearray(ORIGINALS["zip"])
    changed[ORIGINALS["zip"].index(b"\x80\x02}")] = 7
    with zipfile.ZipFile(io.BytesIO(bytes(changed))) as archive, pytest.raises(zipfile.BadZipFile):
        archive.read("a/data.pkl")
    with zipfile.ZipFile(io.BytesIO(seal(changed))) as archive:
        assert archive.read("a/data.pkl")[0] == 7


def test_some_mutations_of_a_png_keep_all_checksums() -> None:
    whole = 0
    for seed in range(200):
        changed = mutate(ORIGINALS["PNG"], seed)
        found = blocks(changed)
        right = [changed[one.end - 4 : one.end] == zlib.crc32(changed[one.start + 4 : one.end - 4]).to_bytes(4, "big")
                 for one in found]  # fmt: skip
        whole += changed != ORIGINALS["PNG"] and len(found) >= 3 and all(right)
    assert whole > 25


def test_changed_models_depend_on_nothing_but_the_seed() -> None:
    originals = list(model_files().items())
    seeds = range(300)
    first = [changed_model(originals, seed) for seed in seeds]
    assert [changed_model(originals, seed) for seed in reversed(seeds)][::-1] == first
