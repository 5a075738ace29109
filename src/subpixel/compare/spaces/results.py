"""Results of LR space against HR space as plain data, and what is made of them: JSON, CSV and tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel.compare.intervals import Difference, Estimate
from subpixel.compare.result_texts import markdown_table, save_texts, without_keys
from subpixel.compare.spaces.conversion import Conversion
from subpixel.compare.spaces.costs import LayerTime, paper_layers
from subpixel.compare.spaces.designs import FAMILIES

__all__ = ["NetworkResult", "Pairing", "SpaceResults"]

# What differs from run to run, as times do.
_TIMES = ("milliseconds", "training_seconds", "minutes", "layer_times")


@dataclass(frozen=True)
class NetworkResult:
    """One network.

    Args:
        family: the name of its family.
        budget: the name of its budget.
        widths: channels of the first three convolutions.
        kernels: sides of the four kernels.
        macs: multiply-adds of the convolutions for each pixel of the result.
        parameters: learned numbers.
        activations: numbers that the convolutions give for each pixel of the result.
        psnr: the mean over seeds and held-out images, in dB.
        gain: what it has more than bicubic interpolation, in dB; paired by image, so its interval is far narrower.
        by_seed: the mean PSNR of each seed.
        milliseconds: by size of the result, as ``1080x1920``: the median time in the engine.
        training_seconds: the mean time of a training.
        curves: by seed, ``(step, loss, PSNR)`` of some held-out images.
    """

    family: str
    budget: str
    widths: tuple[int, ...]
    kernels: tuple[int, ...]
    macs: float
    parameters: int
    activations: float
    psnr: Estimate
    gain: Estimate
    by_seed: tuple[float, ...]
    milliseconds: dict[str, float]
    training_seconds: float
    curves: dict[int, list[tuple[int, float, float]]] = field(repr=False)

    @property
    def title(self) -> str:
        """Its name in tables."""
        return f"{FAMILIES[self.family].title}, {self.budget}"


@dataclass(frozen=True)
class Pairing:
    """The LR network beside one in HR space.

    Args:
        budget: the name of their budget.
        equal: what they have in common: ``multiply-adds`` or ``parameters``.
        difference: PSNR of the LR network less that of the other, in dB.
    """

    budget: str
    equal: str
    difference: Difference

    @property
    def verdict(self) -> str:
        """Which is better, in words."""
        if not self.difference.exists:
            return "no difference"
        return "LR space is better" if self.difference.mean > 0 else "HR space is better"


@dataclass(frozen=True)
class SpaceResults:
    """LR space against HR space.

    Args:
        scale: the factor.
        images: what was trained on and measured, in a sentence.
        seeds: of the trainings.
        steps: of each training.
        bicubic: PSNR of bicubic interpolation on the held-out images.
        networks: the smallest budget first.
        pairings: under each budget, the LR network beside each other network.
        layer_times: of the paper's example.
        conversion: of a trained sub-pixel network into a transposed-convolution one and back.
        protocol: what the figures mean, topic by topic.
        pictures: files that were drawn, by name.
        minutes: how long the trainings took by now, the sum over all of them divided by those at one time.
        threads: how many trainings ran at one time, and the threads of what was timed.
    """

    scale: int
    images: str
    seeds: tuple[int, ...]
    steps: int
    bicubic: float
    networks: tuple[NetworkResult, ...]
    pairings: tuple[Pairing, ...]
    layer_times: tuple[LayerTime, ...]
    conversion: Conversion
    protocol: dict[str, str]
    pictures: dict[str, Path]
    minutes: float
    threads: int

    def __getitem__(self, key: tuple[str, str]) -> NetworkResult:
        """The network of a family and a budget; KeyError if there is none."""
        for one in self.networks:
            if (one.family, one.budget) == key:
                return one
        raise KeyError(key)

    def pairing(self, family: str, budget: str) -> Pairing:
        """The LR network beside that of another family; KeyError if there is none."""
        for one in self.pairings:
            if (one.difference.second, one.budget) == (family, budget):
                return one
        raise KeyError((family, budget))

    def to_dict(self, *, times: bool = True) -> dict[str, Any]:
        """Everything, for JSON.

        Args:
            times: include what the clock says. Without it, the same settings give the same values.
        """
        content = {
            "scale": self.scale,
            "images": self.images,
            "seeds": list(self.seeds),
            "steps": self.steps,
            "threads": self.threads,
            "minutes": self.minutes,
            "bicubic_psnr": self.bicubic,
            "protocol": self.protocol,
            "pictures": {name: path.name for name, path in self.pictures.items()},
            "networks": [_network(one) for one in self.networks],
            "pairings": [_pairing(one) for one in self.pairings],
            "paper_layers": [
                {**vars(one), "macs": one.macs, "activations": one.activations, "weights": one.weights}
                for one in paper_layers()
            ],
            "layer_times": [{**vars(one), "size": list(one.size)} for one in self.layer_times],
            "conversion": _conversion(self.conversion),
        }
        if not times:
            del content["threads"]
            content = without_keys(content, _TIMES)
        return content

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """A row for each network, with a head."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        sizes = list(self.networks[0].milliseconds)
        figures = [f"{name}_{end}" for name in ("psnr", "gain") for end in ("mean", "low", "high")]
        costs = ["macs", "parameters", "activations"]
        heads = ["budget", "family", "widths", "kernels", *figures, *costs, *(f"milliseconds_{size}" for size in sizes)]
        writer.writerow(heads)
        for one in self.networks:
            shape = [" ".join(map(str, values)) for values in (one.widths, one.kernels)]
            values = [getattr(each, end) for each in (one.psnr, one.gain) for end in ("mean", "low", "high")]
            spent = [getattr(one, name) for name in costs] + [one.milliseconds[size] for size in sizes]
            writer.writerow([one.budget, one.family, *shape, *values, *spent])
        return text.getvalue()

    def to_markdown(self) -> str:
        """Tables for a terminal: networks, pairings, the paper's example, the conversion."""
        return "\n".join(self._markdown()) + "\n"

    def _markdown(self) -> Iterator[str]:
        trained = f"{len(self.seeds)} seeds, {self.steps} steps each"
        yield f"LR space against HR space, ×{self.scale}; {self.images}; {trained}."
        yield ""
        yield from markdown_table(self._network_rows())
        yield ""
        yield from markdown_table(self._pairing_rows())
        yield ""
        yield from markdown_table(self._layer_rows())
        yield ""
        yield from _conversion_text(self.conversion)

    def _network_rows(self) -> Iterator[list[str]]:
        sizes = list(self.networks[0].milliseconds)
        heads = ["network", "channels", "PSNR Y (dB)", "over bicubic (95 %)", "multiply-adds", "parameters"]
        yield [*heads, "activations", *(f"ms {size.replace('x', '×')}" for size in sizes)]
        yield ["Bicubic", "", f"{self.bicubic:.3f}", "", "0", "0", "0", *("" for _ in sizes)]
        for one in self.networks:
            shape = " ".join(f"{width}" for width in one.widths)
            gain = f"{one.gain.mean:+.3f} ({_interval(one.gain)})"
            costs = [f"{one.macs:,.0f}", f"{one.parameters:,}", f"{one.activations:g}"]
            yield [one.title, shape, f"{one.psnr.mean:.3f}", gain, *costs, *_milliseconds(one.milliseconds.values())]

    def _pairing_rows(self) -> Iterator[list[str]]:
        yield ["LR space less", "equal", "dB (95 %)", "verdict"]
        for one in self.pairings:
            title = f"{FAMILIES[one.difference.second].title}, {one.budget}"
            yield [title, one.equal, f"{one.difference.mean:+.3f} ({_interval(one.difference)})", one.verdict]

    def _layer_rows(self) -> Iterator[list[str]]:
        yield ["paper's example, ×2", "multiply-adds", "activations", "weights", *map(_timed, self.layer_times)]
        for number, one in enumerate(paper_layers()):
            times = [each.hr_milliseconds if number else each.lr_milliseconds for each in self.layer_times]
            yield [one.title, f"{one.macs:,}", f"{one.activations}", f"{one.weights:,}", *_milliseconds(times)]

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``spaces.json``, ``spaces.csv`` and ``spaces.md`` to a folder; returns their paths.

        Raises:
            OSError: the folder cannot be written.
        """
        texts = {"spaces.json": self.to_json(), "spaces.csv": self.to_csv(), "spaces.md": self.to_markdown()}
        return save_texts(folder, texts)


def _network(one: NetworkResult) -> dict[str, Any]:
    curves = {str(seed): [list(point) for point in curve] for seed, curve in one.curves.items()}
    lists = {name: list(getattr(one, name)) for name in ("widths", "kernels", "by_seed")}
    figures = {"psnr": vars(one.psnr), "gain": vars(one.gain)}
    about = FAMILIES[one.family].about
    return {"title": one.title, "about": about, **vars(one), **lists, **figures, "curves": curves}


def _pairing(one: Pairing) -> dict[str, Any]:
    difference = {**vars(one.difference), "exists": one.difference.exists}
    return {"budget": one.budget, "equal": one.equal, "difference": difference, "verdict": one.verdict}


def _conversion(one: Conversion) -> dict[str, Any]:
    lists = {name: list(getattr(one, name)) for name in ("subpixel_shape", "transposed_shape", "size")}
    return {**vars(one), **lists, "milliseconds": {name: list(pair) for name, pair in one.milliseconds.items()}}


def _conversion_text(one: Conversion) -> Iterator[str]:
    before, after = (" × ".join(map(str, shape)) for shape in (one.subpixel_shape, one.transposed_shape))
    back = "the same weights to the bit" if one.restored else "OTHER weights"
    yield f"Last layer of {one.network}: sub-pixel {before} = transposed {after}; the way back gives {back}."
    height, width = one.size
    for name, difference in one.differences.items():
        first, second = _milliseconds(one.milliseconds[name])
        size = f" for {height}×{width}" if name != "reference" else ""
        yield f"{name}: results of 0 … 1 differ by {difference:.1e} at most; {first} and {second} ms{size}."


def _milliseconds(values: Any) -> list[str]:
    return [f"{value:.1f}" if value >= 10 else f"{value:.2f}" for value in values]


def _timed(one: LayerTime) -> str:
    return f"{one.by} ms {one.size[0]}×{one.size[1]}"


def _interval(one: Estimate | Difference) -> str:
    return f"{one.low:+.3f} … {one.high:+.3f}"
