"""Bodies of requests: streamed to a file, within limits, with the digest of what came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from subpixel.serve.media_types import HEAD_BYTES, FileType, display_name, file_type
from subpixel.serve.problems import Problem

__all__ = ["Upload", "receive", "stated_length"]

_FIELD_BYTES = 4096
_MOST_FIELDS = 64
_JSON_BYTES = 64 << 10
_HEAD_OF_PART = 4096
# What a form adds to its file at most.
_FORM_BYTES = 256 << 10


@dataclass
class Upload:
    """What a request brought.

    Args:
        path: the file; it exists only if ``bytes`` is not 0.
        bytes: its size.
        digest: its SHA-256.
        name: the client's name for it, to be shown.
        type: what it is, by its content.
        fields: the other fields, in their order; from a JSON body with values of any type.
        has_file: whether there was a file.
    """

    path: Path
    bytes: int = 0
    digest: str = ""
    name: str = ""
    type: FileType | None = None
    fields: list[tuple[str, Any]] = field(default_factory=list)
    has_file: bool = False


def stated_length(request: Request, limit: int) -> int | None:
    """The length that a request states for its body; None if it states none.

    Args:
        request: the request.
        limit: most bytes of a file.

    Raises:
        Problem: it is no number, or above the limit.
    """
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Problem("bad-request", "Content-Length is not a number")
    if len(text) > 18 or int(text) > limit + _FORM_BYTES:
        raise Problem("too-large", f"{_amount(int(text[:18]))} are larger than the limit of {_amount(limit)}")
    return int(text)


def _file_name(request: Request) -> str:
    """The name that a request without a form gives its file, in ``Content-Disposition`` or the query."""
    _, options = parse_options_header(request.headers.get("content-disposition"))
    name = options.get(b"filename", b"").decode("utf-8", "replace")
    return name or request.query_params.get("name", "")


class _File:
    """The file of an upload while it comes in."""

    def __init__(self, upload: Upload, limit: int, check: Callable[[FileType | None], None]) -> None:
        self._upload, self._limit, self._check = upload, limit, check
        self._digest = hashlib.sha256()
        self._head = b""
        self._file: BinaryIO | None = None

    def write(self, data: bytes | memoryview) -> None:
        upload = self._upload
        upload.bytes += len(data)
        if upload.bytes > self._limit:
            raise Problem("too-large", f"the file is larger than the limit of {_amount(self._limit)}")
        self._digest.update(data)
        if len(self._head) < HEAD_BYTES:
            self._head += bytes(data[: HEAD_BYTES - len(self._head)])
            if len(self._head) == HEAD_BYTES:
                self._recognise()
        if self._file is None:
            upload.path.parent.mkdir(mode=0o700, exist_ok=True)
            self._file = open(upload.path, "xb", buffering=1 << 18)  # noqa: SIM115 - close() does it
        self._file.write(data)

    def _recognise(self) -> None:
        self._upload.type = file_type(self._head)
        self._check(self._upload.type)

    def finish(self) -> None:
        if self._file is not None:
            self._file.close()
        if len(self._head) < HEAD_BYTES and self._upload.bytes:
            self._recognise()
        self._upload.digest = self._digest.hexdigest()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


async def receive(
    request: Request,
    path: Path,
    limit: int,
    *,
    on_fields: Callable[[list[tuple[str, Any]]], None] = lambda fields: None,
    check: Callable[[FileType | None], None] = lambda found: None,
) -> Upload:
    """Read the body of a request: a file, a form with a file, or JSON.

    Args:
        request: the request.
        path: of the file to write. Its folder is created when the first bytes come.
        limit: most bytes of a file.
        on_fields: called with the fields that came before the file; may raise a Problem.
        check: called as soon as the type of the file is known; may raise a Problem.

    Raises:
        Problem: the body is larger than allowed, is not what it says, or ends too early.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    upload = Upload(path)
    if kind == b"application/json":
        upload.fields = await _json_fields(request)
        on_fields(upload.fields)
        return upload
    file = _File(upload, limit, check)
    try:
        if kind == b"multipart/form-data":
            form = _Form(options.get(b"boundary", b""), upload, file, on_fields)
            async for data in _chunks(request, limit + _FORM_BYTES):
                form.write(data)
            form.finish()
        else:  # whatever its type is said to be: the content decides
            upload.has_file, upload.name = True, display_name(_file_name(request), "")
            async for data in _chunks(request, limit + _FORM_BYTES):
                file.write(data)
        file.finish()
    finally:
        file.close()
    return upload


async def _chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    total = 0
    try:
        async for data in request.stream():
            total += len(data)
            if total > limit:
                raise Problem("too-large", f"the body is larger than the limit of {_amount(limit)}")
            if data:
                yield data
    except ClientDisconnect:
        raise Problem("bad-request", "the body ended before it was complete") from None


async def _json_fields(request: Request) -> list[tuple[str, Any]]:
    body = b"".join([data async for data in _chunks(request, _JSON_BYTES)])
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem("bad-request", "the body is not valid JSON") from None
    if not isinstance(found, dict):
        raise Problem("bad-request", "a JSON object with the options is needed")
    return list(found.items())


def _no_constant(text: str) -> float:
    raise ValueError(text)


class _Form:
    """A multipart form while it comes in: one file, written as it comes, and small fields."""

    def __init__(
        self, boundary: bytes, upload: Upload, file: _File, on_fields: Callable[[list[tuple[str, Any]]], None]
    ) -> None:
        self._upload, self._file, self._on_fields = upload, file, on_fields
        self._name, self._value, self._header, self._is_file = "", bytearray(), (bytearray(), bytearray()), False
        self._disposition, self._ended, self._head_bytes = b"", False, 0
        if not boundary:
            raise Problem("bad-request", "multipart/form-data needs a boundary")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._finished,
                },
            )
        except FormParserError as error:
            raise Problem("bad-request", f"the form cannot be read: {str(error).lower()}") from None

    def write(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem("bad-request", f"the form cannot be read: {str(error)[:100].lower()}") from None

    def finish(self) -> None:
        if not self._ended:
            raise Problem("bad-request", "the form ended before it was complete")
        if not self._upload.has_file:
            self._on_fields(self._upload.fields)

    def _begin(self) -> None:
        self._disposition, self._value, self._is_file, self._head_bytes = b"", bytearray(), False, 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._extend_header(0, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._extend_header(1, data[start:end])

    def _extend_header(self, part: int, data: bytes) -> None:
        self._header[part].extend(data)
        self._head_bytes += len(data)
        if self._head_bytes > _HEAD_OF_PART:
            raise Problem("bad-request", "the head of a part of the form is too long")

    def _header_end(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        if b"name" not in options:
            raise Problem("bad-request", "a part of the form has no name")
        self._name = options[b"name"].decode("utf-8", "replace")
        self._is_file = self._name == "file"
        if self._is_file:
            if self._upload.has_file:
                raise Problem("bad-request", "only one file is possible in a request")
            self._upload.has_file = True
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._upload.name = display_name(name.replace("%22", '"'), "")  # browsers write a quote like that
            self._on_fields(self._upload.fields)
        elif len(self._upload.fields) >= _MOST_FIELDS:
            raise Problem("bad-request", f"more than {_MOST_FIELDS} fields")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file.write(memoryview(data)[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > _FIELD_BYTES:
            raise Problem("bad-request", f"the field {self._name[:40]!r} is too long")

    def _end(self) -> None:
        if not self._is_file:
            self._upload.fields.append((self._name, self._value.decode("utf-8", "replace")))

    def _finished(self) -> None:
        self._ended = True


def _amount(count: int) -> str:
    return f"{count / (1 << 20):,.1f} MiB" if count < 1 << 30 else f"{count / (1 << 30):,.1f} GiB"
