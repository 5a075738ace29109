"""Reads a file of ``torch.save`` without running any code in it, and without more memory than its size calls for."""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from pathlib import Path
from typing import IO, Any

from subpixel.errors import MissingExtra, ModelFileError
from subpixel.models.foreign_files import kind_of_file, model_errors, start_of

__all__ = ["MAX_BYTES", "unpickle"]

# The largest network of this field has 43 million parameters (EDSR). A checkpoint of its training has three times that.
MAX_BYTES = 2 * 1024**3
# torch stores without compression. A file that somebody packed again may hold this much.
_MAX_UNPACKED = 256 * 1024**2
# The pickle of a checkpoint holds names and shapes: a few hundred bytes for each tensor.
_MAX_PICKLE = 16 * 1024**2

_DAMAGED = "the checkpoint is damaged or truncated"
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
# A file without an archive has five pickles: a mark, a version, the system, the content, the order of its weights.
_PICKLES = 5
# Of what torch permits, these allocate as much as the file says.
_REFUSED = ("bytearray",)


def unpickle(path: Path, limit: int = MAX_BYTES) -> Any:
    """The content of a file of ``torch.save``, its tensors on the CPU.

    Args:
        path: the file.
        limit: the most bytes of the file, and of what is packed in it.

    Raises:
        MissingExtra: torch is not installed.
        ModelFileError: there is no such file, it is too large, it is no checkpoint, or it holds code.
    """
    if not path.exists():
        raise ModelFileError(f"{path}: no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    with model_errors(path, _DAMAGED):
        start = start_of(path)
        _check_start(path, start)
        if path.stat().st_size > limit:
            raise _too_large(path, path.stat().st_size, limit)
        if start.startswith(_ZIP):
            _check_archive(path, limit)
        else:
            _check_pickles(path)
    try:
        import torch
    except ImportError:
        raise MissingExtra(f"{path}: reading a checkpoint needs torch: pip install 'subpixel[train]'") from None
    other = _DAMAGED if start.startswith(_ZIP) else "not a checkpoint that torch.save wrote, or a damaged one"
    with model_errors(path, lambda error: _sentence(error, other)):
        return torch.load(path, map_location="cpu", weights_only=True)


def _check_start(path: Path, start: bytes) -> None:
    """Raise ModelFileError unless a file begins as one of ``torch.save`` does."""
    if start.startswith((_ZIP, _PICKLE)) and start[257:262] != b"ustar":
        return
    kind = kind_of_file(start)
    if kind is not None and kind.startswith("an HTML page"):
        raise ModelFileError(f"{path}: this is an HTML page, not a checkpoint (a failed download?)")
    what = f"this is {kind}; " if kind is not None else ""
    raise ModelFileError(f"{path}: {what}it is not a checkpoint, which torch.save writes")


def _check_archive(path: Path, limit: int) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise ModelFileError(f"{path}: a TorchScript archive, which holds code; save only its state dict")
        size = sum(entry.file_size for entry in entries)
        if size > limit:
            raise _too_large(path, size, limit)
        if not any(entry.filename.endswith("/data.pkl") for entry in entries):
            raise ModelFileError(f"{path}: a zip archive, but not one that torch.save wrote")
        if size > _MAX_UNPACKED and any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ModelFileError(
                f"{path}: its compressed content unpacks to {size} bytes; at most {_MAX_UNPACKED} are allowed"
            )
        for entry in entries:
            if entry.filename.endswith(".pkl"):
                if entry.file_size > _MAX_PICKLE:
                    raise ModelFileError(
                        f"{path}: '{entry.filename[-40:]}' has {entry.file_size} bytes; at most {_MAX_PICKLE} are "
                        "allowed"
                    )
                with archive.open(entry) as pickle:
                    _check_pickle(path, pickle)


def _check_pickles(path: Path) -> None:
    with open(path, "rb") as file:
        content = io.BytesIO(file.read(_MAX_PICKLE))
    for _ in range(_PICKLES):
        if not _check_pickle(path, content):
            if content.seek(0, io.SEEK_END) == _MAX_PICKLE:
                raise ModelFileError(f"{path}: its description has more than {_MAX_PICKLE} bytes; fewer are allowed")
            return


def _check_pickle(path: Path, file: IO[bytes]) -> bool:
    """Raise ModelFileError if a pickle would call what allocates without a limit. Whether it was read to its end."""
    operations = pickletools.genops(file)
    while True:
        try:
            operation, argument, _ = next(operations)
        except StopIteration:
            return True
        except ValueError:
            return False  # no pickle: torch finds the same
        if operation.name == "GLOBAL" and str(argument).split()[-1] in _REFUSED:
            raise _holds_code(path, str(argument).replace(" ", "."))


def _sentence(error: Exception, other: str) -> str:
    """What is wrong by torch's error, whose text is long and advises to run the code in the file."""
    text = str(error)
    wanted = re.search(r"GLOBAL ([\w.]{1,100})", text)
    if wanted or "Unsupported class" in text or "Unsupported operand" in text:
        return _code_sentence(wanted[1] if wanted else None)
    if "can't allocate memory" in text:
        return "there is too little memory to read it"
    return other


def _holds_code(path: Path, name: str) -> ModelFileError:
    return ModelFileError(f"{path}: {_code_sentence(name)}")


def _code_sentence(name: str | None) -> str:
    what = f" ({name})" if name else ""
    return f"holds more than tensors{what}, and reading that would run code; save only its state dict"


def _too_large(path: Path, size: int, limit: int) -> ModelFileError:
    return ModelFileError(f"{path}: {size} bytes; at most {limit} are allowed for a checkpoint")
