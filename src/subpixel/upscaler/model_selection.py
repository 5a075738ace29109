"""The networks that upscale an image: those of one model, or with ``auto`` those of one of two models."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from subpixel.errors import InvalidArgument
from subpixel.models.auto import Choice, Source, choose_by_codec, choose_by_source, choose_by_traces
from subpixel.models.files import Model
from subpixel.models.zoo import compressed_variant, resolve, scales_of
from subpixel.ops.compression_traces import Traces
from subpixel.upscaler.sizes import SizePlan, Target, network_factors, plan_size

__all__ = ["ModelSelection", "NetworkPair"]


@dataclass(frozen=True)
class NetworkPair:
    """Two networks that may run one after another: the names of their models, and the factors of each."""

    first: str
    first_factors: tuple[int, ...]
    second: str
    second_factors: tuple[int, ...]


@dataclass(frozen=True)
class ModelSelection:
    """The networks for clean images, and with ``auto`` those for compressed ones.

    Args:
        clean: for clean images, and for all images if there is no choice.
        compressed: for compressed images: the variant first, then the clean model. None if there is no choice.
        automatic: no model was named, so the reason of a choice is worth stating.
    """

    clean: NetworkPair
    compressed: NetworkPair | None = None
    automatic: bool = False

    @classmethod
    def of_name(cls, model: str) -> ModelSelection:
        """The selection for the name of a shipped model, ``auto``, or a path.

        Raises:
            InvalidArgument, ModelFileError, MissingExtra, Unsupported: see :func:`subpixel.models.zoo.scales_of`.

        >>> ModelSelection.of_name("auto").compressed
        NetworkPair(first='fast-compressed', first_factors=(2, 3, 4), second='fast', second_factors=(2, 3, 4, 8))
        """
        name = resolve(model)
        factors = scales_of(name)
        clean = NetworkPair(name, factors, name, factors)
        variant = compressed_variant(name) if model == "auto" else None
        if variant is None:
            return cls(clean, None, model == "auto")
        return cls(clean, NetworkPair(variant, scales_of(variant), name, factors), True)

    @classmethod
    def of_model(cls, model: Model) -> ModelSelection:
        """The selection for a loaded model, which has one factor."""
        factors = (model.spec.scale,)
        return cls(NetworkPair(model.name, factors, model.name, factors))

    def pair(self, choice: Choice | None) -> NetworkPair:
        """The networks of a choice; those for clean images if it is None."""
        compressed = choice is not None and choice.compressed
        return self.compressed if compressed and self.compressed is not None else self.clean

    def by_source(self, source: Source | None, width: int, height: int, target: Target) -> Choice | None:
        """The choice for an image by its file alone; None if its pixels must be measured."""
        if self.compressed is None:
            return Choice(self.clean.first, False, "")
        if target.scale != 1 and target.factor(width, height) <= 1:
            return Choice(self.clean.first, False, "")  # no network runs
        return choose_by_source(source, self.compressed.first)

    def by_traces(self, traces: Traces, source: Source | None = None) -> Choice:
        """The choice by what the pixels of an image show, if its file did not decide."""
        if self.compressed is None:
            return Choice(self.clean.first, False, "")
        return choose_by_traces(traces, source, self.clean.first, self.compressed.first)

    def by_codec(self, codec: str | None, factor: float | Fraction) -> Choice:
        """The choice for a video: the variant for compressed ones, if it reaches the size by itself.

        Args:
            codec: libavcodec's name of the video's codec; None if it is unknown.
            factor: how many times larger the video becomes.
        """
        if codec is None or not self.automatic:
            return Choice(self.clean.first, False, "")
        if self.compressed is None or factor > max(self.compressed.first_factors):
            return Choice(self.clean.first, False, codec)
        return choose_by_codec(codec, self.clean.first, self.compressed.first)

    def plan(
        self, width: int, height: int, target: Target, choice: Choice | None = None, *, cleans: bool = False
    ) -> SizePlan:
        """The plan for an image of this size.

        Args:
            width: width of the image in pixels.
            height: height of the image in pixels.
            target: the size of the result.
            choice: the choice for the image; None for that of a clean image.
            cleans: whether the model for clean images also cleans compressed ones.

        Raises:
            InvalidArgument: a result more than 64 times larger, or a scale of 1 and nothing to clean.
        """
        pair, cleans = self.pair(choice), self._cleans(target, choice, cleans)
        return plan_size(width, height, target, pair.first_factors, pair.second_factors, cleans=cleans)

    def factors(
        self, target: Target, factor: Fraction, choice: Choice | None = None, *, cleans: bool = False
    ) -> tuple[int, ...]:
        """The factors of the networks for an image or a video that becomes so many times larger.

        Args:
            target: the size of the result.
            factor: how many times larger it is, before rounding.
            choice: as in :meth:`plan`.
            cleans: likewise.

        Raises:
            InvalidArgument: more than two networks in a row reach, or a scale of 1 and nothing to clean.
        """
        pair, cleans = self.pair(choice), self._cleans(target, choice, cleans)
        return network_factors(target, factor, pair.first_factors, pair.second_factors, cleans=cleans)

    def _cleans(self, target: Target, choice: Choice | None, cleans: bool) -> bool:
        """Whether the first network cleans what it upscales.

        Raises:
            InvalidArgument: a scale of 1 and nothing to clean.
        """
        cleaning = cleans or (choice is not None and choice.compressed)
        if target.scale == 1 and not cleaning and self.compressed is not None:
            raise InvalidArgument(f"scale=1: no compression is seen; model '{self.compressed.first}' cleans it anyway")
        return cleaning
