"""What ``/openapi.json`` says about requests and answers, with examples."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from subpixel.serve.options import IMAGE_OPTIONS, VIDEO_OPTIONS, Kind, Option
from subpixel.serve.problems import PROBLEMS, Problem

__all__ = [
    "ARCHIVE",
    "CANCEL",
    "CLIENT",
    "DESCRIPTION",
    "EMPTY",
    "ESTIMATE",
    "EVENTS",
    "EVENT_PARAMETERS",
    "FILE",
    "JOB",
    "JOBS",
    "JOB_202",
    "JOB_EVENTS",
    "JSON",
    "KEY",
    "MODELS",
    "OPTIONS",
    "PREVIEW",
    "PROBLEM",
    "REGION",
    "RESULT",
    "RETRY",
    "TAGS",
    "TEXT",
    "TIME",
    "estimate",
    "upload",
]

# What clients may call themselves, and their keys.
CLIENT = "^[A-Za-z0-9_-]{0,64}$"
KEY = "^[!-~]{1,128}$"
# A time of RFC 3339.
TIME = (
    "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    "([.][0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
# Left, top, width and height of a part of an image.
REGION = "^[0-9]{1,7},[0-9]{1,7},[1-9][0-9]{0,6},[1-9][0-9]{0,6}$"

Response = dict[int | str, dict[str, Any]]

DESCRIPTION = (
    "Images and videos are upscaled to the bytes that `subpixel upscale` and `subpixel video` write. Send a file as "
    "the body or as the field `file` of a form; the options are those of the command line. Errors are problem+json "
    "(RFC 9457). `Idempotency-Key` makes a repeated request harmless."
)
TAGS = [
    {"name": "work", "description": "Send images and videos."},
    {"name": "jobs", "description": "Follow jobs."},
    {"name": "files", "description": "Fetch what was made."},
    {"name": "information", "description": "About the server."},
]
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
}
_EXAMPLE_PROBLEM = Problem("too-large", "the file is larger than the limit of 256.0 MiB").document("/v1/images")
PROBLEM: dict[str, Any] = {
    "description": "A problem",
    "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA, "example": _EXAMPLE_PROBLEM}},
}
# What any request may be answered with.
_ALWAYS = (400, 401, 403, 408, 500, 503)


def _with_problems(answers: Response, *statuses: int) -> Response:
    """Answers of an operation, and the problems that it may have."""
    found: Response = dict(answers)
    for status in sorted({*statuses, *_ALWAYS}):
        titles = dict.fromkeys(title for number, title in PROBLEMS.values() if number == status)
        found[status] = {
            "description": "; ".join(titles),
            "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}},
        }
        if status in (429, 503):
            about = "Seconds after which the request may succeed"
            found[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": about}}
    return found


_OPEN = {"type": "object"}
_FILE_SCHEMA = {
    "type": ["object", "null"],
    "properties": {
        "name": {"type": "string"},
        "bytes": {"type": "integer"},
        "digest": {"type": "string"},
        "width": {"type": ["integer", "null"]},
        "height": {"type": ["integer", "null"]},
        "media_type": {"type": "string"},
        "url": {"type": "string"},
    },
}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_JOB_SCHEMA = {
    "type": "object",
    "required": ["id", "kind", "state", "created", "source", "options"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "kind": {"enum": ["image", "video"]},
        "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
        "created": {"type": "string", "format": "date-time"},
        "started": _TIME,
        "finished": _TIME,
        "expires": _TIME,
        "progress": {"type": ["object", "null"]},
        "position": {"type": ["integer", "null"]},
        "source": _FILE_SCHEMA,
        "options": _OPEN,
        "result": _FILE_SCHEMA,
        "frames": {"type": ["integer", "null"], "description": "Of an animation or a video; 1 for any other image"},
        "comparison": _FILE_SCHEMA,
        "model": {"type": ["string", "null"]},
        "reason": {"type": ["string", "null"]},
        "notes": {"type": "array", "items": {"type": "string"}},
        "seconds": _OPEN,
        "error": {"type": ["object", "null"]},
        "attempts": {"type": "integer"},
        "cached": {"type": "boolean"},
    },
}
_ID = "0123456789abcdef0123456789abcdef"
_EXAMPLE_JOB: dict[str, Any] = {
    "id": _ID,
    "kind": "image",
    "state": "done",
    "created": "2026-01-31T12:00:00.000Z",
    "started": "2026-01-31T12:00:00.010Z",
    "finished": "2026-01-31T12:00:00.190Z",
    "expires": "2026-01-31T13:00:00.190Z",
    "progress": {"done": 1024, "total": 1024, "unit": "rows"},
    "position": None,
    "source": {
        "name": "photo.jpg",
        "bytes": 91234,
        "digest": "ab" * 32,
        "width": 512,
        "height": 512,
        "media_type": "image/jpeg",
        "url": f"/v1/jobs/{_ID}/source",
    },
    "options": {"scale": 3.0},
    "result": {
        "name": "photo_x3.png",
        "bytes": 2345678,
        "digest": "cd" * 32,
        "width": 1536,
        "height": 1536,
        "media_type": "image/png",
        "url": f"/v1/jobs/{_ID}/result",
    },
    "frames": 1,
    "comparison": None,
    "model": "fast-compressed",
    "reason": "JPEG of quality 75",
    "notes": [],
    "seconds": {"read": 0.01, "upscale": 0.05, "write": 0.1},
    "error": None,
    "attempts": 1,
    "cached": False,
}


def _json(description: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {"application/json": content}}


_JOB: Response = {200: _json("The job", _JOB_SCHEMA, _EXAMPLE_JOB)}
_JOB_202: Response = {202: _json("The job", _JOB_SCHEMA, {**_EXAMPLE_JOB, "state": "queued", "result": None})}
_BYTES = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
_JOBS = {"type": "object", "required": ["jobs"], "properties": {"jobs": {"type": "array", "items": _JOB_SCHEMA}}}
_RESULT = {
    "description": "The result: the bytes that the command line writes",
    "content": {"image/*": _BYTES},
    "headers": {
        "ETag": {"schema": {"type": "string"}},
        "X-Subpixel-Job": {"schema": {"type": "string"}},
        "X-Subpixel-Notes": {"schema": {"type": "string"}, "description": "Sentences, as JSON"},
    },
}
_EVENTS = {
    "description": "Events with ids. `event: job` carries a job as it was then, `event: deleted` an id",
    "content": {
        "text/event-stream": {  # without a schema: OpenAPI 3.1 has none for a stream
            "example": 'event: job\ndata: {"id": "…", "state": "running"}\nid: 1769860800001\n\n',
        }
    },
}
_ESTIMATE = _json(
    "The estimate. `bytes_out` is about right within a factor of two, or null; `bytes_most` is never exceeded by much",
    _OPEN,
    {
        "kind": "image",
        "options": {},
        "seconds": 0.4,
        "size_in": [512, 512],
        "size_out": [1024, 1024],
        "bytes_out": 1_300_000,
        "bytes_most": 3_145_728,
        "memory": 200_000_000,
        "notes": [],
        "model": "fast",
        "reason": "the pixels decide",
    },
)
_WORK = (404, 409, 410, 413, 415, 422, 429)

JOB: Response = _with_problems(_JOB, 404, 410)
CANCEL: Response = _with_problems(_JOB, 404, 409, 410)
RETRY: Response = _with_problems(_JOB_202, 404, 409, 410, 429)
JOBS: Response = _with_problems({200: _json("Jobs", _JOBS)}, 422)
RESULT: Response = _with_problems({200: _RESULT, **_JOB_202}, *_WORK)
JOB_202: Response = _with_problems(_JOB_202, *_WORK)
ESTIMATE: Response = _with_problems({200: _ESTIMATE}, *_WORK)
FILE: Response = _with_problems(
    {
        200: {"description": "The file", "content": {"*/*": _BYTES}},
        206: {"description": "A part of it", "content": {"*/*": _BYTES}},
        304: {"description": "It is unchanged"},
    },
    *(404, 409, 410, 416),
)
PREVIEW: Response = _with_problems(
    {
        200: {"description": "A PNG", "content": {"image/png": _BYTES}},
        206: {"description": "A part of it", "content": {"image/png": _BYTES}},
        304: {"description": "It is unchanged"},
    },
    *(404, 409, 410, 413, 416, 422, 429),
)
ARCHIVE: Response = _with_problems(
    {200: {"description": "A zip archive", "content": {"application/zip": _BYTES}}}, 404, 409, 410, 422
)
EVENTS: Response = _with_problems({200: _EVENTS}, 422)
JOB_EVENTS: Response = _with_problems({200: _EVENTS}, 404, 410)
EVENT_PARAMETERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "schema": {"type": "string"},
            "description": "The last event that was seen; what came after it is sent first",
        },
        {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "The same, for first requests"},
    ]
}
MODELS: Response = _with_problems({200: _json("Models", _OPEN, {"models": [{"name": "fast", "scales": [2, 3, 4, 8]}]})})
OPTIONS: Response = _with_problems({200: _json("Options and limits", _OPEN)})
JSON: Response = _with_problems({200: _json("A description", _OPEN)}, 404)
TEXT: Response = _with_problems(
    {200: {"description": "Text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
)
EMPTY: Response = _with_problems({204: {"description": "It is deleted"}}, 404, 409, 410)

_KINDS: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "text": {"type": "string", "minLength": 1, "maxLength": 200},
    "switch": {"type": "boolean"},
    "box": {"type": "string", "pattern": "^[0-9]{1,9}x[0-9]{1,9}$"},
    "time": {"type": "string", "pattern": "^([0-9]{1,6}:){0,2}[0-9]{1,9}([.][0-9]{1,9})?$"},
}


def _schema(option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {**_KINDS[option.kind], "description": option.about}
    if option.default is not None:
        schema["default"] = option.default
    if option.choices:
        schema["enum"] = list(option.choices)
    if option.least is not None:
        schema["minimum"] = option.least
    if option.most is not None:
        schema["maximum"] = option.most
    return schema


def _headers() -> list[dict[str, Any]]:
    found = {
        "Prefer": ("respond-async: answer with a job at once", {}),
        "Idempotency-Key": ("Any text: a repeated request with it makes no second job", {"pattern": KEY}),
        "X-Subpixel-Client": ("Any name: GET /v1/jobs?client=NAME lists its jobs", {"pattern": CLIENT}),
    }
    return [
        {"name": name, "in": "header", "schema": {"type": "string", **schema}, "description": about}
        for name, (about, schema) in found.items()
    ]


def upload(kind: Kind) -> dict[str, Any]:
    """What a request with a file looks like."""
    table = IMAGE_OPTIONS if kind == "image" else VIDEO_OPTIONS
    return _request((kind,), {option.name: _schema(option) for option in table.values()}, _headers())


def estimate() -> dict[str, Any]:
    """What a request for an estimate looks like: the options are those of images or those of videos."""
    options = {**VIDEO_OPTIONS, **IMAGE_OPTIONS}
    models = list(dict.fromkeys([*VIDEO_OPTIONS["model"].choices, *IMAGE_OPTIONS["model"].choices]))
    schemas = {option.name: _schema(option) for option in options.values()}
    schemas["model"] = {**schemas["model"], "enum": models}
    return _request(("image", "video"), schemas, [])


def _request(kinds: tuple[Kind, ...], options: dict[str, Any], headers: list[dict[str, Any]]) -> dict[str, Any]:
    job = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "A job whose source is used again"}
    file = {"type": "string", "format": "binary"}
    one_size = [{"not": {"required": list(pair)}} for pair in combinations(("scale", "width", "height", "fit"), 2)]
    form = {"type": "object", "required": ["file"], "properties": {**options, "file": file}, "allOf": one_size}
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in options.items()]
    about = "The name of the file, for display"
    name = {"name": "name", "in": "query", "schema": {"type": "string"}, "description": about}
    again = {"type": "object", "required": ["job"], "properties": {"job": job, **options}, "allOf": one_size}
    example = {"job": _ID, "scale": 4, "model": "high" if "image" in kinds else "fast"}
    return {
        "parameters": [*query, name, *headers],
        "requestBody": {
            "required": True,
            "description": "Options in the body win over those in the query",
            "content": {
                **{f"{kind}/*": {"schema": file} for kind in kinds},
                "application/octet-stream": {"schema": file},
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": again, "example": example},
            },
        },
    }
