"""The backend ``torch-compiled``: the results of the reference at every size, and what happens without a compiler."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from subpixel.backends import BACKENDS
from subpixel.errors import FallbackWarning
from subpixel.models import find

torch = pytest.importorskip("torch")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in torch itself
def test_a_compiled_network_equals_the_reference_at_any_size() -> None:
    from torch._inductor import config

    model = find("fast", 2)  # it has a resize, and adds
    session = BACKENDS["torch-compiled"].prepare(model.spec, model.weights, "f32", 1)
    expected = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)
    for size in [(33, 33), (33, 17), (97, 61), (7, 5)]:
        x = np.random.default_rng(0).random((1, *size), np.float32)
        # In this process alone: torch starts several that compile otherwise.
        with warnings.catch_warnings(record=True) as found, config.patch(compile_threads=1):
            warnings.simplefilter("always")
            result = session(x)
        if any(one.category is FallbackWarning for one in found):
            pytest.skip(f"torch compiles nothing here: {found[-1].message}")
        np.testing.assert_allclose(result, expected(x), rtol=0, atol=1e-5)


def test_an_interpolation_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "compile")
    model = find("bicubic", 2)
    x = np.random.default_rng(0).random((model.spec.channels, 9, 7), np.float32)
    results = [BACKENDS[one].prepare(model.spec, {}, "f32", 1)(x) for one in ("torch-compiled", "torch")]
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("kind", [RuntimeError, AssertionError, NameError])
@pytest.mark.parametrize("name", ["espcn", "recurrent"])
def test_without_a_compiler_it_says_so_once_and_runs(
    name: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise kind("no C++ compiler\nand more")

    monkeypatch.setattr(torch, "compile", lambda run, dynamic: fails)
    model = find(name, 3)
    backends = [BACKENDS[one] for one in ("torch-compiled", "torch")]
    text = "running on the slower fallback: torch cannot compile the network here: no C.. compiler$"
    if name == "espcn":
        x = np.random.default_rng(0).random((1, 9, 7), np.float32)
        compiled, plain = (one.prepare(model.spec, model.weights, "f32", 1) for one in backends)
        with pytest.warns(FallbackWarning, match=text):
            result = compiled(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(compiled(x), result)
        np.testing.assert_array_equal(result, plain(x))
        return
    values = model.spec.values
    inputs = {one.name: np.full((values[one.name].channels, 9, 7), 0.5, np.float32) for one in model.spec.inputs}
    compiled_video, plain_video = (one.prepare_video(model.spec, model.weights, "f32", 1) for one in backends)
    with pytest.warns(FallbackWarning, match=text):
        outputs = compiled_video(inputs)
    for key, value in plain_video(inputs).items():
        np.testing.assert_array_equal(outputs[key], value)
