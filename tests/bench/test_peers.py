"""Each peer computes what the reference does, so that times compare equal work; those not installed say so."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from subpixel.backends import BACKENDS
from subpixel.bench import peers
from subpixel.bench.networks import espcn_x3, session, synthetic_image, thin_x2
from subpixel.bench.peers import PEERS, Peer, anime4k, superres
from subpixel.errors import InvalidArgument

NETWORKS = {"espcn": espcn_x3, "thin": thin_x2}


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SWIG's types in a peer's module
def test_a_peer_agrees_with_the_reference(peer: Peer, name: str) -> None:
    reason = peer.missing()
    if reason:
        pytest.skip(reason)
    network = replace(NETWORKS[name](), size=(21, 34))
    x = synthetic_image(network.size)[None].astype(np.float32) / np.float32(255)
    spec = replace(network.spec, border="zero")
    expected = BACKENDS["reference"].prepare(spec, network.weights, "f32", 1)(x)
    result = peer.prepare(network.spec, network.weights, 2, network.size)(x)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=0.03 if peer.bf16 else 1e-5)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert Peer("nobody", ("onnxruntime", "onnx"), PEERS[0].prepare).missing() == "onnxruntime, onnx not installed"


def test_bf16_is_measured_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "has_bf16", lambda: False)
    peer = Peer("peer", ("numpy",), PEERS[0].prepare, bf16=True)
    assert peer.missing() == "the processor has no bf16"
    monkeypatch.setattr(peers, "has_bf16", lambda: True)
    assert peer.missing() is None


@pytest.mark.parametrize("name", NETWORKS)
def test_the_product_in_int8_is_near_f32(name: str) -> None:
    pytest.importorskip("subpixel._native", reason="this installation has no compiled module")
    network = replace(NETWORKS[name](), size=(21, 34))
    x = synthetic_image(network.size)[None].astype(np.float32) / np.float32(255)
    whole, floats = (session(network, precision, 1)(x) for precision in ("int8", "f32"))
    assert np.abs(whole - floats).mean() < 2 / 255


def test_the_networks_are_those_that_are_named() -> None:
    assert (espcn_x3().spec.parameters, espcn_x3().macs) == (22729, 22624 * 640 * 360)
    assert (thin_x2().spec.parameters, thin_x2().macs) == (13620, 13520 * 960 * 540)


def test_superres_wants_its_model_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"ESPCN_x3\.pb or FSRCNN_x3\.pb"):
        superres(tmp_path, 3, 1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_superres_upscales(data_dir: Path) -> None:
    folder = data_dir.parent / "peers" / "opencv-dnn-superres"
    if not folder.is_dir():
        pytest.skip("the model files (../shared/peers beside the repository) are not here")
    found = superres(folder, 2, 1)
    if not found:
        pytest.skip("this build of OpenCV has no dnn_superres")
    assert [peer.name.split()[-1] for peer in found] == ["ESPCN", "FSRCNN", "FSRCNN-small"]
    rgb = synthetic_image((24, 30), 3)
    for peer in found:
        result = peer.run(rgb)
        assert result.shape == (48, 60, 3)
        # About 4 codes; mirrored, shifted or with channels swapped, the image differs by more than 25.
        assert np.abs(result[::2, ::2].astype(int) - rgb).mean() < 10


def test_pyanime4k_doubles_on_the_processor() -> None:
    pytest.importorskip("pyanime4k", reason="pyanime4k is not installed")
    rgb = synthetic_image((24, 30), 3)
    results = {peer.name: peer.run(rgb) for peer in anime4k()}
    assert list(results) == ["pyanime4k acnet-hdn0", "pyanime4k acnet-gan", "pyanime4k arnet-hdn"]
    for result in results.values():
        assert (result.shape, result.dtype) == ((48, 60, 3), np.uint8)
        assert np.abs(result[::2, ::2].astype(int) - rgb).mean() < 10
    first, *others = results.values()
    assert all((first != other).any() for other in others)


def test_networks_that_pyanime4k_does_not_know_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, int, str]] = []

    def processor(kind: str, device: int, model: str) -> str:
        made.append((kind, device, model))
        return model

    module = SimpleNamespace(
        pyac=SimpleNamespace(specs=SimpleNamespace(ModelNameList=("acnet-gan", "new"))), Processor=processor
    )
    monkeypatch.setitem(sys.modules, "pyanime4k", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert [(peer.name, peer.run, peer.bgr) for peer in anime4k()] == [("pyanime4k acnet-gan", "acnet-gan", False)]
    assert made == [("cpu", 0, "acnet-gan")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert anime4k() == []
