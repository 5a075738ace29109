"""The networks that a model's name stands for, and the choice between those for clean and compressed images."""

from __future__ import annotations

import pytest

from subpixel.errors import InvalidArgument
from subpixel.models import find
from subpixel.models.auto import Choice, Source
from subpixel.ops.compression_traces import Traces
from subpixel.upscaler import Target, model_selection
from subpixel.upscaler.model_selection import ModelSelection, NetworkPair

JPEG = Source("jpeg", 60)
BLOCKY = Traces(blockiness=9.0)
CLEAN = NetworkPair("fast", (2, 3, 4, 8), "fast", (2, 3, 4, 8))
COMPRESSED = NetworkPair("fast-compressed", (2, 3, 4), "fast", (2, 3, 4, 8))


def test_a_name_has_its_factors_and_only_auto_has_a_choice() -> None:
    assert ModelSelection.of_name("auto") == ModelSelection(CLEAN, COMPRESSED, True)
    assert ModelSelection.of_name("fast") == ModelSelection(CLEAN)
    own = NetworkPair("fast", (3,), "fast", (3,))
    assert ModelSelection.of_model(find("fast", 3)) == ModelSelection(own)


def test_auto_without_a_variant_has_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_selection, "compressed_variant", lambda _: None)
    auto = ModelSelection.of_name("auto")
    assert auto == ModelSelection(CLEAN, None, True)
    assert auto.by_source(JPEG, 40, 30, Target(2)) == auto.by_traces(BLOCKY) == Choice("fast", False, "")
    assert auto.by_codec("h264", 2) == Choice("fast", False, "h264")


def test_the_file_decides_if_a_network_runs() -> None:
    auto = ModelSelection.of_name("auto")
    compressed = auto.by_source(JPEG, 40, 30, Target(2))
    assert compressed is not None
    assert (compressed.model, compressed.compressed) == ("fast-compressed", True)
    assert auto.pair(compressed) == COMPRESSED
    assert auto.by_source(Source(), 40, 30, Target(2)) is None
    # At a scale of 1 a network cleans; at the image's own width nothing is to be done.
    cleaning = auto.by_source(JPEG, 40, 30, Target(1))
    assert cleaning is not None
    assert cleaning.compressed
    for target in (Target(width=40), Target(0.5), Target(fit=(40, 99))):
        assert auto.by_source(JPEG, 40, 30, target) == Choice("fast", False, "")
    assert ModelSelection.of_name("fast").by_source(JPEG, 40, 30, Target(2)) == Choice("fast", False, "")


def test_traces_decide_between_both_models() -> None:
    auto = ModelSelection.of_name("auto")
    assert [auto.by_traces(traces).model for traces in (Traces(), BLOCKY)] == ["fast", "fast-compressed"]
    assert auto.pair(auto.by_traces(Traces())) == auto.pair(None) == CLEAN


def test_a_codec_decides_for_a_video_if_the_variant_has_the_scale() -> None:
    auto = ModelSelection.of_name("auto")
    assert auto.by_codec("h264", 2).model == "fast-compressed"
    assert auto.by_codec("ffv1", 2).model == "fast"
    assert auto.by_codec("h264", 8) == Choice("fast", False, "h264")
    assert auto.by_codec(None, 2) == Choice("fast", False, "")
    assert ModelSelection.of_name("fast").by_codec("h264", 2) == Choice("fast", False, "")


def test_a_plan_cleans_with_a_variant_and_continues_with_the_clean_model() -> None:
    auto = ModelSelection.of_name("auto")
    compressed = auto.by_traces(BLOCKY)
    assert auto.plan(40, 30, Target(8), compressed).factors == (2, 4)
    assert auto.plan(40, 30, Target(8)).factors == (8,)
    assert auto.plan(40, 30, Target(16), compressed).factors == (2, 8)
    assert auto.plan(40, 30, Target(1), compressed).factors == (2,)
    assert auto.plan(40, 30, Target(1), cleans=True).factors == (2,)
    with pytest.raises(InvalidArgument, match=r"^scale=1: no compression is seen; model 'fast-compressed' cleans"):
        auto.plan(40, 30, Target(1))
    with pytest.raises(InvalidArgument, match=r"no compression is seen; model 'fast-compressed' cleans it anyway"):
        auto.plan(40, 30, Target(1), auto.by_traces(Traces()))
    with pytest.raises(InvalidArgument, match="no compression is seen; model"):
        auto.plan(40, 30, Target(1), Choice("fast", False, ""))
    with pytest.raises(InvalidArgument, match="this network makes images larger"):
        ModelSelection.of_name("fast").plan(40, 30, Target(1))
