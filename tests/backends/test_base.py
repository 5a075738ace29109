import importlib.util
import io
import os
import warnings

import numpy as np
import pytest

from subpixel.backends import BACKENDS, available_threads, choose_backend
from subpixel.errors import BackendUnavailable, FallbackWarning, InvalidArgument, SubpixelError, Unsupported
from subpixel.models import bicubic
from subpixel.ops.native import _quota

needs_native = pytest.mark.skipif(
    BACKENDS["native"].unavailable() is not None, reason="this installation has no compiled module"
)


@pytest.fixture
def no_native(monkeypatch):
    monkeypatch.setattr("subpixel.backends.native.native_module", lambda: None)


@pytest.fixture
def no_torch(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else found(name, *a))


@pytest.mark.parametrize(
    ("name", "precision", "chosen", "wanted"),
    [
        pytest.param("auto", "auto", "native", "f32", marks=needs_native),
        pytest.param("auto", "f32", "native", "f32", marks=needs_native),
        pytest.param("native", "auto", "native", "f32", marks=needs_native),
        pytest.param("auto", "bf16", "native", "bf16", marks=needs_native),
        ("torch", "auto", "torch", "f32"),
        ("torch", "bf16", "torch", "bf16"),
        ("reference", "auto", "reference", "f32"),
        ("reference", "f32", "reference", "f32"),
    ],
)
def test_what_is_chosen(name, precision, chosen, wanted):
    backend, precision = choose_backend(name, precision)
    assert (backend.name, precision) == (chosen, wanted)
    assert backend is BACKENDS[chosen]


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("", ""),
        ("cuda", ""),
        ("Native", " Did you mean 'native'?"),
        ("AUTO", " Did you mean 'auto'?"),
        ("refrence", " Did you mean 'reference'?"),
        (None, ""),
        (0, ""),
    ],
)
def test_unknown_names(name, suggestion):
    with pytest.raises(InvalidArgument) as caught:
        choose_backend(name, "auto")
    assert (
        str(caught.value)
        == f"Unknown backend {name!r}.{suggestion} Choices: auto, native, reference, torch, torch-compiled, "
        "onnxruntime, openvino."
    )


@pytest.mark.parametrize(
    ("precision", "suggestion"),
    [("", ""), ("fp16", " Did you mean 'bf16'?"), ("F32", " Did you mean 'f32'?"), (None, ""), (32, "")],
)
@pytest.mark.parametrize("name", ["auto", "reference"])
def test_unknown_precisions(name, precision, suggestion):
    with pytest.raises(InvalidArgument) as caught:
        choose_backend(name, precision)
    assert str(caught.value) == f"Unknown precision {precision!r}.{suggestion} Choices: auto, f32, bf16, int8."


@pytest.mark.parametrize(
    ("name", "precision", "fragment"),
    [
        ("torch", "int8", "backend='torch', precision='int8': this backend has f32, bf16"),
    ],
)
def test_precisions_a_backend_does_not_have(name, precision, fragment):
    with pytest.raises(Unsupported) as caught:
        choose_backend(name, precision)
    assert fragment in str(caught.value)
    assert isinstance(caught.value, SubpixelError)
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.usefixtures("no_native")
def test_without_the_compiled_module_auto_says_so_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            backend, precision = choose_backend("auto", "auto")
    assert (backend.name, precision) == ("reference", "f32")
    assert [w.category for w in caught] == [FallbackWarning]
    assert "slower fallback" in str(caught[0].message)
    assert "C++ compiler" in str(caught[0].message)


@pytest.mark.usefixtures("no_native")
def test_without_the_compiled_module_its_name_is_an_error():
    assert BACKENDS["native"].details() == {}
    with pytest.raises(BackendUnavailable, match=r"backend 'native' cannot run here: .* without a C\+\+ compiler"):
        choose_backend("native", "auto")
    with pytest.raises(BackendUnavailable, match="backend 'native' cannot run here"):
        BACKENDS["native"].prepare(bicubic(2), {}, "f32", 1)


@pytest.mark.usefixtures("no_native")
def test_no_warning_when_the_compiled_module_would_not_have_served():
    # pytest turns warnings into errors here
    assert choose_backend("torch", "bf16")[0].name == "torch"
    assert choose_backend("torch", "auto")[0].name == "torch"


@pytest.mark.usefixtures("no_torch")
def test_without_torch():
    assert BACKENDS["torch"].details() == {}
    with pytest.raises(BackendUnavailable, match=r"backend 'torch' cannot run here: .*the extra 'train'"):
        choose_backend("torch", "auto")


@needs_native
@pytest.mark.parametrize("target", ["avx9", "SCALAR", " ", "scalar "])
def test_an_unknown_target_is_refused_and_those_that_run_are_named(monkeypatch, target):
    monkeypatch.setenv("SUBPIXEL_TARGET", target)
    with pytest.raises(BackendUnavailable) as caught:
        BACKENDS["native"].prepare(bicubic(2), {}, "f32", 1)
    assert f"SUBPIXEL_TARGET: target '{target}' is not one of this build; here run: scalar" in str(caught.value)


@needs_native
def test_a_forced_target_is_obeyed(monkeypatch):
    from subpixel import _native

    assert _native.targets()[0] == "scalar"
    monkeypatch.delenv("SUBPIXEL_TARGET", raising=False)
    assert BACKENDS["native"].details()["chosen"] == _native.targets()[-1]
    assert _native.Session(False, 1, "").target == _native.targets()[-1]
    for target in _native.targets():
        assert _native.Session(False, 1, target).target == target
        assert _native.IntegerSession(1, 2, True, False, False, 1, target).target == target
        monkeypatch.setenv("SUBPIXEL_TARGET", target)
        assert BACKENDS["native"].details()["chosen"] == target
        BACKENDS["native"].prepare(bicubic(2), {}, "f32", 1)(np.zeros((1, 2, 2), np.float32))


@needs_native
def test_no_threads_is_not_blamed_on_the_target(monkeypatch):
    monkeypatch.delenv("SUBPIXEL_TARGET", raising=False)
    with pytest.raises(InvalidArgument, match="backend 'native': threads=0: at least 1 is needed"):
        BACKENDS["native"].prepare(bicubic(2), {}, "f32", 0)


@pytest.fixture
def quota_read_anew():
    """The quota is read once in a process; not in these tests."""
    _quota.cache_clear()
    yield
    _quota.cache_clear()


@pytest.mark.parametrize(
    ("quota", "threads"),
    [
        (None, 3),
        ("max 100000\n", 3),
        ("1000000 100000\n", 3),
        ("200000 100000\n", 2),
        ("100000 100000\n", 1),
        ("10000 100000\n", 1),
        ("", 3),
        ("nonsense\n", 3),
    ],
)
def test_threads_are_those_this_process_may_use(quota_read_anew, monkeypatch, quota, threads):
    def opened(path, **_):
        assert path == "/sys/fs/cgroup/cpu.max"
        if quota is None:
            raise FileNotFoundError(path)
        return io.StringIO(quota)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    monkeypatch.setattr("subpixel.ops.native.open", opened, raising=False)
    assert available_threads() == threads


def test_threads_of_this_machine():
    assert 1 <= available_threads() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_an_affinity_mask_is_honoured():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_threads_without_affinity_masks(quota_read_anew, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr("subpixel.ops.native.open", lambda *_, **__: io.StringIO("max 100000"), raising=False)
    for count, threads in ((7, 7), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert available_threads() == threads
