"""Writes a model as a file of another project, and runs the file before it is moved into place."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from subpixel import __version__
from subpixel.errors import ModelFileError
from subpixel.export.checking import check_graph, check_module
from subpixel.export.request import Request, request
from subpixel.export.torch_files import torch_files
from subpixel.models.files import Model
from subpixel.models.foreign_files import model_errors
from subpixel.models.onnx_export import to_onnx, value_range
from subpixel.storage.locks import claim, scratch_file
from subpixel.storage.os_errors import write_errors_as

__all__ = ["Exported", "export_model"]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        paths: the files, the named one first.
        checked: what ran the file and how far its result is from ours, in a sentence; empty if nothing could run it.
        notes: what to know about the file, in sentences.
    """

    paths: tuple[Path, ...]
    checked: str
    notes: tuple[str, ...]


def export_model(
    model: str | os.PathLike[str] | Model = "auto",
    scale: int | None = None,
    output: str | os.PathLike[str] | None = None,
    *,
    format: str | None = None,
    precision: str = "f32",
    io: str = "planes",
    overwrite: bool = False,
) -> Exported:
    """Export a model.

    Args:
        model: the name of a shipped model, ``auto``, the path of a model file, or a model.
        scale: its upscaling factor; None for the first that it has.
        output: the file to write; None for ``NAME_xSCALE`` in the current folder.
        format: ``onnx``; ``openvino``: an .xml file, and a .bin file beside it; ``torch``: a state dict in a .pt file,
            and a plain module in a .py file beside it; ``safetensors``: the same state dict without pickle. None: by
            the suffix of ``output``, else ``onnx``.
        precision: ``f32``; ``f16``: half of the bytes, for GPUs; ``int8``: the codes of this package's int8,
            slower than f32; ``int8-qdq``: for runtimes that compute in int8, faster and as good, but other codes.
        io: what the graph reads and writes. ``planes``: the network's planes, ``(N, C, H, W)`` f32, see
            :func:`subpixel.models.onnx_export.value_range`; ``luma``: the same, refused for networks on RGB; ``rgb``:
            images ``(N, H, W, 3)`` u8, with the colours resized as :func:`subpixel.upscale` does.
        overwrite: replace existing files.

    Returns:
        The files, what ran them, and notes. A graph takes any N, H and W.

    Raises:
        InvalidArgument: an argument out of range, an unknown name, or a suffix that is not the format's.
        Unsupported: a network for videos or with strides, or a precision that the format or the model lacks.
        MissingExtra: a package is not installed.
        ModelFileError: a file exists, cannot be written, or computes something else in its runtime. Nothing is
            written then.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export_model("bicubic", 2, Path(folder, "bicubic.onnx"), io="rgb")
    ...     [path.name for path in done.paths]
    ['bicubic.onnx']
    """
    asked = request(model, scale, output, format, precision, io)
    if not overwrite:
        asked.check_free()
    target = asked.paths[0]
    with write_errors_as(ModelFileError, target), claim(target) as ours:
        if not ours:
            raise ModelFileError(f"{target}: another process is writing it")
        with ExitStack() as stack:
            scratch = [stack.enter_context(scratch_file(path, path.suffix)) for path in asked.paths]
            _write(asked, scratch)
            with model_errors(target, _cannot_run):
                checked, notes = (check_graph if asked.form.graph else check_module)(asked, scratch)
            if not overwrite:
                asked.check_free()  # what appeared meanwhile is not ours to replace
            for made, path in reversed(list(zip(scratch, asked.paths, strict=True))):
                made.replace(path)
    return Exported(asked.paths, checked, notes)


def _cannot_run(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"its runtime cannot run it, so it is not written: {first}"


def _write(asked: Request, scratch: list[Path]) -> None:
    model = asked.model
    if not asked.form.graph:
        for path, content in zip(scratch, torch_files(asked), strict=True):
            path.write_bytes(content)
        return
    graph = to_onnx(
        model.spec,
        model.weights,
        precision=asked.precision,  # type: ignore[arg-type]
        quantisation=model.quantisation,
        image=asked.image,
        properties=properties(asked),
    )
    if asked.form.name == "onnx":
        scratch[0].write_bytes(graph.SerializeToString())
    else:
        from subpixel.export.openvino_files import write_openvino

        write_openvino(graph.SerializeToString(), scratch, properties(asked))


def properties(asked: Request) -> dict[str, str]:
    """The metadata of a file."""
    model = asked.model
    return {
        "subpixel.name": model.name,
        "subpixel.scale": str(model.spec.scale),
        "subpixel.licence": model.licence,
        "subpixel.version": __version__,
        "subpixel.halo": str(model.spec.halo),
        "subpixel.precision": asked.precision,
        "subpixel.range": "RGB image of 8 bits, 0 to 255." if asked.image else value_range(model.spec),
    }
