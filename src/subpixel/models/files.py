"""Model files: one ``.safetensors`` file with the weights, and with the network's description in its metadata.

The metadata entry ``subpixel`` is a JSON object with format, name, spec, quantisation, training, figures, licence and a
SHA-256 over all of these and every tensor. Loading trusts nothing: sizes are bounded, shapes must be those of the Spec,
values must be finite, and the digest must match.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, ModelFileError, SpecError, shown
from subpixel.models.flat import threshold_halves
from subpixel.models.foreign_files import kind_of_file, model_errors, start_of
from subpixel.models.layers import is_name
from subpixel.models.spec import Spec

__all__ = ["Model", "load", "save"]

_FORMAT = 1
_KEY = "subpixel"
# The largest network of this field has 43 million parameters (EDSR). This is ten times its size.
_MAX_BYTES = 2 * 1024**3
# The largest description, of 4096 layers with long names, has a megabyte.
_MAX_HEADER = 16 * 1024**2
# No file has a longer name.
_MAX_NAME = 255


@dataclass(frozen=True)
class Model:
    """A network with its weights.

    Args:
        name: the name that people type, such as ``espcn``.
        spec: the description of the network.
        weights: f32 arrays by name, exactly those of ``spec.weight_shapes``.
        training: the data and the settings of its training: free text by topic (data, command, seed …).
        figures: its measured quality, and the protocol of the measurement.
        licence: of the weights.
        quantisation: the parameters of its int8 form, or None if it has none.
        flat: the threshold of the cells that it need not compute, and what that costs, as
            :func:`subpixel.metrics.flat_calibration.measure_flat` found it; None if it computes all.

    Raises:
        ModelFileError: the weights do not fit the Spec.
    """

    name: str
    spec: Spec
    weights: Mapping[str, NDArray[np.float32]]
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    quantisation: Mapping[str, Any] | None = None
    flat: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        shapes = self.spec.weight_shapes
        if set(shapes) != set(self.weights):
            odd = sorted(set(shapes) ^ set(self.weights))
            names = ", ".join(map(_tensor_name, odd[:8]))
            more = f" and {len(odd) - 8} more" if len(odd) > 8 else ""
            raise ModelFileError(f"model '{self.name}': missing or unexpected weights: {names}{more}")
        for name, shape in shapes.items():
            tensor = self.weights[name]
            if tensor.dtype != np.float32 or tensor.shape != shape:
                raise ModelFileError(
                    f"model '{self.name}': {name} is {tensor.dtype} of shape {tensor.shape}, "
                    f"the network needs float32 of shape {shape}"
                )
            if not np.isfinite(tensor).all():
                raise ModelFileError(f"model '{self.name}': {name} holds NaN or infinity; finite values are needed")
        try:
            _ = self.flat_halves
        except InvalidArgument as error:
            raise ModelFileError(f"model '{self.name}': {error}") from None

    @property
    def flat_halves(self) -> int | None:
        """The threshold of flat cells in halves of a code, see :mod:`subpixel.models.flat`; None if there is none."""
        return None if self.flat is None else threshold_halves(self.flat.get("threshold"))

    @property
    def flat_note(self) -> str:
        """What flat cells cost by the file, in a few words; empty if there are none.

        >>> from subpixel.models import find
        >>> from dataclasses import replace
        >>> flat = {"threshold": 9.5, "loss_db": 0.0091, "largest_codes": 2}
        >>> replace(find("fast", 2), flat=flat).flat_note
        'flat parts are resized plainly, which costs 0.009 dB and 2 codes of 255 at most'
        >>> find("fast", 8).flat_note.partition(" and ")[2]
        '1 code of 255 at most'
        """
        if self.flat is None:
            return ""
        loss, codes = self.flat.get("loss_db"), self.flat.get("largest_codes")
        if not isinstance(loss, (int, float)) or not isinstance(codes, int):
            return "flat parts are resized plainly"
        shown = "1 code" if codes == 1 else f"{codes} codes"
        return f"flat parts are resized plainly, which costs {max(0.0, loss):.3f} dB and {shown} of 255 at most"

    def scores(self, precision: str = "f32") -> dict[str, dict[str, float]]:
        """The figures that ``subpixel evaluate`` recorded in a precision, by test set; empty if there are none.

        Those of f32 are at the top of ``figures`` (``protocol``, ``sets``), those of other precisions in an entry of
        their name.

        Args:
            precision: ``f32``, ``bf16`` or ``int8``.

        >>> from subpixel.models import bicubic
        >>> sets = {"Set5": {"psnr_y": 36.5}}
        >>> Model("m", bicubic(2), {}, figures={"int8": {"sets": sets}}).scores("int8")
        {'Set5': {'psnr_y': 36.5}}
        """
        part = self.figures if precision == "f32" else self.figures.get(precision)
        sets = part.get("sets") if isinstance(part, Mapping) else None
        if not isinstance(sets, Mapping):
            return {}
        # An untrusted file may hold anything, so everything but the numbers of a set is left out.
        return {
            str(name): {key: float(value) for key, value in one.items() if isinstance(value, (int, float))}
            for name, one in sets.items()
            if isinstance(one, Mapping)
        }

    def video_scores(self, precision: str = "f32") -> dict[str, dict[str, Any]]:
        """The figures that ``subpixel evaluate`` recorded on videos: by clip, the ``mean`` of all clips last.

        Args:
            precision: ``f32``, ``bf16`` or ``int8``.

        >>> from subpixel.models import bicubic
        >>> videos = {"clips": {"walk.mkv": {"psnr_y": 28.0}}, "mean": {"psnr_y": 28.0}}
        >>> Model("m", bicubic(2), {}, figures={"videos": videos}).video_scores()
        {'walk.mkv': {'psnr_y': 28.0}, 'mean': {'psnr_y': 28.0}}
        """
        part = self.figures if precision == "f32" else self.figures.get(precision)
        videos = part.get("videos") if isinstance(part, Mapping) else None
        clips = videos.get("clips") if isinstance(videos, Mapping) else None
        if not isinstance(videos, Mapping) or not isinstance(clips, Mapping):
            return {}
        both = {**clips, **({"mean": videos["mean"]} if "mean" in videos else {})}
        return {str(name): dict(one) for name, one in both.items() if isinstance(one, Mapping)}


def save(model: Model, path: str | Path) -> None:
    """Write a model file. Equal models give equal bytes.

    The file is written under another name in the same folder, then moved into place.

    Args:
        model: the network and its weights.
        path: the file to write, with the suffix ``.safetensors``.

    Raises:
        OSError: the folder cannot be written.

    >>> import tempfile
    >>> from subpixel.models import bicubic
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "plain.safetensors")
    ...     save(Model("plain", bicubic(2), {}), path)
    ...     load(path).name
    'plain'
    """
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    document = _document(model)
    document["sha256"] = _digest(document, model.weights)
    tensors = {name: np.ascontiguousarray(model.weights[name]) for name in sorted(model.weights)}
    content = to_bytes(tensors, {_KEY: json.dumps(document, sort_keys=True)})
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(scratch, 0o666 & ~umask)  # mkstemp gives 0600
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def load(path: str | Path) -> Model:
    """Read and verify a model file.

    Args:
        path: a ``.safetensors`` file that :func:`save` wrote.

    Raises:
        ModelFileError: there is no such file, it is not a model file, it is damaged, or its weights do not fit its
            network.

    >>> load("missing.safetensors")
    Traceback (most recent call last):
    ...
    subpixel.errors.ModelFileError: missing.safetensors: no such file
    """
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"{path}: no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    if path.stat().st_size > _MAX_BYTES:
        raise ModelFileError(f"{path}: {path.stat().st_size} bytes; at most {_MAX_BYTES} are allowed for a model file")
    metadata, weights = _open(path)
    with model_errors(path, "its description cannot be read"):
        return _model(path, metadata, weights)


def _model(path: Path, metadata: Mapping[str, str], weights: Mapping[str, NDArray[np.float32]]) -> Model:
    """The model of a file's content, which is checked."""
    if _KEY not in metadata:
        raise ModelFileError(f"{path}: a safetensors file, but not a model of subpixel (no '{_KEY}' in its metadata)")
    try:
        document = json.loads(metadata[_KEY])
    except (ValueError, RecursionError):
        raise ModelFileError(f"{path}: its description is not JSON") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ModelFileError(f"{path}: the file states another model format or none; format {_FORMAT} is needed")
    digest = document.pop("sha256", None)
    if digest != _digest(document, weights):
        raise ModelFileError(f"{path}: the file is damaged: its content does not match its checksum")
    for part in ("training", "figures", "quantisation", "flat"):
        value = document.get(part)
        if not isinstance(value, dict) and not (part in ("quantisation", "flat") and value is None):
            raise ModelFileError(f"{path}: '{part}' in its description is not an object")
    try:
        name = document["name"]
        if not isinstance(name, str) or not name.isprintable() or len(name) > _MAX_NAME:
            raise ModelFileError(f"its name is {shown(name)}; a text of up to {_MAX_NAME} characters is needed")
        spec = Spec.from_json(json.dumps(document["spec"]))
        return Model(
            name=name,
            spec=spec,
            weights=weights,
            training=document["training"],
            figures=document["figures"],
            licence=str(document["licence"]),
            quantisation=document["quantisation"],
            flat=document.get("flat"),
        )
    except KeyError as error:
        raise ModelFileError(f"{path}: its description lacks {error}") from None
    except (SpecError, ModelFileError) as error:
        raise ModelFileError(f"{path}: {error}") from None


def _document(model: Model) -> dict[str, Any]:
    document = {
        "format": _FORMAT,
        "name": model.name,
        "spec": json.loads(model.spec.to_json()),
        "training": dict(model.training),
        "figures": dict(model.figures),
        "licence": model.licence,
        "quantisation": model.quantisation,
    }
    if model.flat is not None:  # files without it are those of versions that did not know it
        document["flat"] = dict(model.flat)
    # As it will be read back: JSON turns keys that are numbers into text, which sort in another order.
    read: dict[str, Any] = json.loads(json.dumps(document))
    return read


def _digest(document: Mapping[str, Any], weights: Mapping[str, NDArray[np.float32]]) -> str:
    total = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name in sorted(weights):
        tensor = weights[name]
        total.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        total.update(np.ascontiguousarray(tensor).tobytes())
    return total.hexdigest()


def _open(path: Path) -> tuple[dict[str, str], dict[str, NDArray[np.float32]]]:
    from safetensors import safe_open

    with model_errors(path, "not a safetensors file, or a truncated one"):
        _check_header(path)
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                dtype = file.get_slice(name).get_dtype()
                if dtype != "F32":
                    raise ModelFileError(f"{path}: {_tensor_name(name)} is {dtype}; f32 is needed")
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _tensor_name(name: str) -> str:
    """A name from a file, for the text of an error."""
    return name if is_name(name) else shown(name)


def _check_header(path: Path) -> None:
    """Raise ModelFileError unless a file begins with a header of a size that fits it."""
    start = start_of(path)
    kind = kind_of_file(start)
    size = int.from_bytes(start[:8], "little")
    if start[8:9] != b"{" or size + 8 > path.stat().st_size:
        what = f": this is {kind}" if kind is not None and start[8:9] != b"{" else ", or a truncated one"
        raise ModelFileError(f"{path}: not a safetensors file{what}")
    if size > _MAX_HEADER:
        raise ModelFileError(f"{path}: a header of {size} bytes; at most {_MAX_HEADER} are allowed for a model file")
