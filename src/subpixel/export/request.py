"""What is exported, and to which files: formats as data, and the checks before any work."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import InvalidArgument, ModelFileError, Unsupported, unknown
from subpixel.models.files import Model
from subpixel.models.onnx_export import require_exportable
from subpixel.models.zoo import find, resolve, scales_of

__all__ = ["FORMATS", "PRECISIONS", "Format", "Request", "request"]

PRECISIONS = ("f32", "f16", "int8", "int8-qdq")
_IO = ("planes", "luma", "rgb")


@dataclass(frozen=True)
class Format:
    """A format of other projects.

    Args:
        name: the name that people type.
        suffixes: of its files; the first is the one that is named.
        precisions: those that it has here.
        graph: whether the file holds the computation; else a Python file beside it does.
    """

    name: str
    suffixes: tuple[str, ...]
    precisions: tuple[str, ...]
    graph: bool


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("onnx", (".onnx",), PRECISIONS, True),
        Format("openvino", (".xml", ".bin"), PRECISIONS, True),
        Format("torch", (".pt", ".py"), ("f32", "f16"), False),
        Format("safetensors", (".safetensors", ".py"), ("f32", "f16"), False),
    )
}
"""The formats by name, each with its suffixes and precisions."""


@dataclass(frozen=True)
class Request:
    """A model, and how it is written.

    Args:
        model: the model.
        form: the format.
        precision: one of the format's.
        image: whether the graph reads and writes RGB images of 8 bits, instead of the network's planes.
        paths: the files, the named one first.
    """

    model: Model
    form: Format
    precision: str
    image: bool
    paths: tuple[Path, ...]

    def check_free(self) -> None:
        """Raise ModelFileError if a file exists."""
        for path in self.paths:
            if os.path.lexists(path):
                raise ModelFileError(f"{path}: exists already; overwrite=True replaces it")


def request(
    model: str | os.PathLike[str] | Model,
    scale: int | None,
    output: str | os.PathLike[str] | None,
    form: str | None,
    precision: str,
    io: str,
) -> Request:
    """Check the arguments of :func:`subpixel.export.export_model`.

    Raises:
        InvalidArgument, ModelFileError, Unsupported, MissingExtra: see there.
    """
    path = None if output is None else Path(output)
    chosen = _format(form, path)
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    if precision not in chosen.precisions:
        raise Unsupported(
            f"precision={precision!r}: a file of format '{chosen.name}' holds weights in "
            f"{' or '.join(chosen.precisions)}; format='onnx' and format='openvino' hold int8"
        )
    if io not in _IO:
        raise unknown("io", io, _IO)
    if io == "rgb" and not chosen.graph:
        raise Unsupported(
            f"io='rgb': a file of format '{chosen.name}' holds the network alone; format='onnx' and format='openvino' "
            "hold what is around it"
        )
    found = _model(model, scale)
    if not found.spec.plain:
        raise Unsupported(
            f"model '{found.name}' is for videos: it reads {', '.join(one.name for one in found.spec.inputs)}; only "
            "networks from one image to one image can be exported"
        )
    require_exportable(found.spec)
    if io == "luma" and found.spec.colour != "luma":
        raise InvalidArgument(f"io='luma': model '{found.name}' works on RGB; io='planes' or io='rgb' is needed")
    if path is None:
        name = f"{Path(found.name).name}_x{found.spec.scale}"
        name += ("" if precision == "f32" else f"_{precision}") + ("_rgb" if io == "rgb" else "")
        path = Path(name + chosen.suffixes[0])
    paths = tuple(path.with_suffix(suffix) for suffix in chosen.suffixes)
    if path.suffix != chosen.suffixes[0]:
        raise InvalidArgument(f"{path}: a file of format '{chosen.name}' has the suffix {chosen.suffixes[0]}")
    if path.is_dir():
        raise InvalidArgument(f"{path}: is a folder; name a file")
    return Request(found, chosen, precision, io == "rgb", paths)


def _format(name: str | None, path: Path | None) -> Format:
    if name is not None:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
        return FORMATS[name]
    if path is None:
        return FORMATS["onnx"]
    for form in FORMATS.values():
        if path.suffix == form.suffixes[0]:
            return form
    suffixes = ", ".join(form.suffixes[0] for form in FORMATS.values())
    raise InvalidArgument(f"{path}: its suffix is of no format; {suffixes} are known, or format= names one")


def _model(model: str | os.PathLike[str] | Model, scale: int | None) -> Model:
    if isinstance(model, Model):
        if scale not in (None, model.spec.scale):
            raise InvalidArgument(f"scale={scale}: model '{model.name}' is a ×{model.spec.scale} model")
        return model
    name = resolve(os.fspath(model))
    return find(name, scales_of(name)[0] if scale is None else scale)
