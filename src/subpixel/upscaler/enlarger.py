"""Images to any size: networks in a row, a resize to the exact size, whole or by rows.

What :mod:`subpixel.upscaler.sizes` plans is done here, in memory for arrays and row by row for images that are too
large for it; both go through the same stages and give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Alpha
from subpixel.errors import InvalidArgument
from subpixel.models.auto import Choice, Source, by_blocks, by_source
from subpixel.models.zoo import cleans, compressed_variant, is_path, resolve, scales_of
from subpixel.ops.blockiness import blockiness
from subpixel.upscaler.network import Upscaler, checked_mix
from subpixel.upscaler.pixels import alpha_of, as_pil, check_image, is_pil, pil_pixels
from subpixel.upscaler.rows import resized, upscaled
from subpixel.upscaler.sizes import Plan, Target, plan

__all__ = ["Enlarger", "upscale"]

T = TypeVar("T")
Pixels = NDArray[Any]

# Bytes of a stage's result at a time: of an array, most images in one piece; of a stream, strips high enough for
# their halos to count little, and low enough for the four that are under way to count little against the rest.
_IN_MEMORY, _STREAMED = 256 << 20, 32 << 20


@dataclass(frozen=True)
class _Kind:
    """What a choice stands for: the name of its first network, its factors, and the name and factors of the second."""

    first: str
    factors: tuple[int, ...]
    second: str
    then: tuple[int, ...]


class Enlarger:
    """Makes images as large as is wanted; plan once, run many, from any thread.

    Args:
        model: see :class:`~subpixel.upscaler.Upscaler`. With ``auto`` an image is looked at once, as it was given: a
            compressed one goes through the variant for these first and, if that is not enough, then through the best
            for clean images. After JPEG of quality 60, ×8 by 2·4 of these is 0.29 dB above the best's own ×8,
            measured as in :mod:`subpixel.upscaler.sizes`.
        scale: how many times larger, above 0 and up to 64; below 1 an image is resized, without a network. 1 cleans a
            compressed image with a model that does so: it is upscaled and resized down. 2 if nothing is said.
        backend: see :class:`~subpixel.upscaler.Upscaler`, as are the others without a line here.
        precision: of the arithmetic.
        threads: None for as many as this process may use.
        width: of the result instead of a scale; its height follows from the aspect.
        height: of the result; its width follows.
        fit: ``(width, height)``: the largest result with the image's aspect that fits in.
        tile: rows and columns of a network's input that go through it at a time; by itself it is as many rows as make
            32 MiB of the result. On ``native`` and ``reference`` it changes no byte.
        ensemble: the mean over 8 flips and rotations.
        strength: from plain bicubic, 0, to the network, 1.

    Raises:
        InvalidArgument: a size, a tile or another argument that is out of range, a scale of 1 with a model that does
            not clean, or a tile with a network that must see the whole image.
        Unsupported, BackendUnavailable, ModelFileError, MissingExtra: see :class:`~subpixel.upscaler.Upscaler`.

    >>> import numpy as np
    >>> Enlarger("bicubic", fit=(20, 20))(np.zeros((4, 6, 3), np.uint8)).shape
    (13, 20, 3)
    """

    def __init__(
        self,
        model: str = "auto",
        scale: float | None = None,
        backend: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        fit: tuple[int, int] | None = None,
        tile: int | None = None,
        ensemble: bool = False,
        strength: float = 1.0,
    ) -> None:
        if scale is None and width is None and height is None and fit is None:
            scale = 2
        self.target = Target(scale, width, height, fit)
        self.tile = _checked_tile(tile)
        mix = checked_mix(ensemble, strength)
        self._arguments = (backend, precision, threads, *mix)
        self._networks: dict[tuple[str, int], Upscaler] = {}
        clean = resolve(model)
        factors = scales_of(model)
        self._clean = _Kind(clean, factors, clean, factors)
        variant = compressed_variant(model) if model == "auto" else None
        self._variant = None if variant is None else _Kind(variant, scales_of(variant), clean, factors)
        # Now rather than at the first image, so that what is wrong with the arguments is said at once.
        network = self._network(clean, factors[0])
        self._cleans = cleans(network.model)
        self.threads = network.threads
        if self.tile is not None and network.halo is None:
            raise InvalidArgument(f"tile={tile}: model '{network.model.name}' must see the whole image")
        if scale is not None and not (scale == 1 and self._variant is not None):
            for name, factor in self._way(self._clean, plan(1, 1, self.target, factors, cleans=self._cleans)):
                self._network(name, factor)

    @classmethod
    def of(cls, upscaler: Upscaler) -> Enlarger:
        """One that does what an upscaler does."""
        result = cls.__new__(cls)
        scale = upscaler.scale
        result.target, result.tile, result.threads = Target(scale), None, upscaler.threads
        result._networks = {(upscaler.model.name, scale): upscaler}
        result._clean = _Kind(upscaler.model.name, (scale,), upscaler.model.name, ())
        result._variant = None
        result._cleans = True  # it does what it was made for, whatever its scale
        compressed = upscaler.variant
        if compressed is not None:
            result._networks[compressed.model.name, scale] = compressed
            result._variant = _Kind(compressed.model.name, (scale,), compressed.model.name, ())
        return result

    @property
    def first(self) -> Upscaler:
        """A network of those that upscale a clean image: it tells the backend, and what kind all are of."""
        return self._network(self._clean.first, self._clean.factors[0])

    @property
    def in_parts(self) -> bool:
        """Whether images can go through in parts; otherwise the network must see all of one."""
        return all(network.halo is not None for network in self._networks.values())

    def plan(self, height: int, width: int, choice: Choice | None = None) -> Plan:
        """What is done with an image of that size.

        Args:
            height: of the image.
            width: of the image.
            choice: see :meth:`choose`; None for that of a clean image.

        Raises:
            InvalidArgument: a result more than 64 times larger, or a scale of 1 and nothing to clean.
        """
        kind = self._kind(choice)
        cleaning = self._cleans or (choice is not None and choice.compressed)
        if self.target.scale == 1 and not cleaning and self._variant is not None:
            why = f": {choice.reason}" if choice is not None and choice.reason else ""
            raise InvalidArgument(
                f"scale=1: there is nothing to clean{why}; model '{self._variant.first}' cleans it all the same"
            )
        return plan(height, width, self.target, kind.factors, kind.then, cleans=cleaning)

    def choose(self, image: Any, source: Source | None = None) -> Choice:
        """Which model an image is upscaled by, see :meth:`subpixel.upscaler.Upscaler.choose`."""
        image = pil_pixels(image) if is_pil(image) else image
        check_image(image)
        choice = self.chosen(source, *image.shape[:2])
        return choice or self.measured(blockiness(image))

    def chosen(self, source: Source | None, height: int, width: int) -> Choice | None:
        """The choice for an image of which only the file is known; None where its pixels must be measured."""
        if self._variant is None:
            return Choice(self._clean.first, False, "")
        if self.target.scale != 1 and not plan(height, width, self.target, self._clean.factors, cleans=True).factors:
            return Choice(self._clean.first, False, "")  # no network runs
        return by_source(source, self._variant.first)

    def measured(self, figure: float) -> Choice:
        """The choice by an image's :func:`~subpixel.ops.blockiness.blockiness`."""
        assert self._variant is not None
        return by_blocks(figure, self._clean.first, self._variant.first)

    def __call__(self, image: T, choice: Choice | None = None) -> T:
        """Upscale an image; the same kind comes back.

        Args:
            image: see :meth:`subpixel.upscaler.Upscaler.__call__`.
            choice: what :meth:`choose` took for this image, so that it is not looked at again.

        Returns:
            An array of the same dtype and number of axes, or a PIL image of the same mode.

        Raises:
            InvalidArgument: any other kind of image, or as :meth:`plan`.
        """
        if is_pil(image):
            return cast(T, as_pil(self(pil_pixels(image), choice), image))
        check_image(image)
        pixels = cast(Pixels, image)
        if choice is None:
            choice = self.choose(pixels)
        whole = pixels[:, :, None] if pixels.ndim == 2 else pixels
        blocks = self.stream([whole], whole.shape, whole.dtype, alpha_of(whole), choice, _IN_MEMORY)
        result = next(blocks)
        height, width = self.plan(whole.shape[0], whole.shape[1], choice).size
        if len(result) < height:
            first, result = result, np.empty((height, width, whole.shape[2]), whole.dtype)
            result[: len(first)] = first
            top = len(first)
            for block in blocks:
                result[top : top + len(block)] = block
                top += len(block)
        elif result is whole:
            result = whole.copy()
        return cast(T, result.reshape(height, width, *pixels.shape[2:]))

    def stream(
        self,
        blocks: Iterable[Pixels],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        alpha: Alpha,
        choice: Choice | None = None,
        at_once: int | None = None,
    ) -> Iterator[Pixels]:
        """The result's rows, from those of an image, in memory for some strips.

        Args:
            blocks: ``(h, W, C)``, from the top.
            shape: ``(H, W, C)`` of the image.
            dtype: of the image.
            alpha: of the whole image, see :func:`subpixel.upscaler.pixels.alpha_of`.
            choice: see :meth:`choose`.
            at_once: bytes of a stage's result at a time, nearly; None for 32 MiB.

        Returns:
            Blocks ``(h, W', C)`` of the same dtype, from the top.

        Raises:
            InvalidArgument: as :meth:`plan`.
        """
        height, width, channels = shape
        way = self.plan(height, width, choice)
        at_once = _STREAMED if at_once is None else at_once
        pixel = channels * dtype.itemsize
        rows: Iterable[Pixels] = blocks
        for name, factor in self._way(self._kind(choice), way):
            network = self._network(name, factor)
            strip = max(1, at_once // (width * factor**2 * pixel), 2 * (network.halo or 0))
            if network.halo is None:
                strip = height
            elif self.tile is not None:
                strip = self.tile
            rows = upscaled(rows, (height, width), network, alpha, strip, self.tile)
            height, width = height * factor, width * factor
        if way.resized:
            # f32 of what the strip looks at; with alpha there are colours as stored beside those carried.
            row = 4 * width * (2 * channels if alpha == "carried" else channels)
            strip = max(1, at_once * way.size[0] // (row * height))
            rows = resized(rows, (height, width), way.size, alpha, strip, self.threads)
        return iter(rows)

    def _kind(self, choice: Choice | None) -> _Kind:
        return self._variant if choice is not None and choice.compressed and self._variant is not None else self._clean

    def _way(self, kind: _Kind, way: Plan) -> list[tuple[str, int]]:
        return list(zip((kind.first, kind.second), way.factors, strict=False))

    def _network(self, name: str, factor: int) -> Upscaler:
        result = self._networks.get((name, factor))
        if result is None:
            backend, precision, threads, ensemble, strength = self._arguments
            result = Upscaler(name, factor, backend, precision, threads, ensemble=ensemble, strength=strength)
            self._networks[name, factor] = result
        return result


def upscale(
    image: T,
    scale: float | None = None,
    model: str = "auto",
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    tile: int | None = None,
    ensemble: bool = False,
    strength: float = 1.0,
) -> T:
    """Upscale one image, to the bytes that the command line writes for it.

    Args:
        image: an ``(H, W[, C])`` array (u8, u16, f32; gray, RGB or with alpha) or a PIL image, see
            :meth:`subpixel.upscaler.Upscaler.__call__`.
        scale: how many times larger, any number up to 64; 2 if no size is given otherwise.
        model: see :class:`Enlarger`, as are the others.
        backend: what runs it.
        precision: of the arithmetic.
        threads: None for as many as this process may use.
        width: of the result instead of a scale.
        height: of the result instead of a scale.
        fit: ``(width, height)`` of a box, for the largest result that fits in.
        tile: rows and columns that go through a network at a time.
        ensemble: see :class:`~subpixel.upscaler.Upscaler`.
        strength: from plain bicubic, 0, to the network, 1.

    Returns:
        The same kind, larger.

    Raises:
        InvalidArgument: see :class:`Enlarger`.

    >>> import numpy as np
    >>> upscale(np.zeros((5, 7), np.uint8), 3).shape, upscale(np.zeros((5, 7), np.uint8), 2.5).shape
    ((15, 21), (13, 18))
    """
    box = None if fit is None else tuple(fit)
    options: dict[str, Any] = {"width": width, "height": height, "fit": box, "tile": tile}
    options["ensemble"], options["strength"] = checked_mix(ensemble, strength)
    # A file can change; a shipped model cannot.
    make: Callable[..., Enlarger] = Enlarger if is_path(model) else _ready
    return make(model, scale, backend, precision, threads, **options)(image)


# typed: True is refused as a scale even after 1 was taken
_ready = lru_cache(maxsize=8, typed=True)(Enlarger)


def _checked_tile(tile: Any) -> int | None:
    if tile is None:
        return None
    if isinstance(tile, bool) or not isinstance(tile, (int, np.integer)) or tile < 1:
        raise InvalidArgument(f"tile={tile!r}: an integer of pixels of at least 1 is needed")
    return int(tile)
