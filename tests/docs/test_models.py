"""docs/models.md says what the shipped files say, and its cards can be made of any network."""

from __future__ import annotations

import doctest
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from networks import residual
from scripts import docs_script
from subpixel.models import ZOO, Model, bicubic, espcn
from subpixel.models.our_networks import fast
from subpixel.models.spec import INPUT, Add, Concat, Conv, PixelShuffle, Resize, Spec


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return docs_script("make_models")


def model(scale: int, **changes: object) -> Model:
    spec = espcn(scale)
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    return replace(Model("espcn", spec, weights, licence="CC0-1.0"), **changes)  # type: ignore[arg-type]


def test_the_page_is_that_of_the_shipped_files(maker: ModuleType) -> None:
    page = maker.PAGE.read_text(encoding="utf-8")
    assert maker.rewritten(page, maker.shipped()) == page, (
        "docs/models.md is out of date: run python docs/make_models.py"
    )
    for name, entry in ZOO.items():
        assert f"\n### {name}\n" in page
        for scale in entry.scales:
            assert f"\n| ×{scale} | {name} | " in page
    assert "shared" not in page  # no path of the machine that trained


def test_its_own_examples(maker: ModuleType) -> None:
    assert doctest.testmod(maker).attempted > 1
    assert doctest.testmod(maker).failed == 0


def test_text_written_by_hand_is_kept(maker: ModuleType) -> None:
    page = f"before\n{maker.BEGIN}\nold\n{maker.END}\nafter\n"
    result = maker.rewritten(page, {"espcn": {2: model(2)}})
    assert result.startswith(f"before\n{maker.BEGIN}\n")
    assert result.endswith(f"\n{maker.END}\nafter\n")
    assert "\nold\n" not in result
    assert maker.rewritten(result, {"espcn": {2: model(2)}}) == result
    for odd in ("no marks", page + page):
        with pytest.raises(SystemExit, match="once each"):
            maker.rewritten(odd, {})


def test_a_card_says_what_the_file_says(maker: ModuleType) -> None:
    command = (
        "subpixel train --arch espcn -s 2 --data ../there/images --start /home/me/a.safetensors --out b.safetensors "
        "--data-name 'many words' --licence 'more words' --steps 7"
    )
    training = {"command": command, "data": "Waves", "images": 5, "held_out": ["a", "b"], "settings": {"seed": 3}}
    figures = {
        "protocol": {"crop": 2, "colour": "Y"},
        "sets": {"Set5": {"psnr_y": 36.123, "ssim_y": 0.95}, "Mine": {"psnr_y": 1}},
        "int8": {"sets": {"Set5": {"psnr_y": 35.987}}, "protocol": {"crop": 2, "colour": "Y"}},
        "validation_psnr_y": 31.5,
    }
    one = model(2, training={**training, "steps": 1234567}, figures=figures, quantisation={"loss_db": 0.0417})
    other = model(3, figures={"protocol": {"crop": 3, "colour": "X"}})  # an older file, with less in it
    result = maker.rewritten(f"{maker.BEGIN}{maker.END}", {"espcn": {2: one, 3: other}})
    for line in (
        "|  |  | parameters | multiply-adds | Set5 | int8 | Mine | int8 |",
        "| ×2 | espcn | 21,284 | 21,184 | 36.12 | 35.99 | 1.00 |  |",
        "| ×3 | espcn | 22,729 | 22,624 |  |  |  |  |",
        "- crop: scale",
        "- colour: Y (×2); X (×3)",
        "- Layers: 5×5 to 64, tanh; 3×3 to 32, tanh; 3×3 to r²; pixel shuffle; on luma, edges repeated.",
        "- Trained on: ×2: Waves; 5 images; 2 held out to choose the weights; ×3: unknown.",
        "- Licence: CC0-1.0.",
        "|  | ×2 | ×3 |",
        "| parameters | 21,284 | 22,729 |",
        "| receptive field | 9×9 | 9×9 |",
        "| seed | 3 |  |",
        "| steps | 1,234,567 |  |",
        "| PSNR Y on held-out images | 31.50 |  |",
        "| loss of int8, dB, on held-out images | 0.042 |  |",
        "| Set5, f32: Y, SSIM, RGB, SSIM, round trip | 36.12 / 0.9500 / – / – / – |  |",
        "| Set5, int8: Y, SSIM, RGB, SSIM, round trip | 35.99 / – / – / – / – |  |",
        "subpixel train --arch espcn -s 2 --data IMAGES --start a.safetensors --out b.safetensors --steps 7",
    ):
        assert f"\n{line}\n" in result
    assert "bf16" not in result


def test_protocols_that_differ_name_the_models(maker: ModuleType) -> None:
    first, second = (model(2, figures={"protocol": {"colour": text}}) for text in "XY")
    result = "\n".join(maker.protocol({"a": {2: first, 3: first}, "b": {2: second, 3: first}}))
    assert "- colour: X (a ×2, ×3); Y (b ×2)" in result


def test_architectures_in_words(maker: ModuleType) -> None:
    assert maker.architecture(bicubic(3, colour="rgb")) == "cubic resize; on RGB, edges repeated"
    assert maker.architecture(fast(2)) == (
        "5×5 to 16, ReLU; 5 × (3×3 to 16, ReLU); 3×3 to r²; pixel shuffle; plus the input ×2, nearest; "
        "on luma, edges repeated"
    )
    assert maker.architecture(residual(3, "rgb", "zero", 0).spec) == (
        "5×5 to 6, tanh; 3×3 to 5, PReLU; 3×3 to 3 r²; pixel shuffle; plus the input ×3, cubic; "
        "on RGB, zeros around each layer's input"
    )
    blocks: list[Conv | Add] = [Conv("c0", INPUT, 1, 8, (3, 3))]
    for n in range(4):
        before = blocks[-1].name
        blocks += [
            Conv(f"a{n}", before, 8, 8, (3, 1), "relu"),
            Conv(f"b{n}", f"a{n}", 8, 8, (3, 3)),
            Add(f"s{n}", (before, f"b{n}")),
        ]
    layers = (
        *blocks,
        Concat("both", (INPUT, "s3")),
        Conv("wide", "both", 9, 16, (1, 1)),
        PixelShuffle("half", "wide", 2, "DCR"),
        Conv("side", "s3", 8, 4, (1, 1)),
        Resize("large", "side", 2, "linear"),
        Add("all", ("half", "large")),
        PixelShuffle("rest", "all", 2),
    )
    assert maker.architecture(Spec(layers, 4)) == (
        "3×3 to 8; 4 × (3×1 to 8, ReLU; 3×3 to 8; plus the result of 3 layers before); joined with the input; "
        "1×1 to 16; pixel shuffle ×2 (DCR); of the result of 4 layers before: 1×1 to 4; linear resize ×2; "
        "plus the result of 3 layers before; pixel shuffle ×2; on luma, edges repeated"
    )
