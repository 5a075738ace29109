"""The list of shipped models and of architectures for training, and the search for a model by name or path.

A new model is one line here and its files in ``weights/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from subpixel.errors import InvalidArgument, Unsupported, unknown
from subpixel.models.checkpoints import SUFFIXES, load_checkpoint
from subpixel.models.edsr import edsr
from subpixel.models.espcn import espcn
from subpixel.models.files import Model, load
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.onnx_import import ONNX_SUFFIX, load_onnx
from subpixel.models.our_networks import balanced, fast, high
from subpixel.models.rdn import rdn
from subpixel.models.recurrent import recurrent
from subpixel.models.spandrel_models import SpandrelModel
from subpixel.models.spec import Spec
from subpixel.models.srcnn import srcnn
from subpixel.models.srresnet import srresnet
from subpixel.models.vespcn import vespcn, vespcn_slow
from subpixel.models.wdsr import wdsr_a, wdsr_b

__all__ = [
    "ARCHITECTURES",
    "ZOO",
    "Entry",
    "compressed_variant",
    "find",
    "find_network",
    "is_for_compressed",
    "is_path",
    "resolve",
    "scales_of",
]

_WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Entry:
    """A shipped model.

    Args:
        name: the name that people type.
        scales: its upscaling factors; each has its own file.
        about: one line about it.
        trained: False for plain interpolation.
        video: whether it is only for videos.
        purpose: its use, in a few words; ``about`` if empty.
    """

    name: str
    scales: tuple[int, ...]
    about: str
    trained: bool = True
    video: bool = False
    purpose: str = ""

    def path(self, scale: int) -> Path:
        """The path of its model file for one of its scales."""
        return _WEIGHTS / f"{self.name}_x{scale}.safetensors"


ZOO: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "fast",
            (2, 3, 4, 8),
            "for real time: 13,000 parameters, a chain of 16 channels, ReLU, luma",
            purpose="real time; the default",
        ),
        Entry(
            "balanced",
            (2, 3, 4),
            "three times the work of fast: 43,000 parameters, a chain of 24 channels, ReLU, luma",
            purpose="better, 3 times the work",
        ),
        Entry(
            "high",
            (2, 3, 4),
            "the best, not for real time: 170,000 parameters, a chain of 48 channels, four times the work of balanced",
            purpose="best, not in real time",
        ),
        Entry(
            "fast-compressed",
            (2, 3, 4),
            "fast, for JPEG, WebP and H.264: it does not sharpen blocks and ringing",
            purpose="compressed images",
        ),
        Entry(
            "balanced-compressed",
            (2, 3, 4),
            "balanced, for JPEG, WebP and H.264: it does not sharpen blocks and ringing",
            purpose="compressed images, 3 times the work",
        ),
        Entry(
            "espcn",
            (2, 3, 4, 8),
            "ESPCN as in the paper: 5-3-3, 64-32-r², tanh, luma (arXiv 1609.05158)",
            purpose="as published in 2016",
        ),
        Entry(
            "srcnn-915",
            (2, 3, 4),
            "SRCNN 9-1-5 as in the paper, bicubic first, luma (arXiv 1501.00092)",
            purpose="as published in 2015",
        ),
        Entry(
            "fsrcnn",
            (2, 3, 4),
            "FSRCNN(56, 12, 4) as in the paper, PReLU, luma (arXiv 1608.00367)",
            purpose="as published in 2016",
        ),
        Entry(
            "recurrent",
            (2, 3, 4),
            "for videos with noise or compression: it averages noise away and flickers less; 24 channels, luma",
            video=True,
            purpose="noisy or compressed videos",
        ),
        Entry(
            "vespcn",
            (3, 4),
            "VESPCN for videos: motion compensation and early fusion (arXiv 1611.05250)",
            video=True,
            purpose="videos, as published in 2016",
        ),
        Entry(
            "bicubic",
            (2, 3, 4, 8),
            "bicubic interpolation (Keys, a = −0.5), the baseline",
            trained=False,
            purpose="baseline without a network",
        ),
    )
}
"""The shipped models by name; ``auto`` is not among them."""

# The architectures that can be trained, by name: functions of the scale.
ARCHITECTURES: dict[str, Callable[[int], Spec]] = {
    "fast": fast,
    "balanced": balanced,
    "high": high,
    "espcn": espcn,
    "espcn-rgb": partial(espcn, colour="rgb"),
    "espcn-1x1": partial(espcn, output_kernel=1),
    "srcnn": srcnn,
    "srcnn-935": partial(srcnn, middle=3),
    "srcnn-915": partial(srcnn, middle=1),
    "fsrcnn": fsrcnn,
    "fsrcnn-s": partial(fsrcnn, features=32, shrunk=5, mappings=1),
    "srresnet": srresnet,
    "edsr": edsr,
    "edsr-baseline": partial(edsr, features=64, blocks=16),
    "wdsr-a": wdsr_a,
    "wdsr-b": wdsr_b,
    "rdn": rdn,
    "vespcn": vespcn,
    "vespcn-slow": vespcn_slow,
    "recurrent": recurrent,
    "recurrent-fast": partial(recurrent, width=16, middle=5, state=8),
}

# The end of the name of a model's variant for compressed images.
_VARIANT = "-compressed"

# The model of ``model="auto"``: it is better than the published networks of comparable speed at every scale, and fast.
_AUTO = "fast"


def resolve(name: str) -> str:
    """The name of the model that a name stands for: ``auto`` is the default model; other names are unchanged.

    >>> resolve("auto"), resolve("balanced")
    ('fast', 'balanced')
    """
    return _AUTO if name == "auto" else name


def compressed_variant(name: str, scale: int | None = None) -> str | None:
    """The name of a model's variant for compressed images, or None if there is none (at ``scale``, if it is given).

    >>> compressed_variant("fast", 4), compressed_variant("high")
    ('fast-compressed', None)
    """
    variant = ZOO.get(f"{resolve(name)}{_VARIANT}")
    return variant.name if variant is not None and scale in (None, *variant.scales) else None


def is_path(name: str) -> bool:
    """Whether a model's name is the path of a model file (``.safetensors``), a checkpoint (``.pth``, ``.pt``) or ONNX.

    >>> is_path("espcn"), is_path("espcn_x2.pth")
    (False, True)
    """
    return name.endswith((".safetensors", ONNX_SUFFIX, *SUFFIXES))


def find(name: str, scale: int) -> Model:
    """Load a model.

    Args:
        name: the name of a shipped model, ``auto``, or the path of a ``.safetensors`` model file, a ``.pth`` or
            ``.pt`` checkpoint, or an ``.onnx`` file.
        scale: the upscaling factor.

    Raises:
        InvalidArgument: the name is unknown, or the model does not have the scale.
        ModelFileError: the file cannot be used.
        MissingExtra: the checkpoint needs a package that is not installed.
        Unsupported: the checkpoint has no Spec. An Upscaler runs it.

    >>> find("bicubic", 2).spec.scale
    2
    """
    network = find_network(name, scale)
    if isinstance(network, SpandrelModel):
        raise Unsupported(f"{name}: {network.architecture}, which spandrel runs, has no Spec; an Upscaler runs it")
    return network


def find_network(name: str, scale: int) -> Model | SpandrelModel:
    """Load a model as :func:`find` does, or a network that spandrel runs."""
    name = resolve(name)
    if name.endswith(SUFFIXES):
        return load_checkpoint(name, scale)
    if name.endswith(ONNX_SUFFIX):
        return load_onnx(name, scale)
    if name.endswith(".safetensors"):
        model = load(name)
        if model.spec.scale != scale:
            raise InvalidArgument(f"scale={scale}: {name} is a ×{model.spec.scale} model")
        return model
    _check_name(name)
    if scale not in ZOO[name].scales:
        raise InvalidArgument(f"scale={scale}: model '{name}' has {', '.join(f'×{s}' for s in ZOO[name].scales)}")
    return _load_shipped(name, scale)


def scales_of(name: str) -> tuple[int, ...]:
    """The scales of a model, by its name or path.

    A checkpoint does not always show its scale, see :func:`subpixel.models.checkpoints.load_checkpoint`. Its scales are
    those of 2, 3, 4 and 8 at which it can be loaded.

    Raises:
        InvalidArgument: the name is unknown, or the checkpoint has none of these scales.
        ModelFileError, MissingExtra, Unsupported: as :func:`find_network`.

    >>> scales_of("balanced")
    (2, 3, 4)
    """
    name = resolve(name)
    if name.endswith(".safetensors"):
        return (load(name).spec.scale,)
    if name.endswith(ONNX_SUFFIX):
        return (load_onnx(name).spec.scale,)
    if not name.endswith(SUFFIXES):
        _check_name(name)
        return ZOO[name].scales
    found: list[int] = []
    refusal: InvalidArgument | None = None
    for scale in (2, 3, 4, 8):
        try:
            load_checkpoint(name, scale)
        except InvalidArgument as error:
            refusal = error
        else:
            found.append(scale)
    if refusal is not None and not found:
        raise refusal
    return tuple(found)


def is_for_compressed(model: Model | SpandrelModel) -> bool:
    """Whether a model is for compressed images: it is a shipped variant, or its file states such a training."""
    settings = model.training.get("settings") if isinstance(model, Model) else None
    trained = settings.get("degradation") if isinstance(settings, Mapping) else None
    return model.name.endswith(_VARIANT) or trained not in (None, "clean")


def _check_name(name: str) -> None:
    if name not in ZOO:
        looks_like_path = "." in name or "/" in name or "\\" in name
        files = " A path must end in .safetensors, .pth, .pt or .onnx." if looks_like_path else ""
        raise unknown("model", name, ("auto", *ZOO), hint=f"See `subpixel models`.{files}")


@lru_cache(maxsize=16)
def _load_shipped(name: str, scale: int) -> Model:
    return load(ZOO[name].path(scale))
