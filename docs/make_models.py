"""Writes the cards and the tables of docs/models.md from the shipped model files. The other parts stay as they are.

python docs/make_models.py
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from subpixel.models import ZOO, Model, find
from subpixel.models.layers import Input
from subpixel.models.spec import (
    INPUT,
    Add,
    Concat,
    Conv,
    Layer,
    PixelShuffle,
    Previous,
    Resize,
    RunningMean,
    Spec,
    State,
    Warp,
    sources_of,
)

PAGE = Path(__file__).parent / "models.md"
BEGIN = "<!-- from here on: written by docs/make_models.py from the model files; changes by hand are lost -->"
END = "<!-- to here -->"

# The test sets of the field, in its order; others that a file has figures of follow by name.
SETS = ("Set5", "Set14", "BSD100")
SCORES = {"psnr_y": 2, "ssim_y": 4, "psnr_rgb": 2, "ssim_rgb": 4, "round_trip_psnr_y": 1}
PRECISIONS = ("f32", "bf16", "int8")
ACTIVATIONS = {"relu": "ReLU", "prelu": "PReLU", "tanh": "tanh", "clip": "clip to 0 … 1"}

Scales = dict[int, Model]


def main() -> None:
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), shipped()), encoding="utf-8")


def shipped() -> dict[str, Scales]:
    """Every model of the list, by name and scale."""
    return {name: {scale: find(name, scale) for scale in entry.scales} for name, entry in ZOO.items()}


def rewritten(page: str, models: Mapping[str, Scales]) -> str:
    """The page with a new part between the two marks."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise SystemExit(f"{PAGE}: the lines\n{BEGIN}\n{END}\nare needed once each, around the generated part")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    parts = [comparison(models), protocol(models), videos(models), *(card(name, models[name]) for name in models)]
    texts = ["\n".join(map(wrapped, part)) for part in parts]
    return before + BEGIN + "\n\n" + "\n\n".join(texts) + "\n\n" + END + after


def wrapped(line: str) -> str:
    """A line of text or a command on lines of 120 characters; rows of tables stay as they are."""
    if len(line) <= 120 or line.startswith("|"):
        return line
    options = {"break_long_words": False, "break_on_hyphens": False}
    if line.startswith("subpixel "):
        return " \\\n".join(textwrap.wrap(line, 118, subsequent_indent="    ", **options))
    return textwrap.fill(line, 120, subsequent_indent="  " if line.startswith("- ") else "", **options)


def comparison(models: Mapping[str, Scales]) -> Iterator[str]:
    """A table of all models, scale by scale."""
    sets = names_of_sets(chain.from_iterable(scales.values() for scales in models.values()))
    yield "PSNR of luma in dB, in f32 and, if the file has int8 parameters, in int8. Multiply-adds per input pixel."
    yield "Measured with `subpixel evaluate -n MODEL -s SCALE --precision PRECISION --data TEST_SETS`."
    yield ""
    head = ["", "", "parameters", "multiply-adds", *chain.from_iterable((name, "int8") for name in sets)]
    rows = []
    for scale in sorted({scale for scales in models.values() for scale in scales}):
        for name, scales in models.items():
            if scale in scales and scales[scale].spec.plain:
                model, spec = scales[scale], scales[scale].spec
                scores = [model.scores(precision) for precision in ("f32", "int8")]
                cells = [number(one.get(which, {}).get("psnr_y"), 2) for which in sets for one in scores]
                rows.append([f"×{scale}", name, f"{spec.parameters:,}", f"{spec.macs_per_pixel:,}", *cells])
    yield from table(head, rows)


def protocol(models: Mapping[str, Scales]) -> Iterator[str]:
    """The protocol of the figures; where files differ, with the names of the models."""
    yield "The protocol of all figures here, from the model files:"
    yield ""
    values: dict[str, dict[str, list[tuple[str, int]]]] = {}
    for name, scales in models.items():
        for scale, model in scales.items():
            for precision in PRECISIONS:
                part = model.figures if precision == "f32" else model.figures.get(precision, {})
                for topic, text in part.get("protocol", {}).items():
                    # A text that differs only in the scale appears once for all scales.
                    text = "scale" if text == scale else str(text).replace(f"LR_x{scale}", "LR_x and the scale")
                    who = values.setdefault(topic, {}).setdefault(text, [])
                    who.extend([] if (name, scale) in who else [(name, scale)])
    for topic, texts in values.items():
        if len(texts) == 1:
            yield f"- {topic}: {next(iter(texts))}"
        else:
            yield f"- {topic}: " + "; ".join(f"{text} ({labels(who, models)})" for text, who in texts.items())


def videos(models: Mapping[str, Scales]) -> Iterator[str]:
    """A table of figures on reference clips, for networks for videos and for others frame by frame."""
    measured = {
        (scale, name, precision): found
        for name, scales in models.items()
        for scale, model in scales.items()
        for precision in PRECISIONS
        if (found := model.video_scores(precision))
    }
    if not measured:
        return
    clips = list(dict.fromkeys(clip for found in measured.values() for clip in found))
    yield "On videos, for each clip: PSNR of luma in dB / SSIM / warping error. The warping error is the difference of"
    yield "a frame and the previous one, warped by the motion of the true clip: less flicker gives a smaller error."
    yield "Multiply-adds per input pixel."
    yield ""
    rows = []
    for scale in sorted({scale for scale, _, _ in measured}):
        ones = {key: found for key, found in measured.items() if key[0] == scale}
        for way in ("truth", "bicubic"):
            found = next(iter(ones.values()))
            rows.append([f"×{scale}", way, "", "", *(figures_of_clip(found.get(clip, {}).get(way)) for clip in clips)])
        for (_, name, precision), found in ones.items():
            macs = f"{models[name][scale].spec.macs_per_pixel:,}"
            rows.append([f"×{scale}", name, precision, macs, *(figures_of_clip(found.get(clip)) for clip in clips)])
    yield from table(["", "", "", "multiply-adds", *clips], rows)
    yield ""
    values = next(iter(measured))
    part = models[values[1]][values[0]].figures
    protocol = (part if values[2] == "f32" else part[values[2]])["videos"]["protocol"]
    yield from (f"- {topic}: {text}" for topic, text in protocol.items())


def figures_of_clip(one: Mapping[str, Any] | None) -> str:
    kinds = {"psnr_y": 2, "ssim_y": 4, "warping_error": 2}
    return " / ".join(number((one or {}).get(key), digits) or "–" for key, digits in kinds.items())


def labels(who: Sequence[tuple[str, int]], models: Mapping[str, Scales]) -> str:
    """Models with their scales; a scale alone if it holds for all of its models."""
    found = []
    for scale in sorted({scale for _, scale in who}):
        names = [name for name, one in who if one == scale]
        everybody = names == [name for name, scales in models.items() if scale in scales]
        found += [f"×{scale}"] if everybody else [f"{name} ×{scale}" for name in names]
    return ", ".join(found)


def card(name: str, scales: Scales) -> Iterator[str]:
    """The card of one model."""
    yield f"### {name}"
    yield ""
    yield ZOO[name].about[0].upper() + ZOO[name].about[1:] + "."
    yield ""
    layers = {scale: architecture(model.spec) for scale, model in scales.items()}
    yield f"- Layers: {alike(layers)}."
    trained = {scale: trained_on(model) for scale, model in scales.items()}
    if any(trained.values()):
        yield f"- Trained on: {alike(trained)}."
    yield f"- Licence: {alike({scale: model.licence for scale, model in scales.items()})}."
    yield ""
    rows: dict[str, Callable[[Model], str]] = {
        "parameters": lambda model: f"{model.spec.parameters:,}",
        "multiply-adds per input pixel": lambda model: f"{model.spec.macs_per_pixel:,}",
        "receptive field": lambda model: f"{model.spec.receptive_field}×{model.spec.receptive_field}",
        "seed": lambda model: number(settings(model).get("seed")),
        "steps": lambda model: number(model.training.get("steps")),
        "PSNR Y on held-out images": lambda model: number(model.figures.get("validation_psnr_y"), 2),
        "loss of int8, dB, on held-out images": lambda model: number((model.quantisation or {}).get("loss_db"), 3),
    }
    lines = [[title, *(row(model) for model in scales.values())] for title, row in rows.items()]
    lines += [line for precision in PRECISIONS for line in score_rows(scales, precision)]
    yield from table(["", *(f"×{scale}" for scale in scales)], [line for line in lines if any(line[1:])])
    commands = [command for model in scales.values() for command in commands_of(model)]
    if commands:
        yield from ("", "```", *dict.fromkeys(commands), "```")  # a common start of two scales appears once


def score_rows(scales: Scales, precision: str) -> Iterator[list[str]]:
    """A row per test set: PSNR and SSIM of luma, the same of RGB, and PSNR of the round trip."""
    for which in names_of_sets(scales.values()):
        ones = [model.scores(precision).get(which, {}) for model in scales.values()]
        cells = [" / ".join(number(one.get(key), digits) or "–" for key, digits in SCORES.items()) for one in ones]
        title = f"{which}, {precision}: Y, SSIM, RGB, SSIM, round trip"
        yield [title, *(cell if one else "" for cell, one in zip(cells, ones, strict=True))]


def trained_on(model: Model) -> str:
    """The training data, the number of images, and the number of held-out images."""
    training = model.training
    parts = [str(training["data"])] if training.get("data") else []
    if training.get("images"):
        parts.append(f"{training['images']} images")
    if training.get("held_out"):
        parts.append(f"{len(training['held_out'])} held out to choose the weights")
    return "; ".join(parts)


def settings(model: Model) -> Mapping[str, Any]:
    found = model.training.get("settings", {})
    return found if isinstance(found, Mapping) else {}


def commands_of(model: Model) -> list[str]:
    """The commands of the networks it started from, and its own."""
    own = model.training.get("command")
    return [shortened(line) for line in (*model.training.get("earlier", []), *([own] if own else []))]


def shortened(command: str) -> str:
    """The command without what the card says already, with the names of files instead of their paths."""
    words, result = iter(shlex.split(command)), []
    for word in words:
        if word in ("--data-name", "--licence"):
            next(words, "")
        elif word == "--data":
            next(words, "")
            result += [word, "IMAGES"]
        else:
            result.append(Path(word).name if word.endswith(".safetensors") else word)
    return shlex.join(result)


def architecture(spec: Spec) -> str:
    """A Spec in words, with repeated layers once.

    >>> from subpixel.models import espcn
    >>> architecture(espcn(2))
    '5×5 to 64, tanh; 3×3 to 32, tanh; 3×3 to r²; pixel shuffle; on luma, edges repeated'
    """
    steps, last = [], INPUT
    bases = {layer.name: layer for layer in spec.layers if isinstance(layer, Resize) and layer.source in spec.bases}
    bases.pop(spec.layers[-1].name, None)
    place = {INPUT: 0}
    for layer in spec.layers:
        if layer.name in bases:
            continue
        steps.append(words(layer, spec, last, bases, place))
        place[layer.name], last = len(steps), layer.name
    edges = "edges repeated" if spec.border == "replicate" else "zeros around each layer's input"
    return "; ".join([*folded(steps), f"on {'luma' if spec.colour == 'luma' else 'RGB'}, {edges}"])


def words(layer: Layer, spec: Spec, last: str, bases: Mapping[str, Resize], place: Mapping[str, int]) -> str:
    """One layer in words. Its source is named only if it is not the previous layer."""

    given = {one.name: words_of_input(one) for one in spec.inputs}

    def named(source: str) -> str:
        if source in given:
            return given[source]
        if source in bases:
            what = "that mean" if bases[source].source in {one.name for one in spec.means} else "the input"
            return f"{what} ×{bases[source].factor}, {bases[source].mode}"
        back = len(place) - place[source]
        return f"the result of {back} layers before"

    if isinstance(layer, (Add, Concat)):
        others = [named(source) for source in layer.sources if source != last]
        text = f"{'plus' if isinstance(layer, Add) else 'joined with'} {' and '.join(others)}"
        if set(layer.sources) <= set(given):
            return f"{', '.join(others)}, side by side"
        return text if last in layer.sources else f"from these: {text}"
    if isinstance(layer, Warp):
        return f"{named(layer.source)}, moved by {'that' if layer.flow == last else named(layer.flow)}"
    text = own_words(layer, spec)
    (source,) = sources_of(layer)
    return text if source == last else f"of {named(source)}: {text}"


def words_of_input(one: Input) -> str:
    if isinstance(one, State):
        return f"{one.channels} channels of its state"
    if isinstance(one, Previous):
        return "its result for the frame before, unshuffled"
    if isinstance(one, RunningMean):
        return "the mean of the scene's frames where nothing changes"
    if one.name == INPUT:
        return "the input"
    return {0: "the frame", -1: "the frame before", 1: "the frame after"}.get(one.offset, f"frame {one.offset:+d}")


def own_words(layer: Layer, spec: Spec) -> str:
    if isinstance(layer, PixelShuffle):
        partly = f" ×{layer.factor}" if layer.factor != spec.scale else ""
        return f"pixel shuffle{partly}" + (f" ({layer.order})" if layer.order != "CRD" else "")
    if isinstance(layer, Resize):
        return f"{layer.mode} resize" + (f" ×{layer.factor}" if layer.factor != spec.scale else "")
    # Convolutions, of whatever kind.
    height, width = layer.kernel
    into = {one.source for one in spec.layers if isinstance(one, PixelShuffle) and one.factor == spec.scale}
    factor, rest = divmod(layer.out_channels, spec.scale**2)
    channels = str(layer.out_channels)
    if layer.name in into and not rest:
        channels = "r²" if factor == 1 else f"{factor} r²"
    kind = "" if isinstance(layer, Conv) else "transposed "
    activation = ACTIVATIONS.get(getattr(layer, "activation", "none"))
    stride = f", stride {layer.stride}" if isinstance(layer, Conv) and layer.stride > 1 else ""
    shared = ", with the weights of an earlier layer" if isinstance(layer, Conv) and layer.shared else ""
    return f"{kind}{height}×{width} to {channels}" + (f", {activation}" if activation else "") + stride + shared


def folded(steps: Sequence[str]) -> list[str]:
    """Runs of equal layers, or of equal groups of up to 8, written once with their number.

    >>> folded(["a", "b", "b", "b", "c", "d", "c", "d"])
    ['a', '3 × (b)', '2 × (c; d)']
    """
    found, at = [], 0
    while at < len(steps):
        best = (1, 1)
        for length in range(1, 9):
            group, times = steps[at : at + length], 1
            while steps[at + times * length : at + (times + 1) * length] == group:
                times += 1
            if times > 1 and length * times > best[0] * best[1]:
                best = (length, times)
        length, times = best
        text = "; ".join(steps[at : at + length])
        found.append(f"{times} × ({text})" if times > 1 else text)
        at += length * times
    return found


def alike(texts: Mapping[int, str]) -> str:
    """The text of each scale; a common text appears once."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    same: dict[str, list[int]] = {}
    for scale, text in texts.items():
        same.setdefault(text, []).append(scale)
    return "; ".join(f"{', '.join(f'×{s}' for s in scales)}: {text or 'unknown'}" for text, scales in same.items())


def names_of_sets(models: Iterable[Model]) -> list[str]:
    found = {name for model in models for precision in PRECISIONS for name in model.scores(precision)}
    return [*(name for name in SETS if name in found), *sorted(found - set(SETS))]


def number(value: Any, digits: int = 0) -> str:
    return f"{value:,.{digits}f}" if isinstance(value, (int, float)) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    main()
