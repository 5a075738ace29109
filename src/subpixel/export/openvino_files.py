"""Writes OpenVINO's files from an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from subpixel.errors import MissingExtra

__all__ = ["write_openvino"]


def write_openvino(model: bytes, paths: Sequence[Path], properties: Mapping[str, str]) -> None:
    """Write an .xml file and its .bin file.

    Args:
        model: an ONNX model.
        paths: the two files.
        properties: the metadata, which stands in the .xml file as ``rt_info``.

    Raises:
        MissingExtra: OpenVINO is not installed.
    """
    try:
        import openvino
    except ImportError:
        raise MissingExtra("OpenVINO's files need openvino: pip install 'subpixel[openvino]'") from None
    # Not convert_model: it makes the same model, and reports its use to Intel where its user agreed to that.
    network = openvino.Core().read_model(model)
    for name, value in properties.items():
        network.set_rt_info(value, name.split("."))
    openvino.serialize(network, str(paths[0]), str(paths[1]))
