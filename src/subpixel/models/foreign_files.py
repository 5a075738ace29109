"""What an unreadable model file is, and errors of the readers below in one sentence.

A model file or checkpoint comes from anywhere: a download that failed, a rename, somebody who means harm. Libraries
that read it raise what they like, some of it with advice that would run the code in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from subpixel.errors import ModelFileError, SubpixelError
from subpixel.storage.os_errors import os_error_text

__all__ = ["kind_of_file", "model_errors", "start_of"]

# By their first bytes.
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive, as torch.save writes; a checkpoint has the suffix .pth or .pt"),
    (b"\x80", "a pickle, as torch.save writes; a checkpoint has the suffix .pth or .pt"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; `git lfs pull` fetches that"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"BZh", "a bzip2 archive; unpack it"),
    (b"\xfd7zXZ\x00", "an xz archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a rar archive; unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"GGUF", "a GGUF file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
)
# A page of a website in place of the file that was asked for.
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body")
_START = 512


def start_of(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(_START)


def kind_of_file(start: bytes) -> str | None:
    """What a file is that is no model, by its first bytes, as the end of a sentence; None if that is unknown.

    >>> kind_of_file(b"<!DOCTYPE html><title>404</title>")
    'an HTML page, not a model (a failed download?)'
    """
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGES):
        return "an HTML page, not a model (a failed download?)"
    if not start:
        return "an empty file"
    if not start.strip(b"\0"):
        return "a file of zeros (a broken copy?)"
    if start[257:262] == b"ustar":
        return "a tar archive; unpack it"
    if start[8:10] == b'{"':
        return "a safetensors file; it has the suffix .safetensors"
    for first, kind in _KINDS:
        if start.startswith(first):
            return kind
    if text.startswith((b"<?xml", b"<error")):
        return "XML, not a model (a failed download?)"
    if text.startswith((b"{", b"[")):
        return "JSON, not a model (a failed download?)"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start):
        return "a text file"
    return None


@contextmanager
def model_errors(path: Path | str, sentence: str | Callable[[Exception], str]) -> Iterator[None]:
    """Raise ModelFileError for whatever a reader below raises; errors of this package pass unchanged.

    Args:
        path: the file, for the text.
        sentence: what is wrong then, without the path; or a function that makes it from the error.

    >>> with model_errors("net.pth", "it is damaged"):
    ...     raise KeyError(174812789)
    Traceback (most recent call last):
    subpixel.errors.ModelFileError: net.pth: it is damaged
    """
    try:
        yield
    except SubpixelError:
        raise
    except MemoryError as error:
        raise ModelFileError(f"{path}: there is too little memory to read it") from error
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {os_error_text(error)}") from error
    except Exception as error:
        raise ModelFileError(f"{path}: {sentence if isinstance(sentence, str) else sentence(error)}") from error
