"""Which networks are plain chains, and what is found of them."""

from dataclasses import replace

import numpy as np
import pytest

from subpixel.errors import Unsupported
from subpixel.models.chain import chain_of, row_of, video_chain_of
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Add, Concat, Conv, Frame, PixelShuffle, Resize, Spec, State

A = Conv("a", INPUT, 1, 4, (3, 3), "relu")
B = Conv("b", "a", 4, 4, (3, 3))
SUM = Add("s", ("b", "a"))
C = Conv("c", "s", 4, 4, (3, 3))
UP = PixelShuffle("up", "c", 2, "DCR")
BASE = Resize("base", INPUT, 2)


def test_a_chain_with_a_skip_and_a_base():
    chain = chain_of(Spec((BASE, A, B, SUM, C, UP, Add("end", ("base", "up"))), 2), "int8")
    assert [conv.name for conv in chain.convs] == ["a", "b", "c"]
    assert chain.skips == (None, 0, None)
    assert chain.results == ("a", "s", "c")
    assert chain.shuffle is UP
    assert chain.base


def test_a_transposed_convolution_is_lowered():
    chain = chain_of(fsrcnn(3), "int8")
    assert [conv.name for conv in chain.convs][-1] == "up.phases"
    assert (chain.shuffle.factor, chain.base) == (3, False)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((A, B, Add("s", ("b", "a", "a")), C, UP), "layer 's': int8 supports convolutions one after another"),
        ((A, Add("s", ("a", "a")), C, UP), "layer 's': int8 supports convolutions one after another"),
        ((BASE, A, B, SUM, C, UP, Add("end", ("base", "up", "base"))), "layer 'end': int8 supports"),
        ((A, B, SUM, C, UP, Conv("d", "up", 1, 1, (3, 3))), "layer 'd': int8 supports"),
        ((A, B, SUM, C, UP, Resize("r", INPUT, 2, "cubic"), Add("end", ("r", "up"))), "layer 'r': int8 supports"),
        (
            (A, Conv("b", "a", 4, 4, (3, 3), shared=""), SUM, Conv("c", "s", 4, 4, (3, 3), "tanh"), UP),
            "layer 'c': int8 supports no activation before the shuffle",
        ),
    ],
)
def test_what_is_no_chain_is_named(layers, message):
    with pytest.raises(Unsupported, match=message):
        chain_of(Spec(tuple(layers), 2), "int8")


def test_a_chain_for_videos():
    chain = video_chain_of(recurrent(2, width=6, middle=2, state=5), "int8")
    assert chain.sources == ("now", "before", "mean", "state", "previous")
    assert [conv.name for conv in chain.trunk] == ["conv1", "conv2", "conv3"]
    assert [conv.name for conv in chain.ends] == ["end", "kept"]
    assert (chain.shuffle.name, chain.base) == ("detail", "mean")


def test_the_ends_of_a_chain_for_videos_become_one_convolution():
    spec = recurrent(2, width=6, middle=2, state=5)
    rng = np.random.default_rng(0)
    weights = {name: rng.random(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    del weights["kept.bias"]
    chain, joined = row_of(spec, weights, "int8")
    end = chain.convs[-1]
    assert (end.name, end.source, end.out_channels, end.activation) == ("end+kept", "conv3", 9, "none")
    assert chain.skips == (None,) * 4
    assert chain.results == ("conv1", "conv2", "conv3", "end+kept")
    assert (chain.shuffle.factor, chain.base) == (1, False)
    np.testing.assert_array_equal(joined["end+kept.weight"][:4], weights["end.weight"])
    np.testing.assert_array_equal(joined["end+kept.weight"][4:], weights["kept.weight"])
    np.testing.assert_array_equal(joined["end+kept.bias"], [*weights["end.bias"], *[0] * 5])
    assert joined["conv1.weight"] is weights["conv1.weight"]


def test_a_later_skip_belongs_to_its_own_sum():
    d, e = Conv("d", "c", 4, 4, (3, 3)), Add("t", ("d", "s"))
    last = Conv("e", "t", 4, 4, (3, 3))
    chain = chain_of(Spec((A, B, SUM, C, d, e, last, PixelShuffle("up", "e", 2)), 2), "int8")
    assert chain.skips == (None, 0, None, 1, None)
    assert chain.results == ("a", "s", "c", "t", "e")


NOW, BEFORE = Frame("now"), Frame("before", -1)
JOIN = Concat("joined", ("now", "before"))
FIRST = Conv("first", "joined", 2, 4, (3, 3), "relu")
SECOND = Conv("second", "first", 4, 4, (3, 3), "relu")
LAST = Conv("last", "second", 4, 4, (3, 3))
NEXT = Conv("next", "second", 4, 3, (3, 3), "clip")
DETAIL = PixelShuffle("detail", "last", 2)
LARGE = Resize("large", "now", 2)
END = Add("end", ("large", "detail"))
WITH_STATE = Concat("joined", ("now", "before", "state"))
FIVE = replace(FIRST, in_channels=5)


def video(*layers, inputs=(NOW, BEFORE), border="replicate"):
    return Spec(layers, 2, "luma", border, inputs)


def test_the_smallest_chains_for_videos():
    chain = video_chain_of(video(JOIN, FIRST, replace(LAST, source="first"), DETAIL), "int8")
    assert [conv.name for conv in chain.trunk] == ["first"]
    assert not chain.base
    assert video_chain_of(video(JOIN, FIRST, SECOND, LAST, DETAIL, LARGE, END), "int8").base


@pytest.mark.parametrize(
    ("spec", "layer"),
    [
        (video(Concat("joined", ("now", "before")), Conv("last", "joined", 2, 4, (3, 3)), DETAIL), "detail"),
        (video(JOIN, FIRST, SECOND, LAST, replace(DETAIL, order="DCR")), "detail"),
        (video(JOIN, FIRST, SECOND, LAST, DETAIL, replace(LARGE, source="before"), END), "end"),
        (video(JOIN, FIRST, SECOND, LAST, DETAIL, replace(LARGE, mode="linear"), END), "end"),
        (video(JOIN, FIRST, SECOND, LAST, DETAIL, LARGE, Add("end", ("large", "detail", "large"))), "end"),
        (video(JOIN, FIRST, SECOND, LAST, DETAIL, Add("end", ("detail", "detail"))), "end"),
        (video(JOIN, FIRST, Conv("second", "joined", 2, 4, (3, 3)), Concat("x", ("first", "second")),
               replace(LAST, source="x", in_channels=8), DETAIL), "x"),
        (video(JOIN, FIRST, SECOND, replace(LAST, activation="relu"), DETAIL), "last"),
        (video(JOIN, FIRST, SECOND, replace(SECOND, name="third", source="second", shared="second"),
               replace(LAST, source="third"), DETAIL), "third"),
        (video(WITH_STATE, FIVE, SECOND, LAST, replace(NEXT, source="first"), DETAIL,
               inputs=(NOW, BEFORE, State("state", 3, "next"))), "next"),
        (video(WITH_STATE, FIVE, SECOND, LAST, replace(NEXT, kernel=(1, 1)), DETAIL,
               inputs=(NOW, BEFORE, State("state", 3, "next"))), "next"),
        (video(WITH_STATE, FIVE, SECOND, LAST, replace(NEXT, activation="prelu"), DETAIL,
               inputs=(NOW, BEFORE, State("state", 3, "next"))), "next"),
        (video(JOIN, replace(FIRST, stride=2), replace(LAST, source="first", out_channels=16),
               PixelShuffle("detail", "last", 4), border="zero"), "detail"),
    ],
)  # fmt: skip
def test_what_is_no_chain_for_videos_is_named(spec, layer):
    with pytest.raises(Unsupported, match=f"^layer '{layer}': int8 supports video networks that join"):
        video_chain_of(spec, "int8")


def test_prelu_within_the_trunk_is_allowed():
    chain = video_chain_of(video(JOIN, replace(FIRST, activation="prelu"), SECOND, LAST, DETAIL), "int8")
    assert chain.trunk[0].activation == "prelu"


def test_the_row_of_a_network_for_images_has_its_lowered_weights():
    spec = fsrcnn(2)
    weights = {name: np.ones(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    chain, lowered = row_of(spec, weights, "int8")
    assert set(lowered) >= {f"{conv.name}.weight" for conv in chain.convs}
    assert "up.weight" not in lowered
