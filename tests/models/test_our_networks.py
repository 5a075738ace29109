"""The networks of our own: their size, and that the engine streams them in every precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from subpixel.models.chain import chain_of
from subpixel.models.our_networks import balanced, chain, fast, high
from subpixel.models.spec import Conv, Spec

LIMITS = {fast: 14_000, balanced: 45_000, high: 400_000}


@pytest.mark.parametrize("family", LIMITS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_family_keeps_to_its_size_and_is_a_chain(family: Callable[[int], Spec], scale: int) -> None:
    spec = family(scale)
    assert spec.parameters <= LIMITS[family] * (1 if scale < 8 or family is fast else 1.1)
    found = chain_of(spec, "int8")
    assert found.base
    assert not any(skip is not None for skip in found.skips)
    assert {conv.activation for conv in found.convs[:-1]} == {"relu"}
    assert spec.colour == "luma"


@pytest.mark.parametrize("family", LIMITS)
def test_scales_share_their_trunk(family: Callable[[int], Spec]) -> None:
    """Only the last layer differs, so one scale's training starts from another's."""
    two, *others = (family(scale) for scale in (2, 3, 4))
    last = [layer for layer in two.layers if isinstance(layer, Conv)][-1].name
    for other in others:
        differing = {name for name, shape in two.weight_shapes.items() if other.weight_shapes.get(name) != shape}
        assert {name.split(".")[0] for name in differing} == {last}


def test_a_chain_has_the_shape_asked_for() -> None:
    spec = chain(3, width=5, middle=2, first=7, last=1)
    convs = [layer for layer in spec.layers if isinstance(layer, Conv)]
    assert [(c.in_channels, c.out_channels, c.kernel) for c in convs] == [
        (1, 5, (7, 7)),
        (5, 5, (3, 3)),
        (5, 5, (3, 3)),
        (5, 9, (1, 1)),
    ]
    assert spec.halo == 5
