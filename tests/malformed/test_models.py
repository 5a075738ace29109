"""Mutated model files and checkpoints: each is read, or refused by one sentence; and files that claim too much."""

from __future__ import annotations

import collections
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from malformed.fuzzing import fuzz
from malformed.models import checkpoint_files, model_files


def check(folder: Path, kind: str, seeds: range) -> None:
    originals = {"model": model_files, "checkpoint": checkpoint_files}[kind]()
    change = "malformed.models:changed_model" if kind == "model" else "malformed.fuzzing:changed"
    outcome = fuzz(folder, f"malformed.models:read_{kind}", originals, seeds, change=change)
    assert not outcome.findings, "\n\n".join([f"{len(outcome.findings)} findings", *outcome.findings[:8]])
    assert outcome.accepted + outcome.refused == len(seeds)
    assert min(outcome.accepted, outcome.refused) > len(seeds) // 50
    assert len(outcome.longest) < 1200, outcome.longest[:3000]


def test_mutated_models(tmp_path: Path) -> None:
    check(tmp_path, "model", range(2000))


@pytest.mark.slow
def test_mutated_checkpoints(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    check(tmp_path, "checkpoint", range(1200))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["model", "checkpoint"])
def test_many_mutations(tmp_path: Path, kind: str) -> None:
    check(tmp_path, kind, range(100_000, 115_000))


def claims(shape: tuple[int, ...], numel: int, raw: int = 12, *, old: bool = False, compress: bool = False) -> bytes:
    """A checkpoint with a tensor ``a`` of this shape, in a storage that claims a number of samples."""
    import torch

    class Storage:
        pass

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            arguments = (Storage(), 0, shape, (0,) * len(shape), False, collections.OrderedDict())
            return torch._utils._rebuild_tensor_v2, arguments

    class Pickler(pickle.Pickler):
        def persistent_id(self, one: object) -> object:
            mark = ("storage", torch.FloatStorage, "0", "cpu", numel)
            return (*mark, *([None] if old else [])) if isinstance(one, Storage) else None

    content = io.BytesIO()
    if old:
        for part in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}):
            pickle.dump(part, content, 2)
    Pickler(content, 2).dump({"a": Tensor()})
    if old:
        pickle.dump(["0"], content, 2)
        return content.getvalue() + struct.pack("<q", numel) + bytes(raw)
    return archive(content.getvalue(), bytes(raw), compress=compress)


def archive(description: bytes, raw: bytes = b"", *, compress: bool = False) -> bytes:
    """What torch.save writes around a description."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as file:
        file.writestr("archive/data.pkl", description)
        file.writestr("archive/data/0", raw)
        file.writestr("archive/version", "3\n")
    return target.getvalue()


def call(name: bytes, number: int) -> bytes:
    """A pickle that calls a function with a number."""
    return b"\x80\x02c" + name + b"\n\x8a\x08" + number.to_bytes(8, "little") + b"\x85R."


def header(text: str, claimed: int | None = None, data: bytes = b"") -> bytes:
    """A safetensors file with this header, or one that claims another length."""
    return struct.pack("<Q", len(text.encode()) if claimed is None else claimed) + text.encode() + data


def tensors(**entries: tuple[list[int], list[int]]) -> str:
    """A header with shapes and offsets by name."""
    return json.dumps({name: {"dtype": "F32", "shape": s, "data_offsets": o} for name, (s, o) in entries.items()})


MODEL_BOMBS = {
    "a header of 2⁴⁰ bytes": header("{}", 1 << 40),
    "a header of 2⁶⁴−1 bytes": header("{}", (1 << 64) - 1),
    "a header of 20 MiB": header("{" + " " * (20 << 20) + "}"),
    "a deeply nested header": header('{"a":' * 500_000 + "1" + "}" * 500_000),
    "nested metadata": header('{"__metadata__":{"subpixel":' + json.dumps("[" * 3_000_000) + "}}"),
    "a shape of 2⁶⁰": header(tensors(a=([1 << 60], [0, 4])), data=bytes(4)),
    "a shape whose product overflows": header(tensors(a=([1 << 32, 1 << 32], [0, 0]))),
    "offsets of 2⁵⁰": header(tensors(a=([1], [1 << 50, (1 << 50) + 4]))),
    "tensors that overlap": header(tensors(a=([1], [0, 4]), b=([1], [0, 4])), data=bytes(4)),
    "20,000 tensors": header(tensors(**{f"t{n}": ([0], [0, 0]) for n in range(20_000)})),
}


def assert_refused(folder: Path, reader: str, bombs: dict[str, bytes], right: tuple[str, bytes]) -> None:
    """Every file is refused and takes little memory; the right one is read before, so that torch is loaded."""
    names = list(bombs)
    suffix = Path(right[0]).suffix
    originals = {f"{n}{suffix}": content for n, content in enumerate(bombs.values())} | dict([right])
    outcome = fuzz(
        folder, reader, originals, range(len(bombs)), change="malformed.fuzzing:unchanged", memory=200,
        first=[right[0]], seconds=60,
    )  # fmt: skip
    assert not outcome.findings, f"{names}\n" + "\n".join(outcome.findings)
    assert (outcome.accepted, outcome.refused) == (0, len(bombs))


def test_models_that_claim_too_much_take_no_memory(tmp_path: Path) -> None:
    right = ("right.safetensors", model_files()["chain.safetensors"])
    assert_refused(tmp_path, "malformed.models:read_model", MODEL_BOMBS, right)


def checkpoint_bombs() -> dict[str, bytes]:
    deep = b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."
    return {
        "bytearray of 1 GiB": archive(call(b"builtins\nbytearray", 1 << 30)),
        "bytearray of 1 GiB, old name": archive(call(b"__builtin__\nbytearray", 1 << 30)),
        "bytearray without an archive": call(b"builtins\nbytearray", 1 << 30),
        "a storage of 2³³ samples": claims((3,), 1 << 33),
        "a tensor of 2³³ samples": claims((1 << 33,), 3),
        "a tensor of 2²⁸ samples": claims((1 << 28,), 3),
        "old: a storage of 2³³ samples": claims((3,), 1 << 33, old=True),
        "old: a tensor of 2²⁸ samples": claims((1 << 28,), 3, old=True),
        "500 MiB in 500 KiB": claims((3,), 500 << 18, 500 << 20, compress=True),
        "a description of 100 MiB": archive(b"\x80\x02" + b"0" * (100 << 20), compress=True),
        "nested lists": archive(deep),
        "a text of 2³² bytes": archive(b"\x80\x02X\xff\xff\xff\xff"),
        "a text of 2³² bytes without an archive": b"\x80\x02X\xff\xff\xff\xff",
    }


@pytest.mark.slow
def test_checkpoints_that_claim_too_much_take_no_memory(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    right = ("right.pth", checkpoint_files()["espcn.pth"])
    assert_refused(tmp_path, "malformed.models:read_checkpoint", checkpoint_bombs(), right)
