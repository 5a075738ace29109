"""Which networks are plain chains, and what is found of them."""

import numpy as np
import pytest

from subpixel.errors import Unsupported
from subpixel.models.chain import chain_of, row_of, video_chain_of
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize, Spec

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
    assert chain.sources == ("now", "before", "state", "previous")
    assert [conv.name for conv in chain.trunk] == ["conv1", "conv2", "conv3"]
    assert [conv.name for conv in chain.ends] == ["end", "kept"]
    assert (chain.shuffle.name, chain.base) == ("detail", True)


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
