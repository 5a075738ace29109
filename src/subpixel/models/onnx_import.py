"""Reads ONNX files of plain networks: the graph becomes a Spec, its constants the weights.

What is read: Conv, ConvTranspose, Relu, LeakyRelu, PRelu, Tanh, Clip to 0 … 1, Add, Concat, DepthToSpace, Resize and
Upsample by integers, Pad, Slice, Identity and Constant, with constant weights and sizes that follow from those of the
image. The file is data: nothing in it is run, and weights outside of it are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError, SpecError, shown
from subpixel.models.files import Model
from subpixel.models.foreign_files import kind_of_file, model_errors, start_of
from subpixel.models.onnx_layers import Constants, Node, Translation, Untranslatable
from subpixel.models.spec import Spec

__all__ = ["ONNX_SUFFIX", "load_onnx"]

ONNX_SUFFIX = ".onnx"
_MAX_BYTES = 2 * 1024**3
_MAX_NODES = 8192
_MAX_LISTED = 6


def load_onnx(path: str | Path, scale: int | None = None) -> Model:
    """Load a network from an ONNX file.

    Args:
        path: a file with one input ``(N, 1, H, W)``, luma in studio range, or ``(N, 3, H, W)``, RGB of 0 … 1, both f32,
            and one output. Luma is as :mod:`subpixel.models.luma` has it.
        scale: the upscaling factor that it must have; None for any.

    Returns:
        The network. Its border is ``replicate`` if the graph repeats the edges of its input once, else ``zero``.

    Raises:
        MissingExtra: the package ``onnx`` is not installed.
        ModelFileError: there is no such file, it is no ONNX file, or nodes cannot be translated; each of them is named.
        InvalidArgument: the network has another scale.

    >>> load_onnx("missing.onnx")
    Traceback (most recent call last):
    ...
    subpixel.errors.ModelFileError: missing.onnx: no such file
    """
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"{path}: no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    try:
        import onnx
    except ImportError:
        raise MissingExtra(f"{path}: reading ONNX needs the package onnx: pip install 'subpixel[onnx]'") from None
    if path.stat().st_size > _MAX_BYTES:
        raise ModelFileError(f"{path}: {path.stat().st_size} bytes; at most {_MAX_BYTES} are allowed for an ONNX file")
    if path.stat().st_size == 0:
        raise ModelFileError(f"{path}: {_not_onnx(path)}")
    with model_errors(path, lambda error: _not_onnx(path)):
        file = onnx.load(path, load_external_data=False)
    with model_errors(path, _invalid):
        _check_inside(path, file)
        onnx.checker.check_model(file)
    with model_errors(path, "its graph cannot be read"):
        model = _model(path, file)
    if scale not in (None, model.spec.scale):
        raise InvalidArgument(f"scale={scale}: {path} is a ×{model.spec.scale} model")
    return model


def _not_onnx(path: Path) -> str:
    kind = kind_of_file(start_of(path))
    return "not a valid ONNX file" + (f": this is {kind}" if kind else ", or a truncated one")


def _invalid(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    return f"not a valid ONNX file: {first if first.isprintable() else 'a text that cannot be shown'}"


def _check_inside(path: Path, file: Any) -> None:
    """Raise ModelFileError for weights in another file, which the checker would look for."""
    from onnx import TensorProto

    if any(one.data_location == TensorProto.EXTERNAL for one in file.graph.initializer):
        raise ModelFileError(f"{path}: weights lie in another file; one file that holds them is needed")


def _model(path: Path, file: Any) -> Model:
    graph = file.graph
    if len(graph.node) > _MAX_NODES:
        raise ModelFileError(f"{path}: {len(graph.node)} nodes; at most {_MAX_NODES} are allowed")
    constants = _constants(graph)
    inputs = [one for one in graph.input if one.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelFileError(
            f"{path}: {len(inputs)} inputs and {len(graph.output)} outputs; one image in and one out is needed"
        )
    channels = _channels(path, inputs[0])
    translation = Translation(constants, inputs[0].name, channels, _uses(graph))
    refused: dict[tuple[str, str], list[str]] = {}
    for number, node in enumerate(graph.node):
        one = _node(node, number)
        try:
            translation.add(one)
        except Untranslatable as reason:
            refused.setdefault((one.kind, str(reason)), []).append(shown(one.name))
        except (IndexError, KeyError, TypeError, ValueError, ArithmeticError):
            misfit = "its inputs or attributes do not fit each other"
            refused.setdefault((one.kind, misfit), []).append(shown(one.name))
    if refused:
        reasons = [f"{kind} {_some(names, ', ')}: {reason}" for (kind, reason), names in refused.items()]
        raise ModelFileError(f"{path}: nodes without a counterpart here: {_some(reasons, '; ')}")
    try:
        layers, weights, border, scale = translation.finish(graph.output[0].name)
    except Untranslatable as reason:
        raise ModelFileError(f"{path}: {reason}") from None
    try:
        spec = Spec(tuple(layers), scale, "luma" if channels == 1 else "rgb", border)
    except SpecError as error:
        raise ModelFileError(f"{path}: {error}") from None
    name, licence = _stated(file)
    return Model(name or path.stem, spec, weights, training={"onnx": path.name}, licence=licence)


def _some(texts: list[str], between: str) -> str:
    more = f"{between}and {len(texts) - _MAX_LISTED} more" if len(texts) > _MAX_LISTED else ""
    return between.join(texts[:_MAX_LISTED]) + more


def _constants(graph: Any) -> Constants:
    from onnx import numpy_helper

    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def _channels(path: Path, value: Any) -> int:
    from onnx import TensorProto

    kind = value.type.tensor_type
    sizes = [one.dim_value or None for one in kind.shape.dim]
    if kind.elem_type != TensorProto.FLOAT or len(sizes) != 4 or sizes[1] not in (1, 3):
        raise ModelFileError(
            f"{path}: its input {shown(value.name)} is no f32 of (N, 1, H, W), luma, or (N, 3, H, W), RGB"
        )
    return int(sizes[1])


def _uses(graph: Any) -> Mapping[str, int]:
    """How often each value is read; the output once more."""
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(one.name for one in graph.output)
    return uses


def _node(node: Any, number: int) -> Node:
    from onnx import helper

    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    return Node(kind, node.name or f"number {number}", tuple(node.input), tuple(node.output), attributes)


def _stated(file: Any) -> tuple[str, str]:
    """The name and the licence that files of ``subpixel export`` state."""
    stated = {one.key: one.value for one in file.metadata_props}
    name = stated.get("subpixel.name", "")
    return (name if name.isprintable() and len(name) <= 100 else ""), stated.get("subpixel.licence", "")
